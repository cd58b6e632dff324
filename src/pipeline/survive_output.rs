//! The output folder of `survive`: document, tables, figures, manifest.

use crate::Error;
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::csv_bytes;
use crate::report::number_format::PStyle;
use crate::report::{
    Analysis, forest_figure, forest_plot, km_figure, km_plot, survive_csv, survive_text,
};

/// Writes everything a `survive` run has to say into `folder`, the manifest last.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_survive(
    folder: &OutputFolder,
    analysis: &Analysis,
    settings: serde_json::Value,
    inputs: Vec<ManifestFile>,
) -> Result<(), Error> {
    let style = PStyle::default();
    folder.write("survive.json", json_bytes(&analysis.survive)?)?;
    folder.write("survive.txt", survive_text(analysis, style))?;
    for table in survive_csv(&analysis.survive) {
        folder.write(&format!("{}.csv", table.name), csv_bytes(&table.header, &table.rows))?;
    }
    folder.write("figures/survival.svg", km_plot(&km_figure(analysis, style)))?;
    if let Some(figure) = forest_figure(analysis, style) {
        folder.write("figures/hazard_ratios.svg", forest_plot(&figure))?;
    }
    let warnings = analysis.survive.warnings.clone();
    let manifest = Manifest { inputs, warnings, ..Manifest::of("survive", settings) };
    manifest.write(folder)
}
