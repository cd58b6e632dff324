//! What misclassified cells cost: the bootstrap again, with the cells of the patients drawn too.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cell_source::CellSource;
use super::document::IntervalBlock;
use super::intervals::IntervalKind;
use super::patient_cells::{MeasuredCell, PatientCells};
use super::settings::BootstrapSettings;
use super::storage::Storage;
use super::{BootstrapDocument, BootstrapProgress, DOING, resample};
use crate::compute::Backend;
use crate::imaging::PatientRule;
use crate::io::cells_of_patients::CellsOfPatients;
use crate::survival::{Cohort, design_matrix};
use crate::{Error, Warning};

/// Kinds that are formed from the replicates alone.
const KINDS: [IntervalKind; 4] = [
    IntervalKind::Percentile,
    IntervalKind::PercentileKeepInf,
    IntervalKind::Basic,
    IntervalKind::Normal,
];

/// Cells and the rule that made the cohort's group of them.
#[derive(Clone, Debug, PartialEq)]
pub struct PropagationRequest {
    /// The cells, those of the chosen time points.
    pub cells: CellsOfPatients,
    /// Their time points; empty for all.
    pub timepoints: Vec<String>,
    /// When a patient is positive.
    pub rule: PatientRule,
    /// From here up a cell is high.
    pub her2_high: f64,
}

/// The bootstrap with cells drawn, beside the one without.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PropagationBlock {
    /// `cells`.
    pub of: &'static str,
    /// Name of the rule.
    pub rule: String,
    /// Who used the rule; null for a number of the user's own.
    pub rule_source: Option<&'static str>,
    /// From here up a cell is high; the user's.
    pub her2_high: f64,
    /// Time points whose cells count; empty for all.
    pub timepoints: Vec<String>,
    /// Cells of the cohort's patients.
    pub n_cells: usize,
    /// Those whose standard error is known.
    pub n_cells_with_std_err: usize,
    /// Patients of the cohort who have cells.
    pub n_patients_with_cells: usize,
    /// Patients whose group can change when their cells are drawn again.
    pub n_patients_can_change: usize,
    /// Patients of a replicate, drawn ones counted each time, who are in the other group: the mean
    /// over the replicates.
    pub mean_patients_changed: f64,
    /// Replicates asked for.
    pub replicates: u64,
    /// Those with a finite value.
    pub estimable: u64,
    /// Mean of the replicates less the estimate, log scale.
    pub bias: Option<f64>,
    /// Standard deviation of the replicates, log scale.
    pub std_err: Option<f64>,
    /// Monte-Carlo errors of these.
    pub mcse_bias: Option<f64>,
    /// Monte-Carlo error of the standard deviation.
    pub mcse_std_err: Option<f64>,
    /// Intervals of the kinds that need nothing but the replicates.
    pub intervals: Vec<IntervalBlock>,
    /// Patients whose group can change, those who change most first.
    pub patients: Vec<PatientChanges>,
}

/// How sure the group of one patient is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PatientChanges {
    /// Identifier.
    pub id: String,
    /// Cells.
    pub n_cells: usize,
    /// High ones as measured.
    pub n_high: usize,
    /// Whether the patient is positive as measured.
    pub positive: bool,
    /// Share of the draws of this patient in which it is in the other group; null when it was never
    /// drawn.
    pub share_changed: Option<f64>,
}

/// Runs the bootstrap of `document` again with the cells of every patient drawn, and puts what
/// comes out beside it.
///
/// The patients drawn are those of `document`, replicate by replicate, so that the two differ by
/// the cells alone.
///
/// # Errors
/// A cohort without identifiers, or with one twice; a group that is not the one the cells give; a
/// model, a resample or a document that cells cannot be drawn for; an interrupt.
pub fn propagate_cells(
    cohort: &Cohort,
    settings: &BootstrapSettings,
    request: &PropagationRequest,
    document: &mut BootstrapDocument,
    backend: &dyn Backend,
    progress: BootstrapProgress<'_>,
) -> Result<(), Error> {
    let ids = ids_of(cohort)?;
    let mut warnings = warnings_of(request, &ids);
    let cells = cells_of(request, &ids);
    check_group(cohort, &cells, &ids)?;
    let settings = BootstrapSettings {
        replicates: document.replicates.requested,
        intervals: settings.intervals.iter().copied().filter(|k| KINDS.contains(k)).collect(),
        until_mcse: None,
        hash_draws: false,
        ..settings.clone()
    };
    let source = CellSource::new(cohort, &cells, &settings, backend)?;
    let drawn = resample(cohort, &source, &settings, &Storage::default(), backend, progress)?;
    let changes = source.changes(settings.replicates);
    let n_changed: u64 = changes.changed.values().sum();
    let patients = patients_of(&cells, &ids, &changes.drawn, &changes.changed);
    if cells.patients().iter().flatten().all(|cell| cell.std_err.is_none()) {
        let message =
            "no cell has a standard error: cells are drawn again, their intensities are not";
        warnings.push(Warning::new("no_cell_errors", message));
    }
    document.warnings.extend(warnings);
    document.propagation = Some(PropagationBlock {
        of: "cells",
        rule: request.rule.name(),
        rule_source: request.rule.source(),
        her2_high: request.her2_high,
        timepoints: request.timepoints.clone(),
        n_cells: cells.patients().iter().map(Vec::len).sum(),
        n_cells_with_std_err: cells
            .patients()
            .iter()
            .flatten()
            .filter(|cell| cell.std_err.is_some())
            .count(),
        n_patients_with_cells: cells.patients().iter().filter(|cells| !cells.is_empty()).count(),
        n_patients_can_change: patients.len(),
        mean_patients_changed: n_changed as f64 / settings.replicates as f64,
        replicates: settings.replicates,
        estimable: drawn.replicates.estimable,
        bias: drawn.bias,
        std_err: drawn.std_err,
        mcse_bias: drawn.mcse_bias,
        mcse_std_err: drawn.mcse_std_err,
        intervals: drawn.intervals,
        patients,
    });
    Ok(())
}

