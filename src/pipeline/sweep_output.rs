//! `sweep` as text, as a table, as a figure, and as an output folder.

use super::sweep_document::{CutBlock, SweepDocument};
use crate::Error;
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::{csv_bytes, field};
use crate::report::number_format::{
    PStyle, count, level, p_statement, p_value, ratio, ratio_limits, share, significant,
};
use crate::report::{Align, SweepFigure, SweepPoint, TextTable, sweep_plot};

/// Rows of the table on a terminal at most; all of them are in `cuts.csv`.
const ROWS_SHOWN: usize = 40;

/// Writes everything a run has to say into `folder`, the manifest last.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_sweep(
    folder: &OutputFolder,
    (document, text): (&SweepDocument, &str),
    settings: serde_json::Value,
    inputs: Vec<ManifestFile>,
) -> Result<(), Error> {
    folder.write("sweep.json", json_bytes(document)?)?;
    folder.write("sweep.txt", text)?;
    folder.write("cuts.csv", cuts_csv(document))?;
    folder.write("figures/sweep.svg", sweep_plot(&sweep_figure(document)))?;
    let manifest = Manifest {
        device: Some(document.device.clone()),
        seed: Some(document.seed),
        inputs,
        warnings: document.warnings.clone(),
        ..Manifest::of(document.command, settings)
    };
    manifest.write(folder)
}

fn cuts_csv(document: &SweepDocument) -> Vec<u8> {
    let rows = document.cuts.iter().map(|one| {
        let band = one.band;
        vec![
            one.cut.to_string(),
            one.n_below.to_string(),
            one.n_from.to_string(),
            one.n_events_below.to_string(),
            one.n_events_from.to_string(),
            one.status.to_owned(),
            field(one.log_hazard_ratio),
            field(one.se),
            field(one.hazard_ratio),
            field(one.lower),
            field(one.upper),
            field(one.logrank.chisq),
            field(one.logrank.p),
            one.statistic.to_string(),
            field(band.and_then(|band| band.lower)),
            field(band.and_then(|band| band.upper)),
        ]
    });
    let header = [
        "cut",
        "n_below",
        "n_from",
        "n_events_below",
        "n_events_from",
        "status",
        "log_hazard_ratio",
        "se",
        "hazard_ratio",
        "lower",
        "upper",
        "logrank_chisq",
        "logrank_p",
        "statistic",
        "band_lower",
        "band_upper",
    ];
    csv_bytes(&header, rows)
}

/// The figure of a sweep.
pub fn sweep_figure(document: &SweepDocument) -> SweepFigure {
    let selected = &document.selected;
    let point = |one: &CutBlock| SweepPoint {
        cut: one.cut,
        hazard_ratio: one.hazard_ratio,
        lower: one.band.and_then(|band| band.lower),
        upper: one.band.and_then(|band| band.upper),
        n_from: one.n_from as u64,
    };
    SweepFigure {
        title: format!("Hazard ratio over cut-offs of {}", document.marker),
        x_title: format!("Cut-off of {} (positive from here up)", document.marker),
        points: document.cuts.iter().map(point).collect(),
        chosen: selected.cut,
        caption: vec![format!(
            "Band: {} percentile limits from {} resamples, cut-off by cut-off. Best cut-off {}: {} \
             adjusted for the choice ({} permutations); hazard ratio corrected for optimism {}.",
            level(document.conf_level),
            count(document.optimism.replicates),
            significant(selected.cut, 6),
            p_statement(Some(selected.adjusted.p), PStyle::LeadingZero),
            count(selected.adjusted.permutations),
            ratio(document.optimism.corrected_hazard_ratio),
        )],
    }
}

