//! Tables of a study on the HER2 of its cells: spread within samples, shifts between time points,
//! patients by each published rule.

use std::collections::BTreeSet;

use super::her2_shift::Her2Shift;
use super::heterogeneity::{
    CellBootstrap, CellScale, Heterogeneity, MeasuredSpread, REPLICATES, SpreadMeasure,
    describe_cells,
};
use super::study_data::{StudySample, timepoints_of};
use super::study_file::{Her2CutOffs, PositiveFrom, StudyFile};
use crate::Error;
use crate::imaging::{CellStatus, Her2Class, Her2Cutoffs, PatientRule};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::csv_bytes;

/// Writes `heterogeneity.csv`, `shifts.csv` and `patient_rules.csv`.
///
/// # Errors
/// Cut-offs out of order; an output error: the disk refuses.
pub(super) fn write_her2_tables(
    out: &OutputFolder,
    study: &StudyFile,
    samples: &[StudySample],
) -> Result<(), Error> {
    out.write("heterogeneity.csv", heterogeneity_csv(study, samples)?)?;
    out.write("shifts.csv", shifts_csv(study, samples))?;
    out.write("patient_rules.csv", rules_csv(study, samples))
}

/// The cut-offs that classed the cells of a sample.
fn cut_offs_of<'a>(study: &'a StudyFile, sample: &StudySample) -> &'a Her2CutOffs {
    let of_archives = study.cartridges.her2.as_ref().filter(|_| sample.archive.is_some());
    of_archives.unwrap_or(&study.her2)
}

fn positive_from(cut_offs: &Her2CutOffs) -> Her2Class {
    match cut_offs.positive {
        PositiveFrom::Med => Her2Class::Med,
        PositiveFrom::High => Her2Class::High,
    }
}

/// Patients' samples whose cells are known, with their place among all samples.
fn known(samples: &[StudySample]) -> impl Iterator<Item = (u32, &str, &StudySample)> {
    let known = (0..).zip(samples).filter(|(_, sample)| sample.failure.is_none());
    known.filter_map(|(index, sample)| Some((index, sample.patient.as_deref()?, sample)))
}

fn values(sample: &StudySample) -> Vec<f64> {
    sample.cells.iter().filter_map(|cell| cell.her2_mean).collect()
}

