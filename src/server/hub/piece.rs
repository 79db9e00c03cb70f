//! Bytes that many connections send, and their gzip form, which is made at most once.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};
use std::io::Write as _;
use std::ops::Range;
use std::sync::OnceLock;

/// A stored deflate block holds no more than this.
const STORED_LIMIT: usize = u16::MAX as usize;

/// Bytes that stand ready in the framing of a chunked body, and without it.
#[derive(Clone, Debug)]
pub struct Chunk {
    framed: Bytes,
    bare: Range<usize>,
}

impl Chunk {
    /// Of nothing there is no chunk: an empty one would end the body.
    pub fn new(parts: &[&[u8]]) -> Self {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len == 0 {
            return Self { framed: Bytes::new(), bare: 0..0 };
        }
        let mut framed = Vec::with_capacity(len + 16);
        // Writing to a vector cannot fail.
        let _ = write!(framed, "{len:x}\r\n");
        let start = framed.len();
        parts.iter().for_each(|part| framed.extend_from_slice(part));
        let bare = start..framed.len();
        framed.extend_from_slice(b"\r\n");
        Self { framed: framed.into(), bare }
    }

    pub fn framed(&self) -> &Bytes {
        &self.framed
    }

    pub fn bare(&self) -> Bytes {
        self.framed.slice(self.bare.clone())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.framed[self.bare.clone()]
    }
}

/// What the end of a gzip stream must say of text: its checksum and its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    crc: u32,
    len: u64,
}

impl Sum {
    pub fn of(text: &[u8]) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(text);
        Self { crc: hasher.finalize(), len: text.len() as u64 }
    }

    /// How long the text is.
    pub fn bytes(self) -> u64 {
        self.len
    }

    /// Of this text and the other behind it.
    #[must_use]
    pub fn then(self, other: Self) -> Self {
        let mut hasher = crc32fast::Hasher::new_with_initial_len(self.crc, self.len);
        hasher.combine(&crc32fast::Hasher::new_with_initial_len(other.crc, other.len));
        Self { crc: hasher.finalize(), len: self.len.wrapping_add(other.len) }
    }

    /// Of what stands behind `beginning` in this text.
    #[must_use]
    pub fn without(self, beginning: Self) -> Self {
        let len = self.len.wrapping_sub(beginning.len);
        // The checksum is linear: that of zeros behind the beginning takes the beginning's part away.
        let shifted = beginning.then(Self { crc: 0, len });
        Self { crc: self.crc ^ shifted.crc, len }
    }

    /// As a gzip stream ends; the format counts modulo 2³².
    pub fn trailer(self) -> [u8; 8] {
        let [a, b, c, d] = self.crc.to_le_bytes();
        let [e, f, g, h] = (self.len as u32).to_le_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

#[derive(Debug)]
pub struct Piece {
    chunk: Chunk,
    sum: Sum,
    packed: OnceLock<Chunk>,
}

impl Piece {
    pub fn new(parts: &[&[u8]]) -> Self {
        let chunk = Chunk::new(parts);
        Self { sum: Sum::of(chunk.as_bytes()), chunk, packed: OnceLock::new() }
    }

    pub fn text(&self) -> Bytes {
        self.chunk.bare()
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.chunk.as_bytes()
    }

    pub fn plain(&self) -> &Chunk {
        &self.chunk
    }

    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// Whole deflate blocks that refer to nothing before them and end on a byte, so that they read the same
    /// in every connection's stream and are readable the moment they arrive.
    pub fn packed(&self) -> &Chunk {
        self.packed.get_or_init(|| {
            let text = self.as_bytes();
            // Deflate refuses nothing; if it ever did, the text travels as it is.
            let blocks = deflated(&mut compressor(), text).unwrap_or_else(|| stored(text));
            Chunk::new(&[&blocks])
        })
    }
}

/// With a window of 32 KB and without a header.
pub(super) fn compressor() -> Compress {
    Compress::new(Compression::default(), false)
}

/// The text behind all that the compressor was given before, readable to its last byte. `None` if it refuses, which
/// leaves it unusable.
pub(super) fn deflated(compress: &mut Compress, text: &[u8]) -> Option<Vec<u8>> {
    let begun = compress.total_in();
    // Room for text that does not compress, so that one call nearly always does.
    let mut blocks = Vec::with_capacity(text.len() + text.len() / 1_000 + 64);
    loop {
        let consumed = usize::try_from(compress.total_in() - begun).unwrap_or(usize::MAX).min(text.len());
        let status = compress.compress_vec(&text[consumed..], &mut blocks, FlushCompress::Sync);
        // A flush is complete only when room was left over.
        let is_done = compress.total_in() - begun == text.len() as u64 && blocks.len() < blocks.capacity();
        match status {
            Ok(Status::Ok) if !is_done => blocks.reserve(text.len() / 2 + 64),
            Ok(Status::Ok) => return Some(blocks),
            Ok(_) | Err(_) => return None,
        }
    }
}

/// Not compressed: for the few bytes that are one connection's own, which are not worth a compressor.
pub fn stored(text: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(text.len() + 5);
    for chunk in text.chunks(STORED_LIMIT) {
        let len = u16::try_from(chunk.len()).unwrap_or(u16::MAX);
        blocks.push(0);
        blocks.extend_from_slice(&len.to_le_bytes());
        blocks.extend_from_slice(&(!len).to_le_bytes());
        blocks.extend_from_slice(chunk);
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::DeflateDecoder;
    use proptest::prelude::*;
    use std::io::Read;

    #[test]
    fn both_packings_hold_the_text() -> std::io::Result<()> {
        let noise: Vec<u8> =
            (0_u32..200_000).map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()[2]).collect();
        let texts: [&[u8]; 4] = [b"", b"data: x\n\n", &[b'a'; 100_000], &noise];
        for text in texts {
            for blocks in [Piece::new(&[text]).packed().as_bytes(), &stored(text)] {
                let mut read = Vec::new();
                let end: &[u8] = &[1, 0, 0, 0xff, 0xff];
                DeflateDecoder::new([blocks, end].concat().as_slice()).read_to_end(&mut read)?;
                assert!(read == text, "{} bytes", text.len());
            }
        }
        Ok(())
    }

    #[test]
    fn a_chunk_is_framed_as_its_length_says() {
        let chunk = Chunk::new(&[b"data: ", b"0123456789\n\n"]);
        assert_eq!(chunk.framed().as_ref(), b"12\r\ndata: 0123456789\n\n\r\n");
        assert_eq!(chunk.bare().as_ref(), b"data: 0123456789\n\n");
        assert!(Chunk::new(&[b"", b""]).framed().is_empty(), "it would end the body");
    }

    proptest! {
        #[test]
        fn sums_are_joined_and_parted(before in ".{0,80}", behind in ".{0,80}") {
            let (one, other) = (Sum::of(before.as_bytes()), Sum::of(behind.as_bytes()));
            let whole = Sum::of(format!("{before}{behind}").as_bytes());
            prop_assert_eq!(one.then(other), whole);
            prop_assert_eq!(whole.without(one), other);
        }
    }
}
