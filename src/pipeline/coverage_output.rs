//! `coverage` as text, as a table, and as an output folder.

use super::coverage_document::{CoverageDocument, MethodBlock, ScenarioBlock};
use crate::Error;
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::{csv_bytes, field};
use crate::report::number_format::{Rounding, count, fixed, level, share, significant};
use crate::report::{Align, TextTable};

/// Writes everything a run has to say into `folder`, the manifest last.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_coverage(
    folder: &OutputFolder,
    (document, text): (&CoverageDocument, &str),
    settings: serde_json::Value,
    inputs: Vec<ManifestFile>,
) -> Result<(), Error> {
    folder.write("coverage.json", json_bytes(document)?)?;
    folder.write("coverage.txt", text)?;
    folder.write("coverage.csv", coverage_csv(document))?;
    let manifest = Manifest {
        device: Some(document.device.clone()),
        seed: Some(document.seed),
        inputs,
        warnings: document.warnings.clone(),
        ..Manifest::of(document.command, settings)
    };
    manifest.write(folder)
}

fn coverage_csv(document: &CoverageDocument) -> Vec<u8> {
    let row = |scenario: &ScenarioBlock, one: &MethodBlock| {
        vec![
            scenario.true_hazard_ratio.to_string(),
            one.method.to_owned(),
            one.n_available.to_string(),
            one.coverage.to_string(),
            one.mcse.to_string(),
            field(one.coverage_available),
            field(one.mcse_available),
            one.truth_below.to_string(),
            one.truth_above.to_string(),
            field(one.median_width_log),
            one.share_infinite.to_string(),
            one.share_unavailable.to_string(),
        ]
    };
    let rows = document
        .scenarios
        .iter()
        .flat_map(|scenario| scenario.methods.iter().map(move |one| row(scenario, one)));
    let header = [
        "true_hazard_ratio",
        "method",
        "n_available",
        "coverage",
        "mcse",
        "coverage_available",
        "mcse_available",
        "truth_below",
        "truth_above",
        "median_width_log",
        "share_infinite",
        "share_unavailable",
    ];
    csv_bytes(&header, rows)
}

/// The document as tables for a person, one a true hazard ratio.
pub fn coverage_text(document: &CoverageDocument) -> String {
    let [n_0, n_1] = document.arm_sizes;
    let estimate = document
        .estimate
        .hazard_ratio
        .map_or_else(|| "not finite".to_owned(), |ratio| significant(ratio, 3));
    let mut text = format!(
        "Coverage of {} intervals, {}: trials of {n_1} against {n_0} subjects like the cohort\n\
         ({} events, hazard ratio {estimate}); {} simulations each, {} replicates ({}), seed {}.\n",
        level(document.conf_level),
        document.term,
        document.n_events,
        count(document.simulations),
        count(document.replicates),
        document.resample,
        document.seed,
    );
    if let Some(size) = document.calibration {
        text.push_str(&format!("Calibrated by {} resamples of {}.\n", size.inner, size.outer));
    }
    for scenario in &document.scenarios {
        text.push('\n');
        text.push_str(&scenario_table(document, scenario).render());
    }
    text.push_str(
        "\nCoverage is of all trials: an interval that does not exist covers nothing, an infinite\n\
         limit covers on its side; (MCSE) is its Monte-Carlo standard error. Firth is the profile\n\
         of the penalised likelihood. Widths are of the log hazard ratio.\n",
    );
    text
}

fn scenario_table(document: &CoverageDocument, scenario: &ScenarioBlock) -> TextTable {
    let title = format!(
        "True hazard ratio {}: {} events on average, monotone likelihood in {}",
        significant(scenario.true_hazard_ratio, 4),
        fixed(scenario.mean_events, 1, Rounding::HalfUp),
        share(scenario.n_monotone as f64 / document.simulations as f64),
    );
    let mut table = TextTable::new([
        ("Interval", Align::Left),
        ("Coverage (MCSE)", Align::Right),
        ("Where available", Align::Right),
        ("Truth below", Align::Right),
        ("Truth above", Align::Right),
        ("Median width", Align::Right),
        ("Infinite", Align::Right),
        ("Not available", Align::Right),
    ])
    .titled(title);
    for one in &scenario.methods {
        let width = match (one.median_width_log, one.median_width_reason) {
            (Some(width), _) => fixed(width, 2, Rounding::HalfUp),
            (None, reason) => reason.unwrap_or("not_available").replace('_', " "),
        };
        table.row([
            one.method.replace('_', " "),
            format!("{} ({})", share(one.coverage), share(one.mcse)),
            one.coverage_available.map_or_else(|| "–".to_owned(), share),
            share(one.truth_below),
            share(one.truth_above),
            width,
            share(one.share_infinite),
            share(one.share_unavailable),
        ]);
    }
    table
}
