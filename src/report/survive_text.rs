//! The `survive` document as text for a terminal, worded as a manuscript's results.

use super::documents::{Cox, Firth, Group, SurviveDocument, Term};
use super::number_format::{
    NOT_ESTIMABLE, PStyle, count, count_of, difference_with_interval, level, p_statement, p_value,
    ratio, ratio_limits, significant, time, time_limits, time_with_interval,
};
use super::text_table::{Align, TextTable};

const P_STYLE: PStyle = PStyle::LeadingZero;
/// Digits of statistics and horizons in notes: enough to find them again in the document.
const DIGITS: usize = 3;

/// The document in words and tables: groups with medians, tests, models, and how all was made.
///
/// Times are in the unit of the cohort file. Everything is rounded; the document itself is not.
pub fn survive_text(document: &SurviveDocument) -> String {
    let mut parts = vec![overview(document), group_table(document)];
    parts.extend(document.cox.as_ref().map(|cox| cox_table(cox, document)));
    parts.extend(document.firth.as_ref().map(|firth| firth_table(firth, document.conf_level)));
    parts.push(footnote(document));
    parts.join("\n")
}

fn overview(document: &SurviveDocument) -> String {
    let mut text = format!("Events: {}.", count_of(document.n_events, document.n));
    if let Some(follow_up) = document.follow_up {
        let median = time_with_interval(
            follow_up.median,
            follow_up.lower,
            follow_up.upper,
            document.conf_level,
        );
        text.push_str(&format!(" Median follow-up {}.", lower_first(&median)));
    }
    if document.n_dropped > 0 {
        text.push_str(&format!(
            " {} not used for missing values.",
            plural(document.n_dropped, "row was", "rows were")
        ));
    }
    text.push('\n');
    text
}

fn group_table(document: &SurviveDocument) -> String {
    let interval = level(document.conf_level);
    let tau = document.groups.iter().find_map(|group| Some(group.rmst?.tau));
    let mut headings = vec![
        ("Group".to_owned(), Align::Left),
        ("N".to_owned(), Align::Right),
        ("Events".to_owned(), Align::Right),
        ("Median".to_owned(), Align::Right),
        (format!("{interval} CI"), Align::Left),
    ];
    if let Some(tau) = tau {
        headings.push((format!("Mean up to {}", significant(tau, DIGITS)), Align::Right));
    }
    let mut table = TextTable::new(headings).titled("Survival");
    for group in &document.groups {
        table.row(group_row(group));
    }
    if let Some(test) = &document.logrank {
        let name = match test.rho {
            0.0 => "Log-rank test".to_owned(),
            1.0 => "Peto-Peto test".to_owned(),
            rho => format!("G-rho test (rho {})", significant(rho, DIGITS)),
        };
        let statistic =
            test.chisq.map_or_else(|| NOT_ESTIMABLE.to_owned(), |chisq| significant(chisq, DIGITS));
        table.note(format!(
            "{name}: chi-square {statistic} on {} df, {}.",
            test.df,
            p_statement(test.p, P_STYLE)
        ));
    }
    if let (Some(difference), [reference, second, ..]) =
        (&document.rmst_difference, document.groups.as_slice())
    {
        let value = difference_with_interval(
            difference.estimate,
            difference.lower,
            difference.upper,
            document.conf_level,
            1,
        );
        table.note(format!(
            "Restricted mean up to {}, {} minus {}: {value}, {}.",
            significant(difference.tau, DIGITS),
            second.level,
            reference.level,
            p_statement(difference.p, P_STYLE)
        ));
    }
    table.render()
}

fn group_row(group: &Group) -> Vec<String> {
    let mut cells = vec![
        group.level.clone(),
        count(group.n),
        count(group.n_events),
        time(group.median.median),
        time_limits(group.median.lower, group.median.upper),
    ];
    cells.extend(group.rmst.map(|rmst| time(rmst.estimate)));
    cells
}

fn cox_table(cox: &Cox, document: &SurviveDocument) -> String {
    let ph_test = document.ph_test.as_ref();
    let mut headings = term_headings(document.conf_level);
    if ph_test.is_some() {
        headings.push(("PH p".to_owned(), Align::Right));
    }
    let mut table = TextTable::new(headings).titled("Cox model");
    for term in &cox.terms {
        let mut cells = term_row(term);
        if let Some(ph_test) = ph_test {
            let p = ph_test.terms.iter().find(|ph| ph.name == term.name).and_then(|ph| ph.test.p);
            cells.push(p_value(p, P_STYLE));
        }
        table.row(cells);
    }
    table.note(format!(
        "{} events in {} subjects; ties by {}.{}",
        count(cox.n_events),
        count(cox.n),
        capitalised(&cox.ties),
        status_sentence(cox)
    ));
    if let Some(test) = cox.tests.likelihood_ratio {
        let mut note =
            format!("Likelihood-ratio test on {} df: {}.", test.df, p_statement(test.p, P_STYLE));
        if let Some(concordance) = cox.concordance.and_then(|concordance| concordance.estimate) {
            note.push_str(&format!(" Concordance {}.", ratio(Some(concordance))));
        }
        table.note(note);
    }
    if let Some(ph_test) = ph_test {
        let p = ph_test.global.and_then(|global| global.p);
        table.note(format!(
            "Proportional hazards (score test, time scale {}): {} for all terms.",
            ph_test.transform,
            p_statement(p, P_STYLE)
        ));
    }
    table.render()
}

