//! A small HTTP/1.1 client that shows bytes when they arrive.

use crate::fixture::DEADLINE;
use bytes::{Buf, Bytes, BytesMut};
use eventsource_stream::{Event, Eventsource};
use flate2::write::GzDecoder;
use futures_util::stream::{self, Stream, StreamExt};
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio::time::timeout;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// An answer whose body is still to come.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    socket: TcpStream,
    buffer: BytesMut,
    body: Body,
}

enum Body {
    Chunked,
    Length(usize),
    UntilClose,
    Done,
}

pub(crate) async fn open(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> io::Result<Incoming> {
    let mut request = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request.push_str("Host: localhost\r\n");
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let socket = TcpStream::connect(address).await?;
    send(&socket, request.as_bytes()).await?;
    timeout(DEADLINE, Incoming::read_head(socket, method)).await?
}

pub(crate) async fn send(socket: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        socket.writable().await?;
        match socket.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How many bytes came; zero at the end.
pub(crate) async fn receive(socket: &TcpStream, buffer: &mut BytesMut) -> io::Result<usize> {
    let mut chunk = [0; 16 * 1024];
    loop {
        socket.readable().await?;
        match socket.try_read(&mut chunk) {
            Ok(count) => {
                buffer.extend_from_slice(&chunk[..count]);
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

impl Incoming {
    async fn read_head(socket: TcpStream, method: &str) -> io::Result<Self> {
        let mut buffer = BytesMut::new();
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            if receive(&socket, &mut buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8_lossy(&buffer.split_to(end + 4)).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let body = match (headers.get("transfer-encoding"), headers.get("content-length")) {
            _ if method == "HEAD" => Body::Done,
            (Some(_), _) => Body::Chunked,
            (None, Some(length)) => Body::Length(length.parse().unwrap_or(0)),
            (None, None) => Body::UntilClose,
        };
        Ok(Self { status, headers, socket, buffer, body })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The next bytes of the body; `None` where it ends as it should.
    pub(crate) async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.body {
                Body::Done | Body::Length(0) => return Ok(None),
                Body::Chunked => {
                    if let Some(chunk) = self.take_chunk()? {
                        if chunk.is_empty() {
                            self.body = Body::Done;
                            return Ok(None);
                        }
                        return Ok(Some(chunk));
                    }
                }
                Body::Length(left) if !self.buffer.is_empty() => {
                    let chunk = self.buffer.split_to(left.min(self.buffer.len())).freeze();
                    self.body = Body::Length(left - chunk.len());
                    return Ok(Some(chunk));
                }
                Body::UntilClose if !self.buffer.is_empty() => return Ok(Some(self.buffer.split().freeze())),
                Body::Length(_) | Body::UntilClose => {}
            }
            if timeout(DEADLINE, receive(&self.socket, &mut self.buffer)).await?? == 0 {
                return match self.body {
                    Body::UntilClose => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    pub(crate) async fn whole(mut self) -> io::Result<Answer> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: self.status, headers: self.headers, body })
    }

    /// The body as events, each decoded as soon as its bytes are here.
    pub(crate) fn events(self) -> Events {
        let is_gzip = self.header("content-encoding") == "gzip";
        let decoder = is_gzip.then(|| GzDecoder::new(Vec::new()));
        let bytes = stream::unfold((self, decoder), |(mut incoming, mut decoder)| async {
            let chunk = match incoming.chunk().await.transpose()? {
                Ok(chunk) => decode(decoder.as_mut(), chunk),
                Err(error) => Err(error),
            };
            Some((chunk, (incoming, decoder)))
        });
        Events(
            bytes.eventsource().map(|event| event.map_err(|error| io::Error::other(error.to_string()))).boxed_local(),
        )
    }

    fn take_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let Some(end) = self.buffer.windows(2).position(|bytes| bytes == b"\r\n") else { return Ok(None) };
        let length = std::str::from_utf8(&self.buffer[..end]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let length = length.ok_or(io::ErrorKind::InvalidData)?;
        if self.buffer.len() < end + 2 + length + 2 {
            return Ok(None);
        }
        self.buffer.advance(end + 2);
        let chunk = self.buffer.split_to(length).freeze();
        self.buffer.advance(2);
        Ok(Some(chunk))
    }
}

pub(crate) struct Events(Pin<Box<dyn Stream<Item = io::Result<Event>>>>);

impl Events {
    /// `None` at the end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Event>> {
        timeout(DEADLINE, self.0.next()).await?.transpose()
    }

    /// The next event, which must be of this name.
    pub(crate) async fn expect(&mut self, name: &str) -> io::Result<Event> {
        match self.next().await? {
            Some(event) if event.event == name => Ok(event),
            other => Err(io::Error::other(format!("expected {name}, got {other:?}"))),
        }
    }
}

fn decode(decoder: Option<&mut GzDecoder<Vec<u8>>>, chunk: Bytes) -> io::Result<Bytes> {
    let Some(decoder) = decoder else { return Ok(chunk) };
    decoder.write_all(&chunk)?;
    decoder.flush()?;
    Ok(std::mem::take(decoder.get_mut()).into())
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Null where it is no JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
