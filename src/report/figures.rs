//! The figures of one analysis, laid out from its result document.

use super::forest_plot::{ForestFigure, ForestMark, ForestRow};
use super::histogram_plot::{HistogramFigure, HistogramInterval, bin_log_ratios};
use super::km_plot::{KmCurve, KmFigure};
use super::methods::{capitalised, logrank_name};
use super::model::{Analysis, Bootstrap};
use super::number_format::{
    PStyle, Rounding, count, fixed, level, p_statement, ratio_with_interval, time, time_limits,
};
use super::survive_document::{Group, Term};

/// Bins of a replicate histogram: enough to see skewness, wide enough to stay smooth at 1000.
const N_BINS: usize = 48;

impl Analysis {
    /// How a level of the grouping column is printed: its label, or as written in the file.
    pub fn label<'a>(&'a self, level: &'a str) -> &'a str {
        match self.labels.get(level) {
            Some(label) => label,
            None if level == "all" => "All patients",
            None => level,
        }
    }

    /// The group a Cox term compares with the first one, if it is a term of the grouping column.
    pub(crate) fn group_of_term(&self, term: &str) -> Option<&Group> {
        let column = self.group_column.as_deref()?;
        let groups = &self.survive.groups;
        if term == column && groups.len() == 2 {
            return groups.get(1);
        }
        let level = term.strip_prefix(column)?.strip_prefix('=')?;
        groups.iter().find(|group| group.level == level)
    }

    /// `HER2+ CTC vs no HER2+ CTC` for a term of the grouping column, else the term's name.
    pub(crate) fn term_label(&self, term: &str) -> String {
        match (self.group_of_term(term), self.survive.groups.first()) {
            (Some(group), Some(reference)) => {
                format!("{} vs {}", self.label(&group.level), self.label(&reference.level))
            }
            _ => term.to_owned(),
        }
    }

    /// `Log-rank test: χ² = 1.50 on 1 df, p = 0.22.`
    pub(crate) fn logrank_line(&self, style: PStyle) -> Option<String> {
        let test = self.survive.logrank?;
        let name = capitalised(&logrank_name(&self.survive));
        Some(match test.chisq {
            Some(chisq) => format!(
                "{name}: χ² = {} on {} df, {}.",
                fixed(chisq, 2, Rounding::HalfUp),
                test.df,
                p_statement(test.p, style)
            ),
            None => format!("{name}: not estimable."),
        })
    }

    /// One line for each hazard ratio of the grouping column.
    pub(crate) fn hazard_ratio_lines(&self, style: PStyle) -> Vec<String> {
        let Some(cox) = &self.survive.cox else { return Vec::new() };
        let (of_group, others): (Vec<&Term>, Vec<&Term>) =
            cox.terms.iter().partition(|term| self.group_of_term(&term.name).is_some());
        let adjusted = adjustment(&others);
        of_group
            .into_iter()
            .map(|term| {
                let ratio = ratio_with_interval(
                    term.hazard_ratio,
                    term.lower,
                    term.upper,
                    self.survive.conf_level,
                );
                format!(
                    "Hazard ratio, {}: {ratio}; Cox model ({} ties){adjusted}; Wald {}.",
                    self.term_label(&term.name),
                    capitalised(&cox.ties),
                    p_statement(term.p, style)
                )
            })
            .collect()
    }
}

/// Terms named in full in an adjustment; the rest are counted.
const MAX_NAMED_TERMS: usize = 4;

/// ` adjusted for age, ecog`: a ratio beside a curve must say that it is not of the curves alone.
fn adjustment(others: &[&Term]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let names: Vec<&str> =
        others.iter().take(MAX_NAMED_TERMS).map(|term| term.name.as_str()).collect();
    let more = match others.len().saturating_sub(MAX_NAMED_TERMS) {
        0 => String::new(),
        n_more => format!(" and {n_more} more"),
    };
    format!(" adjusted for {}{more}", names.join(", "))
}

/// The Kaplan-Meier figure of an analysis.
pub fn km_figure(analysis: &Analysis, style: PStyle) -> KmFigure {
    let survive = &analysis.survive;
    let curves = survive.groups.iter().map(|group| KmCurve {
        label: analysis.label(&group.level).to_owned(),
        n: group.n,
        median: group.median.median,
        summary: Some(median_summary(analysis, group)),
        points: group.curve.points().collect(),
    });
    let mut caption: Vec<String> = analysis.logrank_line(style).into_iter().collect();
    caption.extend(analysis.hazard_ratio_lines(style));
    KmFigure {
        title: format!("{}: {}", analysis.endpoint, analysis.title),
        y_title: format!("{} (%)", analysis.endpoint),
        x_title: match &analysis.time_origin {
            Some(origin) => format!("Time from {origin}"),
            None => "Time".to_owned(),
        },
        time_unit: analysis.time_unit.clone(),
        curves: curves.collect(),
        caption,
        options: analysis.figure.clone(),
    }
}

