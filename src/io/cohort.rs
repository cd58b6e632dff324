//! From a table's columns to a typed cohort.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use super::clock::Clock;
use super::table::{Table, closest_name};
use crate::survival::{Cohort, Covariate, DroppedRows, Factor, Outcome, TermColumn, TieRepair};
use crate::units::TimeUnit;
use crate::{Error, Warning};

pub(super) const DOING: &str = "reading the cohort";

/// Which columns of a cohort table play which part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CohortRequest {
    /// Subject identifiers, looked at for duplicates only.
    pub id: Option<String>,
    /// Follow-up time.
    pub time: Option<String>,
    /// Date at which the clock starts, instead of `time`.
    pub start_date: Option<String>,
    /// Date at which follow-up ends, beside `start_date`.
    pub end_date: Option<String>,
    /// Unit of the times that dates are turned into.
    pub time_unit: TimeUnit,
    /// What to do with times that differ by rounding only.
    pub tie_repair: TieRepair,
    /// Event indicator.
    pub event: Option<String>,
    /// The text that means an event; without it 1 and true do.
    pub event_value: Option<String>,
    /// Entry time of left-truncated rows; a date where the clock runs between dates.
    pub entry: Option<String>,
    /// When the group of a row became known, on the clock of its follow-up.
    pub known_at: Option<String>,
    /// The column that splits curves and tests.
    pub group: Option<String>,
    /// The group's reference level; the first in sort order without it.
    pub reference: Option<String>,
    /// Covariate terms: a column, or an interaction `A:B`.
    pub covariates: Vec<String>,
    /// Strata.
    pub strata: Option<String>,
    /// Case weights.
    pub weights: Option<String>,
    /// Clusters of correlated rows.
    pub cluster: Option<String>,
    /// Read the CDISC columns AVAL, CNSR (0 is an event) and USUBJID where no other is named.
    pub adtte: bool,
}

/// Reads a cohort file (`-` is standard input).
///
/// # Errors
/// As [`Table::read`] and [`cohort_of`].
pub fn read_cohort(path: &Path, request: &CohortRequest) -> Result<Cohort, Error> {
    cohort_of(&Table::read(path, DOING)?, request)
}

/// Builds the cohort that `request` describes from `table`.
///
/// Rows without time, event, entry, group or weight are dropped and counted by column. Text
/// covariates become factors; a column of numbers stays numeric.
///
/// # Errors
/// A usage error where no time or event is named; an input error where a column is not there, a
/// cell is not what its column must hold (with file, row and column), the reference is not a
/// level, or no row is left.
///
/// ```
/// use herscope::io::cohort::{CohortRequest, cohort_of};
/// use herscope::io::table::Table;
///
/// let text = b"months,event,arm\n3,1,b\n5,0,a\n,1,a\n";
/// let request = CohortRequest {
///     time: Some("months".into()),
///     event: Some("event".into()),
///     group: Some("arm".into()),
///     ..CohortRequest::default()
/// };
/// let cohort = cohort_of(&Table::parse(text, "c.csv", "reading the cohort")?, &request)?;
/// assert_eq!((cohort.n(), cohort.n_dropped()), (2, 1));
/// assert_eq!(cohort.group.expect("a group was asked for").levels, ["a", "b"]);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn cohort_of(table: &Table, request: &CohortRequest) -> Result<Cohort, Error> {
    let columns = Columns::find(table, request)?;
    check_one_parameter(table, request)?;
    let base = BaseRows::read(table, &columns, request)?;
    if base.rows.is_empty() {
        let dropped: Vec<String> = base.dropped.iter().map(describe_dropped).collect();
        return Err(Error::input(DOING)
            .at(table.source())
            .found(format!("no complete row ({})", dropped.join(", ")))
            .expected("at least one row with a value in every column used"));
    }
    let mut warnings = base.warnings(table, &columns, request);
    let rows = &base.rows;
    let outcome = Outcome::new(base.time, base.event, base.entry, base.weight, request.tie_repair)?;
    let ids = columns.id.map(|column| texts(table, rows, column));
    if let Some(ids) = &ids
        && !columns.clock.has_entry()
        && columns.cluster.is_none()
    {
        warnings.extend(duplicate_ids(ids));
    }
    let known_at = request.known_at.as_ref().map(|name| table.column(name)).transpose()?;
    let known_at = known_at.map(|column| {
        rows.iter().map(|&row| columns.clock.moment(table, row, column)).collect::<Result<_, _>>()
    });
    let owned = |ids: Vec<Option<&str>>| ids.iter().map(|id| id.map(str::to_owned)).collect();
    let (covariates, terms) = read_terms(table, rows, request)?;
    Ok(Cohort {
        outcome,
        lines: rows.iter().map(|&row| table.line(row)).collect(),
        ids: ids.map(owned),
        group: columns.group.map(|column| group_of(table, rows, column, request)).transpose()?,
        covariates,
        terms,
        strata: columns.strata.map(|column| factor_of(table, rows, column, None)),
        cluster: columns.cluster.map(|column| factor_of(table, rows, column, None)),
        known_at: known_at.transpose()?,
        dropped: base.dropped,
        warnings,
    })
}

