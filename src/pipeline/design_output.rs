//! `design` as text, as a table, and as an output folder.

use super::design_document::{DesignCell, DesignDocument};
use crate::Error;
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::csv_bytes;
use crate::report::number_format::{Rounding, count, fixed, level, share, significant};
use crate::report::{Align, TextTable};

/// Writes everything a run has to say into `folder`, the manifest last.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_design(
    folder: &OutputFolder,
    (document, text): (&DesignDocument, &str),
    settings: serde_json::Value,
    inputs: Vec<ManifestFile>,
) -> Result<(), Error> {
    folder.write("design.json", json_bytes(document)?)?;
    folder.write("design.txt", text)?;
    folder.write("design.csv", design_csv(document))?;
    let manifest = Manifest {
        device: Some(document.device.clone()),
        seed: Some(document.seed),
        inputs,
        warnings: document.warnings.clone(),
        ..Manifest::of(document.command, settings)
    };
    manifest.write(folder)
}

fn design_csv(document: &DesignDocument) -> Vec<u8> {
    let row =
        |cell: &DesignCell| {
            let mut row = vec![
                cell.hazard_ratio.to_string(),
                cell.n.to_string(),
                cell.prevalence.to_string(),
                cell.arm_sizes[0].to_string(),
                cell.arm_sizes[1].to_string(),
                cell.expected_events.to_string(),
                cell.mean_events.to_string(),
            ];
            row.extend(cell.power.iter().map(|one| one.power.to_string()));
            row.push(cell.schoenfeld_power.to_string());
            row.extend(cell.widths.iter().map(|one| {
                one.median_width_log.map_or_else(String::new, |width| width.to_string())
            }));
            row.push(cell.share_monotone.to_string());
            row
        };
    let header = [
        "hazard_ratio",
        "n",
        "prevalence",
        "n_reference",
        "n_group",
        "expected_events",
        "mean_events",
        "power_logrank",
        "power_wald",
        "power_likelihood_ratio",
        "power_schoenfeld",
        "median_width_log_wald",
        "median_width_log_profile_likelihood",
        "share_monotone",
    ];
    csv_bytes(&header, document.cells.iter().map(row))
}

/// The document as a table for a person.
pub fn design_text(document: &DesignDocument) -> String {
    let [n_0, n_1] = document.arm_sizes;
    let title = format!(
        "Studies like the cohort ({}, {n_1} against {n_0} subjects, {} events): two-sided tests at \
         {}, {} simulations each, seed {}",
        document.term,
        document.n_events,
        significant(document.alpha, 3),
        count(document.simulations),
        document.seed,
    );
    let right = |heading: &'static str| (heading, Align::Right);
    let mut table = TextTable::new([
        right("Hazard ratio"),
        right("n"),
        right("Arms"),
        right("Events"),
        right("Log-rank"),
        right("Wald"),
        right("Likelihood ratio"),
        right("Schoenfeld"),
        right("Width, Wald"),
        right("Width, profile"),
        right("Monotone"),
    ])
    .titled(title);
    for cell in &document.cells {
        let [n_0, n_1] = cell.arm_sizes;
        let mut row = vec![
            significant(cell.hazard_ratio, 4),
            cell.n.to_string(),
            format!("{n_1} / {n_0}"),
            fixed(cell.expected_events, 1, Rounding::HalfUp),
        ];
        row.extend(cell.power.iter().map(|one| share(one.power)));
        row.push(share(cell.schoenfeld_power));
        row.extend(cell.widths.iter().map(|one| match one.median_width_log {
            Some(width) => fixed(width, 2, Rounding::HalfUp),
            None => one.reason.unwrap_or("not_available").replace('_', " "),
        }));
        row.push(share(cell.share_monotone));
        table.row(row);
    }
    let most = document.cells.iter().flat_map(|cell| &cell.power).map(|one| one.mcse);
    table.note(format!(
        "Power is of all trials; its Monte-Carlo standard error is {} at most. Widths: median of the \
         {} interval of the log hazard ratio.",
        share(most.fold(0.0, f64::max)),
        level(document.conf_level),
    ));
    if document.followup_factor != 1.0 {
        table.note(format!("Follow-up is {} times the cohort's.", document.followup_factor));
    }
    table.render()
}
