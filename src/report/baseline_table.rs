//! A baseline table as it is printed in a paper.

use super::baseline_notes::baseline_notes;
use super::model::Baseline;
use super::number_format::{PStyle, Rounding, fixed, level, p_value, percent, power_of_ten};
use super::result_table::ResultTable;
use super::tabulate_document::{
    Moments, NoResult, OrderedMap, SummaryValues, TabulateDocument, TabulateShare, TabulateSummary,
    TabulateVariable,
};

/// Printed where a group has no value to show.
const EMPTY: &str = "–";

/// Stands before the values of a categorical variable.
const INDENT: char = '\u{2003}';

/// One row a continuous variable, one a value of a categorical one below its name; one column a
/// group. Tests and settings are told in the notes.
pub(crate) fn baseline_table(baseline: &Baseline, style: PStyle) -> ResultTable {
    let document = &baseline.document;
    let headings = headings(baseline);
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut table = ResultTable::new(&baseline.title, &headings);
    for variable in &document.variables {
        let numbers = |cells: Vec<String>| -> Vec<String> {
            cells.into_iter().chain(result_cells(document, variable, style)).collect()
        };
        match Values::of(variable) {
            Values::Continuous(shown) => {
                let print = NumberPrint::of(&shown, baseline.shows_means);
                let cells = shown.iter().map(|moments| print.cell(moments)).collect();
                let name = format!("{}, {}", variable.name, print.what());
                table.push(row(name, numbers(cells)));
            }
            Values::Categorical(shown) => {
                let limits = document
                    .ci
                    .as_ref()
                    .map_or_else(String::new, |_| format!("; {} CI", level(document.conf_level)));
                let name = format!("{}, n (%{limits})", variable.name);
                table.push(row(name, numbers(vec![String::new(); shown.len()])));
                for (value, _) in shown.first().map_or(&[][..], |first| &first.counts.0) {
                    let cells = shown.iter().map(|counts| counts.cell(value)).collect();
                    table.push(row(format!("{INDENT}{value}"), cells));
                }
            }
        }
        if variable.n_missing > 0 {
            let cells = shown_summaries(variable).map(|summary| summary.n_missing.to_string());
            table.push(row(format!("{INDENT}missing"), cells.collect()));
        }
    }
    let width = table.columns.len();
    table.rows.iter_mut().for_each(|row| row.cells.resize(width, String::new()));
    table.notes = baseline_notes(document, baseline.shows_means);
    table
}

fn headings(baseline: &Baseline) -> Vec<String> {
    let document = &baseline.document;
    let label =
        |level: &str| baseline.labels.get(level).cloned().unwrap_or_else(|| level.to_owned());
    let mut headings = vec!["Variable".to_owned()];
    if document.variables.iter().any(|variable| variable.overall.is_some()) {
        headings.push(format!("Overall (n = {})", document.n));
    }
    if document.correlate.is_some() {
        headings.push(format!("All (n = {})", document.n));
    } else {
        let group = |level: &str, n: u64| format!("{} (n = {n})", label(level));
        headings.extend(document.groups.iter().map(|one| group(&one.level, one.n)));
    }
    match document.correlate.as_deref() {
        Some("spearman") => headings.push("rho#".to_owned()),
        Some("kendall") => headings.push("tau#".to_owned()),
        Some(_) => headings.push("r#".to_owned()),
        None => {}
    }
    if document.variables.iter().any(|variable| variable.standardised_difference.is_some()) {
        headings.push("SMD#".to_owned());
    }
    headings.push("p#".to_owned());
    match document.adjust.as_deref() {
        Some("holm") => headings.push("p (Holm)#".to_owned()),
        Some(_) => headings.push("p (BH)#".to_owned()),
        None => {}
    }
    headings
}

/// What follows the groups: correlation, standardised difference, p, adjusted p.
fn result_cells(
    document: &TabulateDocument,
    variable: &TabulateVariable,
    style: PStyle,
) -> Vec<String> {
    let figure = |value: Option<f64>| {
        value.map_or_else(|| EMPTY.to_owned(), |value| fixed(value, 2, Rounding::HalfUp))
    };
    let p = |p: Option<f64>| match variable.reason {
        Some(NoResult::NotRequested) => String::new(),
        _ => p_value(p, style),
    };
    let mut cells = Vec::new();
    if document.correlate.is_some() {
        cells.push(figure(variable.correlation.and_then(|found| found.estimate)));
    }
    cells.extend(variable.standardised_difference.map(figure));
    cells.push(p(variable.p));
    cells.extend(variable.p_adjusted.map(p));
    cells
}

fn row(name: String, cells: Vec<String>) -> Vec<String> {
    std::iter::once(name).chain(cells).collect()
}

/// Of all rows, where asked for, then of each group.
fn shown_summaries(variable: &TabulateVariable) -> impl Iterator<Item = &TabulateSummary> {
    variable.overall.iter().chain(&variable.summaries)
}

/// The summaries of a variable by its kind, in the order of the columns.
enum Values<'a> {
    Continuous(Vec<Moments>),
    Categorical(Vec<Counts<'a>>),
}

