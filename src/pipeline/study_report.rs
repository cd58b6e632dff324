//! The report of a study, laid out from its results.

use super::bootstrap_output::replicate_figure;
use super::study::StudyResults;
use super::study_cartridges::Cartridges;
use super::study_checks::CheckResult;
use super::study_data::StudySample;
use super::study_file::{CheckRule, Her2CutOffs, PositiveFrom};
use super::study_summary::{GroupingResult, StudySummary, association_sentences};
use crate::io::manifest::software;
use crate::report::number_format::{PStyle, Rounding, count_of, p_statement, significant};
use crate::report::{
    Analysis, Bootstrap, BootstrapDocument, CellSection, Check, Checks, Cutoff, Fact, Flow,
    Her2Section, HistogramFigure, InputFile, IntensityAxis, KmOptions, Report, StripCell,
    StripFigure, StripRow, Trajectory, TrajectoryFigure,
};

/// Everything `report.html` shows.
pub(crate) fn study_report(results: &StudyResults<'_>) -> Report {
    let StudyResults { study: _, settings, summary, samples, cartridges, inputs } = results;
    let bootstraps = || summary.groupings.iter().filter_map(bootstrap_of);
    Report {
        title: summary.title.clone(),
        subtitle: Some(format!("{} by circulating tumour cells and their HER2", summary.endpoint)),
        notice: summary.note.clone(),
        date: settings.date.clone(),
        software: software(),
        command: settings.command.clone(),
        seed: bootstraps().next().map(|document| document.seed),
        device: bootstraps().find_map(|document| document.device),
        summary: facts(summary),
        flow: Some(Flow {
            n_read: summary.overall.n + summary.overall.n_dropped,
            excluded: Vec::new(),
            n_analysed: summary.overall.n,
        }),
        checks: (!summary.checks.is_empty()).then(|| Checks {
            title: "Published and computed figures".to_owned(),
            expected_heading: "Published".to_owned(),
            source: None,
            rows: summary.checks.iter().map(check_row).collect(),
        }),
        analyses: summary.groupings.iter().map(|one| analysis(one, summary)).collect(),
        cells: Some(cell_section(summary, samples, cartridges)),
        her2: Some(her2_section(summary, samples)),
        methods: methods(summary),
        warnings: summary.warnings.clone(),
        inputs: inputs
            .iter()
            .map(|file| InputFile {
                path: file.path.clone(),
                sha256: file.sha256.clone(),
                n_bytes: Some(file.bytes),
            })
            .collect(),
        not_given: not_given(summary),
        p_style: PStyle::LeadingZero,
        ..Report::default()
    }
}

fn bootstrap_of(grouping: &GroupingResult) -> Option<BootstrapDocument> {
    serde_json::from_value(serde_json::to_value(grouping.bootstrap.as_ref()?).ok()?).ok()
}

fn facts(summary: &StudySummary) -> Vec<Fact> {
    let mut facts = vec![Fact::new("Endpoint", &summary.endpoint)];
    for timepoint in &summary.timepoints {
        let of = timepoint.n_samples as u64;
        facts.push(Fact::new(
            format!("Patients with a CTC at {}", timepoint.timepoint),
            count_of(timepoint.n_ctc_pos as u64, of),
        ));
    }
    let counts = summary.counts.iter();
    facts.extend(
        counts.map(|count| Fact::new(&count.title, count_of(count.n as u64, count.of as u64))),
    );
    facts
}

fn check_row(check: &CheckResult) -> Check {
    let rounding = match check.rule {
        CheckRule::Round => Rounding::HalfUp,
        CheckRule::Truncate => Rounding::Truncate,
    };
    Check::numeric(&check.title, check.published, check.computed, check.digits, rounding)
}

