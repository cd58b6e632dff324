//! Results as tables of printed cells.

use std::collections::BTreeMap;

use serde::Serialize;

use super::documents::{BootstrapDocument, ChiSquared, Term};
use super::figures::{forest_figure, interval_name, km_figure};
use super::forest_plot::forest_plot;
use super::histogram_plot::histogram_plot;
use super::km_plot::km_plot;
use super::methods::capitalised;
use super::model::{
    Analysis, Baseline, Bootstrap, CellSection, Checks, Fact, Flow, InputFile, Joint, Report,
};
use super::number_format::{
    NOT_AVAILABLE, NOT_ESTIMABLE, PStyle, Rounding, count, count_of, difference_with_interval,
    fixed, level, p_statement, p_value, percent, ratio, ratio_limits, significant, time,
    time_limits, time_with_interval,
};

/// A table ready for the template.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct HtmlTable {
    caption: String,
    columns: Vec<HtmlColumn>,
    rows: Vec<HtmlRow>,
    notes: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct HtmlColumn {
    heading: String,
    is_number: bool,
}

#[derive(Clone, Debug, Serialize)]
struct HtmlRow {
    cells: Vec<String>,
    is_flagged: bool,
}

impl HtmlTable {
    /// Headings that end in `#` are of number columns, which are set right.
    fn new(caption: impl Into<String>, headings: &[&str]) -> Self {
        let columns = headings.iter().map(|heading| HtmlColumn {
            heading: heading.trim_end_matches('#').to_owned(),
            is_number: heading.ends_with('#'),
        });
        Self { caption: caption.into(), columns: columns.collect(), ..Self::default() }
    }

    fn push(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(HtmlRow { cells: cells.into(), is_flagged: false });
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
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
        KeyResult { title: format!("{}: {}", analysis.endpoint, analysis.title), lines }
    });
    results.collect()
}

fn bootstrap_line(document: &BootstrapDocument) -> Option<String> {
    let preferred = |kind: &str| document.intervals.iter().find(|interval| interval.kind == kind);
    let interval = preferred("bca").or_else(|| preferred("percentile"))?;
    Some(format!(
        "Bootstrap {} {} interval {} ({} of {} replicates estimable).",
        level(document.conf_level),
        interval_name(&interval.kind),
        statistic_limits(document, interval.lower, interval.upper),
        count(document.replicates.estimable),
        count(document.replicates.requested),
    ))
}

fn is_ratio(document: &BootstrapDocument) -> bool {
    document.statistic == "hazard-ratio"
}

fn statistic_limits(
    document: &BootstrapDocument,
    lower: Option<f64>,
    upper: Option<f64>,
) -> String {
    if is_ratio(document) {
        ratio_limits(document.estimate.hazard_ratio, lower, upper)
    } else {
        let text = |limit: Option<f64>| {
            limit.map_or_else(|| NOT_ESTIMABLE.to_owned(), |v| fixed(v, 1, Rounding::HalfUp))
        };
        format!("{} to {}", text(lower), text(upper))
    }
}

/// One analysis, ready for the template.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AnalysisView {
    title: String,
    km: String,
    groups: HtmlTable,
    tests: Vec<String>,
    hazard_ratios: Option<HtmlTable>,
    forest: Option<String>,
    ph_test: Option<HtmlTable>,
    firth: Option<HtmlTable>,
    bootstraps: Vec<BootstrapView>,
    notes: Vec<String>,
}

/// One bootstrap, ready for the template.
#[derive(Clone, Debug, Serialize)]
struct BootstrapView {
    title: String,
    settings: Vec<Fact>,
    intervals: HtmlTable,
    histogram: Option<String>,
}

