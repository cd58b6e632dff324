//! The cells of a table without a string each: the file's text, and where the cells end in it.
//!
//! A file that is plain (every quoted cell without a quote inside) is kept as it is. Any other goes
//! through the `csv` crate, which also finds what is wrong with it, and is kept unquoted.

use super::table_lines::RowLines;

/// Cells `[n_rows x n_columns]`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cells {
    text: String,
    /// Whether a cell that begins with a quote stands in quotes.
    quoted: bool,
    n_columns: usize,
    /// Byte at which each row begins.
    starts: Vec<usize>,
    /// End of each cell in bytes from its row's start; the next cell begins one byte later.
    ends: Vec<u32>,
    lines: RowLines,
}

/// Why [`Cells::push`] refused a row.
#[derive(Debug)]
pub(super) struct RowTooLong;

impl Cells {
    /// No rows yet.
    pub(super) fn new(n_columns: usize) -> Self {
        Self {
            text: String::new(),
            quoted: false,
            n_columns,
            starts: Vec::new(),
            ends: Vec::new(),
            lines: RowLines::default(),
        }
    }

    /// Appends a row of unquoted cells that stands on `line`.
    pub(super) fn push<'a>(
        &mut self,
        cells: impl Iterator<Item = &'a str>,
        line: u64,
    ) -> Result<(), RowTooLong> {
        let start = self.text.len();
        for cell in cells {
            self.text.push_str(cell);
            self.ends.push(u32::try_from(self.text.len() - start).map_err(|_| RowTooLong)?);
            self.text.push(',');
        }
        self.starts.push(start);
        self.lines.push(line);
        Ok(())
    }

    /// The rows of plain `text` from byte `begin`, the end of the header, on. A text that is not
    /// plain, or has a ragged row, comes back.
    pub(super) fn of_plain(text: String, begin: usize, n_columns: usize) -> Result<Self, String> {
        let mut cells = Self { quoted: true, ..Self::new(n_columns) };
        match cells.split(text.as_bytes(), begin) {
            Some(()) => Ok(Self { text, ..cells }),
            None => Err(text),
        }
    }

    /// Finds the cells; `None` at the first that is not plain.
    fn split(&mut self, text: &[u8], begin: usize) -> Option<()> {
        // Vectors of the final size, not of the next power of two: no more rows than line ends, no
        // more cells than separators.
        let n_line_ends = count(&text[begin..], |byte| matches!(byte, b'\n' | b'\r'));
        let n_separators = n_line_ends + count(&text[begin..], |byte| byte == b',');
        self.starts.reserve_exact(n_line_ends + 1);
        self.ends.reserve_exact(n_separators + 1);
        let mut line = 1 + count_line_feeds(&text[..begin]);
        let mut at = begin;
        loop {
            while let Some(b'\r' | b'\n') = text.get(at) {
                line += u64::from(text[at] == b'\n');
                at += 1;
            }
            if at == text.len() {
                return Some(());
            }
            let start = at;
            self.starts.push(start);
            self.lines.push(line);
            for column in 1..=self.n_columns {
                let end = if text.get(at) == Some(&b'"') {
                    let close = at + 1 + text[at + 1..].iter().position(|&byte| byte == b'"')?;
                    line += count_line_feeds(&text[at..close]);
                    close + 1
                } else {
                    separator(text, at)
                };
                self.ends.push(u32::try_from(end - start).ok()?);
                at = match text.get(end) {
                    Some(b',') if column < self.n_columns => end + 1,
                    None | Some(b'\r' | b'\n') if column == self.n_columns => end,
                    _ => return None,
                };
            }
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.starts.len()
    }

    /// The line of the file on which row `row` stands.
    pub(super) fn line(&self, row: usize) -> u64 {
        self.lines.get(row)
    }

    /// The trimmed text of a cell.
    ///
    /// # Panics
    /// When `row` or `column` is outside the table.
    pub(super) fn get(&self, row: usize, column: usize) -> &str {
        assert!(column < self.n_columns, "column {column} of {}", self.n_columns);
        let ends = &self.ends[row * self.n_columns..][..self.n_columns];
        let begin = if column == 0 { 0 } else { ends[column - 1] as usize + 1 };
        let start = self.starts[row];
        let cell = &self.text[start + begin..start + ends[column] as usize];
        let inside = if self.quoted { cell.strip_prefix('"') } else { None };
        inside.map_or(cell, |inside| &inside[..inside.len() - 1]).trim()
    }
}

fn count_line_feeds(text: &[u8]) -> u64 {
    count(text, |byte| byte == b'\n') as u64
}

/// How many bytes are wanted; short sums of bytes are what the compiler makes vectors of.
fn count(text: &[u8], is_wanted: impl Fn(u8) -> bool) -> usize {
    let in_chunk = |chunk: &[u8]| chunk.iter().map(|&byte| u8::from(is_wanted(byte))).sum::<u8>();
    text.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(in_chunk(chunk))).sum()
}

/// The first comma, line feed or carriage return at or after `at`, or the end of the text.
fn separator(text: &[u8], at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let is_separator = |byte: u8| matches!(byte, b',' | b'\n' | b'\r');
    let mut at = at;
    // Eight bytes at a time: in numbers and most words only a separator is as low as a comma.
    while let Some(word) = text.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()) {
        let word = u64::from_le_bytes(word);
        let low = word.wrapping_sub(ONES * u64::from(b',' + 1)) & !word & HIGH;
        // The lowest mark is always right; those above it may come from a borrow.
        at += low.trailing_zeros() as usize / 8;
        if low != 0 {
            if is_separator(text[at]) {
                return at;
            }
            at += 1;
        }
    }
    while at < text.len() && !is_separator(text[at]) {
        at += 1;
    }
    at
}
