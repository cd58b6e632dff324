//! Tables whose fields are separated by one byte that is no ASCII, which differs between copies.

use std::path::Path;

use crate::Error;
use crate::io::text::read_instrument_bytes;

/// Rows of fields, Latin-1, quotes and blanks around them taken off.
pub(super) type Rows = Vec<Vec<String>>;

/// Reads a table. The separator is the byte above 127 that occurs equally often, and at least once,
/// in every line that is not empty; of several the most frequent.
///
/// # Errors
/// A file that cannot be read, or has no such byte.
pub(super) fn read_dlm(path: &Path) -> Result<Rows, Error> {
    let bytes = read_instrument_bytes(path, "reading a table of CellTracksXp")?;
    let lines: Vec<&[u8]> = bytes
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .collect();
    let Some(separator) = separator_of(&lines) else {
        return Err(Error::input("reading a table of CellTracksXp")
            .at(path.display().to_string())
            .found("no byte above 127 that separates the fields of every line")
            .expected("fields separated by one byte that is no ASCII"));
    };
    let field = |raw: &[u8]| -> String {
        let text: String = raw.iter().map(|&byte| char::from(byte)).collect();
        text.trim().trim_matches('"').trim().to_owned()
    };
    Ok(lines.iter().map(|line| line.split(|b| *b == separator).map(field).collect()).collect())
}

fn separator_of(lines: &[&[u8]]) -> Option<u8> {
    let count = |line: &[u8], byte: u8| line.iter().filter(|&&found| found == byte).count();
    let first = lines.first()?;
    let separates = |byte: &u8| {
        let n = count(first, *byte);
        n > 0 && lines.iter().all(|line| count(line, *byte) == n)
    };
    (0x80..=0xff).filter(separates).max_by_key(|&byte| count(first, byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_what_every_line_has_equally_often() {
        let lines: [&[u8]; 2] = [b"a\xfeb\xb5\xfec", b"1\xfe2\xfe3"];
        assert_eq!(separator_of(&lines), Some(0xfe), "the micro sign is in one line only");
        let lines: [&[u8]; 2] = [b"\xb5\xa7a\xa7b", b"\xb5\xa71\xa72"];
        assert_eq!(separator_of(&lines), Some(0xa7), "twice a line before once a line");
        let lines: [&[u8]; 2] = [b"a,b", b"c,d"];
        assert_eq!(separator_of(&lines), None, "a comma is ASCII");
        assert_eq!(separator_of(&[]), None, "nothing");
    }
}
