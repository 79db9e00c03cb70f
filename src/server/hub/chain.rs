//! Events compressed one behind the other, for all who read them one behind the other.
//!
//! A link refers to the text before it, back to where its chain begins. Whoever was sent all of that text and nothing
//! between can read it, in whatever form it was sent; everybody else reads what stands alone.

use super::piece::{Chunk, compressor, deflated};
use flate2::Compress;

/// A chain begins afresh after so many events, so that nobody who came later has long to wait for one.
const LINKS: u64 = 64;

/// One event in its chain.
#[derive(Clone, Debug)]
pub struct Link {
    pub blocks: Chunk,
    /// The number of the slot its chain begins with.
    pub begins: u64,
}

/// Makes the links, in the order of slots.
#[derive(Debug, Default)]
pub(super) struct Chain {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    compress: Compress,
    begins: u64,
    next: u64,
}

impl Chain {
    /// The next event as a link; `None` when that can't be.
    pub(super) fn add(&mut self, number: u64, text: &[u8]) -> Option<Link> {
        let goes_on = self.open.take().filter(|open| open.next == number && number - open.begins < LINKS);
        let mut open = goes_on.unwrap_or_else(|| Open { compress: compressor(), begins: number, next: number });
        let blocks = deflated(&mut open.compress, text)?;
        let link = Link { blocks: Chunk::new(&[&blocks]), begins: open.begins };
        open.next = number + 1;
        self.open = Some(open);
        Some(link)
    }

    /// Nobody reads it: the next link begins another one.
    pub(super) fn rest(&mut self) {
        self.open = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Decompress, FlushDecompress};

    #[test]
    fn each_link_is_readable_behind_those_before_it() -> Result<(), flate2::DecompressError> {
        let text = |number: u64| format!("id: 0-{number}000\nevent: sample\ndata: {{\"cpu\":[{number}]}}\n\n");
        let mut chain = Chain::default();
        let links: Vec<Link> = (10..200).filter_map(|number| chain.add(number, text(number).as_bytes())).collect();
        let begins: Vec<u64> = links.iter().map(|link| link.begins).collect();
        assert_eq!((begins[0], begins[63], begins[64], begins[189]), (10, 10, 74, 138));
        let mut decompress = Decompress::new(false);
        for (number, link) in (10..).zip(&links) {
            if link.begins == number {
                decompress.reset(false);
            }
            let mut read = Vec::with_capacity(200);
            decompress.decompress_vec(link.blocks.as_bytes(), &mut read, FlushDecompress::Sync)?;
            assert_eq!(read, text(number).as_bytes(), "{number}");
        }
        let (first, later) = (links[0].blocks.as_bytes().len(), links[40].blocks.as_bytes().len());
        assert!(2 * later < first, "{later} bytes instead of {first}");
        Ok(())
    }

    #[test]
    fn a_rest_or_a_hole_begins_another_chain() {
        let mut chain = Chain::default();
        let mut begins = |number| chain.add(number, b"text").map(|link| link.begins);
        assert_eq!((begins(1), begins(2), begins(4)), (Some(1), Some(1), Some(4)));
        chain.rest();
        assert_eq!(chain.add(5, b"text").map(|link| link.begins), Some(5));
    }
}
