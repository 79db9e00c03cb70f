//! Reads samples out of JSON text from left to right: in the browser another parser would be a third of the wasm, and
//! as objects of its own each number would cost a call across, a quarter of a second for some minutes of a machine.

use super::event::EventName;
use super::family::{Catalog, Family};
use super::sample::{FamilyValues, Sample};
use super::time::UnixMs;

/// The events of an answer of `/api/v1/samples`: the name of each, and its data as text. Of an answer that is cut off,
/// those that are there.
pub fn events(text: &str) -> Vec<(EventName, &str)> {
    let (mut events, mut scan) = (Vec::new(), Scan { text, at: 0 });
    _ = scan.object(|scan, field| {
        if field != "events" {
            return scan.value().map(drop);
        }
        scan.list(|scan| {
            let (mut name, mut data) = (None, None);
            scan.object(|scan, field| {
                let value = scan.value()?;
                match field {
                    "event" => {
                        name = EventName::ALL.into_iter().find(|known| known.as_str() == value.trim_matches('"'))
                    }
                    "data" => data = Some(value),
                    _ => {}
                }
                Some(())
            })?;
            events.extend(name.zip(data));
            Some(())
        })
    });
    events
}

/// Families that the catalog does not have, or has in another shape, are left out.
pub fn sample(text: &str, catalog: &Catalog) -> Option<Sample> {
    let (mut t, mut families, mut place) = (None, Vec::new(), 0);
    Scan { text, at: 0 }.object(|scan, field| {
        if field == "t" {
            t = Some(UnixMs(scan.number()?? as i64));
            return Some(());
        }
        // A sample has the order of the catalog, unless it was taken with an earlier one.
        let find = |families: &[Family]| families.iter().position(|family| *family.id == *field);
        let found = find(&catalog.0[place..]).map(|ahead| place + ahead).or_else(|| find(&catalog.0));
        let Some(here) = found else { return scan.value().map(drop) };
        place = here;
        let family = &catalog.0[place];
        let mut values = Vec::with_capacity(family.dimensions.len());
        scan.list(|scan| {
            values.push(scan.number()?);
            Some(())
        })?;
        // What was sampled with another shape of the family would stand under the wrong names.
        if values.len() == family.dimensions.len() {
            families.push(FamilyValues { family: family.id.clone(), values });
        }
        Some(())
    })?;
    t.map(|t| Sample { t, families })
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Our own JSON has no blanks.
    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn object(&mut self, mut field: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.between(b'{', b'}', |scan| {
            let name = scan.value()?.trim_matches('"');
            scan.eat(b':')?;
            field(scan, name)
        })
    }

    fn list(&mut self, item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.between(b'[', b']', item)
    }

    fn between(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(open)?;
        if self.eat(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.eat(b',').is_none() {
                return self.eat(close);
            }
        }
    }

    /// Any value, as text: up to the comma or the bracket that ends it.
    fn value(&mut self) -> Option<&'a str> {
        let (start, mut depth, mut in_text) = (self.at, 0_u32, false);
        loop {
            match self.peek()? {
                b'\\' if in_text => self.at += 1,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'{' | b'[' => depth += 1,
                b',' | b':' | b'}' | b']' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if self.at == self.text.len() {
                break;
            }
        }
        self.text.get(start..self.at)
    }

    /// A number, or `null`.
    fn number(&mut self) -> Option<Option<f64>> {
        let text = self.value()?;
        let (digits, sign) = text.strip_prefix('-').map_or((text, 1.0), |digits| (digits, -1.0));
        let (mut whole, mut count, mut power, mut after_point) = (0_u64, 0, 0_i32, false);
        for (at, byte) in digits.bytes().enumerate() {
            match byte {
                b'0'..=b'9' if count < EXACT_DIGITS => {
                    whole = whole * 10 + u64::from(byte - b'0');
                    count += 1;
                    power -= i32::from(after_point);
                }
                b'0'..=b'9' => power += i32::from(!after_point),
                b'.' => after_point = true,
                b'e' | b'E' => {
                    power = power.saturating_add(digits.get(at + 1..)?.trim_start_matches('+').parse().ok()?);
                    break;
                }
                _ => return (text == "null").then_some(None),
            }
        }
        let scale = 10_f64.powi(power.saturating_abs());
        let value = if power < 0 { whole as f64 / scale } else { whole as f64 * scale };
        (count > 0).then_some(Some(sign * value))
    }
}

/// So many digits are exact as a float, and so is the power of ten they are divided by.
const EXACT_DIGITS: u32 = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Unit};
    use proptest::prelude::*;

    fn catalog() -> Catalog {
        let family = |id| Family::new(id, id, Unit::Count, Interval::SECOND, &[("a", "a"), ("b", "b")]);
        Catalog(vec![family("cpu"), family("net.a:1.traffic"), family("load")])
    }

    #[test]
    fn samples_are_read_as_they_are_written() {
        for (text, expected) in [
            (r#"{"t":1000,"cpu":[1,null],"load":[0.25,-3]}"#, true),
            (r#"{"t":1000,"load":[1,2],"cpu":[3,4]}"#, true),
            (r#"{"t":1000,"cpu":[],"unknown":[1,{"a":"]}"}],"load":[1e300,1.5E-7]}"#, true),
            (r#"{"t":1000}"#, true),
            (r#"{"cpu":[1,2]}"#, false),
            (r#"{"t":1000,"cpu":[1,2}"#, false),
            (r#"{"t":1000,"cpu":[x]}"#, false),
            (r#"{"t":1000,"#, false),
            ("", false),
            ("[]", false),
            ("{", false),
            ("\"", false),
        ] {
            let read = sample(text, &catalog());
            assert_eq!(read.is_some(), expected, "{text}");
            let Some(mut whole) = read.and(serde_json::from_str::<Sample>(text).ok()) else { continue };
            whole.families.retain(|entry| catalog().family(&entry.family).is_some() && entry.values.len() == 2);
            assert_eq!(sample(text, &catalog()), Some(whole), "{text}");
        }
    }

    #[test]
    fn events_are_told_apart() {
        let text = concat!(
            r#"{"events":[{"event":"gap","data":{"from":1,"to":2,"reason":"late"}},"#,
            r#"{"event":"sample","id":"0-1","data":{"t":1,"cpu":[1,2]}},{"event":"new","data":"\\\"}]"}],"next":null}"#
        );
        let gap = (EventName::Gap, r#"{"from":1,"to":2,"reason":"late"}"#);
        let expected = [gap, (EventName::Sample, r#"{"t":1,"cpu":[1,2]}"#)];
        assert_eq!(events(text), expected);
        assert_eq!(events(&text[..100]), [gap], "what is cut off is left out");
        assert_eq!(events(""), []);
    }

    proptest! {
        #[test]
        fn rounded_numbers_are_exact(values in prop::collection::vec(prop::option::of(-1e12_f64..1e12), 2)) {
            let families = vec![FamilyValues { family: "load".into(), values }];
            let mut written = Sample { t: UnixMs(5_000), families };
            written.round(&catalog());
            let text = serde_json::to_string(&written).unwrap_or_default();
            prop_assert_eq!(sample(&text, &catalog()), Some(written));
        }

        #[test]
        fn nothing_is_read_past_the_end(text in "[\\[\\]{}:,\"\\\\tcpu0-9e.null-]{0,40}") {
            _ = sample(&text, &catalog());
            _ = events(&text);
        }
    }
}