fn text(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// One row a sample and measure.
fn heterogeneity_csv(study: &StudyFile, samples: &[StudySample]) -> Result<Vec<u8>, Error> {
    let mut rows = Vec::new();
    for (index, patient, sample) in known(samples) {
        let cut_offs = cut_offs_of(study, sample);
        let scale = CellScale {
            cutoffs: Her2Cutoffs::new(cut_offs.med, cut_offs.high)?,
            positive_from: positive_from(cut_offs),
            grades_from: None,
        };
        let how = CellBootstrap {
            seed: study.analysis.seed,
            sample: index,
            replicates: REPLICATES,
            conf_level: study.analysis.conf_level,
        };
        let cells = describe_cells(&values(sample), &scale, how);
        // No study gives grades, so none has an H-score.
        let shown = cells.measures.iter().filter(|one| one.measure != SpreadMeasure::HScore);
        rows.extend(shown.map(|one| spread_row(sample, patient, &cells, one)));
    }
    let header = [
        "sample_id",
        "patient_id",
        "timepoint",
        "n",
        "measure",
        "value",
        "lower",
        "upper",
        "n_replicates",
        "clopper_pearson_lower",
        "clopper_pearson_upper",
        "wilson_lower",
        "wilson_upper",
        "reason",
    ];
    Ok(csv_bytes(&header, rows))
}

fn spread_row(
    sample: &StudySample,
    patient: &str,
    cells: &Heterogeneity,
    one: &MeasuredSpread,
) -> [String; 14] {
    // Limits of a share stand beside the share, also of one cell.
    let is_share = one.measure == SpreadMeasure::FractionPositive;
    let (exact, wilson) =
        (cells.clopper_pearson.filter(|_| is_share), cells.wilson.filter(|_| is_share));
    [
        sample.id.clone(),
        patient.to_owned(),
        sample.timepoint.clone(),
        cells.n.to_string(),
        one.measure.name().to_owned(),
        text(one.value),
        text(one.lower),
        text(one.upper),
        one.n_estimable.to_string(),
        text(exact.map(|limits| limits.lower)),
        text(exact.map(|limits| limits.upper)),
        text(wilson.map(|limits| limits.lower)),
        text(wilson.map(|limits| limits.upper)),
        one.reason.unwrap_or_default().to_owned(),
    ]
}

/// One row a patient and pair of samples on one scale, the earlier time point first.
fn shifts_csv(study: &StudyFile, samples: &[StudySample]) -> Vec<u8> {
    let timepoints = timepoints_of(samples);
    let mut seen = BTreeSet::new();
    let patients = known(samples).map(|(_, patient, _)| patient).filter(|&name| seen.insert(name));
    let mut rows = Vec::new();
    for patient in patients {
        let at = |timepoint: &str| {
            let own = |(_, owner, sample): &(u32, &str, &StudySample)| {
                *owner == patient && sample.timepoint == timepoint
            };
            known(samples).find(own).map(|(_, _, sample)| sample)
        };
        let own: Vec<&StudySample> = timepoints.iter().filter_map(|name| at(name)).collect();
        for (place, from) in own.iter().enumerate() {
            for to in &own[place + 1..] {
                if cut_offs_of(study, from).scale == cut_offs_of(study, to).scale {
                    rows.push(shift_row(patient, from, to));
                }
            }
        }
    }
    let header = [
        "patient_id",
        "from",
        "to",
        "n_from",
        "n_to",
        "count_ratio",
        "wasserstein_1",
        "rank_sum_w",
        "rank_sum_p",
        "rank_sum_exact",
    ];
    csv_bytes(&header, rows)
}

fn shift_row(patient: &str, from: &StudySample, to: &StudySample) -> [String; 10] {
    let shift = Her2Shift::of(&values(from), &values(to));
    let test = shift.rank_sum;
    [
        patient.to_owned(),
        from.timepoint.clone(),
        to.timepoint.clone(),
        shift.n_from.to_string(),
        shift.n_to.to_string(),
        text(shift.count_ratio),
        text(shift.wasserstein_1),
        text(test.map(|test| test.w)),
        text(test.and_then(|test| test.p)),
        test.map_or("", |test| if test.exact { "1" } else { "0" }).to_owned(),
    ]
}

/// One row a sample and published rule; cells without a HER2 value take no part.
fn rules_csv(study: &StudyFile, samples: &[StudySample]) -> Vec<u8> {
    let mut rows = Vec::new();
    for (_, patient, sample) in known(samples) {
        let classes = [Her2Class::Neg, Her2Class::Med, Her2Class::High];
        let status = |class: usize| CellStatus {
            her2_class: classes[class],
            grade: None,
            // A CellSearch CTC is cytokeratin-positive by definition.
            ck_positive: Some(true),
        };
        let cells: Vec<CellStatus> =
            sample.cells.iter().filter_map(|cell| cell.her2_class.map(status)).collect();
        let from = positive_from(cut_offs_of(study, sample));
        // A number of cells of the user's own has no source, and no study names one.
        for rule in PatientRule::all(1) {
            let Some(source) = rule.source() else { continue };
            let outcome = rule.apply(&cells, from);
            rows.push([
                patient.to_owned(),
                sample.timepoint.clone(),
                rule.name(),
                outcome.n.to_string(),
                text(outcome.value),
                outcome.positive.map_or("", |is| if is { "1" } else { "0" }).to_owned(),
                outcome.reason.unwrap_or_default().to_owned(),
                source.to_owned(),
            ]);
        }
    }
    let header = ["patient_id", "timepoint", "rule", "n", "value", "positive", "reason", "source"];
    csv_bytes(&header, rows)
}