fn analysis(grouping: &GroupingResult, summary: &StudySummary) -> Analysis {
    let mut notes = vec![format!("Groups by the rule: {}.", grouping.rule)];
    if grouping.n_undecided > 0 {
        notes.push(format!(
            "{} patients are in no group: a value is missing.",
            grouping.n_undecided
        ));
    }
    for comparison in summary.comparisons.iter().filter(|one| one.grouping == grouping.name) {
        let medians: Vec<String> = comparison
            .summaries
            .iter()
            .map(|one| {
                let median =
                    one.median.map_or_else(|| "not available".to_owned(), |m| significant(m, 3));
                format!("{median} ({}, n = {})", one.level, one.n)
            })
            .collect();
        let among = comparison.among.as_ref();
        let among = among.map_or_else(String::new, |rule| format!(" (patients with {rule})"));
        notes.push(format!(
            "{}{among}: median {}; rank-sum test {}.",
            comparison.title,
            medians.join(" and "),
            p_statement(comparison.p, PStyle::LeadingZero)
        ));
    }
    let mut analysis = Analysis {
        title: grouping.title.clone(),
        endpoint: summary.endpoint.clone(),
        time_unit: summary.time_unit.clone(),
        group_column: Some(grouping.name.clone()),
        survive: grouping.survive.clone(),
        figure: KmOptions::default(),
        notes,
        ..Analysis::default()
    };
    if let Some(document) = bootstrap_of(grouping) {
        let histogram = group_figure(grouping);
        analysis.bootstraps.push(Bootstrap { document, histogram });
    }
    analysis
}

/// The histogram of the replicates, from the counts the bootstrap kept.
fn group_figure(grouping: &GroupingResult) -> Option<HistogramFigure> {
    let levels: Vec<&str> =
        grouping.survive.groups.iter().rev().map(|group| group.level.as_str()).collect();
    replicate_figure(grouping.bootstrap.as_ref()?, &levels.join(" vs "))
}

fn cell_section(
    summary: &StudySummary,
    samples: &[StudySample],
    cartridges: &Cartridges,
) -> CellSection {
    let headings = ["Sample", "Time point", "CTCs", "HER2 neg", "med", "high", "HER2-positive"];
    let with_cells =
        samples.iter().filter(|sample| sample.failure.is_some() || !sample.cells.is_empty());
    let row = |sample: &StudySample| -> Vec<String> {
        let numbers = match sample.counts() {
            Some(counts) => [
                counts.n_ctc,
                counts.n_her2_neg,
                counts.n_her2_med,
                counts.n_her2_high,
                counts.n_her2pos,
            ]
            .map(|n| n.to_string()),
            None => ["failed", "", "", "", ""].map(str::to_owned),
        };
        [sample.id.clone(), sample.timepoint.clone()].into_iter().chain(numbers).collect()
    };
    let n_without = samples.iter().filter(|s| s.failure.is_none() && s.cells.is_empty()).count();
    CellSection {
        facts: vec![
            Fact::new("CTCs of the patients", summary.cells.n_ctc.to_string()),
            Fact::new("Samples without a CTC (not listed)", n_without.to_string()),
            Fact::new("Archives that failed", summary.failures.len().to_string()),
        ],
        sample_headings: headings.map(str::to_owned).to_vec(),
        sample_rows: with_cells.map(row).collect(),
        cells_file: Some("cells.csv".to_owned()),
        gallery: cartridges.gallery.clone(),
        n_not_shown: cartridges.n_not_shown,
    }
}

fn cut_off_text(cut_offs: &Her2CutOffs) -> String {
    let positive = match cut_offs.positive {
        PositiveFrom::Med => "med and high are positive",
        PositiveFrom::High => "high is positive",
    };
    format!(
        "neg < {} ≤ med < {} ≤ high; {positive} ({})",
        cut_offs.med, cut_offs.high, cut_offs.scale
    )
}

