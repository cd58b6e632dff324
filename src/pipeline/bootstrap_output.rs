//! The output folder of `bootstrap` and `merge`: document, table, figure, manifest.

use super::bootstrap::{BootstrapDocument, IntervalBlock, PropagationBlock};
use crate::Error;
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::{csv_bytes, field};
use crate::report::number_format::{NOT_AVAILABLE, Rounding, count, fixed, level, ratio_limits};
use crate::report::{
    Align, Analysis, BootstrapDocument as Shown, HistogramFigure, HistogramInterval, TextTable,
    bootstrap_text, histogram_plot, interval_name,
};

/// Writes everything a run has to say into `folder`, `text` for a person, the manifest last.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_bootstrap(
    folder: &OutputFolder,
    (document, text): (&BootstrapDocument, &str),
    settings: serde_json::Value,
    inputs: Vec<ManifestFile>,
) -> Result<(), Error> {
    folder.write("bootstrap.json", json_bytes(document)?)?;
    folder.write("bootstrap.txt", text)?;
    folder.write("intervals.csv", intervals_csv(&document.intervals))?;
    if let Some(with) = &document.propagation {
        folder.write("intervals_with_cells.csv", intervals_csv(&with.intervals))?;
        folder.write("propagation.csv", patients_csv(with))?;
    }
    if let Some(figure) = replicate_figure(document, &document.term) {
        folder.write("figures/replicates.svg", histogram_plot(&figure))?;
    }
    let manifest = Manifest {
        device: Some(document.device.clone()),
        seed: Some(document.seed),
        inputs,
        warnings: document.warnings.clone(),
        ..Manifest::of("bootstrap", settings)
    };
    manifest.write(folder)
}

/// The document as tables for a person; `time_unit` may be empty where it is not known.
///
/// # Errors
/// None that data can cause.
pub fn text_of(document: &BootstrapDocument, time_unit: &str) -> Result<String, Error> {
    let shown = serde_json::to_value(document).and_then(serde_json::from_value);
    let shown: Shown = shown
        .map_err(|source| Error::output("printing the bootstrap as text").caused_by(source))?;
    let analysis = Analysis { time_unit: time_unit.to_owned(), ..Analysis::default() };
    let mut text = bootstrap_text(&analysis, &shown);
    if let Some(propagation) = &document.propagation {
        text.push_str(&propagation_text(document, propagation));
    }
    Ok(text)
}

/// Patients of [`propagation_text`]; all are in `propagation.csv`.
const PATIENTS_SHOWN: usize = 8;

/// Least share that is not printed as 0.0 %.
const SHARE_SHOWN: f64 = 0.0005;

/// Both intervals side by side, and whose group is unsure.
fn propagation_text(document: &BootstrapDocument, with: &PropagationBlock) -> String {
    let interval = |one: Option<&IntervalBlock>| match one {
        Some(one) => ratio_limits(document.estimate.hazard_ratio(), one.lower, one.upper),
        None => NOT_AVAILABLE.to_owned(),
    };
    let title = format!("{} interval", level(document.conf_level));
    let mut table = TextTable::new([
        (title.as_str(), Align::Left),
        ("patients drawn", Align::Right),
        ("and their cells", Align::Right),
    ]);
    for one in &with.intervals {
        let without = document.intervals.iter().find(|other| other.kind == one.kind);
        table.row([interval_name(one.kind), interval(without), interval(Some(one))]);
    }
    let error = |value: Option<f64>| {
        value.map_or_else(|| NOT_AVAILABLE.to_owned(), |v| fixed(v, 4, Rounding::HalfUp))
    };
    for (name, without, within) in [
        ("Standard error, log scale", document.std_err, with.std_err),
        ("Bias, log scale", document.bias, with.bias),
    ] {
        table.row([name.to_owned(), error(without), error(within)]);
    }
    let unsure = with.patients.iter().filter(|one| one.share_changed >= Some(SHARE_SHOWN));
    let shares: Vec<String> = unsure
        .clone()
        .take(PATIENTS_SHOWN)
        .map(|one| {
            let share = 100.0 * one.share_changed.unwrap_or(0.0);
            format!("{} {}%", one.id, fixed(share, 1, Rounding::HalfUp))
        })
        .collect();
    let n_more = unsure.count().saturating_sub(PATIENTS_SHOWN);
    let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
    format!(
        "\nCells drawn too: positive by {} with cells high from {}; {} cells of {} patients, of whom \
         {} can change group\n{}Patients in the other group, mean of a replicate: {}\nDraws in which a \
         patient is in the other group: {}{more}\n",
        with.rule,
        with.her2_high,
        with.n_cells,
        with.n_patients_with_cells,
        with.n_patients_can_change,
        table.render(),
        fixed(with.mean_patients_changed, 2, Rounding::HalfUp),
        if shares.is_empty() { "none".to_owned() } else { shares.join(", ") },
    )
}

fn patients_csv(with: &PropagationBlock) -> Vec<u8> {
    let rows = with.patients.iter().map(|one| {
        [
            one.id.clone(),
            one.n_cells.to_string(),
            one.n_high.to_string(),
            u8::from(one.positive).to_string(),
            field(one.share_changed),
        ]
    });
    csv_bytes(&["id", "n_cells", "n_high", "positive", "share_changed"], rows)
}

fn intervals_csv(intervals: &[IntervalBlock]) -> Vec<u8> {
    let rows = intervals.iter().map(|one| {
        vec![
            one.kind.to_owned(),
            field(one.lower),
            field(one.upper),
            field(one.mcse_lower),
            field(one.mcse_upper),
            field(one.log_lower),
            field(one.log_upper),
            one.reason.unwrap_or_default().to_owned(),
        ]
    });
    let header =
        ["kind", "lower", "upper", "mcse_lower", "mcse_upper", "log_lower", "log_upper", "reason"];
    csv_bytes(&header, rows)
}

/// The replicates of a hazard ratio of `term` as a histogram with their intervals; `None` for
/// another statistic, whose scale is not that of ratios, or where the replicates do not differ.
pub fn replicate_figure(document: &BootstrapDocument, term: &str) -> Option<HistogramFigure> {
    let counted = document.histogram.as_ref()?;
    document.estimate.is_ratio().then(|| HistogramFigure {
        title: "Bootstrap hazard ratios".to_owned(),
        x_title: format!("Hazard ratio, {term}"),
        log_edges: counted.log_edges.clone(),
        counts: counted.counts.clone(),
        n_below: counted.n_below,
        n_above: counted.n_above,
        estimate: document.estimate.hazard_ratio(),
        intervals: document
            .intervals
            .iter()
            .map(|interval| HistogramInterval {
                label: interval.kind.to_owned(),
                lower: interval.lower,
                upper: interval.upper,
            })
            .collect(),
        caption: vec![format!(
            "{} replicates asked for, {} estimable; seed {}.",
            count(document.replicates.requested),
            count(document.replicates.estimable),
            document.seed
        )],
    })
}