/// Reads new subjects whose curves are to be predicted from a regression on `fitted`: a table with
/// a column for the group, each covariate and, if wanted, the strata.
///
/// # Errors
/// As [`Table::read`]; a column that is not there; a cell without value, or with a level that the
/// cohort does not have.
pub fn read_new_subjects(path: &Path, fitted: &Cohort) -> Result<Cohort, Error> {
    new_subjects_of(&Table::read(path, "reading the new subjects")?, fitted)
}

fn new_subjects_of(table: &Table, fitted: &Cohort) -> Result<Cohort, Error> {
    let n = table.n_rows();
    let follow_up = Outcome::right_censored(vec![0.0; n], vec![false; n])?;
    let mut subjects = Cohort::of_outcome(follow_up);
    subjects.lines = (0..n).map(|row| table.line(row)).collect();
    let coded = |known: &Factor| same_levels(table, known);
    subjects.group = fitted.group.as_ref().map(coded).transpose()?;
    let named = |factor: &&Factor| table.has_column(&factor.name);
    subjects.strata = fitted.strata.as_ref().filter(named).map(coded).transpose()?;
    for covariate in &fitted.covariates {
        subjects.covariates.push(match covariate {
            Covariate::Factor(known) => Covariate::Factor(coded(known)?),
            Covariate::Number { name, .. } => {
                let column = table.column(name)?;
                let value = |row| match table.number(row, column, "a finite number")? {
                    None => Err(table.bad_cell(row, column, "a finite number")),
                    value => Ok(value),
                };
                let values = (0..n).map(value).collect::<Result<_, _>>()?;
                Covariate::Number { name: name.clone(), values }
            }
        });
    }
    subjects.terms = fitted.terms.clone();
    Ok(subjects)
}

/// The column of `table` named like `known`, coded by its levels.
fn same_levels(table: &Table, known: &Factor) -> Result<Factor, Error> {
    let column = table.column(&known.name)?;
    let code = |row| {
        let level = table.value(row, column);
        let found = level.and_then(|level| known.levels.iter().position(|known| known == level));
        found.map(Some).ok_or_else(|| {
            table.bad_cell(row, column, &format!("one of {}", known.levels.join(", ")))
        })
    };
    let codes = (0..table.n_rows()).map(code).collect::<Result<_, _>>()?;
    Ok(Factor { codes, ..known.clone() })
}

/// Indices of the columns in use.
struct Columns {
    id: Option<usize>,
    clock: Clock,
    event: usize,
    group: Option<usize>,
    strata: Option<usize>,
    weights: Option<usize>,
    cluster: Option<usize>,
}

