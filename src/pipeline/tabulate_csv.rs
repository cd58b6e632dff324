//! `tabulate.csv`: the table in long form, numbers unrounded.

use crate::io::table_writer::csv_bytes;
use crate::report::{
    Moments, SummaryValues, TabulateDocument, TabulateSummary, TabulateVariable, VariableKind,
};

const HEADER: [&str; 31] = [
    "variable",
    "kind",
    "value",
    "scope",
    "level",
    "n",
    "n_missing",
    "count",
    "share",
    "share_lower",
    "share_upper",
    "median",
    "q1",
    "q3",
    "mean",
    "sd",
    "min",
    "max",
    "test",
    "statistic",
    "df",
    "p",
    "p_adjusted",
    "estimate",
    "odds_ratio",
    "odds_ratio_lower",
    "odds_ratio_upper",
    "standardised_difference",
    "seed",
    "n_tables",
    "mcse",
];

/// One row a variable and group, and of a categorical variable a value. `scope` is `group`, or
/// `all` for all rows together, whose `level` is empty. The test of a variable stands in each of
/// its rows; what is not available or does not apply is empty.
pub fn tabulate_csv(document: &TabulateDocument) -> Vec<u8> {
    let scope = if document.correlate.is_some() { "all" } else { "group" };
    let rows = document.variables.iter().flat_map(|variable| variable_rows(variable, scope));
    csv_bytes(&HEADER, rows)
}

fn variable_rows(variable: &TabulateVariable, scope: &'static str) -> Vec<Vec<String>> {
    let groups = variable.summaries.iter().map(|summary| (scope, summary));
    let all = variable.overall.iter().map(|summary| ("all", summary));
    groups.chain(all).flat_map(|(scope, summary)| summary_rows(variable, scope, summary)).collect()
}

fn summary_rows(
    variable: &TabulateVariable,
    scope: &str,
    summary: &TabulateSummary,
) -> Vec<Vec<String>> {
    let row = |value: &str, shown: Vec<String>| {
        let mut row = vec![
            variable.name.clone(),
            match variable.kind {
                VariableKind::Continuous => "continuous".to_owned(),
                VariableKind::Categorical => "categorical".to_owned(),
            },
            value.to_owned(),
            scope.to_owned(),
            if scope == "all" { String::new() } else { summary.level.clone() },
            summary.n.to_string(),
            summary.n_missing.to_string(),
        ];
        row.extend(shown);
        row.extend(test_cells(variable));
        row
    };
    match &summary.values {
        SummaryValues::Continuous(Moments { median, q1, q3, mean, sd, min, max }) => {
            let mut cells = vec![String::new(); 4];
            cells.extend([median, q1, q3, mean, sd, min, max].map(|v| number(*v)));
            vec![row("", cells)]
        }
        SummaryValues::Categorical { counts, .. } if counts.0.is_empty() => {
            vec![row("", vec![String::new(); 11])]
        }
        SummaryValues::Categorical { counts, shares } => {
            let cells = |value: &str, count: u64| {
                let limits = shares.as_ref().and_then(|shares| shares.get(value));
                let share = (summary.n > 0).then(|| count as f64 / summary.n as f64);
                let mut cells = vec![
                    count.to_string(),
                    number(share),
                    number(limits.and_then(|limits| limits.lower)),
                    number(limits.and_then(|limits| limits.upper)),
                ];
                cells.resize(11, String::new());
                cells
            };
            counts.0.iter().map(|(value, count)| row(value, cells(value, *count))).collect()
        }
    }
}

fn test_cells(variable: &TabulateVariable) -> [String; 13] {
    let odds = variable.odds_ratio;
    let drawn = variable.drawn;
    let text = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    [
        variable.test.unwrap_or_default().to_owned(),
        number(variable.statistic),
        number(variable.df),
        number(variable.p),
        number(variable.p_adjusted.flatten()),
        number(variable.correlation.and_then(|found| found.estimate)),
        number(odds.and_then(|odds| odds.estimate)),
        number(odds.map(|odds| odds.lower)),
        number(odds.and_then(|odds| odds.upper)),
        number(variable.standardised_difference.flatten()),
        text(drawn.map(|drawn| drawn.seed)),
        text(drawn.map(|drawn| drawn.n_tables)),
        number(drawn.map(|drawn| drawn.mcse)),
    ]
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