fn her2_section(summary: &StudySummary, samples: &[StudySample]) -> Her2Section {
    let mut facts = vec![Fact::new("Cut-offs", cut_off_text(&summary.her2))];
    if let Some(cut_offs) = &summary.her2_archives {
        facts.push(Fact::new("Cut-offs of cells from archives", cut_off_text(cut_offs)));
    }
    facts.push(Fact::new(
        "HER2-positive CTCs",
        count_of(summary.cells.n_her2pos as u64, summary.cells.n_ctc as u64),
    ));
    Her2Section {
        facts,
        strips: strip_figure(summary, samples),
        trajectories: trajectory_figure(summary, samples),
        notes: association_sentences(summary),
    }
}

/// Patients with cells measured on the scale of the cut-offs, in the order of the samples.
fn strip_figure(summary: &StudySummary, samples: &[StudySample]) -> Option<StripFigure> {
    let one_scale =
        |sample: &&StudySample| sample.archive.is_none() || summary.her2_archives.is_none();
    let mut rows: Vec<StripRow> = Vec::new();
    for sample in samples.iter().filter(one_scale) {
        let Some(patient) = &sample.patient else { continue };
        let cells = sample.cells.iter().filter_map(|cell| {
            Some(StripCell { intensity: cell.her2_mean?, class: cell.class_name()?.to_owned() })
        });
        let cells: Vec<StripCell> = cells.collect();
        match rows.iter_mut().find(|row| row.label == *patient) {
            Some(row) => row.cells.extend(cells),
            None if cells.is_empty() => {}
            None => rows.push(StripRow { label: patient.clone(), cells }),
        }
    }
    (!rows.is_empty()).then(|| StripFigure {
        title: "HER2 of every CTC, by patient".to_owned(),
        x_title: "HER2 mean intensity (a.u.)".to_owned(),
        axis: IntensityAxis::Log,
        rows,
        cutoffs: vec![
            Cutoff { value: summary.her2.med, label: "med".to_owned() },
            Cutoff { value: summary.her2.high, label: "high".to_owned() },
        ],
    })
}

fn trajectory_figure(summary: &StudySummary, samples: &[StudySample]) -> Option<TrajectoryFigure> {
    let timepoints: Vec<String> =
        summary.timepoints.iter().map(|one| one.timepoint.clone()).collect();
    let mut lines: Vec<Trajectory> = Vec::new();
    for sample in samples {
        let Some(patient) = &sample.patient else { continue };
        let Some(at) = timepoints.iter().position(|name| *name == sample.timepoint) else {
            continue;
        };
        let count = sample.counts().map(|counts| counts.n_her2pos as u64);
        match lines.iter_mut().find(|line| line.label == *patient) {
            Some(line) => line.counts[at] = count,
            None => {
                let mut counts = vec![None; timepoints.len()];
                counts[at] = count;
                lines.push(Trajectory { label: patient.clone(), counts });
            }
        }
    }
    (timepoints.len() > 1 && !lines.is_empty()).then(|| TrajectoryFigure {
        title: "HER2-positive CTCs over time".to_owned(),
        y_title: "HER2-positive CTCs".to_owned(),
        timepoints,
        lines,
    })
}

fn methods(summary: &StudySummary) -> Vec<String> {
    let mut sentences = Vec::new();
    if !summary.comparisons.is_empty() {
        sentences.push(
            "Columns were compared between groups by Wilcoxon's rank-sum test (normal \
             approximation, corrected for ties and continuity)."
                .to_owned(),
        );
    }
    if !summary.agreements.is_empty() {
        sentences.push(
            "Agreement is Cohen's kappa with normal limits (Fleiss, Cohen and Everitt 1969)."
                .to_owned(),
        );
    }
    if !summary.correlations.is_empty() {
        sentences.push("Correlations are Spearman's, by midranks.".to_owned());
    }
    sentences
}

fn not_given(summary: &StudySummary) -> Vec<String> {
    summary
        .failures
        .iter()
        .map(|failure| format!("Cells of sample {}: {}", failure.sample_id, failure.message))
        .collect()
}
