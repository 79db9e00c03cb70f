//! The bytes of one connection: plain, or a gzip stream put together from blocks that all connections share; framed as
//! chunks where nobody else does that.

use crate::server::hub::{Chunk, Naming, Piece, Slot, Sum, stored};
use bytes::Bytes;

/// No name, no time, unknown system: eight bytes of nothing between the magic number and the blocks.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty block that says it is the last.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];
/// The chunk that ends a body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[derive(Debug)]
pub(super) struct Wire {
    naming: Naming,
    gzip: Option<Gzip>,
    is_framed: bool,
}

/// What the end of the stream must say of all that was sent before it, and how much of that stood in the ring without
/// anything between.
#[derive(Debug, Default)]
struct Gzip {
    /// Of what was sent before the run.
    sum: Sum,
    run: Option<Run>,
}

/// Slots that were sent one behind the other. What the ring knows of their text need not be added up for each reader.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The number of the first slot, and of the one that would go on.
    begins: u64,
    next: u64,
    /// The ring's sums before the first and behind the last.
    before: Sum,
    behind: Sum,
}

impl Wire {
    pub(super) fn new(naming: Naming, is_gzip: bool) -> Self {
        Self { naming, gzip: is_gzip.then(Gzip::default), is_framed: false }
    }

    pub(super) fn naming(&self) -> Naming {
        self.naming
    }

    /// From now on the body is framed here.
    pub(super) fn frame(&mut self) {
        self.is_framed = true;
    }

    pub(super) fn is_framed(&self) -> bool {
        self.is_framed
    }

    /// What comes before everything else.
    pub(super) fn head(&self) -> Option<Bytes> {
        self.gzip.is_some().then(|| self.framed(&GZIP_HEAD))
    }

    /// What stands in the ring.
    pub(super) fn slot(&mut self, slot: &Slot) -> Bytes {
        let piece = slot.frame.piece(self.naming);
        let Some(gzip) = &mut self.gzip else { return chosen(piece.plain(), self.is_framed) };
        if self.naming != Naming::Named {
            gzip.add(piece.sum());
            return chosen(piece.packed(), self.is_framed);
        }
        let begins = gzip.go_on(slot);
        // A link refers to text since its chain began: all of it, and nothing else, must have been sent.
        let blocks = match &slot.link {
            Some(link) if link.begins >= begins => &link.blocks,
            _ => piece.packed(),
        };
        chosen(blocks, self.is_framed)
    }

    /// What many connections send besides.
    pub(super) fn shared(&mut self, piece: &Piece) -> Bytes {
        match &mut self.gzip {
            None => chosen(piece.plain(), self.is_framed),
            Some(gzip) => {
                gzip.add(piece.sum());
                chosen(piece.packed(), self.is_framed)
            }
        }
    }

    /// What only this connection sends: short, so it is not compressed.
    pub(super) fn own(&mut self, text: &str) -> Bytes {
        match &mut self.gzip {
            None => self.framed(text.as_bytes()),
            Some(gzip) => {
                gzip.add(Sum::of(text.as_bytes()));
                self.framed(&stored(text.as_bytes()))
            }
        }
    }

    /// What makes the whole a stream that ended well.
    pub(super) fn end(&mut self) -> Bytes {
        let mut end = Vec::new();
        if let Some(gzip) = &mut self.gzip {
            gzip.close_run();
            let trailer = [&LAST_BLOCK[..], &gzip.sum.trailer()].concat();
            end.extend_from_slice(&self.framed(&trailer));
        }
        if self.is_framed {
            end.extend_from_slice(LAST_CHUNK);
        }
        end.into()
    }

    fn framed(&self, bytes: &[u8]) -> Bytes {
        chosen(&Chunk::new(&[bytes]), self.is_framed)
    }
}

fn chosen(chunk: &Chunk, is_framed: bool) -> Bytes {
    if is_framed { chunk.framed().clone() } else { chunk.bare() }
}

impl Gzip {
    /// Something that does not stand in the ring.
    fn add(&mut self, sum: Sum) {
        self.close_run();
        self.sum = self.sum.then(sum);
    }