/// The identifier of each complete row.
fn ids_of(cohort: &Cohort) -> Result<Vec<String>, Error> {
    let rows = cohort.complete_rows();
    let Some(ids) = &cohort.ids else {
        return Err(Error::usage(DOING)
            .found("--propagate cells without --id")
            .expected("the column of identifiers that the cells bear too"));
    };
    let mut first: BTreeMap<&str, u64> = BTreeMap::new();
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let line = cohort.lines[row];
        let Some(id) = &ids[row] else {
            return Err(Error::input(DOING)
                .at(format!("the cohort, row {line}"))
                .found("no identifier")
                .expected("one, since cells are drawn by patient"));
        };
        if let Some(other) = first.insert(id, line) {
            return Err(Error::input(DOING)
                .at(format!("the cohort, row {line}"))
                .found(format!("{id:?} again, which row {other} is"))
                .expected("one row a patient"));
        }
        found.push(id.clone());
    }
    Ok(found)
}

fn cells_of(request: &PropagationRequest, ids: &[String]) -> PatientCells {
    let of = |id: &String| -> Vec<MeasuredCell> {
        let cells = request.cells.patients.get(id).into_iter().flatten();
        cells.map(|&(her2, std_err)| MeasuredCell { her2, std_err }).collect()
    };
    PatientCells::new(request.rule, request.her2_high, ids.iter().map(of).collect())
}

fn warnings_of(request: &PropagationRequest, ids: &[String]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let strangers = request.cells.patients.iter().filter(|(id, _)| !ids.contains(id));
    let n_strange: usize = strangers.map(|(_, cells)| cells.len()).sum();
    if n_strange > 0 {
        let message = format!("{n_strange} cells are of patients who are not in the cohort");
        warnings.push(Warning::new("cells_of_others", message));
    }
    if request.cells.n_unmeasured > 0 {
        let message =
            format!("{} cells without an intensity are left out", request.cells.n_unmeasured);
        warnings.push(Warning::new("her2_not_measured", message));
    }
    warnings
}

/// # Errors
/// A patient whose group in the cohort is not the one its cells give.
fn check_group(cohort: &Cohort, cells: &PatientCells, ids: &[String]) -> Result<(), Error> {
    let Some(group) = &cohort.group else {
        return Err(Error::usage(DOING)
            .found("--propagate cells without --group")
            .expected("the group that the cells make"));
    };
    let rows = cohort.complete_rows();
    let columns = design_matrix(cohort, &rows).columns;
    let [column] = columns.as_slice() else {
        return Err(Error::usage(DOING)
            .found(format!("{} Cox terms", columns.len()))
            .expected("one: --group of two levels and no covariates"));
    };
    let differs = |&row: &usize| (column.values[row] == 1.0) != cells.given()[row];
    let different: Vec<usize> = (0..ids.len()).filter(differs).collect();
    let Some(&first) = different.first() else { return Ok(()) };
    let level = group.codes[rows[first]].map_or("none", |code| group.levels[code].as_str());
    let said = if cells.given()[first] { "positive" } else { "not positive" };
    Err(Error::input(DOING)
        .at(format!("the cohort, row {}", cohort.lines[rows[first]]))
        .found(format!(
            "{} = {level:?} for {}, whose cells are {said} by {}; {} of {} patients differ",
            group.name,
            ids[first],
            cells.rule().name(),
            different.len(),
            ids.len()
        ))
        .expected(
            "the group that --cell-rule, --her2-high and --timepoint make of these cells, and the \
             level of those who are not positive as --reference",
        ))
}

fn patients_of(
    cells: &PatientCells,
    ids: &[String],
    drawn: &BTreeMap<usize, u64>,
    changed: &BTreeMap<usize, u64>,
) -> Vec<PatientChanges> {
    let can_change = (0..ids.len()).filter(|&patient| cells.can_change()[patient]);
    let mut patients: Vec<PatientChanges> = can_change
        .map(|patient| {
            let of = &cells.patients()[patient];
            let n = |counts: &BTreeMap<usize, u64>| counts.get(&patient).copied().unwrap_or(0);
            PatientChanges {
                id: ids[patient].clone(),
                n_cells: of.len(),
                n_high: of.iter().filter(|cell| cell.her2 >= cells.her2_high()).count(),
                positive: cells.given()[patient],
                share_changed: (n(drawn) > 0).then(|| n(changed) as f64 / n(drawn) as f64),
            }
        })
        .collect();
    patients.sort_by(|a, b| {
        let share = |one: &PatientChanges| one.share_changed.unwrap_or(0.0);
        share(b).total_cmp(&share(a)).then_with(|| a.id.cmp(&b.id))
    });
    patients
}