pub(crate) fn analysis_view(analysis: &Analysis, style: PStyle) -> AnalysisView {
    let survive = &analysis.survive;
    let mut tests: Vec<String> = Vec::new();
    if let Some(follow_up) = survive.follow_up {
        tests.push(format!(
            "Median follow-up (reverse Kaplan-Meier): {} {}.",
            time_with_interval(
                follow_up.median,
                follow_up.lower,
                follow_up.upper,
                survive.conf_level
            ),
            analysis.time_unit
        ));
    }
    tests.extend(analysis.logrank_line(style));
    if let Some(difference) = survive.rmst_difference {
        let text = difference_with_interval(
            difference.estimate,
            difference.lower,
            difference.upper,
            survive.conf_level,
            1,
        );
        tests.push(format!(
            "Difference in restricted mean survival time to {} {}: {text} {}, {}.",
            significant(difference.tau, 4),
            analysis.time_unit,
            analysis.time_unit,
            p_statement(difference.p, style)
        ));
    }
    AnalysisView {
        title: format!("{}: {}", analysis.endpoint, analysis.title),
        km: km_plot(&km_figure(analysis, style)),
        groups: groups_table(analysis),
        tests,
        hazard_ratios: hazard_ratio_table(analysis, style),
        forest: forest_figure(analysis, style).as_ref().map(forest_plot),
        ph_test: ph_table(analysis, style),
        firth: firth_table(analysis, style),
        bootstraps: analysis.bootstraps.iter().map(|one| bootstrap_view(analysis, one)).collect(),
        notes: analysis.notes.clone(),
    }
}

fn groups_table(analysis: &Analysis) -> HtmlTable {
    let survive = &analysis.survive;
    let median = format!("Median, {} ({} CI)", analysis.time_unit, level(survive.conf_level));
    let has_rmst = survive.groups.iter().any(|group| group.rmst.is_some());
    let mut headings = vec!["Group", "N#", "Events#", median.as_str()];
    if has_rmst {
        headings.push("Restricted mean (SE)");
    }
    let mut table = HtmlTable::new("Groups", &headings);
    for group in &survive.groups {
        let m = group.median;
        let mut cells = vec![
            analysis.label(&group.level).to_owned(),
            group.n.to_string(),
            group.n_events.to_string(),
            format!("{} ({})", time(m.median), time_limits(m.lower, m.upper)),
        ];
        if has_rmst {
            cells.push(group.rmst.map_or_else(String::new, |rmst| {
                let text = |v: Option<f64>| {
                    v.map_or_else(|| NOT_ESTIMABLE.to_owned(), |v| fixed(v, 1, Rounding::HalfUp))
                };
                format!("{} ({})", text(rmst.estimate), text(rmst.std_err))
            }));
        }
        table.push(cells);
    }
    if survive.n_dropped > 0 {
        table.note(format!("{} rows left out for missing values.", survive.n_dropped));
    }
    table
}

