//! `study`: from a study file to tables, statistics, figures and a report.

use std::path::Path;

use super::study_analysis::{Patients, count_patients, derive_groupings, percent};
use super::study_cartridges::{Cartridges, Measuring, measure_archives};
use super::study_checks::check_figure;
use super::study_cohort_tables::write_cohort_tables;
use super::study_data::{
    PatientColumns, StudyCell, StudySample, derive_status, read_cells, read_samples, timepoints_of,
};
use super::study_file::StudyFile;
use super::study_her2_tables::write_her2_tables;
use super::study_report::study_report;
pub use super::study_summary::{
    AgreementResult, CellCounts, CheckResult, ComparisonResult, ControlSummary, CorrelationResult,
    CountResult, GroupingResult, LevelSummary, SampleSources, StudyFailure, StudySummary,
    TimepointSummary, summary_text,
};
use super::survive::SCHEMA_VERSION;
use crate::compute::Backend;
use crate::imaging::{GateSet, MarginMissing};
use crate::io::cohort::{CohortRequest, cohort_of};
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table::Table;
use crate::io::table_writer::{csv_bytes, field};
use crate::report::{km_figure, km_plot, render_html};
use crate::{Error, Warning};

/// What the caller decides over the study file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StudySettings {
    /// Bootstrap replicates instead of the file's; 0 for none.
    pub replicates: Option<u64>,
    /// Seed instead of the file's.
    pub seed: Option<u64>,
    /// Confidence level instead of the file's.
    pub conf_level: Option<f64>,
    /// The command line, for the report.
    pub command: Option<String>,
    /// The date to print on the report; the library has no clock.
    pub date: Option<String>,
}

/// What a long run tells its caller: the stage, and how much of it is done of how much. A caller
/// that answers false stops the run.
pub type StudyProgress<'a> = &'a (dyn Fn(&str, u64, u64) -> bool + Sync);

/// A study with all it read, before it is written.
pub(crate) struct StudyResults<'a> {
    pub(crate) study: &'a StudyFile,
    pub(crate) settings: &'a StudySettings,
    pub(crate) summary: &'a StudySummary,
    pub(crate) samples: &'a [StudySample],
    pub(crate) cartridges: &'a Cartridges,
    pub(crate) inputs: &'a [ManifestFile],
}

