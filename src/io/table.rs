//! A CSV table as text, with the line each row stands on.

use std::io::Read;
use std::path::Path;

use super::table_cells::{Cells, RowTooLong};
use super::table_lines::LineCounter;
use crate::Error;
use crate::survival::Numbers;

/// A table of text cells under named columns; cells and names are trimmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    source: String,
    doing: String,
    columns: Vec<String>,
    cells: Cells,
}

/// A column read as what it holds.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Every cell that is not missing is a number.
    Number(Vec<Option<f64>>),
    /// At least one cell is text.
    Text(Vec<Option<String>>),
}

impl Table {
    /// Reads a comma-separated UTF-8 file with a header line; `-` is standard input. A byte-order
    /// mark is skipped. `doing` opens every error message: "reading the cohort".
    ///
    /// # Errors
    /// An input error with file and line: a file that cannot be read, is empty, is separated by
    /// semicolons or tabs, is not UTF-8, has a ragged row or two columns of one name.
    pub fn read(path: &Path, doing: &str) -> Result<Self, Error> {
        let from_stdin = path == Path::new("-");
        let source =
            if from_stdin { "standard input".to_owned() } else { path.display().to_string() };
        let mut bytes = Vec::new();
        let result = if from_stdin {
            std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
        } else {
            std::fs::read(path).map(|content| bytes = content)
        };
        match result {
            Ok(()) => Self::of_bytes(bytes, &source, doing),
            Err(error) => {
                Err(Error::input(doing).at(source).found(error.to_string()).caused_by(error))
            }
        }
    }

    /// Reads a table from memory; `source` names it in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// ```
    /// use herscope::io::table::Table;
    /// let table = Table::parse(b"id,months\nP1, 3.5\nP2,\n", "cohort.csv", "reading the cohort")?;
    /// assert_eq!(table.cell(0, table.column("months")?), "3.5");
    /// assert_eq!(table.line(1), 3);
    /// let error = table.column("month").expect_err("no such column");
    /// assert!(error.to_string().contains("did you mean \"months\"?"));
    /// # Ok::<(), herscope::Error>(())
    /// ```
    pub fn parse(bytes: &[u8], source: &str, doing: &str) -> Result<Self, Error> {
        Self::of_bytes(bytes.to_vec(), source, doing)
    }

    fn of_bytes(mut bytes: Vec<u8>, source: &str, doing: &str) -> Result<Self, Error> {
        let at = |place: &str| Error::input(doing).at(format!("{source}{place}"));
        if bytes.starts_with(b"PK\x03\x04") {
            return Err(at("").found("a spreadsheet or zip file").expected("CSV text"));
        }
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err(at("").found("UTF-16 text").expected("UTF-8 text"));
        }
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(at("").found("an empty file").expected("a header line and rows"));
        }
        let mut reader = csv_reader(&bytes);
        let header = reader.headers().map_err(|error| csv_error(doing, source, &bytes, error))?;
        let columns: Vec<String> = header.iter().map(str::to_owned).collect();
        check_header(&columns)
            .map_err(|(found, expected)| at(", row 1").found(found).expected(expected))?;
        let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        let plain = match String::from_utf8(bytes) {
            Ok(text) => Cells::of_plain(text, end, columns.len()).map_err(String::into_bytes),
            Err(error) => Err(error.into_bytes()),
        };
        let cells = match plain {
            Ok(cells) => cells,
            Err(bytes) => read_with_csv(&bytes, columns.len(), source, doing)?,
        };
        if cells.n_rows() == 0 {
            return Err(at("").found("a header without rows").expected("one row a subject"));
        }
        Ok(Self { source: source.to_owned(), doing: doing.to_owned(), columns, cells })
    }

    /// The file's name as errors give it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Column names in file order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows below the header.
    pub fn n_rows(&self) -> usize {
        self.cells.n_rows()
    }

    /// The line of the file on which row `row` (from 0) stands; the header is line 1.
    ///
    /// # Panics
    /// When `row` is not below [`n_rows`](Self::n_rows).
    pub fn line(&self, row: usize) -> u64 {
        self.cells.line(row)
    }

    /// The trimmed text of a cell.
    ///
    /// # Panics
    /// When `row` or `column` is outside the table.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        self.cells.get(row, column)
    }

    /// A cell's text, `None` where it is missing ([`is_missing`]).
    ///
    /// # Panics
    /// As [`cell`](Self::cell).
    pub fn value(&self, row: usize, column: usize) -> Option<&str> {
        Some(self.cell(row, column)).filter(|text| !is_missing(text))
    }

    /// True if the table has a column of that name.
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column == name)
    }

    /// The index of a column.
    ///
    /// # Errors
    /// An input error that lists the columns and names the closest.
    pub fn column(&self, name: &str) -> Result<usize, Error> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| {
            let hint = closest_name(name, &self.columns)
                .map_or_else(String::new, |close| format!(" (did you mean {close:?}?)"));
            Error::input(self.doing.as_str())
                .at(self.source.as_str())
                .found(format!("no column {name:?}"))
                .expected(format!("one of {}{hint}", self.columns.join(", ")))
        })
    }

    /// An input error at a cell: file, row, column, what was found, what would be right.
    ///
    /// # Panics
    /// As [`cell`](Self::cell).
    pub fn bad_cell(&self, row: usize, column: usize, expected: &str) -> Error {
        Error::input(self.doing.as_str())
            .at(format!("{}, row {}, column {}", self.source, self.line(row), self.columns[column]))
            .found(format!("{:?}", self.cell(row, column)))
            .expected(expected)
    }

    /// A cell as a finite number, `None` where it is missing.
    ///
    /// # Errors
    /// Text or an infinite number; the message says `expected`.
    pub fn number(&self, row: usize, column: usize, expected: &str) -> Result<Option<f64>, Error> {
        let Some(text) = self.value(row, column) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ if text.contains(',') => {
                Err(self.bad_cell(row, column, &format!("{expected}, with a decimal point")))
            }
            _ => Err(self.bad_cell(row, column, expected)),
        }
    }

    /// A whole column: numbers if every cell that is not missing is one, else text.
    ///
    /// # Errors
    /// An infinite value in a column of numbers.
    ///
    /// # Panics
    /// When `column` is outside the table.
    pub fn values(&self, column: usize) -> Result<ColumnValues, Error> {
        if let Some(numbers) = self.numbers(column)? {
            return Ok(ColumnValues::Number(numbers.iter().collect()));
        }
        let text = |row| self.value(row, column).map(str::to_owned);
        Ok(ColumnValues::Text((0..self.n_rows()).map(text).collect()))
    }

    /// A whole column of numbers, `None` if a value is none.
    ///
    /// # Errors
    /// As [`values`](Self::values).
    ///
    /// # Panics
    /// When `column` is outside the table.
    pub fn numbers(&self, column: usize) -> Result<Option<Numbers>, Error> {
        let mut numbers = Numbers::with_capacity(self.n_rows());
        for row in 0..self.n_rows() {
            let number = self.value(row, column).map(str::parse::<f64>).transpose();
            let Ok(number) = number else { return Ok(None) };
            numbers.push(number);
        }
        let is_infinite = |number: Option<f64>| number.is_some_and(|value| !value.is_finite());
        if let Some(row) = numbers.iter().position(is_infinite) {
            return Err(self.bad_cell(row, column, "a finite number"));
        }
        Ok(Some(numbers))
    }
}