fn hazard_ratio_table(analysis: &Analysis, style: PStyle) -> Option<HtmlTable> {
    let survive = &analysis.survive;
    let cox = survive.cox.as_ref()?;
    let heading = format!("Hazard ratio ({} CI)", level(survive.conf_level));
    let headings = ["Term", "N#", "Events#", heading.as_str(), "p (Wald)#"];
    let mut table = HtmlTable::new(
        format!(
            "Cox model ({} ties), {} subjects, {} events",
            capitalised(&cox.ties),
            cox.n,
            cox.n_events
        ),
        &headings,
    );
    let mut reference_shown = false;
    for term in &cox.terms {
        let group = analysis.group_of_term(&term.name);
        if let (Some(reference), false) = (group.and(survive.groups.first()), reference_shown) {
            reference_shown = true;
            table.push([
                analysis.label(&reference.level).to_owned(),
                reference.n.to_string(),
                reference.n_events.to_string(),
                "1.00 (reference)".to_owned(),
                String::new(),
            ]);
        }
        let counts = group.map_or([String::new(), String::new()], |group| {
            [group.n.to_string(), group.n_events.to_string()]
        });
        let label = group.map_or(term.name.as_str(), |group| analysis.label(&group.level));
        let [n, n_events] = counts;
        let p = term.p.map_or_else(String::new, |p| p_value(Some(p), style));
        table.push([label.to_owned(), n, n_events, term_ratio(term), p]);
    }
    if cox.status != "converged" {
        table.note(format!("Fit status: {}.", cox.status.replace('_', " ")));
    }
    let named = |name: &str, test: Option<ChiSquared>| {
        test.map(|test| format!("{name} {}", p_statement(test.p, style)))
    };
    let tests: Vec<String> = [
        named("likelihood ratio", cox.tests.likelihood_ratio),
        named("Wald", cox.tests.wald),
        named("score", cox.tests.score),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !tests.is_empty() {
        table.note(format!("Whole model: {}.", tests.join(", ")));
    }
    if let Some(estimate) = cox.concordance.and_then(|concordance| concordance.estimate) {
        table.note(format!("Concordance: {}.", fixed(estimate, 2, Rounding::HalfUp)));
    }
    Some(table)
}

/// `0.48 (0.14–1.60)`; for a term whose likelihood rises without bound, that.
fn term_ratio(term: &Term) -> String {
    match (term.hazard_ratio, term.limit.as_deref()) {
        (None, Some("+inf")) => format!("{NOT_ESTIMABLE}: likelihood rises towards infinity"),
        (None, Some("-inf")) => format!("{NOT_ESTIMABLE}: likelihood rises towards zero"),
        (None, _) => NOT_ESTIMABLE.to_owned(),
        (estimate, _) => {
            format!("{} ({})", ratio(estimate), ratio_limits(estimate, term.lower, term.upper))
        }
    }
}

fn ph_table(analysis: &Analysis, style: PStyle) -> Option<HtmlTable> {
    let test = analysis.survive.ph_test.as_ref()?;
    let mut table = HtmlTable::new("Test of proportional hazards", &["Term", "χ²#", "df#", "p#"]);
    let row = |name: String, test: ChiSquared| {
        let chisq = test.chisq.map(|chisq| fixed(chisq, 2, Rounding::HalfUp));
        let chisq = chisq.unwrap_or_else(|| NOT_AVAILABLE.to_owned());
        vec![name, chisq, fixed(test.df, 0, Rounding::HalfUp), p_value(test.p, style)]
    };
    for term in &test.terms {
        table.push(row(analysis.term_label(&term.name), term.test));
    }
    if let Some(global) = test.global.filter(|_| test.terms.len() > 1) {
        table.push(row("All terms".to_owned(), global));
    }
    Some(table)
}

fn firth_table(analysis: &Analysis, style: PStyle) -> Option<HtmlTable> {
    let firth = analysis.survive.firth.as_ref()?;
    let heading = format!("Hazard ratio ({} CI)", level(analysis.survive.conf_level));
    let mut table = HtmlTable::new("Firth's penalised likelihood", &["Term", &heading, "p#"]);
    for term in &firth.terms {
        table.push([analysis.term_label(&term.name), term_ratio(term), p_value(term.p, style)]);
    }
    Some(table)
}

fn bootstrap_view(analysis: &Analysis, bootstrap: &Bootstrap) -> BootstrapView {
    let document = &bootstrap.document;
    let term = document.term.as_deref().map(|term| analysis.term_label(term));
    let statistic = capitalised(&document.statistic.replace('-', " "));
    BootstrapView {
        title: match term {
            Some(term) => format!("Bootstrap: {}, {term}", statistic.to_lowercase()),
            None => format!("Bootstrap: {}", statistic.to_lowercase()),
        },
        settings: bootstrap_settings(document),
        intervals: intervals_table(document),
        histogram: bootstrap.histogram.as_ref().map(histogram_plot),
    }
}

fn bootstrap_settings(document: &BootstrapDocument) -> Vec<Fact> {
    let replicates = &document.replicates;
    let value = |value: Option<f64>, error: Option<f64>| {
        let text = |v: f64| fixed(v, 4, Rounding::HalfUp);
        match (value, error) {
            (Some(value), Some(error)) => {
                format!("{} (Monte-Carlo error {})", text(value), text(error))
            }
            (Some(value), None) => text(value),
            (None, _) => NOT_AVAILABLE.to_owned(),
        }
    };
    let scale = if is_ratio(document) { ", log scale" } else { "" };
    let mut facts = vec![
        Fact::new("Subjects, events", format!("{}, {}", document.n, document.n_events)),
        Fact::new("Resampling", &document.resample),
        Fact::new("Replicates asked for", count(replicates.requested)),
        Fact::new("Estimable", count_of(replicates.estimable, replicates.requested)),
    ];
    for (reason, number) in &replicates.inestimable {
        let label = format!("Inestimable: {}", reason.replace('_', " "));
        facts.push(Fact::new(label, count(*number)));
    }
    facts.push(Fact::new(format!("Bias{scale}"), value(document.bias, document.mcse_bias)));
    facts.push(Fact::new(
        format!("Standard error{scale}"),
        value(document.std_err, document.mcse_std_err),
    ));
    facts.push(Fact::new("Seed", document.seed.to_string()));
    if let Some(ties) = &document.ties {
        facts.push(Fact::new("Ties", capitalised(ties)));
    }
    if let Some(device) = &document.device {
        facts.push(Fact::new("Device", format!("{} ({})", device.name, device.backend)));
    }
    if let Some(digest) = &document.draws_sha256 {
        facts.push(Fact::new("Digest of the draws (SHA-256)", digest));
    }
    facts
}

fn intervals_table(document: &BootstrapDocument) -> HtmlTable {
    let heading = format!("{} interval", level(document.conf_level));
    let headings = ["Kind", heading.as_str(), "Monte-Carlo error, log scale"];
    let headings: &[&str] = if is_ratio(document) { &headings } else { &headings[..2] };
    let estimate = if is_ratio(document) {
        format!("Estimate {}", ratio(document.estimate.hazard_ratio))
    } else {
        let value = document.estimate.value.map(|value| fixed(value, 1, Rounding::HalfUp));
        format!("Estimate {}", value.unwrap_or_else(|| NOT_AVAILABLE.to_owned()))
    };
    let mut table = HtmlTable::new(estimate, headings);
    for interval in &document.intervals {
        let error = |error: Option<f64>| {
            error.map_or_else(|| "–".to_owned(), |e| fixed(e, 3, Rounding::HalfUp))
        };
        let limits = statistic_limits(document, interval.lower, interval.upper);
        let reason =
            interval.reason.as_ref().map(|reason| format!(" ({})", reason.replace('_', " ")));
        let mut cells =
            vec![interval_name(&interval.kind), format!("{limits}{}", reason.unwrap_or_default())];
        if is_ratio(document) {
            cells.push(format!("{}, {}", error(interval.mcse_lower), error(interval.mcse_upper)));
        }
        table.push(cells);
    }
    table
}

pub(crate) fn flow_table(flow: &Flow) -> HtmlTable {
    let mut table = HtmlTable::new("Patient flow", &["Step", "N#"]);
    table.push(["Read".to_owned(), flow.n_read.to_string()]);
    for (reason, number) in &flow.excluded {
        table.push([format!("Excluded: {reason}"), number.to_string()]);
    }
    table.push(["Analysed".to_owned(), flow.n_analysed.to_string()]);
    let n_excluded: u64 = flow.excluded.iter().map(|(_, number)| number).sum();
    if flow.n_read != n_excluded + flow.n_analysed {
        table.note("The numbers do not add up: a row may be excluded for more than one reason.");
    }
    table
}

pub(crate) fn checks_table(checks: &Checks) -> HtmlTable {
    let expected = format!("{}#", checks.expected_heading);
    let headings = ["Quantity", expected.as_str(), "Computed#", "", "Note"];
    let mut table = HtmlTable::new(&checks.title, &headings);
    for check in &checks.rows {
        let verdict = if check.agrees { "agrees" } else { "DIFFERS" };
        table.rows.push(HtmlRow {
            cells: vec![
                check.quantity.clone(),
                check.expected.clone(),
                check.computed.clone(),
                verdict.to_owned(),
                check.note.clone().unwrap_or_default(),
            ],
            is_flagged: !check.agrees,
        });
    }
    let n_agree = checks.rows.iter().filter(|check| check.agrees).count();
    table.note(format!("{n_agree} of {} figures agree as printed.", checks.rows.len()));
    table.notes.extend(checks.source.iter().cloned());
    table
}

pub(crate) fn baseline_table(baseline: &Baseline, style: PStyle) -> HtmlTable {
    let document = &baseline.document;
    let label =
        |level: &str| baseline.labels.get(level).cloned().unwrap_or_else(|| level.to_owned());
    let mut headings = vec!["Variable".to_owned()];
    headings.extend(
        document.groups.iter().map(|group| format!("{} (n = {})", label(&group.level), group.n)),
    );
    headings.extend(["p#".to_owned(), "Test".to_owned()]);
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut table = HtmlTable::new(&baseline.title, &headings);
    for variable in &document.variables {
        let missing = if variable.n_missing > 0 {
            format!(" ({} missing)", variable.n_missing)
        } else {
            String::new()
        };
        let test = variable.test.as_deref().unwrap_or("none").replace('_', " ");
        let head = |text: String, cells: Vec<String>| {
            let mut row = vec![text];
            row.extend(cells);
            row.extend([p_value(variable.p, style), test.clone()]);
            row
        };
        let summary =
            |level: &str| variable.summaries.iter().find(|summary| summary.level == level);
        let by_group = |cell: &dyn Fn(&str) -> String| -> Vec<String> {
            document.groups.iter().map(|group| cell(&group.level)).collect()
        };
        if variable.kind == "continuous" {
            let cell = |level: &str| {
                let text = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| significant(v, 4));
                summary(level).map_or_else(String::new, |s| {
                    format!("{} ({}–{})", text(s.median), text(s.q1), text(s.q3))
                })
            };
            table.push(head(
                format!("{}, median (quartiles){missing}", variable.name),
                by_group(&cell),
            ));
            continue;
        }
        table.push(head(format!("{}{missing}", variable.name), by_group(&|_| String::new())));
        let counts = |level: &str| {
            summary(level).and_then(|summary| summary.counts.clone()).unwrap_or_default()
        };
        let values: BTreeMap<String, ()> = document
            .groups
            .iter()
            .flat_map(|group| counts(&group.level).into_keys())
            .map(|value| (value, ()))
            .collect();
        for value in values.keys() {
            let cell = |level: &str| {
                let counts = counts(level);
                let total: u64 = counts.values().sum();
                let number = counts.get(value).copied().unwrap_or(0);
                let share = if total == 0 { 0.0 } else { number as f64 / total as f64 };
                format!("{number} ({})", percent(share, 0, Rounding::HalfUp))
            };
            let mut row = vec![format!("\u{2003}{value}")];
            row.extend(by_group(&cell));
            row.extend([String::new(), String::new()]);
            table.push(row);
        }
    }
    table
}