    /// The number of the slot since which all was sent without anything between.
    fn go_on(&mut self, slot: &Slot) -> u64 {
        let (before, behind) = slot.sums;
        match &mut self.run {
            Some(run) if run.next == slot.number => {
                run.next += 1;
                run.behind = behind;
                run.begins
            }
            _ => {
                self.close_run();
                self.run = Some(Run { begins: slot.number, next: slot.number + 1, before, behind });
                slot.number
            }
        }
    }

    fn close_run(&mut self) {
        if let Some(run) = self.run.take() {
            self.sum = self.sum.then(run.behind.without(run.before));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Catalog, EventId, Observation, Sample, UnixMs};
    use crate::server::hub::{HelloFacts, Hub};
    use flate2::read::GzDecoder;
    use flate2::write::GzDecoder as LiveDecoder;
    use proptest::prelude::*;
    use std::io::{Read, Write};
    use std::sync::Arc;

    /// Of what a connection may send, one behind the other.
    #[derive(Clone, Debug)]
    enum Sent {
        Slot,
        Skip(u8),
        Shared(String),
        Own(String),
    }

    fn sent() -> impl Strategy<Value = Sent> {
        prop_oneof![
            8 => Just(Sent::Slot),
            1 => (1_u8..90).prop_map(Sent::Skip),
            1 => ".{0,200}".prop_map(Sent::Shared),
            1 => ".{0,200}".prop_map(Sent::Own),
        ]
    }

    fn hub(ticks: i64) -> Arc<Hub> {
        let facts = HelloFacts::of_nobody();
        let hub = Arc::new(Hub::new(facts, Arc::new(Catalog::default())));
        let _chained = hub.chain();
        for t in 1..=ticks {
            let t = UnixMs(t * 1_000);
            let sample = Arc::new(Sample { t, families: Vec::new() });
            hub.publish(&Observation::Sample { id: EventId { era: 0, t, n: 0 }, sample });
        }
        hub
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn gzip_is_readable_as_it_arrives_and_valid_as_a_whole(
            events in proptest::collection::vec(sent(), 0..160),
            is_message in any::<bool>(),
        ) {
            let view = hub(500).view(0, 500);
            let mut wire = Wire::new(if is_message { Naming::Message } else { Naming::Named }, true);
            let mut live = LiveDecoder::new(Vec::new());
            let mut whole: Vec<u8> = wire.head().into_iter().flatten().collect();
            live.write_all(&whole)?;
            let (mut expected, mut number) = (String::new(), 0);
            for event in events {
                let bytes = match event {
                    Sent::Skip(count) => {
                        number += u64::from(count);
                        continue;
                    }
                    Sent::Slot => {
                        let Some(slot) = view.slot(number) else { continue };
                        number += 1;
                        expected.push_str(&String::from_utf8_lossy(slot.frame.piece(wire.naming()).as_bytes()));
                        wire.slot(slot)
                    }
                    Sent::Shared(text) => {
                        expected.push_str(&text);
                        wire.shared(&Piece::new(&[text.as_bytes()]))
                    }
                    Sent::Own(text) => {
                        expected.push_str(&text);
                        wire.own(&text)
                    }
                };
                live.write_all(&bytes)?;
                live.flush()?;
                whole.extend_from_slice(&bytes);
                prop_assert_eq!(live.get_ref().as_slice(), expected.as_bytes());
            }
            whole.extend(wire.end());
            let mut read = String::new();
            GzDecoder::new(whole.as_slice()).read_to_string(&mut read)?;
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn framed_bytes_are_chunks() {
        let view = hub(3).view(0, 3);
        let mut wire = Wire::new(Naming::Named, false);
        wire.frame();
        let slot = view.slot(1).map(|slot| wire.slot(slot)).unwrap_or_default();
        let text = "id: 0-2000\nevent: sample\ndata: {\"t\":2000}\n\n";
        assert_eq!(slot, format!("{:x}\r\n{text}\r\n", text.len()));
        assert_eq!(wire.own("ab\n"), "3\r\nab\n\r\n");
        assert_eq!(wire.end(), "0\r\n\r\n");
    }
}
