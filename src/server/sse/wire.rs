//! The bytes of one connection: plain, or a gzip stream put together from blocks that all connections share.

use crate::server::hub::{Packed, Piece};
use bytes::Bytes;

/// No name, no time, unknown system: eight bytes of nothing between the magic number and the blocks.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty block that says it is the last.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

pub(super) enum Wire {
    Plain,
    Gzip(Gzip),
}

/// What the end of the stream must say of all that was sent before it.
pub(super) struct Gzip {
    checksum: crc32fast::Hasher,
    text_len: u32,
}

impl Wire {
    pub(super) fn new(is_gzip: bool) -> Self {
        if is_gzip { Self::Gzip(Gzip { checksum: crc32fast::Hasher::new(), text_len: 0 }) } else { Self::Plain }
    }

    /// What comes before everything else.
    pub(super) fn head(&self) -> Option<Bytes> {
        match self {
            Self::Plain => None,
            Self::Gzip(_) => Some(Bytes::from_static(&GZIP_HEAD)),
        }
    }

    /// What many connections send.
    pub(super) fn shared(&mut self, piece: &Piece) -> Bytes {
        match self {
            Self::Plain => piece.text().clone(),
            Self::Gzip(gzip) => gzip.add(piece.packed()),
        }
    }

    /// What only this connection sends: short, so it is not compressed.
    pub(super) fn own(&mut self, text: String) -> Bytes {
        match self {
            Self::Plain => text.into(),
            Self::Gzip(gzip) => gzip.add(&Packed::stored(text.as_bytes())),
        }
    }

    /// What makes the whole a stream that ended well.
    pub(super) fn end(&mut self) -> Option<Bytes> {
        match self {
            Self::Plain => None,
            Self::Gzip(gzip) => {
                let checksum = gzip.checksum.clone().finalize().to_le_bytes();
                Some([&LAST_BLOCK[..], &checksum, &gzip.text_len.to_le_bytes()].concat().into())
            }
        }
    }
}

impl Gzip {
    fn add(&mut self, packed: &Packed) -> Bytes {
        self.checksum.combine(&packed.checksum);
        // The format counts modulo 2³².
        self.text_len = self.text_len.wrapping_add(packed.text_len as u32);
        packed.blocks.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use flate2::write::GzDecoder as LiveDecoder;
    use proptest::prelude::*;
    use std::io::{Read, Write};

    proptest! {
        #[test]
        fn gzip_is_readable_as_it_arrives_and_valid_as_a_whole(
            events in proptest::collection::vec((".{0,200}", any::<bool>()), 0..12),
        ) {
            let mut wire = Wire::new(true);
            let mut live = LiveDecoder::new(Vec::new());
            let mut whole: Vec<u8> = wire.head().into_iter().flatten().collect();
            live.write_all(&whole)?;
            let mut expected = String::new();
            for (text, is_shared) in events {
                expected.push_str(&text);
                let bytes = if is_shared { wire.shared(&Piece::new(text)) } else { wire.own(text) };
                live.write_all(&bytes)?;
                live.flush()?;
                whole.extend_from_slice(&bytes);
                prop_assert_eq!(live.get_ref().as_slice(), expected.as_bytes());
            }
            whole.extend(wire.end().into_iter().flatten());
            let mut read = String::new();
            GzDecoder::new(whole.as_slice()).read_to_string(&mut read)?;
            prop_assert_eq!(read, expected);
        }
    }
}
