//! An answer as it arrives: its head, then the text of its body, chunked or not, packed or not.

use crate::Result;
use flate2::write::GzDecoder;
use std::io::Write;

pub(crate) struct Body {
    is_chunked: bool,
    decoder: Option<GzDecoder<Vec<u8>>>,
    /// Received and not understood yet.
    raw: Vec<u8>,
    /// Of the chunk that is arriving.
    left: usize,
    pub(crate) text: Vec<u8>,
    pub(crate) has_ended: bool,
}

/// How long the head is, once it is whole.
pub(crate) fn head_len(bytes: &[u8]) -> Option<usize> {
    Some(bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4)
}

impl Body {
    pub(crate) fn new(head: &[u8]) -> Result<Self> {
        let head = String::from_utf8_lossy(head).to_lowercase();
        if head.split(' ').nth(1) != Some("200") {
            return Err(format!("an answer that is not 200: {head}").into());
        }
        Ok(Self {
            is_chunked: head.contains("transfer-encoding: chunked"),
            decoder: head.contains("content-encoding: gzip").then(|| GzDecoder::new(Vec::new())),
            raw: Vec::new(),
            left: 0,
            text: Vec::new(),
            has_ended: false,
        })
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result {
        if !self.is_chunked {
            return self.unpack(bytes);
        }
        self.raw.extend_from_slice(bytes);
        loop {
            if self.left > 0 {
                let piece: Vec<u8> = self.raw.drain(..self.left.min(self.raw.len())).collect();
                self.left -= piece.len();
                self.unpack(&piece)?;
                if self.raw.is_empty() {
                    return Ok(());
                }
            } else {
                // The end of the chunk before stands in front of the next length.
                let start = if self.raw.starts_with(b"\r\n") { 2 } else { 0 };
                let Some(end) = self.raw[start..].windows(2).position(|two| two == b"\r\n") else { return Ok(()) };
                let digits = std::str::from_utf8(&self.raw[start..start + end])?;
                self.left = usize::from_str_radix(digits, 16).map_err(|_| format!("a chunk of {digits:?} bytes"))?;
                self.raw.drain(..start + end + 2);
                if self.left == 0 {
                    self.has_ended = true;
                    return Ok(());
                }
            }
        }
    }

    fn unpack(&mut self, bytes: &[u8]) -> Result {
        match &mut self.decoder {
            None => self.text.extend_from_slice(bytes),
            Some(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()?;
                self.text.append(decoder.get_mut());
            }
        }
        Ok(())
    }
}
