//! Survival results as tables and sentences.

use super::methods::capitalised;
use super::model::Analysis;
use super::number_format::{
    NOT_AVAILABLE, NOT_ESTIMABLE, PStyle, Rounding, difference_with_interval, fixed, level,
    p_statement, p_value, plural, ratio, ratio_limits, ratio_with_interval, significant, time,
    time_limits, time_with_interval,
};
use super::result_table::ResultTable;
use super::survive_document::{ChiSquared, Cox, Term};

/// Follow-up, the comparison of curves and of restricted means, in sentences.
pub(crate) fn test_lines(analysis: &Analysis, style: PStyle) -> Vec<String> {
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
    if let Some(one) = survive.rmst_ratio {
        let text = ratio_with_interval(
            Some(one.estimate),
            Some(one.lower),
            Some(one.upper),
            survive.conf_level,
        );
        tests.push(format!(
            "Ratio of restricted mean survival times to {} {}: {text}, {}.",
            significant(one.tau, 4),
            analysis.time_unit,
            p_statement(one.p, style)
        ));
    }
    tests
}

pub(crate) fn groups_table(analysis: &Analysis) -> ResultTable {
    let survive = &analysis.survive;
    let median = format!("Median, {} ({} CI)", analysis.time_unit, level(survive.conf_level));
    let has_rmst = survive.groups.iter().any(|group| group.rmst.is_some());
    // Levels without labels of their own mean something under their column's name only.
    let column = analysis.group_column.as_deref().filter(|_| analysis.labels.is_empty());
    let mut headings = vec![column.unwrap_or("Group"), "N#", "Events#", median.as_str()];
    if has_rmst {
        headings.push("Restricted mean (SE)");
    }
    let mut table = ResultTable::new("Groups", &headings);
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
        table.note(format!("Rows left out for missing values: {}.", survive.n_dropped));
    }
    table
}

/// Groups with their hazard ratios, the table a manuscript prints; `None` unless each group but
/// the first has a term in the Cox model, and no other column has.
pub(crate) fn outcome_table(analysis: &Analysis, style: PStyle) -> Option<ResultTable> {
    let survive = &analysis.survive;
    let cox = survive.cox.as_ref()?;
    let terms = survive.groups.iter().skip(1).map(|group| {
        cox.terms.iter().find(|term| {
            analysis.group_of_term(&term.name).is_some_and(|other| other.level == group.level)
        })
    });
    let terms: Vec<&Term> = terms.collect::<Option<_>>()?;
    if terms.is_empty() || terms.len() != cox.terms.len() {
        return None;
    }
    let mut table = groups_table(analysis);
    table.add_column(&format!("Hazard ratio ({} CI)", level(survive.conf_level)));
    table.add_column("p (Wald)#");
    let reference = ["1.00 (reference)".to_owned(), String::new()];
    let of_terms = terms.into_iter().map(|term| {
        [term_ratio(term), term.p.map_or_else(String::new, |p| p_value(Some(p), style))]
    });
    for (row, cells) in table.rows.iter_mut().zip([reference].into_iter().chain(of_terms)) {
        row.cells.extend(cells);
    }
    model_notes(cox, style).into_iter().for_each(|note| table.note(note));
    Some(table)
}

pub(crate) fn hazard_ratio_table(analysis: &Analysis, style: PStyle) -> Option<ResultTable> {
    let survive = &analysis.survive;
    let cox = survive.cox.as_ref()?;
    let heading = format!("Hazard ratio ({} CI)", level(survive.conf_level));
    let headings = ["Term", "N#", "Events#", heading.as_str(), "p (Wald)#"];
    let mut table = ResultTable::new(
        format!(
            "Cox model ({} ties), {}, {}",
            capitalised(&cox.ties),
            plural(cox.n, "subject"),
            plural(cox.n_events, "event")
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
    model_notes(cox, style).into_iter().for_each(|note| table.note(note));
    Some(table)
}

/// Status, tests of the whole model, concordance.
fn model_notes(cox: &Cox, style: PStyle) -> Vec<String> {
    let mut notes = Vec::new();
    if cox.status != "converged" {
        notes.push(format!("Fit status: {}.", cox.status.replace('_', " ")));
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
        notes.push(format!("Whole model: {}.", tests.join(", ")));
    }
    if let Some(estimate) = cox.concordance.and_then(|concordance| concordance.estimate) {
        notes.push(format!("Concordance: {}.", fixed(estimate, 2, Rounding::HalfUp)));
    }
    notes
}

/// `0.48 (0.14–1.60)`; for a term whose likelihood rises without bound, that.
pub(crate) fn term_ratio(term: &Term) -> String {
    match (term.hazard_ratio, term.limit.as_deref()) {
        (None, Some("+inf")) => format!("{NOT_ESTIMABLE}: likelihood rises towards infinity"),
        (None, Some("-inf")) => format!("{NOT_ESTIMABLE}: likelihood rises towards zero"),
        (estimate, _) => estimate_with_limits(estimate, term.lower, term.upper),
    }
}

fn estimate_with_limits(estimate: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> String {
    match estimate {
        None => NOT_ESTIMABLE.to_owned(),
        estimate => format!("{} ({})", ratio(estimate), ratio_limits(estimate, lower, upper)),
    }
}

pub(crate) fn ph_table(analysis: &Analysis, style: PStyle) -> Option<ResultTable> {
    let test = analysis.survive.ph_test.as_ref()?;
    let mut table = ResultTable::new("Test of proportional hazards", &["Term", "χ²#", "df#", "p#"]);
    let row = |name: String, test: ChiSquared| {
        let chisq = test.chisq.map(|chisq| fixed(chisq, 2, Rounding::HalfUp));
        let chisq = chisq.unwrap_or_else(|| NOT_AVAILABLE.to_owned());
        vec![name, chisq, test.df.to_string(), p_value(test.p, style)]
    };
    for term in &test.terms {
        table.push(row(analysis.term_label(&term.name), term.test));
    }
    if let Some(global) = test.global.filter(|_| test.terms.len() > 1) {
        table.push(row("All terms".to_owned(), global));
    }
    Some(table)
}

pub(crate) fn firth_table(analysis: &Analysis, style: PStyle) -> Option<ResultTable> {
    let firth = analysis.survive.firth.as_ref()?;
    let heading = format!("Hazard ratio ({} CI)", level(analysis.survive.conf_level));
    let mut table = ResultTable::new("Firth's penalised likelihood", &["Term", &heading, "p#"]);
    for term in &firth.terms {
        let ratio = estimate_with_limits(term.hazard_ratio, term.lower, term.upper);
        table.push([analysis.term_label(&term.name), ratio, p_value(term.p, style)]);
    }
    Some(table)
}
