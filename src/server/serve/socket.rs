//! The socket of a connection: parts with who takes nothing, and lets another go on with what it has begun.

use crate::server::sse::{Handover, Line, SEND_BUFFER};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

pub(super) struct Socket {
    stream: TcpStream,
    handover: Arc<Handover>,
    line: Arc<Line>,
    is_narrow: bool,
    /// How long a client is waited for that takes nothing, and one that was told goodbye.
    patience: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
    left: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, handover: Arc<Handover>, line: Arc<Line>, patience: Duration) -> Self {
        Self { stream, handover, line, is_narrow: false, patience, stuck: None, left: None }
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// Whether somebody else sends these bytes, and how many they are.
    fn pass_on(&mut self, slices: &[IoSlice<'_>]) -> Option<usize> {
        if !self.is_narrow && self.line.is_stream() {
            let _ = rustix::net::sockopt::set_socket_send_buffer_size(&self.stream, SEND_BUFFER);
            self.is_narrow = true;
        }
        self.handover.take_over(slices)
    }

    fn patiently<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
        }
        let patience = self.patience;
        let mut is_over = |timer: &mut Option<Pin<Box<Sleep>>>| {
            timer.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context).is_ready()
        };
        let is_stuck = written.is_pending() && is_over(&mut self.stuck);
        if is_stuck || (self.line.is_left() && is_over(&mut self.left)) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(count) = self.pass_on(&[IoSlice::new(bytes)]) {
            return Poll::Ready(Ok(count));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patiently(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(count) = self.pass_on(slices) {
            return Poll::Ready(Ok(count));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.patiently(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Asked for only when nothing is left in the buffers above.
        self.handover.note_flush();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn who_was_told_goodbye_has_some_time_to_read_it() -> io::Result<()> {
        const MOMENT: Duration = Duration::from_millis(100);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut client = TcpStream::connect(listener.local_addr()?).await?;
        let (line, handover) = (Arc::new(Line::default()), Arc::default());
        let mut socket = Socket::new(listener.accept().await?.0, handover, Arc::clone(&line), MOMENT);
        let (mut written, mut few) = (0, [0; 100]);
        // It always takes something.
        let ended = loop {
            if written == 20 {
                line.leave();
            }
            if let Err(error) = socket.write_all(&few).await {
                break error.kind();
            }
            client.read_exact(&mut few).await?;
            sleep(MOMENT / 10).await;
            written += 1;
        };
        assert_eq!(ended, io::ErrorKind::TimedOut);
        assert!((21..60).contains(&written), "{written}");
        Ok(())
    }
}