/// Runs the study that the file at `path` describes and writes everything into `out`, which the
/// caller commits.
///
/// Writes `cells.csv`, `samples.csv`, `patients.csv`, `heterogeneity.csv`, `shifts.csv`,
/// `patient_rules.csv`, `trajectories.csv`, `patients_status.csv`, `agreement.csv`, `summary.json`, `figures/*.svg`, `report.html` and `manifest.json`. An archive
/// that cannot be used is a failure in the summary ([`StudySummary::is_partial`]); its sample counts
/// as not known.
///
/// # Errors
/// An input error for anything wrong in the study file or its tables, with file, row and column;
/// an output error when a file cannot be written.
pub fn run_study(
    path: &Path,
    settings: &StudySettings,
    backend: &dyn Backend,
    progress: StudyProgress<'_>,
    out: &OutputFolder,
) -> Result<StudySummary, Error> {
    let study = with_settings(StudyFile::read(path)?, settings);
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut warnings = Vec::new();

    let table = Table::read(&folder.join(&study.patients.table), "reading the patients")?;
    check_follow_up(&study, &table)?;
    let mut samples = read_samples(&study, folder, &table)?;
    if let Some(cells) = &study.cells {
        warnings.extend(read_cells(cells, &study.her2, folder, &mut samples)?);
    }
    let measuring = Measuring { study: &study, folder, backend, progress, out };
    let cartridges = measure_archives(&measuring, &mut samples)?;
    collect(&mut warnings, &cartridges.warnings);

    let mut columns = PatientColumns::of(&table);
    let time = derive_status(&study, &table, &samples, &mut columns, &mut warnings)?;
    warnings.extend(derive_groupings(&study, &mut columns)?);
    let patients = Patients::new(&study, table.source(), &columns, &time)?;

    let overall = patients.overall()?;
    let mut groupings = Vec::new();
    for (index, grouping) in study.groupings.iter().enumerate() {
        tell(progress, "analysing", index as u64, study.groupings.len() as u64)?;
        groupings.push(patients.by(grouping, backend, progress)?);
    }
    let counts = study.counts.iter().map(|count| count_patients(count, &columns));
    let comparisons = study.comparisons.iter().map(|comparison| patients.compare(comparison));
    let agreements = study.agreements.iter().map(|asked| patients.agree(asked));
    let correlations = study.correlations.iter().map(|asked| patients.correlate(asked));
    for document in std::iter::once(&overall).chain(groupings.iter().map(|one| &one.survive)) {
        collect(&mut warnings, &document.warnings);
    }
    for grouping in &groupings {
        let noticed = grouping.bootstrap.iter().flat_map(|bootstrap| &bootstrap.warnings);
        let named = noticed.map(|warning| {
            Warning::new(&*warning.code, format!("{}: {}", grouping.name, warning.message))
        });
        collect(&mut warnings, &named.collect::<Vec<_>>());
    }
    let mut summary = StudySummary {
        schema_version: SCHEMA_VERSION,
        command: "study".to_owned(),
        warnings,
        failures: cartridges.failures.clone(),
        title: study.title.clone(),
        note: study.note.clone(),
        endpoint: study.patients.endpoint.clone(),
        time_unit: study.analysis.time_unit.name().to_owned(),
        her2: study.her2.clone(),
        her2_archives: study.cartridges.her2.clone(),
        cells: CellCounts::of(known_cells(&samples)),
        sources: sources_of(&study, &samples),
        timepoints: timepoint_summaries(&samples),
        controls: control_summaries(&samples),
        overall,
        counts: counts.collect::<Result<_, _>>()?,
        groupings,
        comparisons: comparisons.collect::<Result<_, _>>()?,
        agreements: agreements.collect::<Result<_, _>>()?,
        correlations: correlations.collect::<Result<_, _>>()?,
        checks: Vec::new(),
    };
    summary.checks = check_figures(&study, &summary)?;

    let mut inputs = input_files(&study, path, folder)?;
    inputs.extend(cartridges.inputs.iter().cloned());
    let results = StudyResults {
        study: &study,
        settings,
        summary: &summary,
        samples: &samples,
        cartridges: &cartridges,
        inputs: &inputs,
    };
    tell(progress, "writing", 0, 1)?;
    write_tables(out, &study, &samples, &columns)?;
    write_her2_tables(out, &study, &samples)?;
    write_cohort_tables(out, &study, &samples, &columns, (&summary, &time))?;
    write_documents(out, &results)?;
    tell(progress, "writing", 1, 1)?;
    Ok(summary)
}

/// Tells the caller how far the run is.
///
/// # Errors
/// The caller stops the run.
pub(crate) fn tell(
    progress: StudyProgress<'_>,
    stage: &str,
    done: u64,
    total: u64,
) -> Result<(), Error> {
    if progress(stage, done, total) { Ok(()) } else { Err(stopped(stage)) }
}

/// The caller stopped the run.
pub(crate) fn stopped(stage: &str) -> Error {
    Error::interrupted("running the study").found(format!("an interrupt while {stage}"))
}

fn with_settings(mut study: StudyFile, settings: &StudySettings) -> StudyFile {
    let analysis = &mut study.analysis;
    analysis.replicates = settings.replicates.unwrap_or(analysis.replicates);
    analysis.seed = settings.seed.unwrap_or(analysis.seed);
    analysis.conf_level = settings.conf_level.unwrap_or(analysis.conf_level);
    study
}

