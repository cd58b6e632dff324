//! `summary.json` of a study, and its short form for a person.

use std::fmt::Write as _;

use serde::Serialize;

use super::bootstrap::BootstrapDocument;
pub use super::study_associations::{AgreementResult, CorrelationResult};
pub use super::study_checks::CheckResult;
pub use super::study_data::CellCounts;
use super::study_file::Her2CutOffs;
use super::survive::SurviveDocument;
use crate::Warning;
use crate::report::Median;
use crate::report::number_format::{
    NOT_AVAILABLE, PStyle, Rounding, count_of, fixed, level, p_statement, plural,
    ratio_with_interval, time_with_interval,
};

/// Every number of a study. `None` is printed as `null` and means not available.
#[derive(Clone, Debug, Serialize)]
pub struct StudySummary {
    /// Version of the document's shape.
    pub schema_version: u32,
    /// `study`.
    pub command: String,
    /// What the reader must know although the results stand.
    pub warnings: Vec<Warning>,
    /// Archives that could not be used; the rest is complete without them.
    pub failures: Vec<StudyFailure>,
    /// Title of the study.
    pub title: String,
    /// What a reader must know about the data.
    pub note: Option<String>,
    /// What the follow-up measures.
    pub endpoint: String,
    /// Unit of every time.
    pub time_unit: String,
    /// Cut-offs of cells of the cell table.
    pub her2: Her2CutOffs,
    /// Cut-offs of cells measured from archives, where they differ.
    pub her2_archives: Option<Her2CutOffs>,
    /// CTCs of the patients.
    pub cells: CellCounts,
    /// Where the cells of the patients' samples come from.
    pub sources: SampleSources,
    /// Samples and patients at each time point.
    pub timepoints: Vec<TimepointSummary>,
    /// Control samples, of no patient and in no analysis.
    pub controls: Vec<ControlSummary>,
    /// Follow-up and survival of all patients.
    pub overall: SurviveDocument,
    /// Numbers of patients asked for.
    pub counts: Vec<CountResult>,
    /// Survival by each grouping.
    pub groupings: Vec<GroupingResult>,
    /// Columns compared between the levels of a grouping.
    pub comparisons: Vec<ComparisonResult>,
    /// Groupings beside columns.
    pub agreements: Vec<AgreementResult>,
    /// Rank correlations.
    pub correlations: Vec<CorrelationResult>,
    /// Published figures beside the computed ones.
    pub checks: Vec<CheckResult>,
}

/// An archive that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StudyFailure {
    /// The sample.
    pub sample_id: String,
    /// The archive as the sheet names it.
    pub archive: String,
    /// Why.
    pub message: String,
}

/// Where the cells of the patients' samples come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SampleSources {
    /// Samples whose archive was segmented, those that failed included.
    pub n_archive: usize,
    /// Samples whose cells are those of the cell table, which may have none of a sample.
    pub n_cell_table: usize,
    /// Samples of which there is the row in the sheet alone: without cells.
    pub n_sample_sheet: usize,
}

/// Samples and patients at a time point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimepointSummary {
    /// The time point.
    pub timepoint: String,
    /// Samples whose cells are known.
    pub n_samples: usize,
    /// Samples whose archive failed.
    pub n_failed: usize,
    /// Their cells.
    pub cells: CellCounts,
    /// Patients with at least one CTC.
    pub n_ctc_pos: usize,
    /// The same in percent of the samples; `None` without any.
    pub percent_ctc_pos: Option<f64>,
    /// Patients with at least one HER2-positive CTC.
    pub n_her2_ctc_pos: usize,
    /// The same in percent of the samples.
    pub percent_her2_ctc_pos: Option<f64>,
}

/// A control sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlSummary {
    /// The sample.
    pub sample_id: String,
    /// Its cells; `None` where its archive failed.
    pub cells: Option<CellCounts>,
}

