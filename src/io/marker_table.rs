//! The long table of a marker's visits: one row a sample.

use std::path::Path;

use super::table::Table;
use crate::survival::{MarkerSeries, Visit};
use crate::units::TimeUnit;
use crate::{Error, Warning};

const DOING: &str = "reading the marker's visits";

/// Which columns of a long table are what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerRequest {
    /// Subject identifiers, as in the cohort.
    pub id: String,
    /// Time of the visit since the start of the clock; may be negative.
    pub visit_time: String,
    /// Unit of `visit_time`; the cohort's without it.
    pub visit_unit: Option<TimeUnit>,
    /// The marker.
    pub marker: String,
}

/// Reads the visits from a CSV file, their times in `unit`. Rows without identifier, time or value
/// are left out and counted in the warnings.
///
/// # Errors
/// A column that is not there; a time or value that is no finite number; two values of one subject
/// at one time: with file, row and column.
pub fn read_marker_series(
    path: &Path,
    request: &MarkerRequest,
    unit: TimeUnit,
) -> Result<(MarkerSeries, Vec<Warning>), Error> {
    marker_series_of(&Table::read(path, DOING)?, request, unit)
}

fn marker_series_of(
    table: &Table,
    request: &MarkerRequest,
    unit: TimeUnit,
) -> Result<(MarkerSeries, Vec<Warning>), Error> {
    let (id, time) = (table.column(&request.id)?, table.column(&request.visit_time)?);
    let marker = table.column(&request.marker)?;
    let days = request.visit_unit.map_or(unit, |visit_unit| visit_unit).days();
    let mut series = MarkerSeries::new(&request.marker);
    let mut n_dropped = 0;
    for row in 0..table.n_rows() {
        let at = table.number(row, time, "a finite time")?;
        let value = table.number(row, marker, "a finite number")?;
        let (Some(subject), Some(at), Some(value)) = (table.value(row, id), at, value) else {
            n_dropped += 1;
            continue;
        };
        // Divided once, so that a date's time and a visit's are rounded alike.
        let visit = Visit { time: at * days / unit.days(), value };
        if !series.insert(subject, visit) {
            let expected = format!("one visit of {subject} at this time");
            return Err(table.bad_cell(row, time, &expected));
        }
    }
    let message = format!("{} has {n_dropped} rows without subject, time or value", table.source());
    let warnings = (n_dropped > 0).then(|| Warning::new("visits_dropped", message));
    Ok((series, warnings.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(MarkerSeries, Vec<Warning>), Error> {
        let request = MarkerRequest {
            id: "id".into(),
            visit_time: "day".into(),
            visit_unit: Some(TimeUnit::Days),
            marker: "ctc".into(),
        };
        let table = Table::parse(text.as_bytes(), "long.csv", DOING)?;
        marker_series_of(&table, &request, TimeUnit::Months)
    }

    #[test]
    fn visits_are_read_in_the_cohorts_unit_and_incomplete_rows_counted() {
        let (series, warnings) =
            read("id,day,ctc\nP1,0,3\nP1,60.875,1\nP2,,4\n").expect("valid rows");
        assert_eq!(series.n_visits(), 2, "P2's visit has no time");
        assert_eq!(warnings[0].code, "visits_dropped", "{warnings:?}");
        assert_eq!(series.subjects().collect::<Vec<_>>(), ["P1"], "one subject");
    }

    #[test]
    fn two_values_at_one_time_are_refused_with_their_row() {
        let error = read("id,day,ctc\nP1,0,3\nP1,0,4\n").expect_err("two values");
        assert!(error.to_string().contains("long.csv, row 3, column day"), "{error}");
    }
}