pub(crate) fn joint_table(joint: &Joint, style: PStyle) -> HtmlTable {
    let document = &joint.document;
    let headings = ["Part", "Term", "Estimate (SE)", "Hazard ratio (95% CI)", "p#"];
    let mut table = HtmlTable::new(&joint.title, &headings);
    let mut add = |part: &str, terms: &[Term], is_hazard: bool| {
        for term in terms {
            let text = |v: Option<f64>| {
                v.map_or_else(|| NOT_ESTIMABLE.to_owned(), |v| fixed(v, 3, Rounding::HalfUp))
            };
            let ratio = if is_hazard {
                term.hazard_ratio.map_or_else(String::new, |_| term_ratio(term))
            } else {
                String::new()
            };
            let estimate = format!("{} ({})", text(term.coef), text(term.se));
            table.push([
                part.to_owned(),
                term.name.clone(),
                estimate,
                ratio,
                p_value(term.p, style),
            ]);
        }
    };
    add("Marker", &document.longitudinal.terms, false);
    add("Event", &document.survival.terms, true);
    add("Association", &document.survival.association, true);
    table.note(format!(
        "{} subjects, {} events, {} marker values; log-likelihood {}; status {}.",
        document.n,
        document.n_events,
        document.n_observations,
        document
            .log_likelihood
            .map_or_else(|| NOT_AVAILABLE.to_owned(), |v| fixed(v, 2, Rounding::HalfUp)),
        document.status.replace('_', " ")
    ));
    table
}

pub(crate) fn samples_table(section: &CellSection) -> HtmlTable {
    let is_number = |column: usize| {
        section
            .sample_rows
            .iter()
            .all(|row| row.get(column).is_some_and(|cell| cell.parse::<f64>().is_ok()))
    };
    let mut table = HtmlTable { caption: "Samples".to_owned(), ..HtmlTable::default() };
    table.columns = section
        .sample_headings
        .iter()
        .enumerate()
        .map(|(column, heading)| HtmlColumn {
            heading: heading.clone(),
            is_number: is_number(column),
        })
        .collect();
    for row in &section.sample_rows {
        let mut cells = row.clone();
        cells.resize(table.columns.len(), String::new());
        table.push(cells);
    }
    table
}

pub(crate) fn inputs_table(inputs: &[InputFile]) -> HtmlTable {
    let mut table = HtmlTable::new("Input files", &["File", "Bytes#", "SHA-256"]);
    for input in inputs {
        let size = input.n_bytes.map_or_else(String::new, count);
        table.push([input.path.clone(), size, input.sha256.clone()]);
    }
    table
}