struct Counts<'a> {
    n: u64,
    counts: &'a OrderedMap<u64>,
    shares: Option<&'a OrderedMap<TabulateShare>>,
}

impl<'a> Values<'a> {
    fn of(variable: &'a TabulateVariable) -> Self {
        let mut moments = Vec::new();
        let mut counted = Vec::new();
        for summary in shown_summaries(variable) {
            match &summary.values {
                SummaryValues::Continuous(shown) => moments.push(*shown),
                SummaryValues::Categorical { counts, shares } => {
                    counted.push(Counts { n: summary.n, counts, shares: shares.as_ref() });
                }
            }
        }
        if counted.is_empty() { Self::Continuous(moments) } else { Self::Categorical(counted) }
    }
}

impl Counts<'_> {
    /// `12 (30.0)`, with limits `12 (30.0; 18.6–43.9)`; of nobody a dash.
    fn cell(&self, value: &str) -> String {
        let count = self.counts.get(value).copied().unwrap_or(0);
        if self.n == 0 {
            return EMPTY.to_owned();
        }
        let bare = |share: f64| percent(share, 1, Rounding::HalfUp).replace('%', "");
        let share = bare(count as f64 / self.n as f64);
        let limits = self.shares.and_then(|shares| shares.get(value));
        match limits.and_then(|share| share.lower.zip(share.upper)) {
            Some((lower, upper)) => format!("{count} ({share}; {}–{})", bare(lower), bare(upper)),
            None => format!("{count} ({share})"),
        }
    }
}

/// How the numbers of one variable are printed, alike in all its columns.
struct NumberPrint {
    means: bool,
    decimals: usize,
    /// Too large or too small to be read as a plain number.
    is_scientific: bool,
    has_negative: bool,
}

impl NumberPrint {
    fn of(shown: &[Moments], means: bool) -> Self {
        let numbers = |moments: &Moments| match means {
            true => vec![moments.mean, moments.sd],
            false => vec![moments.median, moments.q1, moments.q3],
        };
        let numbers: Vec<f64> = shown.iter().flat_map(numbers).flatten().collect();
        let largest = numbers.iter().fold(0.0_f64, |largest, v| largest.max(v.abs()));
        Self {
            means,
            decimals: decimals_of(&numbers, largest),
            is_scientific: largest > 0.0 && !(1e-6..1e9).contains(&largest),
            has_negative: numbers.iter().any(|v| *v < 0.0),
        }
    }

    fn what(&self) -> &'static str {
        if self.means { "mean (SD)" } else { "median (q1–q3)" }
    }

    fn cell(&self, moments: &Moments) -> String {
        let text = |value: Option<f64>| match value {
            None => EMPTY.to_owned(),
            Some(value) if self.is_scientific && value != 0.0 => power_of_ten(value),
            Some(value) => fixed(value, self.decimals, Rounding::HalfUp),
        };
        if self.means {
            return match moments.mean {
                None => EMPTY.to_owned(),
                mean => format!("{} ({})", text(mean), text(moments.sd)),
            };
        }
        if moments.median.is_none() {
            return EMPTY.to_owned();
        }
        // Beside a minus a dash would be read as a sign.
        let mark = if self.has_negative { " to " } else { "–" };
        format!("{} ({}{mark}{})", text(moments.median), text(moments.q1), text(moments.q3))
    }
}

/// None where all numbers are whole; else what three figures of the largest need, one at least,
/// and no more than the numbers have.
fn decimals_of(numbers: &[f64], largest: f64) -> usize {
    let has = |decimals: usize| {
        let scale = 10_f64.powi(decimals as i32);
        numbers.iter().all(|v| ((v * scale).round() - v * scale).abs() <= 1e-9 * (v * scale).abs())
    };
    let figures = if largest > 0.0 { 2 - largest.log10().floor() as i32 } else { 0 };
    let most = figures.clamp(1, 9) as usize;
    (0..most).find(|&decimals| has(decimals)).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_suit_the_largest_number_of_a_variable() {
        let cases: [(&[f64], usize); 7] = [
            (&[61.0, 52.0, 70.0], 0),
            (&[61.0, 52.5, 70.0], 1),
            (&[61.0, 52.25, 70.0], 1),
            (&[3.0, 2.25], 2),
            (&[0.012, 0.0345], 4),
            (&[1234.5, 0.125], 1),
            (&[], 0),
        ];
        for (numbers, expected) in cases {
            let largest = numbers.iter().fold(0.0_f64, |largest, v| largest.max(v.abs()));
            assert_eq!(decimals_of(numbers, largest), expected, "{numbers:?}");
        }
    }

    #[test]
    fn quartiles_beside_a_minus_are_joined_by_a_word() {
        let of = |q1: f64| Moments {
            median: Some(2.0),
            q1: Some(q1),
            q3: Some(3.0),
            ..Moments::default()
        };
        let shown = [of(-1.5), of(1.0), Moments::default()];
        let print = NumberPrint::of(&shown, false);
        let cells: Vec<String> = shown.iter().map(|moments| print.cell(moments)).collect();
        assert_eq!(cells, ["2.0 (\u{2212}1.5 to 3.0)", "2.0 (1.0 to 3.0)", "–"], "alike");
    }
}
