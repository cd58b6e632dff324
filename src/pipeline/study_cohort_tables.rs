//! Tables of a study that other commands go on from: counts over time, status by patient.

use super::study_analysis::percent;
use super::study_data::{PatientColumns, StudySample, timepoints_of};
use super::study_file::StudyFile;
use super::study_summary::StudySummary;
use crate::Error;
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::{csv_bytes, field};

/// Writes `trajectories.csv`, `patients_status.csv` and, where any was asked for, `agreement.csv`.
///
/// # Errors
/// An output error: the disk refuses.
pub(super) fn write_cohort_tables(
    out: &OutputFolder,
    study: &StudyFile,
    samples: &[StudySample],
    columns: &PatientColumns,
    (summary, time): (&StudySummary, &str),
) -> Result<(), Error> {
    out.write("trajectories.csv", trajectories_csv(study, samples))?;
    out.write("patients_status.csv", status_csv(study, samples, columns, time))?;
    if summary.agreements.is_empty() {
        return Ok(());
    }
    out.write("agreement.csv", agreement_csv(summary))
}

/// One row a sample whose cells are known, the long table of `herscope joint`: patient, time of the
/// visit in the unit of the analysis (empty where the sample sheet has none), counts.
fn trajectories_csv(study: &StudyFile, samples: &[StudySample]) -> Vec<u8> {
    let (from, to) = (study.patients.time_unit, study.analysis.time_unit);
    let visit = format!("visit_{}", to.name());
    let header = [&study.patients.id, "timepoint", &visit, "n_ctc", "n_her2pos_ctc"];
    let rows = samples.iter().filter_map(|sample| {
        let (patient, counts) = (sample.patient.clone()?, sample.counts()?);
        let time = sample.visit_time.map(|time| time * from.days() / to.days());
        Some([
            patient,
            sample.timepoint.clone(),
            field(time),
            counts.n_ctc.to_string(),
            counts.n_her2pos.to_string(),
        ])
    });
    csv_bytes(&header, rows)
}

/// One row a patient: follow-up, event, and for each time point, the status time points and ever
/// whether there was a CTC and a HER2-positive one; empty where no sample says.
fn status_csv(
    study: &StudyFile,
    samples: &[StudySample],
    columns: &PatientColumns,
    time: &str,
) -> Vec<u8> {
    let id = &study.patients.id;
    let mut sources: Vec<(String, String, String)> = Vec::new();
    let mut add = |prefix: &str| {
        for (count, status) in [("ctc", "ctc_pos"), ("her2pos_ctc", "her2_ctc_pos")] {
            let (count, status) = (format!("{prefix}{count}"), format!("{prefix}{status}"));
            sources.push((prefix.to_owned(), count, status));
        }
    };
    for timepoint in timepoints_of(samples) {
        add(&format!("{}_", timepoint.to_lowercase()));
    }
    add("");
    add("ever_");
    let header: Vec<&str> = [id.as_str(), time, study.patients.event.as_str()]
        .into_iter()
        .chain(sources.iter().map(|(_, _, status)| status.as_str()))
        .collect();
    let cell = |name: &str, row: usize| {
        columns.column(name).map_or_else(String::new, |column| column[row].clone())
    };
    let status = |count: &str, row: usize| match cell(count, row).parse::<u64>() {
        Ok(n) => u8::from(n > 0).to_string(),
        Err(_) => String::new(),
    };
    let rows = (0..columns.n_rows()).map(|row| {
        let own = [id.as_str(), time, study.patients.event.as_str()].map(|name| cell(name, row));
        own.into_iter().chain(sources.iter().map(move |(_, count, _)| status(count, row)))
    });
    csv_bytes(&header, rows.map(Iterator::collect::<Vec<_>>))
}

/// The cross tables: one row a pair of readings.
fn agreement_csv(summary: &StudySummary) -> Vec<u8> {
    let header =
        ["name", "grouping", "level", "column", "reading", "n", "percent_of_level", "kappa"];
    let rows = summary.agreements.iter().flat_map(|one| {
        let places = [(0, 0), (0, 1), (1, 0), (1, 1)];
        places.map(|(first, second)| {
            let of_level: u64 = one.counts[first].iter().sum();
            let n = one.counts[first][second];
            [
                one.name.clone(),
                one.grouping.clone(),
                one.first_levels[first].clone(),
                one.column.clone(),
                one.second_levels[second].clone(),
                n.to_string(),
                field(percent(n as usize, of_level as usize)),
                field(one.kappa),
            ]
        })
    });
    csv_bytes(&header, rows)
}