/// A number of patients.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CountResult {
    /// Its name.
    pub name: String,
    /// What is counted.
    pub title: String,
    /// The rule.
    pub rule: String,
    /// Patients for whom the rule holds.
    pub n: usize,
    /// Patients for whom it can be told.
    pub of: usize,
    /// `100 n / of`; `None` when `of` is 0.
    pub percent: Option<f64>,
}

/// Survival by a grouping.
#[derive(Clone, Debug, Serialize)]
pub struct GroupingResult {
    /// Name of its column in `patients.csv`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its rule.
    pub rule: String,
    /// Patients for whom the rule could not be told; they are in no level.
    pub n_undecided: usize,
    /// Curves, tests and models; the reference is the first level.
    pub survive: SurviveDocument,
    /// The bootstrapped hazard ratio as `herscope bootstrap` reports it; `None` where it was not
    /// asked for or not possible.
    pub bootstrap: Option<BootstrapDocument>,
}

/// A column between the levels of a grouping.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparisonResult {
    /// Its name.
    pub name: String,
    /// What is compared.
    pub title: String,
    /// The column.
    pub variable: String,
    /// The grouping.
    pub grouping: String,
    /// Who is compared; null for all.
    pub among: Option<String>,
    /// Reference level first.
    pub summaries: Vec<LevelSummary>,
    /// `wilcoxon_normal`: rank-sum test, normal approximation, corrected for ties and continuity.
    pub test: String,
    /// R's `W`, of the reference level; `None` when a level is empty.
    pub statistic: Option<f64>,
    /// Two-sided p-value; `None` when a level is empty or all values are equal.
    pub p: Option<f64>,
}

/// One level of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelSummary {
    /// The level.
    pub level: String,
    /// Patients with a value.
    pub n: usize,
    /// Median.
    pub median: Option<f64>,
}

impl StudySummary {
    /// True when some archives failed: the rest is written, the exit code is 1.
    pub fn is_partial(&self) -> bool {
        !self.failures.is_empty()
    }

    /// True when every published figure was found again at its printed precision.
    pub fn all_agree(&self) -> bool {
        self.checks.iter().all(|check| check.agrees)
    }
}

/// The summary as plain text for a terminal, without colour: follow-up, counts, each grouping,
/// and the published figures beside the computed ones.
pub fn summary_text(summary: &StudySummary) -> String {
    let mut text = format!("{}\n", summary.title);
    if let Some(note) = &summary.note {
        let _ = writeln!(text, "{note}");
    }
    let overall = &summary.overall;
    let Median { median, lower, upper } = overall.follow_up.unwrap_or_default();
    let follow_up = time_with_interval(median, lower, upper, overall.conf_level);
    let _ = writeln!(
        text,
        "\n{}, {}, median follow-up {follow_up} {}",
        plural(overall.n, "patient"),
        plural(overall.n_events, "event"),
        summary.time_unit
    );
    text.push_str(&sources_text(summary.sources));
    for timepoint in &summary.timepoints {
        let positive = count_of(timepoint.n_ctc_pos as u64, timepoint.n_samples as u64);
        let _ = writeln!(
            text,
            "{}: {} CTCs, {} HER2-positive; patients with a CTC: {positive}",
            timepoint.timepoint, timepoint.cells.n_ctc, timepoint.cells.n_her2pos
        );
    }
    for control in &summary.controls {
        let found = control.cells.map_or_else(
            || "not measured".to_owned(),
            |cells| format!("{} CTCs, {} HER2-positive", cells.n_ctc, cells.n_her2pos),
        );
        let _ = writeln!(text, "control {}: {found}", control.sample_id);
    }
    for grouping in &summary.groupings {
        grouping_text(&mut text, grouping, summary);
    }
    associations_text(&mut text, summary);
    checks_text(&mut text, &summary.checks);
    for failure in &summary.failures {
        let _ = writeln!(text, "\nfailed: sample {}: {}", failure.sample_id, failure.message);
    }
    text
}

