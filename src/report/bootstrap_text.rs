//! A bootstrap document for a terminal.

use super::number_format::{ratio_with_interval, significant};
use super::text_table::{Align, TextTable};
use crate::pipeline::bootstrap::BootstrapDocument;

/// Estimate, replicates and intervals with their settings.
pub fn bootstrap_text(document: &BootstrapDocument) -> String {
    let number = |value: Option<f64>| match value {
        Some(value) => significant(value, 4),
        None => "not available".to_owned(),
    };
    let d = document;
    let mut text = format!(
        "Bootstrap of the hazard ratio of {}: {} subjects, {} events\n\nHazard ratio of the data as given {} (log {}, SE {})\nBias {} (Monte-Carlo error {}), bootstrap SE {} ({}), log scale\n\n",
        d.term,
        d.n,
        d.n_events,
        number(d.estimate.hazard_ratio),
        number(d.estimate.log_hazard_ratio),
        number(d.estimate.se),
        number(d.bias),
        number(d.mcse_bias),
        number(d.std_err),
        number(d.mcse_std_err),
    );
    let mut table = TextTable::new([
        ("interval", Align::Left),
        ("HR", Align::Left),
        ("MC error of the log limits", Align::Left),
        ("note", Align::Left),
    ]);
    for interval in &d.intervals {
        table.row([
            interval.kind.to_owned(),
            ratio_with_interval(
                d.estimate.hazard_ratio,
                interval.lower,
                interval.upper,
                d.conf_level,
            ),
            format!("{}, {}", number(interval.mcse_lower), number(interval.mcse_upper)),
            interval.reason.unwrap_or("").to_owned(),
        ]);
    }
    text.push_str(&table.render());
    let lost: Vec<String> =
        d.replicates.inestimable.iter().map(|(why, n)| format!("{why} {n}")).collect();
    text.push_str(&format!(
        "\n{} replicates asked for, {} estimable{}; {} resampling, {} ties, seed {}, draw layout {}; {}; herscope {}\n",
        d.replicates.requested,
        d.replicates.estimable,
        if lost.is_empty() { String::new() } else { format!(" (without an estimate: {})", lost.join(", ")) },
        d.resample,
        d.ties,
        d.seed,
        d.draw_layout,
        d.device.name,
        d.version,
    ));
    text
}
