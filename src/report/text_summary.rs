//! Results as text for the terminal: the tables of the HTML report, aligned.

use super::asked_for_tables::{
    cumulative_hazard_table, pairwise_table, profile_table, quantiles_table, survival_at_table,
    timing_lines,
};
use super::baseline_table::baseline_table;
use super::bootstrap_meaning::meaning;
use super::bootstrap_tables::{bootstrap_settings, bootstrap_title, intervals_table};
use super::methods::analysis_methods;
use super::model::{Analysis, Baseline, Checks, Joint};
use super::number_format::PStyle;
use super::study_tables::{checks_table, joint_table};
use super::survival_tables::{
    firth_table, groups_table, hazard_ratio_table, outcome_table, ph_table, test_lines,
};
use super::text_table::display_width;

/// The survival results of an analysis: groups, tests, hazard ratios, what was asked for, and a
/// footnote made from the settings. Ends with a line feed; parts are separated by an empty line.
/// Bootstraps are not included.
pub fn survive_text(analysis: &Analysis, style: PStyle) -> String {
    let mut parts = Vec::new();
    let lines_part =
        |lines: Vec<String>| (!lines.is_empty()).then(|| format!("{}\n", lines.join("\n")));
    parts.extend(lines_part(timing_lines(analysis)));
    let outcome = outcome_table(analysis, style);
    let has_all_terms = outcome.is_some();
    parts.push(outcome.unwrap_or_else(|| groups_table(analysis)).to_text());
    parts.extend(lines_part(test_lines(analysis, style)));
    let tables = [
        if has_all_terms { None } else { hazard_ratio_table(analysis, style) },
        profile_table(analysis),
        firth_table(analysis, style),
        ph_table(analysis, style),
        pairwise_table(analysis, style),
        quantiles_table(analysis),
        survival_at_table(analysis),
        cumulative_hazard_table(analysis),
    ];
    parts.extend(tables.into_iter().flatten().map(|table| table.to_text()));
    let mut footnote = analysis_methods(analysis);
    footnote.push(format!("herscope {}.", env!("CARGO_PKG_VERSION")));
    parts.push(wrapped(&footnote.join(" ")));
    without_controls(&parts.join("\n"))
}

/// Columns of a terminal that a sentence is broken at.
const TEXT_WIDTH: usize = 100;

/// `text` in lines of at most [`TEXT_WIDTH`] columns, longer words on lines of their own.
fn wrapped(text: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        let word_width = display_width(word);
        if width > 0 && width + 1 + word_width > TEXT_WIDTH {
            lines.push('\n');
            width = 0;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += word_width;
    }
    lines.push('\n');
    lines
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
    if document.permutation.is_none() {
        text.push('\n');
        text.push_str(&intervals_table(document).to_text());
    }
    if let Some(meaning) = meaning(document) {
        text.push('\n');
        text.push_str(&wrapped(&meaning));
    }
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