/// One line, without the sources that no sample has.
fn sources_text(sources: SampleSources) -> String {
    let SampleSources { n_archive, n_cell_table, n_sample_sheet } = sources;
    let parts = [
        (n_archive, "measured from images"),
        (n_cell_table, "from the cell table"),
        (n_sample_sheet, "from the sample sheet alone, without cells"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    format!("Samples: {}\n", parts.collect::<Vec<_>>().join(", "))
}

fn grouping_text(text: &mut String, grouping: &GroupingResult, summary: &StudySummary) {
    let survive = &grouping.survive;
    let _ = writeln!(text, "\n{} ({}, {})", grouping.title, summary.endpoint, summary.time_unit);
    let width = survive.groups.iter().map(|group| group.level.chars().count()).max().unwrap_or(0);
    for group in &survive.groups {
        let Median { median, lower, upper } = group.median;
        let median = time_with_interval(median, lower, upper, survive.conf_level);
        let _ = writeln!(
            text,
            "  {:width$}  n = {:>3}, events {:>3}, median {median}",
            group.level, group.n, group.n_events
        );
    }
    let p = survive.logrank.and_then(|test| test.p);
    let mut line = format!("  log-rank {}", p_statement(p, PStyle::LeadingZero));
    if let Some(term) = survive.cox.as_ref().and_then(|cox| cox.terms.first()) {
        let ratio =
            ratio_with_interval(term.hazard_ratio, term.lower, term.upper, survive.conf_level);
        let _ = write!(line, "; hazard ratio {ratio}");
    }
    let _ = writeln!(text, "{line}");
}

/// A line for each agreement and correlation.
fn associations_text(text: &mut String, summary: &StudySummary) {
    let sentences = association_sentences(summary);
    if !sentences.is_empty() {
        let _ = writeln!(text, "\n{}", sentences.join("\n"));
    }
}

/// Agreements and correlations in words.
pub(crate) fn association_sentences(summary: &StudySummary) -> Vec<String> {
    let conf = level(summary.overall.conf_level);
    let two = |value: f64| fixed(value, 2, Rounding::HalfUp);
    let limit = |value: Option<f64>| value.map_or_else(|| NOT_AVAILABLE.to_owned(), two);
    let among = |rule: &Option<String>| match rule {
        Some(rule) => format!(" (among patients with {rule})"),
        None => String::new(),
    };
    let agreements = summary.agreements.iter().map(|one| {
        let equal = one.counts[0][0] + one.counts[1][1];
        let kappa = match (one.kappa, one.reason) {
            (Some(kappa), _) => {
                let limits = format!("{} to {}", limit(one.lower), limit(one.upper));
                format!("kappa {} ({conf} CI {limits})", two(kappa))
            }
            (None, reason) => {
                format!("no kappa ({})", reason.unwrap_or_default().replace('_', " "))
            }
        };
        let equal = count_of(equal, one.n);
        format!("{}{}: {equal} agree, {kappa}.", one.title, among(&one.among))
    });
    let correlations = summary.correlations.iter().map(|one| {
        let rho = match one.rho {
            Some(rho) => {
                let p = p_statement(one.p, PStyle::LeadingZero);
                format!("Spearman's rho {}, {p}", two(rho))
            }
            None => "no correlation (no spread)".to_owned(),
        };
        format!("{}{}: {rho}, n = {}.", one.title, among(&one.among), one.n)
    });
    agreements.chain(correlations).collect()
}

fn checks_text(text: &mut String, checks: &[CheckResult]) {
    if checks.is_empty() {
        return;
    }
    let n_agree = checks.iter().filter(|check| check.agrees).count();
    let _ = writeln!(text, "\nPublished figures: {n_agree} of {} found again", checks.len());
    let width = checks.iter().map(|check| check.title.chars().count()).max().unwrap_or(0);
    let _ = writeln!(text, "  {:width$}  {:>11}  {:>11}", "", "published", "computed");
    for check in checks {
        let verdict = if check.agrees { "equal" } else { "DIFFERENT" };
        let _ = writeln!(
            text,
            "  {:width$}  {:>11}  {:>11}  {verdict}",
            check.title, check.published_text, check.computed_text
        );
    }
}
