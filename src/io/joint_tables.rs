//! From a long table of visits and a table of subjects to the data of a joint model.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::cohort::{CohortRequest, cohort_of};
use super::joint_fixed::{Column, Place, Places, columns_of, fixed_terms};
use super::joint_terms::{MarkerScale, parse_terms};
use super::table::Table;
use crate::joint::JointData;
use crate::survival::{Cohort, design_matrix};
use crate::units::TimeUnit;
use crate::{Error, Warning};

pub(super) const DOING: &str = "reading the visits of the joint model";

/// Which columns of the two tables are what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JointRequest {
    /// Subject identifiers, in both tables.
    pub id: String,
    /// Time of a visit since the start of follow-up, in the long table.
    pub visit_time: String,
    /// Unit of `visit_time`; that of follow-up without it.
    pub visit_unit: Option<TimeUnit>,
    /// The marker: `COL`, `log(COL)`, `log1p(COL)` or `sqrt(COL)`.
    pub marker: String,
    /// Keep only visits where this column has one of these texts.
    pub only: Option<(String, Vec<String>)>,
    /// Terms beside the intercept: columns, products `A:B`, `ns(TIME,DF)`; the time alone if empty.
    pub fixed: Vec<String>,
    /// Column whose logarithm is added to the linear predictor of a count, such as a blood volume.
    pub exposure: Option<String>,
    /// Columns of the subjects.
    pub subjects: CohortRequest,
}

/// Data of a joint model, and what was left out on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct JointTables {
    /// The data.
    pub data: JointData,
    /// Identifier of each subject.
    pub ids: Vec<String>,
    /// Subjects that are not in the data: a value is missing, or no visit is left.
    pub n_subjects_dropped: usize,
    /// Visits that are not in the data: a value is missing, or their subject is not there.
    pub n_visits_dropped: usize,
    /// What the reader must know.
    pub warnings: Vec<Warning>,
}

/// Reads both files (`-` is standard input, for one of them).
///
/// # Errors
/// As [`Table::read`] and [`joint_tables_of`].
pub fn read_joint_tables(
    long: &Path,
    subjects: &Path,
    request: &JointRequest,
) -> Result<JointTables, Error> {
    joint_tables_of(
        &Table::read(long, DOING)?,
        &Table::read(subjects, "reading the subjects of the joint model")?,
        request,
    )
}

/// The data that `request` describes.
///
/// Subjects without a visit and visits without a subject are left out and counted. A covariate of the
/// marker is looked for among the columns of `long`, then of `subjects`; text becomes indicators of
/// its levels but the first.
///
/// # Errors
/// A column that is not there; a cell that is not what its column must hold (file, row, column); two
/// rows of one subject; nothing left.
pub fn joint_tables_of(
    long: &Table,
    subjects: &Table,
    request: &JointRequest,
) -> Result<JointTables, Error> {
    let terms = if request.fixed.is_empty() {
        parse_terms(std::slice::from_ref(&request.visit_time), &request.visit_time)?
    } else {
        parse_terms(&request.fixed, &request.visit_time)?
    };
    let cohort = cohort_of(subjects, &request.subjects)?;
    check_ids(subjects, &request.id)?;
    let columns = columns_of(long, subjects, &terms)?;
    let visits = read_visits(long, request, &columns)?;
    let lines: HashMap<u64, usize> =
        (0..subjects.n_rows()).map(|row| (subjects.line(row), row)).collect();
    // complete subjects with at least one complete visit, in the order of their table
    let mut by_subject: HashMap<&str, Vec<&Visit>> = HashMap::new();
    for visit in &visits.complete {
        by_subject.entry(visit.id.as_str()).or_default().push(visit);
    }
    let mut kept: Vec<(usize, Vec<&Visit>)> = Vec::new();
    for row in cohort.complete_rows() {
        let has_covariates = columns.iter().all(|column| match column.place {
            Place::Long(_) => true,
            Place::Subjects(at) => subjects.value(lines[&cohort.lines[row]], at).is_some(),
        });
        let id = id_of(&cohort, row);
        if let (true, Some(mut own)) = (has_covariates, by_subject.remove(id)) {
            own.sort_by(|a, b| a.time.total_cmp(&b.time));
            kept.push((row, own));
        }
    }
    if kept.is_empty() {
        return Err(Error::input(DOING)
            .at(long.source())
            .found(format!("no visit of a subject of {}", subjects.source()))
            .expected(format!("identifiers in column {} that both tables have", request.id)));
    }
    let rows: Vec<usize> = kept.iter().map(|(row, _)| *row).collect();
    for &row in &rows {
        let entry = cohort.outcome.entry().map_or(0.0, |entry| entry[row]);
        if let (true, Some(name)) = (cohort.outcome.time()[row] <= entry, &request.subjects.time) {
            let at = (lines[&cohort.lines[row]], subjects.column(name)?);
            return Err(subjects.bad_cell(
                at.0,
                at.1,
                "an end of follow-up above 0 and above entry",
            ));
        }
    }
    let design = design_matrix(&cohort, &rows);
    let of_rows = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
    let mut visit_begin = vec![0];
    for (_, own) in &kept {
        visit_begin.push(visit_begin[visit_begin.len() - 1] + own.len());
    }
    let ordered: Vec<&Visit> = kept.iter().flat_map(|(_, own)| own.iter().copied()).collect();
    let places = Places {
        long,
        subjects,
        lines: &lines,
        cohort: &cohort,
        rows: &rows,
        ordered: &ordered,
        visit_begin: &visit_begin,
    };
    let visit_time: Vec<f64> = ordered.iter().map(|visit| visit.time).collect();
    let data = JointData {
        fixed: fixed_terms(&terms, &columns, &places, &visit_time)?,
        marker: ordered.iter().map(|visit| visit.marker).collect(),
        offset: request.exposure.is_some().then(|| ordered.iter().map(|v| v.offset).collect()),
        entry: cohort.outcome.entry().map(of_rows),
        time: of_rows(cohort.outcome.time()),
        event: rows.iter().map(|&row| cohort.outcome.event()[row]).collect(),
        covariates: design.columns,
        visit_begin: visit_begin.clone(),
        visit_time,
    };
    let n_visits_dropped = visits.n_incomplete + visits.complete.len() - ordered.len();
    let n_subjects_dropped = subjects.n_rows() - rows.len();
    let mut warnings = cohort.warnings.clone();
    warnings.extend(design.warnings);
    warnings.extend(warnings_of(&data, n_subjects_dropped, n_visits_dropped));
    Ok(JointTables {
        ids: rows.iter().map(|&row| id_of(&cohort, row).to_owned()).collect(),
        data,
        n_subjects_dropped,
        n_visits_dropped,
        warnings,
    })
}

