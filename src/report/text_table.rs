//! Aligned plain-text tables for terminals.

/// Which side of its column a cell stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Text.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// A table of text: a heading a column, rows, notes below.
///
/// Rows shorter than the heading are filled with empty cells, longer ones are cut. Control
/// characters, line breaks included, become spaces, so that a name in a data file cannot move the
/// cursor of a terminal.
///
/// ```
/// use herscope::report::{Align, TextTable};
///
/// let mut table = TextTable::new([("Group", Align::Left), ("N", Align::Right)]);
/// table.row(["CTC+", "20"]);
/// table.row(["CTC-", "40"]);
/// assert_eq!(table.render(), "Group   N\n─────────\nCTC+   20\nCTC-   40\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextTable {
    title: Option<String>,
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

const GAP: usize = 2;

impl TextTable {
    /// A table with these headings.
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = (T, Align)>) -> Self {
        let columns = columns.into_iter().map(|(heading, align)| (clean(heading), align));
        Self { columns: columns.collect(), ..Self::default() }
    }

    /// Sets the line above the table.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(clean(title));
        self
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let mut row: Vec<String> = cells.into_iter().map(clean).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Adds a line below the table.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(clean(note));
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, every line ended by a line feed and without trailing spaces.
    pub fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| display_width(&row[column]));
                cells.fold(display_width(&self.columns[column].0), usize::max)
            })
            .collect();
        let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut text = String::new();
        if let Some(title) = &self.title {
            push_line(&mut text, title);
        }
        let headings: Vec<&str> = self.columns.iter().map(|column| column.0.as_str()).collect();
        push_line(&mut text, &self.line(&headings, &widths));
        push_line(&mut text, &"─".repeat(total));
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            push_line(&mut text, &self.line(&cells, &widths));
        }
        for note in &self.notes {
            push_line(&mut text, note);
        }
        text
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let padding = " ".repeat(widths[index].saturating_sub(display_width(cell)));
            match self.columns[index].1 {
                Align::Left => line.extend([*cell, &padding]),
                Align::Right => line.extend([padding.as_str(), *cell]),
            }
        }
        line
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn clean(text: impl Into<String>) -> String {
    text.into().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Terminal columns of `text`: two for East Asian wide characters and emoji, none for combining
/// marks and joiners, one for the rest.
pub fn display_width(text: &str) -> usize {
    text.chars()
        .map(|character| match character as u32 {
            0x300..=0x36f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 => 2,
            0xf900..=0xfaff | 0xfe30..=0xfe4f | 0xff00..=0xff60 | 0xffe0..=0xffe6 => 2,
            0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_and_combining_marks_keep_the_columns_straight() {
        let mut table = TextTable::new([("Name", Align::Left), ("n", Align::Right)]);
        table.row(["中村", "7"]);
        table.row(["Ame\u{301}lie", "12"]);
        let widths: Vec<usize> =
            table.render().lines().filter(|line| !line.contains('─')).map(display_width).collect();
        assert_eq!(widths, [10, 10, 10], "6 + 2 + 2 columns in each line");
    }

    #[test]
    fn control_characters_in_data_never_reach_the_terminal() {
        let mut table = TextTable::new([("Sample", Align::Left)]).titled("a\u{1b}[2J");
        table.row(["evil\u{1b}]0;x\u{7}\nname"]);
        table.note("b\r");
        assert!(!table.render().chars().any(|c| c.is_control() && c != '\n'), "{table:?}");
        assert_eq!(table.render().lines().count(), 5, "the line break in a cell is gone");
    }

    #[test]
    fn ragged_rows_are_filled_or_cut() {
        let mut table = TextTable::new([("A", Align::Left), ("B", Align::Right)]);
        table.row(["1"]);
        table.row(["1", "2", "3"]);
        assert_eq!(table.render(), "A  B\n────\n1\n1  2\n", "two columns throughout");
    }
}