/// The document for a person.
pub fn sweep_text(document: &SweepDocument) -> String {
    let selected = &document.selected;
    let p = |p: f64| p_statement(Some(p), PStyle::LeadingZero);
    let mut text = format!(
        "Cut-offs of {}: {} subjects, {} events, {} cut-offs with {} subjects on either side at least.\n\n",
        document.marker,
        document.n,
        document.n_events,
        document.cuts.len(),
        document.min_group.n,
    );
    text.push_str(&format!(
        "Best cut-off: {} >= {} (largest standardised log-rank statistic, {})\n",
        document.marker,
        significant(selected.cut, 6),
        significant(selected.statistic, 4),
    ));
    if let Some(best) = document.cuts.iter().find(|one| one.cut == selected.cut) {
        text.push_str(&format!(
            "  hazard ratio        {} ({} CI {}), {} against {} subjects, log-rank {}:\n  \
                                  as if the cut-off had been fixed before, which it was not\n",
            ratio(best.hazard_ratio),
            level(document.conf_level),
            ratio_limits(best.hazard_ratio, best.lower, best.upper),
            best.n_from,
            best.n_below,
            p_statement(best.logrank.p, PStyle::LeadingZero),
        ));
    }
    text.push_str(&format!(
        "  adjusted            {} ({} of {} permutations reach it, MCSE {})\n",
        p(selected.adjusted.p),
        count(selected.adjusted.n_exceeding),
        count(selected.adjusted.permutations),
        significant(selected.adjusted.mcse, 2),
    ));
    text.push_str(&format!(
        "  by formula          Miller-Siegmund {}, Lausen {}\n",
        p(selected.approximations.miller_siegmund),
        p(selected.approximations.lausen),
    ));
    let optimism = &document.optimism;
    text.push_str(&format!(
        "  without optimism    {} (log scale: {} taken off, from {} of {} resamples)\n",
        ratio(optimism.corrected_hazard_ratio),
        optimism.optimism.map_or_else(|| "nothing".to_owned(), |value| significant(value, 3)),
        count(optimism.estimable),
        count(optimism.replicates),
    ));
    let stability = &document.stability;
    let number = |value: Option<f64>| {
        value.map_or_else(|| "not available".to_owned(), |value| significant(value, 6))
    };
    text.push_str(&format!(
        "  stability           {} of {} resamples choose it again; their cut-offs: median {}, {} from {} to {}\n\n",
        stability.share_same.map_or_else(|| "none".to_owned(), share),
        count(stability.n_choosing),
        number(stability.median),
        level(document.conf_level),
        number(stability.lower),
        number(stability.upper),
    ));
    text.push_str(&cuts_table(document).render());
    text
}

fn cuts_table(document: &SweepDocument) -> TextTable {
    let mut table = TextTable::new([
        ("Cut-off", Align::Right),
        ("From / below", Align::Right),
        ("Events", Align::Right),
        ("Hazard ratio", Align::Right),
        ("Wald limits", Align::Right),
        ("Band", Align::Right),
        ("Log-rank p", Align::Right),
        ("Statistic", Align::Right),
    ]);
    let step = document.cuts.len().div_ceil(ROWS_SHOWN).max(1);
    for (index, one) in document.cuts.iter().enumerate() {
        let is_best = one.cut == document.selected.cut;
        if index % step != 0 && !is_best {
            continue;
        }
        let band = one.band;
        table.row([
            format!("{}{}", if is_best { "* " } else { "" }, significant(one.cut, 6)),
            format!("{} / {}", one.n_from, one.n_below),
            format!("{} / {}", one.n_events_from, one.n_events_below),
            ratio(one.hazard_ratio),
            ratio_limits(one.hazard_ratio, one.lower, one.upper),
            ratio_limits(
                one.hazard_ratio,
                band.and_then(|band| band.lower),
                band.and_then(|band| band.upper),
            ),
            p_value(one.logrank.p, PStyle::LeadingZero),
            significant(one.statistic, 3),
        ]);
    }
    table.note(format!(
        "Hazard ratio of subjects from the cut-off up against those below. Wald limits, band and p \
         take each cut-off ({}) as fixed beforehand.",
        level(document.conf_level)
    ));
    if step > 1 {
        table.note(format!("One cut-off in {step} is shown, and the best one (*)."));
    }
    table
}
