//! Bytes that many connections send, and their gzip form, which is made at most once.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};
use std::sync::OnceLock;

/// A stored deflate block holds no more than this.
const STORED_LIMIT: usize = u16::MAX as usize;

#[derive(Debug)]
pub struct Piece {
    text: Bytes,
    packed: OnceLock<Packed>,
}

impl Piece {
    pub fn new(text: impl Into<Bytes>) -> Self {
        Self { text: text.into(), packed: OnceLock::new() }
    }

    pub fn text(&self) -> &Bytes {
        &self.text
    }

    pub fn packed(&self) -> &Packed {
        self.packed.get_or_init(|| Packed::deflated(&self.text))
    }
}

/// Whole deflate blocks that refer to nothing before them and end on a byte, so that they read the same
/// in every connection's stream and are readable the moment they arrive; and what the stream's checksum
/// needs to know of the text inside.
#[derive(Clone, Debug)]
pub struct Packed {
    pub blocks: Bytes,
    /// Of the text, with its length.
    pub checksum: crc32fast::Hasher,
    pub text_len: usize,
}

impl Packed {
    /// Compressed: for what many connections send.
    pub fn deflated(text: &[u8]) -> Self {
        let mut compress = Compress::new(Compression::default(), false);
        // Room for text that does not compress, so that one call nearly always does.
        let mut blocks = Vec::with_capacity(text.len() + text.len() / 1_000 + 64);
        loop {
            let consumed = usize::try_from(compress.total_in()).unwrap_or(usize::MAX).min(text.len());
            let status = compress.compress_vec(&text[consumed..], &mut blocks, FlushCompress::Sync);
            // A flush is complete only when room was left over.
            let is_done = compress.total_in() == text.len() as u64 && blocks.len() < blocks.capacity();
            match status {
                Ok(Status::Ok) if !is_done => blocks.reserve(text.len() / 2 + 64),
                Ok(Status::Ok) => break,
                // Deflate refuses nothing; if it ever did, the text travels as it is.
                Ok(_) | Err(_) => return Self::stored(text),
            }
        }
        Self::of(text, blocks)
    }

    /// Not compressed: for the few bytes that are one connection's own, which are not worth a compressor.
    pub fn stored(text: &[u8]) -> Self {
        let mut blocks = Vec::with_capacity(text.len() + 5);
        for chunk in text.chunks(STORED_LIMIT) {
            let len = u16::try_from(chunk.len()).unwrap_or(u16::MAX);
            blocks.push(0);
            blocks.extend_from_slice(&len.to_le_bytes());
            blocks.extend_from_slice(&(!len).to_le_bytes());
            blocks.extend_from_slice(chunk);
        }
        Self::of(text, blocks)
    }

    fn of(text: &[u8], blocks: Vec<u8>) -> Self {
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(text);
        Self { blocks: blocks.into(), checksum, text_len: text.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::DeflateDecoder;
    use std::io::Read;

    #[test]
    fn both_packings_hold_the_text() -> std::io::Result<()> {
        let noise: Vec<u8> =
            (0_u32..200_000).map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()[2]).collect();
        let texts: [&[u8]; 4] = [b"", b"data: x\n\n", &[b'a'; 100_000], &noise];
        for text in texts {
            for packed in [Packed::deflated(text), Packed::stored(text)] {
                let mut read = Vec::new();
                let end: &[u8] = &[1, 0, 0, 0xff, 0xff];
                DeflateDecoder::new([&packed.blocks, end].concat().as_slice()).read_to_end(&mut read)?;
                assert!(read == text, "{} bytes", text.len());
                assert_eq!(packed.text_len, text.len());
            }
        }
        Ok(())
    }
}
