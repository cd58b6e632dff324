//! The lines of a file on which the rows of its table stand.

/// Line of each row. Nothing is stored while row `i` (from 0) stands on line `i + 2`, as it does
/// in a file without blank lines and line breaks in cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RowLines {
    n_rows: usize,
    /// All lines from the first that is not the expected one on.
    listed: Vec<u64>,
}

impl RowLines {
    /// Appends the line of the next row.
    pub(super) fn push(&mut self, line: u64) {
        if !self.listed.is_empty() || line != self.n_rows as u64 + 2 {
            self.listed.push(line);
        }
        self.n_rows += 1;
    }

    /// The line of row `row`.
    ///
    /// # Panics
    /// When there is no such row.
    pub(super) fn get(&self, row: usize) -> u64 {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        let n_expected = self.n_rows - self.listed.len();
        if row < n_expected { row as u64 + 2 } else { self.listed[row - n_expected] }
    }
}

/// Lines of records as an editor counts them. The reader's own count stands before the blank lines
/// it skips, and before the line feed of a Windows line end.
pub(super) struct LineCounter<'a> {
    text: &'a [u8],
    byte: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, byte: 0, line: 1 }
    }

    /// The line on which the record at `position` begins; positions must not go back.
    pub(super) fn line_at(&mut self, position: &csv::Position) -> u64 {
        let reported = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(self.text.len());
        let line_ends = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
        let start = reported + self.text[reported..].iter().take_while(line_ends).count();
        let passed = &self.text[self.byte.min(start)..start];
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.byte = start;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_from_the_first_unexpected_one_on() {
        let mut lines = RowLines::default();
        [2, 3, 5, 6, 9].into_iter().for_each(|line| lines.push(line));
        let found: Vec<u64> = (0..5).map(|row| lines.get(row)).collect();
        assert_eq!(found, [2, 3, 5, 6, 9], "as pushed");
        assert_eq!(lines.listed, [5, 6, 9], "the expected ones are not stored");
    }
}