pub(super) struct Visit {
    pub(super) row: usize,
    id: String,
    time: f64,
    marker: f64,
    offset: f64,
}

struct Visits {
    complete: Vec<Visit>,
    n_incomplete: usize,
}

fn id_of(cohort: &Cohort, row: usize) -> &str {
    cohort.ids.as_ref().and_then(|ids| ids[row].as_deref()).unwrap_or("")
}

/// # Errors
/// A subject with two rows.
fn check_ids(subjects: &Table, id: &str) -> Result<(), Error> {
    let column = subjects.column(id)?;
    let mut seen = HashSet::new();
    for row in 0..subjects.n_rows() {
        if subjects.value(row, column).is_some_and(|id| !seen.insert(id)) {
            return Err(subjects.bad_cell(row, column, "one row a subject"));
        }
    }
    Ok(())
}

fn read_visits(long: &Table, request: &JointRequest, columns: &[Column]) -> Result<Visits, Error> {
    let (id, time) = (long.column(&request.id)?, long.column(&request.visit_time)?);
    let (name, scale) = MarkerScale::parse(&request.marker);
    let marker = long.column(name)?;
    let exposure = request.exposure.as_ref().map(|name| long.column(name)).transpose()?;
    let only = match &request.only {
        Some((name, levels)) => Some((long.column(name)?, levels)),
        None => None,
    };
    let unit = request.subjects.time_unit;
    let days = request.visit_unit.unwrap_or(unit).days();
    let mut visits = Visits { complete: Vec::new(), n_incomplete: 0 };
    for row in 0..long.n_rows() {
        if let Some((column, levels)) = &only
            && !levels.iter().any(|level| level == long.cell(row, *column))
        {
            continue;
        }
        let at = long.number(row, time, "a finite time")?;
        let value = long.number(row, marker, "a finite number")?;
        let volume = match exposure {
            Some(column) => long.number(row, column, "a number above 0")?,
            None => Some(1.0),
        };
        let has_covariates = columns.iter().all(|column| match column.place {
            Place::Long(at) => long.value(row, at).is_some(),
            Place::Subjects(_) => true,
        });
        let (Some(subject), Some(at), Some(value), Some(volume), true) =
            (long.value(row, id), at, value, volume, has_covariates)
        else {
            visits.n_incomplete += 1;
            continue;
        };
        if at < 0.0 {
            return Err(long.bad_cell(row, time, "a time from 0, the start of follow-up"));
        }
        let marker = scale.of(value).ok_or_else(|| long.bad_cell(row, marker, scale.expected()))?;
        if let (Some(column), true) = (exposure, volume <= 0.0) {
            return Err(long.bad_cell(row, column, "a number above 0"));
        }
        visits.complete.push(Visit {
            row,
            id: subject.to_owned(),
            time: at * days / unit.days(),
            marker,
            offset: volume.ln(),
        });
    }
    Ok(visits)
}