impl Columns {
    fn find(table: &Table, request: &CohortRequest) -> Result<Self, Error> {
        let find = |name: &Option<String>| name.as_ref().map(|name| table.column(name)).transpose();
        let id = match &request.id {
            None if request.adtte && table.has_column("USUBJID") => Some("USUBJID".to_owned()),
            id => id.clone(),
        };
        Ok(Self {
            id: find(&id)?,
            clock: Clock::find(table, request)?,
            event: match &request.event {
                Some(name) => table.column(name),
                None if request.adtte => table.column("CNSR"),
                None => Err(Error::usage(DOING)
                    .found("no --event")
                    .expected("--event COLUMN, or --adtte")),
            }?,
            group: find(&request.group)?,
            strata: find(&request.strata)?,
            weights: find(&request.weights)?,
            cluster: find(&request.cluster)?,
        })
    }
}

/// An ADTTE file may hold several endpoints; mixing them would be an analysis of nothing.
fn check_one_parameter(table: &Table, request: &CohortRequest) -> Result<(), Error> {
    if !request.adtte || !table.has_column("PARAMCD") {
        return Ok(());
    }
    let column = table.column("PARAMCD")?;
    let parameters: BTreeSet<&str> =
        (0..table.n_rows()).filter_map(|row| table.value(row, column)).collect();
    if parameters.len() < 2 {
        return Ok(());
    }
    Err(Error::input(DOING)
        .at(format!("{}, column PARAMCD", table.source()))
        .found(parameters.into_iter().collect::<Vec<_>>().join(", "))
        .expected("one parameter a file; keep the rows of one endpoint"))
}

/// The rows that have everything all analyses need.
struct BaseRows {
    rows: Vec<usize>,
    time: Vec<f64>,
    event: Vec<bool>,
    entry: Option<Vec<f64>>,
    weight: Option<Vec<f64>>,
    dropped: Vec<DroppedRows>,
}

impl BaseRows {
    fn read(table: &Table, columns: &Columns, request: &CohortRequest) -> Result<Self, Error> {
        let mut base = Self {
            rows: Vec::with_capacity(table.n_rows()),
            time: Vec::with_capacity(table.n_rows()),
            event: Vec::with_capacity(table.n_rows()),
            entry: columns.clock.has_entry().then(Vec::new),
            weight: columns.weights.map(|_| Vec::new()),
            dropped: Vec::new(),
        };
        let needed: Vec<usize> = (columns.clock.columns().into_iter())
            .chain([columns.event])
            .chain([columns.group, columns.weights].into_iter().flatten())
            .collect();
        let mut n_dropped: BTreeMap<usize, usize> = BTreeMap::new();
        for row in 0..table.n_rows() {
            // Read before dropping: bad data are reported even in an incomplete row.
            let stretch = columns.clock.read(table, row)?;
            let event = read_event(table, row, columns.event, request)?;
            let weight =
                columns.weights.map(|column| read_weight(table, row, column)).transpose()?;
            let missing = needed.iter().find(|&&column| table.value(row, column).is_none());
            if let Some(&column) = missing {
                *n_dropped.entry(column).or_default() += 1;
                continue;
            }
            let (Some((entry, time)), Some(event)) = (stretch, event) else { continue };
            base.rows.push(row);
            base.time.push(time);
            base.event.push(event);
            base.entry.iter_mut().for_each(|column| column.extend(entry));
            base.weight.iter_mut().for_each(|column| column.extend(weight.flatten()));
        }
        base.dropped = n_dropped
            .into_iter()
            .map(|(column, n)| DroppedRows { column: table.columns()[column].clone(), n })
            .collect();
        Ok(base)
    }

    fn warnings(&self, table: &Table, columns: &Columns, request: &CohortRequest) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if !self.dropped.is_empty() {
            let parts: Vec<String> = self.dropped.iter().map(describe_dropped).collect();
            warnings.push(Warning::new(
                "rows_dropped",
                format!("{} has rows that were not used: {}", table.source(), parts.join(", ")),
            ));
        }
        if let Some(value) = &request.event_value
            && !self.event.contains(&true)
        {
            let found: BTreeSet<&str> =
                self.rows.iter().filter_map(|&row| table.value(row, columns.event)).collect();
            let found: Vec<&str> = found.into_iter().take(10).collect();
            warnings.push(Warning::new(
                "event_value_not_found",
                format!(
                    "no row has the event value {value:?}; column {} holds {}",
                    table.columns()[columns.event],
                    found.join(", ")
                ),
            ));
        }
        warnings
    }
}

