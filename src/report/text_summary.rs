//! Results as text for the terminal: the tables of the HTML report, aligned.

use super::baseline_table::baseline_table;
use super::bootstrap_tables::{bootstrap_settings, bootstrap_title, intervals_table};
use super::model::{Analysis, Baseline, Checks, Joint};
use super::number_format::PStyle;
use super::study_tables::{checks_table, joint_table};
use super::survival_tables::{firth_table, groups_table, hazard_ratio_table, ph_table, test_lines};
use super::text_table::display_width;

/// The survival results of an analysis: groups, tests, hazard ratios, Firth, proportional hazards.
/// Ends with a line feed; parts are separated by an empty line. Bootstraps are not included.
pub fn survive_text(analysis: &Analysis, style: PStyle) -> String {
    let mut parts = vec![groups_table(analysis).to_text()];
    let lines = test_lines(analysis, style);
    if !lines.is_empty() {
        parts.push(format!("{}\n", lines.join("\n")));
    }
    let tables = [
        hazard_ratio_table(analysis, style),
        firth_table(analysis, style),
        ph_table(analysis, style),
    ];
    parts.extend(tables.into_iter().flatten().map(|table| table.to_text()));
    without_controls(&parts.join("\n"))
}

/// One bootstrap of an analysis: title, settings, intervals. `analysis` names term and groups;
/// `Analysis::default()` prints them as the document has them.
pub fn bootstrap_text(analysis: &Analysis, document: &super::BootstrapDocument) -> String {
    let settings = bootstrap_settings(document);
    let width = settings.iter().map(|fact| display_width(&fact.label)).max().unwrap_or(0);
    let mut text = format!("{}\n\n", bootstrap_title(analysis, document));
    for fact in settings {
        let padding = " ".repeat(width - display_width(&fact.label));
        text.push_str(&format!("{}{padding}  {}\n", fact.label, fact.value));
    }
    text.push('\n');
    text.push_str(&intervals_table(document).to_text());
    without_controls(&text)
}

/// `text` with spaces for control characters other than the line feed, which names from data files
/// could bring to the terminal.
fn without_controls(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// A baseline table.
pub fn baseline_text(baseline: &Baseline, style: PStyle) -> String {
    baseline_table(baseline, style).to_text()
}

/// A joint model.
pub fn joint_text(joint: &Joint, style: PStyle) -> String {
    joint_table(joint, style).to_text()
}

/// Expected against computed figures; one that differs is marked by a word.
pub fn checks_text(checks: &Checks) -> String {
    checks_table(checks).to_text()
}
