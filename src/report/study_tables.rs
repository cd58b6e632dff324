//! Tables of the study around the survival results.

use super::model::{CellSection, Checks, Flow, InputFile, Joint};
use super::number_format::{
    NOT_AVAILABLE, NOT_ESTIMABLE, PStyle, Rounding, count, fixed, level, p_value,
};
use super::result_table::{ResultColumn, ResultRow, ResultTable};
use super::survival_tables::term_ratio;
use super::survive_document::Term;

pub(crate) fn flow_table(flow: &Flow) -> ResultTable {
    let mut table = ResultTable::new("Patient flow", &["Step", "N#"]);
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

pub(crate) fn checks_table(checks: &Checks) -> ResultTable {
    let expected = format!("{}#", checks.expected_heading);
    let headings = ["Quantity", expected.as_str(), "Computed#", "", "Note"];
    let mut table = ResultTable::new(&checks.title, &headings);
    for check in &checks.rows {
        let verdict = if check.agrees { "agrees" } else { "DIFFERS" };
        table.rows.push(ResultRow {
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

pub(crate) fn joint_table(joint: &Joint, style: PStyle) -> ResultTable {
    let document = &joint.document;
    let ci = document.conf_level.map_or_else(String::new, |conf| format!("{} ", level(conf)));
    let ratio_heading = format!("Hazard ratio ({ci}CI)");
    let headings = ["Part", "Term", "Estimate (SE)", ratio_heading.as_str(), "p#"];
    let mut table = ResultTable::new(&joint.title, &headings);
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

pub(crate) fn samples_table(section: &CellSection) -> ResultTable {
    let is_number = |column: usize| {
        section
            .sample_rows
            .iter()
            .all(|row| row.get(column).is_some_and(|cell| cell.parse::<f64>().is_ok()))
    };
    let mut table = ResultTable { caption: "Samples".to_owned(), ..ResultTable::default() };
    table.columns = section
        .sample_headings
        .iter()
        .enumerate()
        .map(|(column, heading)| ResultColumn {
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

pub(crate) fn inputs_table(inputs: &[InputFile]) -> ResultTable {
    let mut table = ResultTable::new("Input files", &["File", "Bytes#", "SHA-256"]);
    for input in inputs {
        let size = input.n_bytes.map_or_else(String::new, count);
        table.push([input.path.clone(), size, input.sha256.clone()]);
    }
    table
}