fn describe_dropped(dropped: &DroppedRows) -> String {
    format!("{} without {}", dropped.n, dropped.column)
}

fn read_weight(table: &Table, row: usize, column: usize) -> Result<Option<f64>, Error> {
    let expected = "a finite weight > 0";
    match table.number(row, column, expected)? {
        Some(weight) if weight <= 0.0 => Err(table.bad_cell(row, column, expected)),
        weight => Ok(weight),
    }
}

fn read_event(
    table: &Table,
    row: usize,
    column: usize,
    request: &CohortRequest,
) -> Result<Option<bool>, Error> {
    let Some(text) = table.value(row, column) else { return Ok(None) };
    let number = text.parse::<f64>().ok();
    if let Some(value) = &request.event_value {
        let same_number = number.is_some() && number == value.trim().parse().ok();
        return Ok(Some(text == value.trim() || same_number));
    }
    if request.adtte && request.event.is_none() {
        // CDISC: CNSR 0 is an event, any other whole number a kind of censoring.
        return match number {
            Some(code) if code.is_finite() && code >= 0.0 => Ok(Some(code == 0.0)),
            _ => Err(table.bad_cell(row, column, "0 (event) or a positive censoring code")),
        };
    }
    match number {
        Some(1.0) => Ok(Some(true)),
        Some(0.0) => Ok(Some(false)),
        _ if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        _ if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(table.bad_cell(
            row,
            column,
            "0 or 1, true or false (--event-value names another text that means an event)",
        )),
    }
}

fn texts<'a>(table: &'a Table, rows: &[usize], column: usize) -> Vec<Option<&'a str>> {
    rows.iter().map(|&row| table.value(row, column)).collect()
}

fn factor_of(table: &Table, rows: &[usize], column: usize, reference: Option<&str>) -> Factor {
    Factor::new(&table.columns()[column], &texts(table, rows, column), reference)
}

fn group_of(
    table: &Table,
    rows: &[usize],
    column: usize,
    request: &CohortRequest,
) -> Result<Factor, Error> {
    let factor = factor_of(table, rows, column, request.reference.as_deref());
    match &request.reference {
        Some(reference) if !factor.levels.contains(reference) => {
            let hint = closest_name(reference, &factor.levels)
                .map_or_else(String::new, |close| format!(" (did you mean {close:?}?)"));
            Err(Error::input(DOING)
                .at(format!("{}, column {}", table.source(), factor.name))
                .found(format!("no level {reference:?}, which --reference names"))
                .expected(format!("one of {}{hint}", factor.levels.join(", "))))
        }
        _ => Ok(factor),
    }
}

/// Columns of the covariate terms, each once, and the terms in their order.
fn read_terms(
    table: &Table,
    rows: &[usize],
    request: &CohortRequest,
) -> Result<(Vec<Covariate>, Vec<Vec<TermColumn>>), Error> {
    let mut covariates: Vec<Covariate> = Vec::new();
    let mut terms = Vec::new();
    for term in &request.covariates {
        // A column whose own name holds a colon is no interaction.
        let names: Vec<&str> =
            if table.has_column(term) { vec![term] } else { term.split(':').collect() };
        let mut columns = Vec::new();
        for name in names {
            if request.group.as_deref() == Some(name) {
                columns.push(TermColumn::Group);
                continue;
            }
            let known = covariates.iter().position(|covariate| covariate.name() == name);
            let index = match known {
                Some(index) => index,
                None => {
                    covariates.push(read_covariate(table, rows, table.column(name)?)?);
                    covariates.len() - 1
                }
            };
            columns.push(TermColumn::Covariate(index));
        }
        // The group has its own terms, and a term asked for twice is one term.
        if columns != [TermColumn::Group] && !terms.contains(&columns) {
            terms.push(columns);
        }
    }
    Ok((covariates, terms))
}

