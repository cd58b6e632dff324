//! The parts of the page that repeat: main results and analyses.

use serde::Serialize;

use super::bootstrap_tables::{
    bootstrap_line, bootstrap_settings, bootstrap_title, intervals_table,
};
use super::figures::{forest_figure, km_figure};
use super::forest_plot::forest_plot;
use super::histogram_plot::histogram_plot;
use super::km_plot::km_plot;
use super::model::{Analysis, Bootstrap, Fact, Report};
use super::number_format::{PStyle, level, time, time_limits};
use super::result_table::ResultTable;
use super::survival_tables::{firth_table, groups_table, hazard_ratio_table, ph_table, test_lines};

/// `line` with spaces that do not break around the signs of a test result.
fn unbroken(line: String) -> String {
    [" = ", " < ", " > "].iter().fold(line, |line, sign| {
        let kept = sign.replace(' ', "\u{a0}");
        line.replace(sign, &kept)
    })
}

/// One line of the box at the top.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct KeyResult {
    title: String,
    lines: Vec<String>,
}

/// The main figures of every analysis, in sentences.
pub(crate) fn key_results(report: &Report) -> Vec<KeyResult> {
    let style = report.p_style;
    let results = report.analyses.iter().map(|analysis| {
        let conf_level = analysis.survive.conf_level;
        let mut lines: Vec<String> = analysis
            .survive
            .groups
            .iter()
            .map(|group| {
                let m = group.median;
                let reached = if m.median.is_some() {
                    format!(" {}", analysis.time_unit)
                } else {
                    String::new()
                };
                format!(
                    "{} (n = {}): median {}{reached} ({} CI {}).",
                    analysis.label(&group.level),
                    group.n,
                    time(m.median).to_lowercase(),
                    level(conf_level),
                    time_limits(m.lower, m.upper),
                )
            })
            .collect();
        lines.extend(analysis.logrank_line(style));
        lines.extend(analysis.hazard_ratio_lines(style));
        for bootstrap in &analysis.bootstraps {
            lines.extend(bootstrap_line(&bootstrap.document));
        }
        let lines = lines.into_iter().map(unbroken).collect();
        KeyResult { title: format!("{}: {}", analysis.endpoint, analysis.title), lines }
    });
    results.collect()
}

/// One analysis, ready for the template.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AnalysisView {
    title: String,
    km: String,
    groups: ResultTable,
    tests: Vec<String>,
    hazard_ratios: Option<ResultTable>,
    forest: Option<String>,
    ph_test: Option<ResultTable>,
    firth: Option<ResultTable>,
    bootstraps: Vec<BootstrapView>,
    notes: Vec<String>,
}

/// One bootstrap, ready for the template.
#[derive(Clone, Debug, Serialize)]
struct BootstrapView {
    title: String,
    settings: Vec<Fact>,
    intervals: ResultTable,
    histogram: Option<String>,
}

pub(crate) fn analysis_view(analysis: &Analysis, style: PStyle) -> AnalysisView {
    AnalysisView {
        title: format!("{}: {}", analysis.endpoint, analysis.title),
        km: km_plot(&km_figure(analysis, style)),
        groups: groups_table(analysis),
        tests: test_lines(analysis, style).into_iter().map(unbroken).collect(),
        hazard_ratios: hazard_ratio_table(analysis, style),
        forest: forest_figure(analysis, style).as_ref().map(forest_plot),
        ph_test: ph_table(analysis, style),
        firth: firth_table(analysis, style),
        bootstraps: analysis.bootstraps.iter().map(|one| bootstrap_view(analysis, one)).collect(),
        notes: analysis.notes.clone(),
    }
}

fn bootstrap_view(analysis: &Analysis, bootstrap: &Bootstrap) -> BootstrapView {
    let document = &bootstrap.document;
    BootstrapView {
        title: bootstrap_title(analysis, document),
        settings: bootstrap_settings(document),
        intervals: intervals_table(document),
        histogram: bootstrap.histogram.as_ref().map(histogram_plot),
    }
}