fn warnings_of(data: &JointData, n_subjects: usize, n_visits: usize) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if n_subjects > 0 {
        warnings.push(Warning::new(
            "subjects_dropped",
            format!("{n_subjects} subjects lack a value in a column used, or have no visit"),
        ));
    }
    if n_visits > 0 {
        warnings.push(Warning::new(
            "visits_dropped",
            format!(
                "{n_visits} visits lack a value in a column used, or their subject is not there"
            ),
        ));
    }
    let after = (0..data.n_subjects())
        .flat_map(|i| data.visits(i).map(move |visit| (i, visit)))
        .filter(|&(i, visit)| data.visit_time[visit] > data.time[i])
        .count();
    if after > 0 {
        warnings.push(Warning::new(
            "visits_after_follow_up",
            format!(
                "{after} visits are later than the end of their subject's follow-up; they are used, as \
                 measurements of the same trajectory"
            ),
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::joint::TimeShape;

    fn read(long: &str, subjects: &str, fixed: &[&str]) -> Result<JointTables, Error> {
        let request = JointRequest {
            id: "id".into(),
            visit_time: "day".into(),
            visit_unit: Some(TimeUnit::Days),
            marker: "ctc".into(),
            fixed: fixed.iter().map(|term| (*term).to_owned()).collect(),
            subjects: CohortRequest {
                id: Some("id".into()),
                time: Some("time".into()),
                event: Some("event".into()),
                ..CohortRequest::default()
            },
            ..JointRequest::default()
        };
        let long = Table::parse(long.as_bytes(), "long.csv", DOING)?;
        joint_tables_of(&long, &Table::parse(subjects.as_bytes(), "s.csv", DOING)?, &request)
    }

    const SUBJECTS: &str = "id,time,event,arm\nB,5,1,x\nA,7,0,y\nC,9,1,x\n";

    #[test]
    fn visits_are_ordered_by_subject_and_time_in_the_unit_of_follow_up() {
        let long = "id,day,ctc\nA,60.875,1\nB,0,3\nA,0,2\nD,0,9\nB,,4\n";
        let tables = read(long, SUBJECTS, &[]).expect("two subjects");
        assert_eq!(tables.ids, ["B", "A"], "as the subjects stand in their table");
        assert_eq!(tables.data.visit_time, [0.0, 0.0, 2.0], "months");
        assert_eq!(tables.data.marker, [3.0, 2.0, 1.0], "B, then A by time");
        assert_eq!((tables.n_subjects_dropped, tables.n_visits_dropped), (1, 2), "C; D's and B's");
        let names: Vec<&str> = tables.data.fixed.iter().map(|term| term.name.as_str()).collect();
        assert_eq!(names, ["(Intercept)", "day"], "the visit time without --fixed");
    }

    #[test]
    fn factors_of_either_table_and_their_products_with_time_become_terms() {
        let long = "id,day,ctc,dose\nA,0,1,2\nA,30.4375,1,4\nB,0,3,1\nC,0,0,1\n";
        let tables = read(long, SUBJECTS, &["day", "arm:day", "dose"]).expect("three subjects");
        let fixed = &tables.data.fixed;
        let names: Vec<&str> = fixed.iter().map(|term| term.name.as_str()).collect();
        assert_eq!(names, ["(Intercept)", "day", "arm=y:day", "dose"], "one level of arm");
        assert_eq!(fixed[2].shape, TimeShape::Power(1), "times the time");
        assert_eq!(fixed[2].of_subjects, Some(vec![0.0, 1.0, 0.0]), "B, A, C");
        assert_eq!(fixed[3].of_subjects, None, "the dose of A changes");
        assert_eq!(fixed[3].at_visits, [1.0, 2.0, 4.0, 1.0], "at each visit");
    }

    #[test]
    fn two_rows_of_a_subject_and_visits_before_0_are_refused_with_their_row() {
        let twice = "id,time,event\nA,1,1\nA,2,0\n";
        let error = read("id,day,ctc\nA,0,1\n", twice, &[]).expect_err("two rows of A");
        assert!(error.to_string().contains("s.csv, row 3"), "{error}");
        let at_once = "id,time,event\nA,0,1\n";
        let error = read("id,day,ctc\nA,0,1\n", at_once, &[]).expect_err("no follow-up");
        assert!(error.to_string().contains("s.csv, row 2, column time"), "{error}");
        let error = read("id,day,ctc\nA,-3,1\n", SUBJECTS, &[]).expect_err("before the start");
        assert!(error.to_string().contains("long.csv, row 2, column day"), "{error}");
    }
}
