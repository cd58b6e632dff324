//! `docs/methods.md`: the table of the golden cohort's T1 cells by each rule is written from here.

use crate::{POSITIVE_FROM, golden_cells, repository};
use herscope::imaging::{CellStatus, PatientRule, RuleOutcome};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const BEGIN: &str = "<!-- generated: patient rules -->\n";
const END: &str = "<!-- end of patient rules -->\n";

/// A number of the user's own, to show that rule.
const K: usize = 3;

/// The T1 cells of each patient who has any.
fn patients() -> BTreeMap<String, Vec<CellStatus>> {
    let mut patients: BTreeMap<String, Vec<CellStatus>> = BTreeMap::new();
    for cell in golden_cells().iter().filter(|cell| cell.timepoint == "T1") {
        patients.entry(cell.patient.clone()).or_default().push(cell.status());
    }
    patients
}

fn outcomes(rule: PatientRule) -> Vec<RuleOutcome> {
    patients().values().map(|cells| rule.apply(cells, POSITIVE_FROM)).collect()
}

fn render() -> String {
    let mut table = String::from(
        "\n| rule | source | applies to | HER2-positive | negative |\n| --- | --- | ---: | ---: | ---: |\n",
    );
    for rule in PatientRule::all(K) {
        let outcomes = outcomes(rule);
        let n = |wanted| outcomes.iter().filter(|one| one.positive == wanted).count();
        let source = rule.source().unwrap_or("none: the number is the user's");
        let applies = outcomes.iter().filter(|one| one.reason.is_none()).count();
        let (positive, negative) = if rule == PatientRule::NPhenotypes {
            let with = |k| outcomes.iter().filter(|one| one.value == Some(k)).count();
            (format!("one phenotype: {}", with(1.0)), format!("two: {}", with(2.0)))
        } else {
            (n(Some(true)).to_string(), n(Some(false)).to_string())
        };
        let _ = writeln!(
            table,
            "| `{}` | {source} | {applies} | {positive} | {negative} |",
            rule.name()
        );
    }
    table.push('\n');
    table
}

#[test]
fn the_table_of_the_methods_page_is_what_the_rules_say() {
    let path = repository("docs/methods.md");
    let page = std::fs::read_to_string(&path).expect("the page is in the repository");
    let begin = page.find(BEGIN).expect("the page has the opening marker") + BEGIN.len();
    let end = begin + page[begin..].find(END).expect("the page has the closing marker");
    if std::env::var("HERSCOPE_WRITE_DOCS").is_ok_and(|value| value == "1") {
        let written = format!("{}{}{}", &page[..begin], render(), &page[end..]);
        std::fs::write(&path, written).expect("the page can be written");
        return;
    }
    assert_eq!(page[begin..end], render(), "HERSCOPE_WRITE_DOCS=1 writes the table anew");
}

#[test]
fn one_high_cell_at_t1_is_the_published_status() {
    // The abstract: 20 of 60 patients with CTCs, 7 of them with HER2-positive ones.
    let outcomes = outcomes(PatientRule::AnyHigh);
    let positive = outcomes.iter().filter(|one| one.positive == Some(true)).count();
    let file = repository("tests/data/tdxd-cohort/patients.csv");
    let table = herscope::io::table::Table::read(&file, "reading patients").expect("readable");
    let t1 = table.column("t1_her2pos_ctc").expect("the column is there");
    let expected = (0..table.n_rows())
        .filter(|&row| table.value(row, t1).is_some_and(|count| count != "0"))
        .count();
    assert_eq!(positive, expected, "patients.csv counts the same");
    assert_eq!(positive, 7, "the abstract's seven patients");
}
