//! How many bytes a sample of 155 recorded series takes on the wire to a client that accepts gzip.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use crate::Result;
use crate::load::WIRE_LIMIT;
use crate::report::word;
use crate::rig::{Core, Process};
use flate2::write::GzDecoder;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const RATE: u32 = 40;
/// What a newcomer is sent at first may be longer.
const BEFORE: usize = 64;
const SAMPLES: usize = 192;
/// After such a silence all has come.
const SILENCE: Duration = Duration::from_millis(500);

pub(crate) fn run() -> Result {
    let mut server = Process::own(Core::Server, &["serve-telltale", "recorded"])?;
    let port: u16 = server.hear("listening")?.parse()?;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(SILENCE))?;
    let request = format!("GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: gzip\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut received = Vec::new();
    read_all(&mut stream, &mut received)?;
    server.say(&format!("{RATE} {BEFORE}"))?;
    read_all(&mut stream, &mut received)?;
    let before = received.len();
    server.say(&format!("{RATE} {SAMPLES}"))?;
    read_all(&mut stream, &mut received)?;
    let text = unpacked(&received)?;
    let samples: Vec<&str> = text.split("\n\n").filter(|event| event.contains("event: sample")).collect();
    if samples.len() != BEFORE + SAMPLES {
        return Err(format!("{} samples were sent, {} can be read", BEFORE + SAMPLES, samples.len()).into());
    }
    let plain = samples.iter().rev().take(SAMPLES).map(|sample| sample.len() + 2).sum::<usize>() as f64;
    let packed = (received.len() - before) as f64 / SAMPLES as f64;
    println!(
        "\nA sample of 155 series on the wire, gzip accepted: {packed:.0} B of {:.0} B, must reach ≤ {WIRE_LIMIT:.0} B: {}",
        plain / SAMPLES as f64,
        word(packed <= WIRE_LIMIT)
    );
    Ok(())
}

/// What comes until nothing comes.
fn read_all(stream: &mut TcpStream, received: &mut Vec<u8>) -> Result {
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Err("the stream has ended".into()),
            Ok(len) => received.extend_from_slice(&buffer[..len]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The events in an answer that goes on.
fn unpacked(received: &[u8]) -> Result<String> {
    let head_len = received.windows(4).position(|four| four == b"\r\n\r\n").ok_or("the answer has no head")? + 4;
    let head = String::from_utf8_lossy(&received[..head_len]).to_lowercase();
    if !head.contains("content-encoding: gzip") {
        return Err(format!("the answer is not packed: {head}").into());
    }
    let mut body = &received[head_len..];
    let mut decoder = GzDecoder::new(Vec::new());
    if head.contains("transfer-encoding: chunked") {
        while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
            let len = usize::from_str_radix(std::str::from_utf8(&body[..end])?, 16)?;
            let chunk = body.get(end + 2..end + 2 + len).ok_or("a chunk is not whole")?;
            decoder.write_all(chunk)?;
            body = body.get(end + 2 + len + 2..).ok_or("a chunk is not whole")?;
        }
    } else {
        decoder.write_all(body)?;
    }
    decoder.flush()?;
    Ok(String::from_utf8(decoder.get_ref().clone())?)
}