/// Reads time and event of the patient table as it is, so that errors name its own rows.
fn check_follow_up(study: &StudyFile, table: &Table) -> Result<(), Error> {
    let request = CohortRequest {
        id: Some(study.patients.id.clone()),
        time: Some(study.patients.time.clone()),
        event: Some(study.patients.event.clone()),
        event_value: study.patients.event_value.clone(),
        ..CohortRequest::default()
    };
    cohort_of(table, &request).map(|_| ())
}

/// Adds warnings that are not there yet.
fn collect(warnings: &mut Vec<Warning>, more: &[Warning]) {
    for warning in more {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
}

/// Cells of patients' samples whose cells are known.
fn known_cells<'a>(
    samples: impl IntoIterator<Item = &'a StudySample>,
) -> impl Iterator<Item = &'a StudyCell> {
    let is_known = |sample: &&StudySample| sample.patient.is_some() && sample.failure.is_none();
    samples.into_iter().filter(is_known).flat_map(|sample| &sample.cells)
}

fn timepoint_summaries(samples: &[StudySample]) -> Vec<TimepointSummary> {
    let summary = |timepoint: String| {
        let here = || samples.iter().filter(|s| s.patient.is_some() && s.timepoint == timepoint);
        let known: Vec<CellCounts> = here().filter_map(StudySample::counts).collect();
        let n_samples = known.len();
        let n_ctc_pos = known.iter().filter(|counts| counts.n_ctc > 0).count();
        let n_her2_ctc_pos = known.iter().filter(|counts| counts.n_her2pos > 0).count();
        TimepointSummary {
            n_samples,
            n_failed: here().count() - n_samples,
            cells: CellCounts::of(known_cells(here())),
            n_ctc_pos,
            percent_ctc_pos: percent(n_ctc_pos, n_samples),
            n_her2_ctc_pos,
            percent_her2_ctc_pos: percent(n_her2_ctc_pos, n_samples),
            timepoint,
        }
    };
    timepoints_of(samples).into_iter().map(summary).collect()
}

fn control_summaries(samples: &[StudySample]) -> Vec<ControlSummary> {
    let controls = samples.iter().filter(|sample| sample.patient.is_none());
    controls
        .map(|sample| ControlSummary { sample_id: sample.id.clone(), cells: sample.counts() })
        .collect()
}

fn check_figures(study: &StudyFile, summary: &StudySummary) -> Result<Vec<CheckResult>, Error> {
    let values = serde_json::to_value(summary)
        .map_err(|error| Error::output("writing a document as JSON").caused_by(error))?;
    study.checks.iter().map(|check| check_figure(check, &values)).collect()
}

fn input_files(study: &StudyFile, path: &Path, folder: &Path) -> Result<Vec<ManifestFile>, Error> {
    let mut inputs = vec![ManifestFile::of_input(path)?];
    let tables = [&study.patients.table, &study.cartridges.sample_sheet];
    for table in tables.into_iter().chain(study.cells.as_ref().map(|cells| &cells.table)) {
        inputs.push(ManifestFile::of_input(&folder.join(table))?);
    }
    let gates = study.cartridges.gates.as_deref();
    if let Some(file) = gates.filter(|name| GateSet::named(name).is_none()) {
        inputs.push(ManifestFile::of_input(&folder.join(file))?);
    }
    Ok(inputs)
}