fn firth_table(firth: &Firth, conf_level: f64) -> String {
    let mut table =
        TextTable::new(term_headings(conf_level)).titled("Cox model with Firth's penalty");
    for term in &firth.terms {
        table.row(term_row(term));
    }
    table.note("Limits and p by profile penalised likelihood.");
    table.render()
}

fn term_headings(conf_level: f64) -> Vec<(String, Align)> {
    vec![
        ("Term".to_owned(), Align::Left),
        ("Hazard ratio".to_owned(), Align::Right),
        (format!("{} CI", level(conf_level)), Align::Left),
        ("p".to_owned(), Align::Right),
    ]
}

fn term_row(term: &Term) -> Vec<String> {
    let hazard_ratio = match term.limit.as_deref() {
        Some("+inf") => "infinite".to_owned(),
        Some("-inf") => "0".to_owned(),
        _ => ratio(term.hazard_ratio),
    };
    let limits = ratio_limits(term.hazard_ratio, term.lower, term.upper);
    vec![term.name.clone(), hazard_ratio, limits, p_value(term.p, P_STYLE)]
}

fn status_sentence(cox: &Cox) -> &'static str {
    match cox.status.as_str() {
        "monotone_likelihood" => {
            " A hazard ratio has no finite estimate (monotone likelihood); Firth's penalty gives one."
        }
        "not_identified" => " A term is not identified: it is constant, or there is no event.",
        "singular" => " A term is a combination of others and was left out.",
        "max_iterations" => " The fit did not converge: do not use these values.",
        _ => "",
    }
}

fn footnote(document: &SurviveDocument) -> String {
    let mut text = format!(
        "Medians by Kaplan-Meier, {} limits from the {} scale; median follow-up by reverse \
         Kaplan-Meier. Times in the unit of the cohort file.",
        level(document.conf_level),
        document.conf_type
    );
    if document.cox.is_some() {
        text.push_str(" Wald limits and p of hazard ratios.");
    }
    text.push('\n');
    text
}

fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{LogRank, Median};

    fn document() -> SurviveDocument {
        let group = |level: &str, n, n_events, median: [Option<f64>; 3]| Group {
            level: level.into(),
            n,
            n_events,
            median: Median { median: median[0], lower: median[1], upper: median[2] },
            ..Group::default()
        };
        SurviveDocument {
            n: 60,
            n_events: 28,
            n_dropped: 1,
            conf_level: 0.95,
            conf_type: "log-log".into(),
            follow_up: Some(Median { median: Some(17.2156), lower: Some(11.5975), upper: None }),
            groups: vec![
                group("0", 53, 25, [Some(13.5688), Some(8.70637), Some(21.6838)]),
                group("1", 7, 3, [None, Some(8.115), None]),
            ],
            logrank: Some(LogRank { rho: 0.0, chisq: Some(1.4996), df: 1.0, p: Some(0.2207) }),
            ..SurviveDocument::default()
        }
    }

    #[test]
    fn groups_follow_up_and_test_are_printed_as_a_manuscript_would() {
        let expected = "\
Events: 28 of 60 (46.7%). Median follow-up 17.2 (95% CI 11.6–not reached). 1 row was not used for missing values.

Survival
Group   N  Events       Median  95% CI
───────────────────────────────────────────────
0      53      25         13.6  8.7–21.7
1       7       3  Not reached  8.1–not reached
Log-rank test: chi-square 1.5 on 1 df, p = 0.22.

Medians by Kaplan-Meier, 95% limits from the log-log scale; median follow-up by reverse Kaplan-Meier. Times in the unit of the cohort file.
";
        assert_eq!(survive_text(&document()), expected, "the whole text");
    }

    #[test]
    fn a_monotone_term_is_called_infinite_and_points_to_firth() {
        let term = Term { name: "arm=b".into(), limit: Some("+inf".into()), ..Term::default() };
        let cox = Cox {
            ties: "efron".into(),
            status: "monotone_likelihood".into(),
            terms: vec![term],
            ..Cox::default()
        };
        let text = survive_text(&SurviveDocument { cox: Some(cox), ..document() });
        assert!(text.contains("infinite  not estimable"), "{text}");
        assert!(text.contains("ties by Efron") && text.contains("Firth's penalty"), "{text}");
    }
}