/// True for a cell without a value: empty, `NA`, `NaN` or `.`.
pub fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NA" | ".") || text.eq_ignore_ascii_case("nan")
}

fn check_header(columns: &[String]) -> Result<(), (String, String)> {
    if let [only] = columns {
        for (separator, name) in [(';', "semicolons"), ('\t', "tabs")] {
            if only.contains(separator) {
                return Err((
                    format!("one column, its name holds {name}"),
                    format!("columns separated by commas; this file is separated by {name}"),
                ));
            }
        }
    }
    let again =
        (1..columns.len()).find(|&i| !columns[i].is_empty() && columns[..i].contains(&columns[i]));
    match again {
        Some(i) => {
            Err((format!("two columns named {:?}", columns[i]), "one column a name".to_owned()))
        }
        None => Ok(()),
    }
}

fn csv_reader(text: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text)
}

/// The rows of a file that is not plain, or what is wrong with it.
fn read_with_csv(text: &[u8], n_columns: usize, source: &str, doing: &str) -> Result<Cells, Error> {
    let mut reader = csv_reader(text);
    let mut counter = LineCounter::new(text);
    let mut cells = Cells::new(n_columns);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| csv_error(doing, source, text, error))? {
        let line = record.position().map_or(0, |position| counter.line_at(position));
        cells.push(record.iter(), line).map_err(|RowTooLong| {
            Error::input(doing)
                .at(format!("{source}, row {line}"))
                .found("a row of more than 4 GiB")
                .expected("quotes that close")
        })?;
    }
    Ok(cells)
}

fn csv_error(doing: &str, source: &str, text: &[u8], error: csv::Error) -> Error {
    let place = error.position().map_or(source.to_owned(), |position| {
        format!("{source}, row {}", LineCounter::new(text).line_at(position))
    });
    let base = Error::input(doing).at(place);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => base
            .found(format!("{len} fields"))
            .expected(format!("{expected_len}, as in the header")),
        csv::ErrorKind::Utf8 { .. } => {
            base.found("bytes that are not UTF-8").expected("UTF-8 text")
        }
        other => base.found(format!("{other:?}")),
    }
    .caused_by(error)
}

/// The candidate that differs from `name` by case, or by at most a third of its letters.
pub fn closest_name<'a>(name: &str, candidates: &'a [String]) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    let distance = |candidate: &String| edit_distance(&wanted, &candidate.to_lowercase());
    let contains =
        |candidate: &&String| wanted.len() >= 3 && candidate.to_lowercase().contains(&wanted);
    candidates
        .iter()
        .filter(|candidate| distance(candidate) <= allowed)
        .min_by_key(|candidate| distance(candidate))
        .or_else(|| candidates.iter().find(contains))
        .map(String::as_str)
}

