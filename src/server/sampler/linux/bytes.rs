//! Reading numbers and fields out of the kernel's text, which is bytes: names in it need not be UTF-8.

/// The lines, without their ends; what follows the last line end is a line cut off and left out.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

/// What stands between runs of blanks.
pub fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty())
}

/// A decimal number and nothing else.
pub fn number(field: &[u8]) -> Option<u64> {
    if field.is_empty() {
        return None;
    }
    field.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// A decimal number with a fraction, as in `/proc/loadavg`.
pub fn decimal(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// All fields as numbers, as many as there are room for; how many there were. Stops at what is none.
pub fn numbers(fields: impl Iterator<Item = impl AsRef<[u8]>>, into: &mut [u64]) -> usize {
    let mut count = 0;
    for (field, slot) in fields.zip(into) {
        let Some(value) = number(field.as_ref()) else { break };
        *slot = value;
        count += 1;
    }
    count
}

/// The number after a name, in a table of one name and one number a line.
pub fn entry(table: &[u8], name: &[u8]) -> Option<u64> {
    let [number] = entries(table, [name]);
    number
}

/// The numbers after some names, in such a table.
pub fn entries<const COUNT: usize>(text: &[u8], names: [&[u8]; COUNT]) -> [Option<u64>; COUNT] {
    let mut found = [None; COUNT];
    for line in lines(text) {
        let mut fields = fields(line);
        let name = fields.next().unwrap_or_default();
        if let Some(index) = names.iter().position(|wanted| *wanted == name) {
            found[index] = fields.next().and_then(number);
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_are_numbers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("42", Some(42)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("-1", None),
            ("4x", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_that_were_cut_off_are_left_out() {
        assert_eq!(lines(b"a b\nc\ncut").collect::<Vec<_>>(), [&b"a b"[..], b"c"]);
        assert_eq!(fields(b"  a \tb ").collect::<Vec<_>>(), [b"a", b"b"]);
        let mut into = [0; 3];
        assert_eq!((numbers(fields(b"1 2 x 3"), &mut into), into), (2, [1, 2, 0]));
        assert_eq!((decimal(b"0.25"), decimal(b"nan"), decimal(b"")), (Some(0.25), None, None));
    }

    #[test]
    fn tables_are_read_by_name() {
        let table = b"usage_usec 5\nuser_usec 3\nuser x\nsystem_usec\ncut 1";
        for (name, expected) in
            [("user_usec", Some(3)), ("user", None), ("system_usec", None), ("cut", None), ("absent", None)]
        {
            assert_eq!(entry(table, name.as_bytes()), expected, "{name}");
        }
    }
}
