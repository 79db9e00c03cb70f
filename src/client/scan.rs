//! Reads samples out of JSON text from left to right. As objects of the browser each number in them would cost a call
//! across, which for some minutes of a machine is a quarter of a second.

use super::json::Json;
use crate::model::sample::FamilyValues;
use crate::model::{Catalog, EventName, Sample, UnixMs};

/// The events of an answer of `/api/v1/samples`: the name of each, and its data as text.
pub(super) fn events(text: &str, mut take: impl FnMut(EventName, &str)) -> Option<()> {
    let mut scan = Scan { text, at: 0 };
    scan.object(|scan, field| {
        if field != "events" {
            return scan.value().map(drop);
        }
        scan.list(|scan| {
            let (mut name, mut data) = (None, None);
            scan.object(|scan, field| {
                let value = scan.value()?;
                match field {
                    "event" => name = EventName::ALL.into_iter().find(|known| known.as_str() == value.trim_matches('"')),
                    "data" => data = Some(value),
                    _ => {}
                }
                Some(())
            })?;
            if let Some((name, data)) = name.zip(data) {
                take(name, data);
            }
            Some(())
        })
    })
}

/// Families that the catalog does not have are left out.
pub(super) fn sample(text: &str, catalog: &Catalog) -> Option<Sample> {
    let (mut t, mut families, mut place) = (None, Vec::new(), 0);
    Scan { text, at: 0 }.object(|scan, field| {
        if field == "t" {
            t = Some(UnixMs(scan.number()?? as i64));
            return Some(());
        }
        // A sample has the order of the catalog.
        let found = catalog.0[place..].iter().position(|family| *family.id == *field).map(|ahead| place + ahead);
        let Some(here) = found else { return scan.value().map(drop) };
        place = here;
        let family = &catalog.0[place];
        let mut values = Vec::with_capacity(family.dimensions.len());
        scan.list(|scan| {
            values.push(scan.number()?);
            Some(())
        })?;
        families.push(FamilyValues { family: family.id.clone(), values });
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
        let (mut whole, mut scale, mut count) = (0_u64, 1.0, 0);
        let mut after_point = false;
        for byte in digits.bytes() {
            match byte {
                b'0'..=b'9' if count < EXACT_DIGITS => {
                    whole = whole * 10 + u64::from(byte - b'0');
                    count += 1;
                    if after_point {
                        scale *= 10.0;
                    }
                }
                b'.' => after_point = true,
                // Rare: `null`, an exponent, or more digits than are exact here.
                _ => return Some(Json::parse(text).and_then(|value| value.number())),
            }
        }
        Some((count > 0).then(|| sign * whole as f64 / scale))
    }
}

/// So many digits are exact as a float, and so is the power of ten they are divided by.
const EXACT_DIGITS: u32 = 15;
