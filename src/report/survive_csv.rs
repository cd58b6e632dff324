//! A survival document as tables for other programs: unrounded, empty where not available.

use super::asked_for::{PredictedCurve, Residuals};
use super::survive_document::{Cox, Group, SurviveDocument};

/// A table of text cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvTable {
    /// File name without its ending.
    pub name: &'static str,
    /// Column names.
    pub header: Vec<String>,
    /// Cells, one a column.
    pub rows: Vec<Vec<String>>,
}

/// Groups, curves, terms, and whatever was asked for, one table each.
pub fn survive_csv(document: &SurviveDocument) -> Vec<CsvTable> {
    let mut tables = vec![groups(&document.groups), curves(&document.groups)];
    tables.extend(document.cox.as_ref().map(terms));
    tables.extend(document.baseline.as_deref().map(|curves| predicted("baseline", curves)));
    tables.extend(document.predictions.as_deref().map(|curves| predicted("predictions", curves)));
    tables.extend(
        document.residuals.iter().flat_map(|residuals| [rows(residuals), events(residuals)]),
    );
    tables
}

fn table(name: &'static str, header: &[&str], rows: Vec<Vec<String>>) -> CsvTable {
    CsvTable { name, header: header.iter().map(|name| (*name).to_owned()).collect(), rows }
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn groups(groups: &[Group]) -> CsvTable {
    let row = |group: &Group| {
        let rmst = group.rmst.unwrap_or_default();
        vec![
            group.level.clone(),
            group.n.to_string(),
            group.n_events.to_string(),
            cell(group.median.median),
            cell(group.median.lower),
            cell(group.median.upper),
            cell(rmst.estimate),
            cell(rmst.std_err),
        ]
    };
    let header =
        ["level", "n", "n_events", "median", "lower", "upper", "rmst_estimate", "rmst_std_err"];
    table("groups", &header, groups.iter().map(row).collect())
}

fn curves(groups: &[Group]) -> CsvTable {
    let rows = groups.iter().flat_map(|group| {
        group.curve.points().map(|point| {
            vec![
                group.level.clone(),
                point.time.to_string(),
                point.n_at_risk.to_string(),
                point.n_events.to_string(),
                point.n_censored.to_string(),
                point.survival.to_string(),
                cell(point.std_err),
                cell(point.lower),
                cell(point.upper),
            ]
        })
    });
    let header = [
        "level",
        "time",
        "n_at_risk",
        "n_events",
        "n_censored",
        "survival",
        "std_err",
        "lower",
        "upper",
    ];
    table("curves", &header, rows.collect())
}

fn terms(cox: &Cox) -> CsvTable {
    let rows = cox.terms.iter().map(|term| {
        let profile = term.profile;
        vec![
            term.name.clone(),
            cell(term.coef),
            cell(term.se),
            cell(term.z),
            cell(term.p),
            cell(term.hazard_ratio),
            cell(term.lower),
            cell(term.upper),
            cell(profile.and_then(|limits| limits.lower)),
            cell(profile.and_then(|limits| limits.upper)),
            term.limit.clone().unwrap_or_default(),
        ]
    });
    let header = [
        "term",
        "coef",
        "se",
        "z",
        "p",
        "hazard_ratio",
        "lower",
        "upper",
        "profile_lower",
        "profile_upper",
        "limit",
    ];
    table("cox", &header, rows.collect())
}

fn predicted(name: &'static str, curves: &[PredictedCurve]) -> CsvTable {
    let names: Vec<&String> =
        curves.first().map_or_else(Vec::new, |one| one.terms.keys().collect());
    let mut header = vec!["line".to_owned(), "stratum".to_owned()];
    header.extend(names.iter().map(|name| (*name).clone()));
    let columns = ["time", "cumulative_hazard", "std_err", "survival", "lower", "upper"];
    header.extend(columns.map(str::to_owned));
    let rows = curves.iter().flat_map(|curve| {
        let mut head = vec![
            curve.line.map_or_else(String::new, |line| line.to_string()),
            curve.stratum.clone().unwrap_or_default(),
        ];
        head.extend(curve.terms.values().map(f64::to_string));
        curve.steps.iter().map(move |step| {
            let values = [
                step.time,
                step.cumulative_hazard,
                step.std_err,
                step.survival,
                step.lower,
                step.upper,
            ];
            head.iter().cloned().chain(values.map(|value| value.to_string())).collect()
        })
    });
    CsvTable { name, header, rows: rows.collect() }
}

fn rows(residuals: &Residuals) -> CsvTable {
    let mut header = ["line", "martingale", "deviance"].map(str::to_owned).to_vec();
    header.extend(residuals.terms.iter().map(|term| format!("score {term}")));
    let rows = residuals.rows.iter().map(|row| {
        let values = [row.martingale, row.deviance].into_iter().chain(row.score.iter().copied());
        [row.line.to_string()].into_iter().chain(values.map(|value| value.to_string())).collect()
    });
    CsvTable { name: "residuals", header, rows: rows.collect() }
}

fn events(residuals: &Residuals) -> CsvTable {
    let mut header = ["line", "time"].map(str::to_owned).to_vec();
    for kind in ["schoenfeld", "scaled"] {
        header.extend(residuals.terms.iter().map(|term| format!("{kind} {term}")));
    }
    let rows = residuals.schoenfeld.iter().map(|event| {
        let values = [event.time].into_iter().chain(event.schoenfeld.iter().copied());
        let values = values.chain(event.scaled.iter().copied());
        [event.line.to_string()].into_iter().chain(values.map(|value| value.to_string())).collect()
    });
    CsvTable { name: "schoenfeld", header, rows: rows.collect() }
}
