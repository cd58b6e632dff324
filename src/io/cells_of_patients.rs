//! HER2 of the tumour cells of each patient, from a table of cells.

use std::collections::BTreeMap;
use std::path::Path;

use super::table::Table;
use crate::Error;

const DOING: &str = "reading the cells of the patients";

/// Columns of a table of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellColumns {
    /// The patient's identifier.
    pub patient: String,
    /// The time point; looked at where time points are chosen.
    pub timepoint: String,
    /// HER2 intensity.
    pub her2: String,
    /// Its standard error; `None` where the table has none.
    pub std_err: Option<String>,
}

/// Cells by patient: intensity, and its standard error where it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellsOfPatients {
    /// The cells of each patient of the table.
    pub patients: BTreeMap<String, Vec<(f64, Option<f64>)>>,
    /// Cells without an intensity, which are left out.
    pub n_unmeasured: usize,
}

/// Reads the cells of the time points, all of them where none is named. Where the table has a column
/// `event_class`, only `ctc` rows count; rows without a patient (controls) do not.
///
/// # Errors
/// An input error with file, row and column: a column that is missing, a value that is no number, an
/// error below 0, a time point that no cell has.
pub fn read_cells_of_patients(
    path: &Path,
    columns: &CellColumns,
    timepoints: &[String],
) -> Result<CellsOfPatients, Error> {
    let table = Table::read(path, DOING)?;
    let (patient, her2) = (table.column(&columns.patient)?, table.column(&columns.her2)?);
    let optional = |name: &str, is_wanted: bool| is_wanted.then(|| table.column(name)).transpose();
    let timepoint = optional(&columns.timepoint, !timepoints.is_empty())?;
    let class = optional("event_class", table.has_column("event_class"))?;
    let std_err = columns.std_err.as_deref().map(|name| table.column(name)).transpose()?;
    let mut found = CellsOfPatients::default();
    let mut seen = vec![false; timepoints.len()];
    for row in 0..table.n_rows() {
        if let Some(column) = timepoint {
            let here = table.cell(row, column);
            let Some(at) = timepoints.iter().position(|wanted| wanted == here) else { continue };
            seen[at] = true;
        }
        if class.is_some_and(|class| table.cell(row, class) != "ctc") {
            continue;
        }
        let Some(id) = table.value(row, patient) else { continue };
        let Some(intensity) = table.number(row, her2, "a mean intensity")? else {
            found.n_unmeasured += 1;
            continue;
        };
        let error = std_err.map(|column| {
            let error = table.number(row, column, "a standard error, 0 or more")?;
            match error {
                Some(error) if error < 0.0 => {
                    Err(table.bad_cell(row, column, "a standard error, 0 or more"))
                }
                error => Ok(error),
            }
        });
        let error = error.transpose()?.flatten();
        found.patients.entry(id.to_owned()).or_default().push((intensity, error));
    }
    match seen.iter().position(|seen| !seen) {
        Some(missing) => Err(Error::input(DOING)
            .at(table.source().to_owned())
            .found(format!("no cell at time point {:?}", timepoints[missing]))
            .expected(format!("a time point in its column {}", columns.timepoint))),
        None => Ok(found),
    }
}
