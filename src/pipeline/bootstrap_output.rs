//! The output folder of `bootstrap` and `merge`: document, table, figure, manifest.

use super::bootstrap::BootstrapDocument;
use crate::Error;
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::{csv_bytes, field};
use crate::report::number_format::count;
use crate::report::{
    Analysis, BootstrapDocument as Shown, HistogramFigure, HistogramInterval, bootstrap_text,
    histogram_plot,
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
    folder.write("intervals.csv", intervals_csv(document))?;
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
    Ok(bootstrap_text(&analysis, &shown))
}

fn intervals_csv(document: &BootstrapDocument) -> Vec<u8> {
    let rows = document.intervals.iter().map(|one| {
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
