//! The notes below a baseline table: how its numbers were made, from the document alone.

use std::collections::BTreeMap;

use super::number_format::{count, level, significant};
use super::tabulate_document::{NoResult, TabulateDocument, TabulateVariable, VariableKind};

/// One sentence a line: what is shown, which test of which variables, what was adjusted or drawn,
/// what has no p, which rows are not in the table.
pub(super) fn baseline_notes(document: &TabulateDocument, shows_means: bool) -> Vec<String> {
    let mut notes = vec![shown(document, shows_means)];
    notes.retain(|note| !note.is_empty());
    notes.extend(tests(document));
    notes.extend(drawn(document));
    let n_p = document.variables.iter().filter(|variable| variable.p.is_some()).count();
    match document.adjust.as_deref() {
        Some("holm") => notes.push(format!("p (Holm): adjusted for {n_p} tests by Holm's method.")),
        Some(_) => notes
            .push(format!("p (BH): adjusted for {n_p} tests by Benjamini and Hochberg's method.")),
        None => {}
    }
    if document.variables.iter().any(|variable| variable.standardised_difference.is_some()) {
        notes.push(
            "SMD: standardised difference of the first group less the second (of shares: its size)."
                .to_owned(),
        );
    }
    notes.extend(without_p(document));
    if document.n_dropped > 0 {
        let rows = if document.n_dropped == 1 { "row" } else { "rows" };
        notes.push(format!("{} {rows} without {} left out.", document.n_dropped, document.by));
    }
    notes
}

fn shown(document: &TabulateDocument, shows_means: bool) -> String {
    let has = |kind| document.variables.iter().any(|variable| variable.kind == kind);
    let mut parts = Vec::new();
    if has(VariableKind::Continuous) {
        parts.push(if shows_means {
            "mean (standard deviation)".to_owned()
        } else {
            "median (first–third quartile, type 7)".to_owned()
        });
    }
    if has(VariableKind::Categorical) {
        let limits = match document.ci.as_deref() {
            Some("wilson") => format!("; {} limits by Wilson", level(document.conf_level)),
            Some(_) => {
                format!("; {} limits by Clopper and Pearson", level(document.conf_level))
            }
            None => String::new(),
        };
        parts.push(format!("n (% of those with a value{limits})"));
    }
    if parts.is_empty() { String::new() } else { format!("Shown: {}.", parts.join(", ")) }
}

/// `Fisher's exact test: ecog, hr_status.`, in the order the tests first occur.
fn tests(document: &TabulateDocument) -> Vec<String> {
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for variable in &document.variables {
        let Some(name) = test_name(variable) else { continue };
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, variables)) => variables.push(&variable.name),
            None => lines.push((name, vec![&variable.name])),
        }
    }
    let line =
        |(name, variables): (String, Vec<&str>)| format!("{name}: {}.", variables.join(", "));
    lines.into_iter().map(line).collect()
}

fn test_name(variable: &TabulateVariable) -> Option<String> {
    let name = match variable.test? {
        "wilcoxon_exact" => "Wilcoxon rank-sum test, exact",
        "wilcoxon_normal" => {
            "Wilcoxon rank-sum test, normal approximation with tie and continuity correction"
        }
        "kruskal" => "Kruskal-Wallis test",
        "fisher" => "Fisher's exact test",
        "fisher_monte_carlo" => "Fisher's exact test, p from drawn tables",
        "chisq" => "Pearson's chi-squared test",
        "chisq_yates" => "Pearson's chi-squared test with Yates' correction",
        "t" => "Welch's t-test",
        "t_pooled" => "Student's t-test, pooled variance",
        "spearman" => "Spearman's rank correlation",
        "kendall" => "Kendall's rank correlation",
        "pearson" => "Pearson's correlation",
        other => other,
    };
    let method = match variable.correlation.and_then(|found| found.p_method) {
        Some("exact") => ", exact p",
        Some("edgeworth") => ", p by Edgeworth's series",
        Some("normal") => ", p by the normal approximation with tie correction",
        Some(_) => ", p by Student's t",
        None => "",
    };
    Some(format!("{name}{method}"))
}

fn drawn(document: &TabulateDocument) -> Option<String> {
    let drawn: Vec<_> = document.variables.iter().filter_map(|variable| variable.drawn).collect();
    let first = drawn.first()?;
    let fewest = drawn.iter().map(|one| one.n_tables).min()?;
    let largest = drawn.iter().map(|one| one.mcse).fold(0.0, f64::max);
    Some(format!(
        "Drawn tables: {} at least, seed {}; Monte-Carlo error of p at most {}.",
        count(fewest),
        first.seed,
        significant(largest, 2)
    ))
}

/// Variables without p by reason; those without on request need no word.
fn without_p(document: &TabulateDocument) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for variable in document.variables.iter().filter(|variable| variable.p.is_none()) {
        if let Some(reason) = variable.reason.and_then(words) {
            reasons.entry(reason).or_default().push(&variable.name);
        }
    }
    let line =
        |(reason, names): (&str, Vec<&str>)| format!("No p, {reason}: {}.", names.join(", "));
    reasons.into_iter().map(line).collect()
}

fn words(reason: NoResult) -> Option<&'static str> {
    Some(match reason {
        NoResult::NotRequested | NoResult::PerfectCorrelation => return None,
        NoResult::SingleGroup => "one group only",
        NoResult::NoValues => "no values",
        NoResult::EmptyGroup => "values in one group only",
        NoResult::AllEqual => "all values are equal",
        NoResult::NoSpread => "no spread within the groups",
        NoResult::TooFewValues => "fewer than two values in a group",
        NoResult::TooFewPairs => "fewer than three pairs",
        NoResult::TooLargeForExact => "too many values for the exact test",
        NoResult::NotFinite => "values too large to compute with",
    })
}
