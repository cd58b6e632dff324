//! Tables as CSV text.

/// A header and rows as CSV, fields quoted where they need it, lines ended by a line feed.
///
/// ```
/// let bytes = herscope::io::table_writer::csv_bytes(&["id", "note"], [["P1", "a, b"]]);
/// assert_eq!(bytes, b"id,note\nP1,\"a, b\"\n");
/// ```
pub fn csv_bytes<R, F>(header: &[impl AsRef<str>], rows: impl IntoIterator<Item = R>) -> Vec<u8>
where
    R: IntoIterator<Item = F>,
    F: AsRef<str>,
{
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let no_failure = "a vector in memory takes every byte";
    writer.write_record(header.iter().map(|name| name.as_ref().as_bytes())).expect(no_failure);
    for row in rows {
        let fields: Vec<F> = row.into_iter().collect();
        writer.write_record(fields.iter().map(|field| field.as_ref())).expect(no_failure);
    }
    writer.into_inner().expect(no_failure)
}

/// A number without rounding; nothing for one that is not defined.
pub(crate) fn field<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