fn write_tables(
    out: &OutputFolder,
    study: &StudyFile,
    samples: &[StudySample],
    columns: &PatientColumns,
) -> Result<(), Error> {
    let header = [
        "sample_id",
        "patient_id",
        "timepoint",
        "cell_id",
        "source",
        "frame",
        "label",
        "row_centroid_px",
        "col_centroid_px",
        "her2_mean",
        "her2_class",
        "her2_positive",
        "her2_mean_std_err",
        "her2_class_distance",
        "her2_class_distance_missing",
    ];
    let rows = samples.iter().flat_map(|sample| {
        sample.cells.iter().map(|cell| {
            let place = cell.place;
            [
                sample.id.clone(),
                sample.patient.clone().unwrap_or_default(),
                sample.timepoint.clone(),
                cell.id.clone(),
                source_of(study, sample).to_owned(),
                field(place.map(|place| place.frame)),
                field(place.map(|place| place.label)),
                field(place.map(|place| place.row_centroid_px)),
                field(place.map(|place| place.col_centroid_px)),
                field(cell.her2_mean),
                cell.class_name().unwrap_or_default().to_owned(),
                cell.her2_class
                    .map_or("", |_| if cell.her2_positive { "1" } else { "0" })
                    .to_owned(),
                field(cell.her2_std_err),
                field(cell.her2_class_distance.ok()),
                field(cell.her2_class_distance.err().map(MarginMissing::name)),
            ]
        })
    });
    out.write("cells.csv", csv_bytes(&header, rows))?;
    let header = [
        "sample_id",
        "patient_id",
        "timepoint",
        "source",
        "archive",
        "n_ctc",
        "n_her2_neg",
        "n_her2_med",
        "n_her2_high",
        "n_her2pos_ctc",
        "failure",
    ];
    let rows = samples.iter().map(|sample| {
        let counts = sample.counts();
        let count = |get: fn(&CellCounts) -> usize| {
            counts.as_ref().map_or_else(String::new, |counts| get(counts).to_string())
        };
        [
            sample.id.clone(),
            sample.patient.clone().unwrap_or_default(),
            sample.timepoint.clone(),
            source_of(study, sample).to_owned(),
            sample.archive.as_ref().map_or_else(String::new, |(name, _)| name.clone()),
            count(|counts| counts.n_ctc),
            count(|counts| counts.n_her2_neg),
            count(|counts| counts.n_her2_med),
            count(|counts| counts.n_her2_high),
            count(|counts| counts.n_her2pos),
            sample.failure.clone().unwrap_or_default(),
        ]
    });
    out.write("samples.csv", csv_bytes(&header, rows))?;
    out.write("patients.csv", columns.to_csv())
}

/// Where the cells of a sample come from: of a sample without an archive the cell table tells all,
/// and without such a table nothing was found in it.
fn source_of(study: &StudyFile, sample: &StudySample) -> &'static str {
    match (&sample.archive, &study.cells) {
        (Some(_), _) => "archive",
        (None, Some(_)) => "cell table",
        (None, None) => "sample sheet",
    }
}

fn sources_of(study: &StudyFile, samples: &[StudySample]) -> SampleSources {
    let of_patients = || samples.iter().filter(|sample| sample.patient.is_some());
    let n = |source| of_patients().filter(|sample| source_of(study, sample) == source).count();
    SampleSources {
        n_archive: n("archive"),
        n_cell_table: n("cell table"),
        n_sample_sheet: n("sample sheet"),
    }
}

fn write_documents(out: &OutputFolder, results: &StudyResults<'_>) -> Result<(), Error> {
    let StudyResults { study, summary, .. } = results;
    out.write("summary.json", json_bytes(summary)?)?;
    let report = study_report(results);
    for (grouping, analysis) in summary.groupings.iter().zip(&report.analyses) {
        let name = file_name(&grouping.name);
        let figure = km_figure(analysis, report.p_style);
        out.write(&format!("figures/survival_{name}.svg"), km_plot(&figure))?;
    }
    out.write("report.html", render_html(&report)?)?;
    let bootstrapped = summary.groupings.iter().find_map(|one| one.bootstrap.as_ref());
    let settings = serde_json::to_value(study)
        .map_err(|error| Error::output("writing the manifest").caused_by(error))?;
    let manifest = Manifest {
        device: bootstrapped.map(|document| document.device.clone()),
        seed: Some(study.analysis.seed),
        inputs: results.inputs.to_vec(),
        warnings: summary.warnings.clone(),
        ..Manifest::of("study", settings)
    };
    manifest.write(out)
}

/// A grouping's name with only characters that every file system takes.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