fn median_summary(analysis: &Analysis, group: &Group) -> String {
    let interval = time_limits(group.median.lower, group.median.upper);
    let ci = format!("({} CI {interval})", level(analysis.survive.conf_level));
    match group.median.median {
        Some(_) => format!("median {} {} {ci}", time(group.median.median), analysis.time_unit),
        None => format!("median not reached {ci}"),
    }
}

/// The forest plot of an analysis: the one given, or one made from its Cox model; `None` without
/// at least two estimates (one is a line of text, not a figure).
pub fn forest_figure(analysis: &Analysis, style: PStyle) -> Option<ForestFigure> {
    if let Some(figure) = &analysis.forest {
        return Some(figure.clone());
    }
    let cox = analysis.survive.cox.as_ref().filter(|cox| cox.terms.len() > 1)?;
    let mut rows = Vec::new();
    for term in &cox.terms {
        let group = analysis.group_of_term(&term.name);
        if let (Some(reference), true) =
            (group.and(analysis.survive.groups.first()), rows.is_empty())
        {
            rows.push(group_row(analysis, reference, ForestMark::Reference, None));
        }
        let mark =
            ForestMark::Ratio { estimate: term.hazard_ratio, lower: term.lower, upper: term.upper };
        rows.push(match group {
            Some(group) => group_row(analysis, group, mark, term.p),
            None => term_row(term, mark),
        });
    }
    Some(ForestFigure {
        title: format!("Hazard ratios: {}", analysis.title),
        x_title: "Hazard ratio".to_owned(),
        conf_level: analysis.survive.conf_level,
        rows,
        favours_left: None,
        favours_right: None,
        p_style: style,
    })
}

fn group_row(analysis: &Analysis, group: &Group, mark: ForestMark, p: Option<f64>) -> ForestRow {
    ForestRow {
        label: analysis.label(&group.level).to_owned(),
        indented: false,
        n: Some(group.n),
        n_events: Some(group.n_events),
        mark,
        p,
    }
}

fn term_row(term: &Term, mark: ForestMark) -> ForestRow {
    let label = term.name.clone();
    ForestRow { label, indented: false, n: None, n_events: None, mark, p: term.p }
}

/// The histogram of the replicates of a bootstrapped hazard ratio, with its intervals and
/// settings; `None` where no replicate is finite. `log_ratios` holds one value a replicate, in
/// any order; those that are not finite are left out (the document counts them).
pub fn replicate_histogram(
    analysis: &Analysis,
    bootstrap: &Bootstrap,
    log_ratios: &[f64],
) -> Option<HistogramFigure> {
    let document = &bootstrap.document;
    let (log_edges, counts, n_below, n_above) = bin_log_ratios(log_ratios, N_BINS)?;
    let term = document.term.as_deref().unwrap_or_default();
    let intervals = document.intervals.iter().map(|interval| HistogramInterval {
        label: interval_name(&interval.kind),
        lower: interval.lower,
        upper: interval.upper,
    });
    let caption = format!(
        "{} replicates asked for, {} estimable; seed {}; {} intervals.",
        count(document.replicates.requested),
        count(document.replicates.estimable),
        document.seed,
        level(document.conf_level)
    );
    Some(HistogramFigure {
        title: format!("Bootstrap hazard ratios: {}", analysis.term_label(term)),
        x_title: format!("Hazard ratio, {}", analysis.term_label(term)),
        log_edges,
        counts,
        n_below,
        n_above,
        estimate: document.estimate.hazard_ratio,
        intervals: intervals.collect(),
        caption: vec![caption],
    })
}

/// An interval kind as printed: `bca` is `BCa`.
pub(crate) fn interval_name(kind: &str) -> String {
    match kind {
        "bca" => "BCa".to_owned(),
        "firth_profile" => "Firth's profile".to_owned(),
        "percentile_keepinf" => "Percentile, infinite kept".to_owned(),
        other => capitalised(&other.replace('_', " ")),
    }
}
