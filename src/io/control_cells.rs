//! HER2 of a control sample's cells, from the `cells.csv` of its segmentation.

use std::path::Path;

use super::table::Table;
use crate::Error;

const DOING: &str = "reading the control sample";

/// The values of `column` (`her2_union_mean` or `her2_mean`) of a control's tumour cells: rows whose
/// `event_class` is `ctc`, all rows where the table has no such column. Cells without a value are
/// left out.
///
/// # Errors
/// A file that is no table, or lacks the column; a value that is no number.
pub fn read_control_her2(path: &Path, column: &str) -> Result<Vec<f64>, Error> {
    let table = Table::read(path, DOING)?;
    let her2 = table.column(column)?;
    let class = table.has_column("event_class").then(|| table.column("event_class")).transpose()?;
    let mut values = Vec::new();
    for row in 0..table.n_rows() {
        if class.is_none_or(|class| table.cell(row, class) == "ctc") {
            values.extend(table.number(row, her2, "a mean intensity")?);
        }
    }
    Ok(values)
}