fn read_covariate(table: &Table, rows: &[usize], column: usize) -> Result<Covariate, Error> {
    let Some(mut values) = table.numbers(column)? else {
        return Ok(Covariate::Factor(factor_of(table, rows, column, None)));
    };
    if rows.len() < values.len() {
        values = values.select(rows);
    }
    Ok(Covariate::Number { name: table.columns()[column].clone(), values })
}

fn duplicate_ids(ids: &[Option<&str>]) -> Option<Warning> {
    let mut seen = HashSet::new();
    let again: BTreeSet<&str> =
        ids.iter().flatten().copied().filter(|id| !seen.insert(*id)).collect();
    let first = again.first()?;
    Some(Warning::new(
        "duplicate_ids",
        format!(
            "{} identifiers stand in more than one row, {first:?} among them; rows are taken as \
             independent subjects (--cluster or --entry says otherwise)",
            again.len()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> CohortRequest {
        CohortRequest {
            time: Some("time".into()),
            event: Some("event".into()),
            ..CohortRequest::default()
        }
    }

    fn cohort(text: &str, request: &CohortRequest) -> Result<Cohort, Error> {
        cohort_of(&Table::parse(text.as_bytes(), "c.csv", DOING)?, request)
    }

    #[test]
    fn missing_values_drop_a_row_and_are_counted_by_their_column() {
        let text =
            "time,event,arm,age\n1,1,a,50\nNA,1,a,50\n.,0,,50\n2,NaN,b,50\n3,0,,50\n4,true,b,\n";
        let request = CohortRequest {
            group: Some("arm".into()),
            covariates: vec!["age".into()],
            ..request()
        };
        let cohort = cohort(text, &request).expect("two rows are complete");
        let dropped: Vec<_> = cohort.dropped.iter().map(|d| (d.column.as_str(), d.n)).collect();
        assert_eq!(dropped, [("time", 2), ("event", 1), ("arm", 1)], "by first missing column");
        assert_eq!(cohort.n(), 2, "a missing covariate stays for the curves");
        assert_eq!(cohort.complete_rows(), [0], "and goes for the regression");
        assert_eq!(cohort.lines, [2, 7], "lines of the file");
        assert_eq!(cohort.warnings[0].code, "rows_dropped", "{:?}", cohort.warnings);
    }

    #[test]
    fn bad_times_and_events_name_file_row_and_column() {
        let cases = [
            ("time,event\n1,1\n-2,1\n", "c.csv, row 3, column time"),
            ("time,event\ninf,1\n", "c.csv, row 2, column time"),
            ("time,event\nabc,1\n", "found \"abc\""),
            ("time,event\n1,2\n", "--event-value"),
            ("time,event\n,2\n", "c.csv, row 2, column event"),
        ];
        for (text, part) in cases {
            let error = cohort(text, &request()).expect_err("bad data");
            assert!(error.is_input() && error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn an_event_value_is_compared_as_text_and_as_number() {
        let with = |value: &str| CohortRequest { event_value: Some(value.into()), ..request() };
        let read = |text, value| cohort(text, &with(value)).expect("valid rows");
        let events = read("time,event\n1,progression\n2,alive\n", "progression");
        assert_eq!(events.outcome.event(), [true, false], "as text");
        let events = read("time,event\n1,2.0\n2,1\n", "2");
        assert_eq!(events.outcome.event(), [true, false], "as number");
        let none = read("time,event\n1,alive\n", "dead");
        assert_eq!(none.warnings[0].code, "event_value_not_found", "{:?}", none.warnings);
    }

    #[test]
    fn adtte_reads_censoring_codes_and_refuses_two_endpoints() {
        let adtte = CohortRequest { adtte: true, ..CohortRequest::default() };
        let text = "USUBJID,PARAMCD,AVAL,CNSR\nS1,PFS,3,0\nS2,PFS,4,1\nS3,PFS,5,2\n";
        let cohort_read = cohort(text, &adtte).expect("valid rows");
        assert_eq!(cohort_read.outcome.event(), [true, false, false], "0 is an event");
        assert_eq!(cohort_read.ids.expect("USUBJID")[0].as_deref(), Some("S1"), "identifiers");
        let two = text.replace("S3,PFS", "S3,OS");
        let error = cohort(&two, &adtte).expect_err("two endpoints");
        assert!(error.to_string().contains("OS, PFS"), "{error}");
    }

    #[test]
    fn an_unknown_column_or_level_suggests_the_closest() {
        let wrong = CohortRequest { time: Some("tme".into()), ..request() };
        let error = cohort("time,event\n1,1\n", &wrong).expect_err("no such column");
        assert!(error.to_string().contains("did you mean \"time\"?"), "{error}");
        let wrong = CohortRequest {
            group: Some("arm".into()),
            reference: Some("Placebo".into()),
            ..request()
        };
        let error = cohort("time,event,arm\n1,1,placebo\n", &wrong).expect_err("no such level");
        assert!(error.to_string().contains("did you mean \"placebo\"?"), "{error}");
        let error = cohort("time,event\n1,1\n", &CohortRequest::default()).expect_err("no column");
        assert!(error.is_usage(), "{error}");
    }

    #[test]
    fn text_covariates_are_factors_and_interactions_name_columns_once() {
        let text = "time,event,arm,age,site\n1,1,b,50,north\n2,0,a,60,south\n";
        let request = CohortRequest {
            group: Some("arm".into()),
            reference: Some("b".into()),
            covariates: ["age", "site", "arm:age", "age"].map(String::from).to_vec(),
            ..request()
        };
        let cohort = cohort(text, &request).expect("valid rows");
        assert_eq!(cohort.group.expect("a group").levels, ["b", "a"], "the reference comes first");
        let names: Vec<_> = cohort.covariates.iter().map(Covariate::name).collect();
        assert_eq!(names, ["age", "site"], "each column once");
        let (age, site) = (TermColumn::Covariate(0), TermColumn::Covariate(1));
        assert_eq!(
            cohort.terms,
            [vec![age], vec![site], vec![TermColumn::Group, age]],
            "terms in order, the repeated one once"
        );
        assert!(matches!(cohort.covariates[1], Covariate::Factor(_)), "text is a factor");
    }

    #[test]
    fn duplicate_identifiers_warn_unless_rows_are_known_to_belong_together() {
        let text = "id,time,event,entry\nP1,1,1,0\nP1,2,0,1\n";
        let with_id = CohortRequest { id: Some("id".into()), ..request() };
        let plain = cohort(text, &with_id).expect("valid rows");
        assert_eq!(plain.warnings[0].code, "duplicate_ids", "{:?}", plain.warnings);
        let clustered = CohortRequest { cluster: Some("id".into()), ..with_id.clone() };
        assert!(cohort(text, &clustered).expect("valid rows").warnings.is_empty(), "clusters");
        let entered = CohortRequest { entry: Some("entry".into()), ..with_id };
        assert!(cohort(text, &entered).expect("valid rows").warnings.is_empty(), "intervals");
    }

    #[test]
    fn an_entry_at_or_after_its_time_is_refused_with_its_row() {
        let request = CohortRequest { entry: Some("entry".into()), ..request() };
        let error = cohort("time,event,entry\n1,1,0\n2,1,2\n", &request).expect_err("no interval");
        assert!(error.to_string().contains("row 3, column entry"), "{error}");
    }

    #[test]
    fn a_cohort_without_a_complete_row_is_refused() {
        let error = cohort("time,event\nNA,1\n", &request()).expect_err("nothing left");
        assert!(error.to_string().contains("1 without time"), "{error}");
    }
}
