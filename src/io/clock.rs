//! From what times a row's follow-up is read: one column of times, or two of dates.

use jiff::civil::Date;

use super::cohort::{CohortRequest, DOING};
use super::table::Table;
use crate::Error;
use crate::units::TimeUnit;

const TIME: &str = "a finite time >= 0";
const DATE: &str = "a date as YYYY-MM-DD";

/// The columns that say when a row was under observation.
pub(super) struct Clock {
    /// Where moments are dates, the date at which the clock starts.
    start: Option<usize>,
    unit: TimeUnit,
    end: usize,
    entry: Option<usize>,
}

impl Clock {
    /// # Errors
    /// A usage error for no time, for a time beside dates and for one date alone; an input error
    /// for a column that is not there.
    pub(super) fn find(table: &Table, request: &CohortRequest) -> Result<Self, Error> {
        let refused = |found: &str, expected: &str| {
            Err(Error::usage(DOING).found(found.to_owned()).expected(expected.to_owned()))
        };
        let (start, end) = match (&request.time, &request.start_date, &request.end_date) {
            (Some(time), None, None) => (None, table.column(time)?),
            (None, Some(start), Some(end)) => (Some(table.column(start)?), table.column(end)?),
            (None, None, None) if request.adtte => (None, table.column("AVAL")?),
            (None, None, None) => {
                let expected = "--time COLUMN, --start-date and --end-date, or --adtte";
                return refused("no --time", expected);
            }
            (Some(_), ..) => return refused("--time beside dates", "one of the two"),
            (None, ..) => {
                return refused("one date alone", "--start-date and --end-date together");
            }
        };
        let entry = request.entry.as_ref().map(|name| table.column(name)).transpose()?;
        Ok(Self { start, unit: request.time_unit, end, entry })
    }

    /// Whether rows come under observation late.
    pub(super) fn has_entry(&self) -> bool {
        self.entry.is_some()
    }

    /// The columns in use, in the order in which a missing value is blamed on them.
    pub(super) fn columns(&self) -> Vec<usize> {
        self.start.into_iter().chain([self.end]).chain(self.entry).collect()
    }

    /// The stretch of a row's observation, `(entry, time)` from the start of the clock; `None`
    /// where a value is missing. A date of entry before the start gives a negative entry: such a
    /// row is at risk from the start.
    ///
    /// # Errors
    /// A cell that is no time or no date, an end before its start, an entry not before its end:
    /// with file, row and column.
    pub(super) fn read(
        &self,
        table: &Table,
        row: usize,
    ) -> Result<Option<(Option<f64>, f64)>, Error> {
        let time = self.moment(table, row, self.end)?;
        if time.is_some_and(|time| time < 0.0) {
            return Err(table.bad_cell(row, self.end, "a date not before the start of the clock"));
        }
        let Some(column) = self.entry else { return Ok(time.map(|time| (None, time))) };
        let (Some(entry), Some(time)) = (self.moment(table, row, column)?, time) else {
            return Ok(None);
        };
        if entry >= time {
            let expected = format!("an entry before the time {time}");
            return Err(table.bad_cell(row, column, &expected));
        }
        Ok(Some((Some(entry), time)))
    }

    /// The moment in `column` on this clock; `None` where it, or the start, is missing. Times are
    /// not negative; a date may lie before the start.
    ///
    /// # Errors
    /// A cell that is no time or no date.
    pub(super) fn moment(
        &self,
        table: &Table,
        row: usize,
        column: usize,
    ) -> Result<Option<f64>, Error> {
        let Some(start) = self.start else { return read_time(table, row, column) };
        let (from, to) = (read_date(table, row, start)?, read_date(table, row, column)?);
        Ok(from.zip(to).map(|(from, to)| days_between(from, to) / self.unit.days()))
    }
}

fn read_time(table: &Table, row: usize, column: usize) -> Result<Option<f64>, Error> {
    match table.number(row, column, TIME)? {
        Some(time) if time < 0.0 => Err(table.bad_cell(row, column, TIME)),
        time => Ok(time),
    }
}

fn read_date(table: &Table, row: usize, column: usize) -> Result<Option<Date>, Error> {
    let Some(text) = table.value(row, column) else { return Ok(None) };
    // A time of day after the date is left aside; other orders of day, month and year are refused,
    // since 03/04/2024 is two different days.
    let date = text.split(['T', ' ']).next().unwrap_or(text);
    let dashes = date.bytes().filter(|byte| *byte == b'-').count();
    match date.parse::<Date>() {
        Ok(date) if dashes == 2 => Ok(Some(date)),
        _ => Err(table.bad_cell(row, column, DATE)),
    }
}

fn days_between(from: Date, to: Date) -> f64 {
    f64::from((to - from).get_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::cohort::cohort_of;

    fn times(text: &str, request: &CohortRequest) -> Result<Vec<f64>, Error> {
        let cohort = cohort_of(&Table::parse(text.as_bytes(), "c.csv", DOING)?, request)?;
        Ok(cohort.outcome.time().to_vec())
    }

    fn dated(unit: TimeUnit) -> CohortRequest {
        CohortRequest {
            start_date: Some("start".into()),
            end_date: Some("end".into()),
            event: Some("event".into()),
            time_unit: unit,
            ..CohortRequest::default()
        }
    }

    #[test]
    fn dates_become_times_in_the_unit_asked_for() {
        let text = "start,end,event\n2024-02-01,2024-03-01,1\n2023-01-01,2024-01-01T08:30,0\n";
        let days = times(text, &dated(TimeUnit::Days)).expect("valid dates");
        assert_eq!(days, [29.0, 365.0], "2024 has a 29 February");
        let months = times(text, &dated(TimeUnit::Months)).expect("valid dates");
        assert_eq!(months, [29.0 / 30.4375, 365.0 / 30.4375], "30.4375 days a month");
    }

    #[test]
    fn dates_that_cannot_be_right_name_file_row_and_column() {
        let cases = [
            ("2024-01-02,2024-01-01,1", "row 2, column end"),
            ("02/01/2024,2024-01-01,1", "row 2, column start"),
            ("20240102,2024-03-01,1", "row 2, column start"),
            ("2024-02-30,2024-03-01,1", "row 2, column start"),
        ];
        for (row, place) in cases {
            let error = times(&format!("start,end,event\n{row}\n"), &dated(TimeUnit::Days))
                .expect_err("no valid dates");
            assert!(error.is_input() && error.to_string().contains(place), "{error}");
        }
    }

    #[test]
    fn a_row_without_a_date_is_dropped_and_a_lone_date_column_refused() {
        let text = "start,end,event\n2024-01-01,2024-01-03,1\n,2024-01-03,1\n";
        assert_eq!(times(text, &dated(TimeUnit::Days)).expect("one row"), [2.0], "one is left");
        let lone = CohortRequest { end_date: None, ..dated(TimeUnit::Days) };
        assert!(times(text, &lone).expect_err("no end").is_usage(), "a usage error");
    }

    #[test]
    fn entry_is_a_date_where_the_clock_runs_between_dates() {
        let request = CohortRequest { entry: Some("entry".into()), ..dated(TimeUnit::Days) };
        let text = "start,entry,end,event\n2024-01-01,2024-01-11,2024-01-21,1\n";
        let table = Table::parse(text.as_bytes(), "c.csv", DOING).expect("a table");
        let cohort = cohort_of(&table, &request).expect("valid dates");
        assert_eq!(cohort.outcome.entry(), Some(&[10.0][..]), "days from the start");
    }
}