/// Levenshtein's distance: insertions, deletions and replacements of a character.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Table, Error> {
        Table::parse(text, "c.csv", "reading the cohort")
    }

    #[test]
    fn a_byte_order_mark_quotes_and_windows_line_ends_are_no_part_of_the_cells() {
        let table = parse(b"\xEF\xBB\xBFid,arm\r\n1,\"a, b\"\r\n").expect("a valid file");
        assert_eq!(table.columns(), ["id", "arm"], "the mark is not in the first name");
        assert_eq!(table.cell(0, 1), "a, b", "a quoted comma belongs to the cell");
    }

    #[test]
    fn the_separator_of_a_file_read_as_one_column_is_named() {
        for (text, name) in [(&b"id;time\n1;2\n"[..], "semicolons"), (b"id\ttime\n1\t2\n", "tabs")]
        {
            let error = parse(text).expect_err("not commas");
            assert!(error.is_input() && error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_ragged_row_is_refused_with_its_line() {
        let error = parse(b"id,time\n1,2\n\n2,3,4\n").expect_err("three fields");
        let text = error.to_string();
        assert!(text.contains("row 4") && text.contains("3 fields"), "{text}");
    }

    #[test]
    fn files_without_rows_or_that_are_no_text_are_refused() {
        for text in
            [&b""[..], b" \n\n", b"\xEF\xBB\xBF", b"id,time\n", b"PK\x03\x04zip", b"\xFF\xFEi"]
        {
            assert!(parse(text).expect_err("no table").is_input(), "{text:?}");
        }
        let error = parse(b"id,arm\n1,\xE9\n").expect_err("Latin-1");
        assert!(error.to_string().contains("UTF-8"), "{error}");
        let error = parse(b"id,id\n1,2\n").expect_err("a name twice");
        assert!(error.to_string().contains("two columns"), "{error}");
    }

    #[test]
    fn lines_after_blank_ones_and_quoted_breaks_are_those_of_the_file() {
        let table = parse(b"id,arm\n\n1,\"a\nb\"\n2,c\n").expect("a valid file");
        assert_eq!((table.line(0), table.line(1)), (3, 5), "as an editor shows them");
    }

    #[test]
    fn a_column_is_numeric_only_if_every_value_is_a_number() {
        let table = parse(b"a,b,c\n1,x,inf\nNA,2,1\n.,NaN,2\n").expect("a valid file");
        assert_eq!(
            table.values(0).expect("finite"),
            ColumnValues::Number(vec![Some(1.0), None, None]),
            "NA and . are missing"
        );
        let text = ColumnValues::Text(vec![Some("x".into()), Some("2".into()), None]);
        assert_eq!(table.values(1).expect("text"), text, "one text makes a text column");
        assert!(table.values(2).expect_err("infinite").to_string().contains("row 2"), "refused");
    }

    /// Every text of up to seven of these characters below a header of two columns.
    #[test]
    fn plain_files_give_the_cells_and_lines_that_the_csv_crate_gives() {
        let alphabet = [b'x', b',', b'"', b'\n', b'\r', b' '];
        let mut n_plain = 0;
        for length in 0..=7 {
            for code in 0..6_usize.pow(length) {
                let digits = (0..length).map(|place| code / 6_usize.pow(place) % 6);
                let rows: String = digits.map(|digit| char::from(alphabet[digit])).collect();
                let text = format!("a,b\n{rows}");
                let Ok(plain) = Cells::of_plain(text.clone(), 4, 2) else { continue };
                let read = read_with_csv(text.as_bytes(), 2, "c.csv", "reading the cohort");
                let read = read.expect("a plain file has no ragged row");
                let all = |cells: &Cells| {
                    let row = |row| (cells.line(row), [0, 1].map(|c| cells.get(row, c).to_owned()));
                    (0..cells.n_rows()).map(row).collect::<Vec<_>>()
                };
                assert_eq!(all(&plain), all(&read), "{text:?}");
                n_plain += usize::from(plain.n_rows() > 0);
            }
        }
        assert!(n_plain > 10_000, "{n_plain} files took the short way");
    }

    #[test]
    fn quotes_inside_cells_are_unquoted() {
        let table =
            parse(b"id,note\n1,\"says \"\"no\"\"\"\n2,\"\"\"x\"\"\"\n").expect("a valid file");
        assert_eq!(table.cell(0, 1), "says \"no\"", "a doubled quote is one");
        assert_eq!(table.cell(1, 1), "\"x\"", "also at the ends");
    }

    #[test]
    fn a_decimal_comma_is_explained() {
        let table = parse(b"time\n\"3,5\"\n").expect("a valid file");
        let error = table.number(0, 0, "a number").expect_err("not a number");
        assert!(error.to_string().contains("decimal point"), "{error}");
    }

    #[test]
    fn edit_distances_follow_the_classic_example() {
        assert_eq!(edit_distance("kitten", "sitting"), 3, "two replacements, one insertion");
        assert_eq!(edit_distance("", "abc"), 3, "three insertions");
    }
}
