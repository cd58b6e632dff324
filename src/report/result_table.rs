//! A table of printed cells, for the page and for the terminal.

use serde::Serialize;

use super::text_table::{Align, TextTable};

/// A caption, columns, rows of printed cells, notes.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct ResultTable {
    pub(crate) caption: String,
    pub(crate) columns: Vec<ResultColumn>,
    pub(crate) rows: Vec<ResultRow>,
    pub(crate) notes: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ResultColumn {
    pub(crate) heading: String,
    pub(crate) is_number: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ResultRow {
    pub(crate) cells: Vec<String>,
    pub(crate) is_flagged: bool,
}

impl ResultTable {
    /// Headings that end in `#` are of number columns, which are set right.
    pub(crate) fn new(caption: impl Into<String>, headings: &[&str]) -> Self {
        let mut table = Self { caption: caption.into(), ..Self::default() };
        headings.iter().for_each(|heading| table.add_column(heading));
        table
    }

    /// Adds a column after the last; the caller extends the rows.
    pub(crate) fn add_column(&mut self, heading: &str) {
        let is_number = heading.ends_with('#');
        let heading = heading.trim_end_matches('#').to_owned();
        self.columns.push(ResultColumn { heading, is_number });
    }

    pub(crate) fn push(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(ResultRow { cells: cells.into(), is_flagged: false });
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The same table for a terminal.
    pub(crate) fn to_text(&self) -> String {
        let columns = self.columns.iter().map(|column| {
            let align = if column.is_number { Align::Right } else { Align::Left };
            (column.heading.as_str(), align)
        });
        let mut table = TextTable::new(columns).titled(&self.caption);
        for row in &self.rows {
            // An em space indents a page; on a terminal it is as narrow as any other.
            table.row(row.cells.iter().map(|cell| cell.replace('\u{2003}', "  ")));
        }
        for note in &self.notes {
            table.note(note);
        }
        table.render()
    }
}
