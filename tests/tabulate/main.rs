//! `tabulate` from a table's text to its document: beside R, on the golden cohort, on hard input.

mod hard;
mod reference;
mod tdxd;

use herscope::Error;
use herscope::io::table::Table;
use herscope::pipeline::tabulate::{TabulateSettings, TestChoice, run_tabulate};
use herscope::report::{TabulateDocument, TabulateVariable};
use serde_json::Value;
use std::collections::BTreeMap;

/// Settings of one variable.
fn settings(by: &str, name: &str) -> TabulateSettings {
    TabulateSettings { by: by.into(), vars: vec![name.into()], ..TabulateSettings::default() }
}

/// With `test` asked for of the only variable.
fn tested(settings: TabulateSettings, test: TestChoice) -> TabulateSettings {
    let tests = BTreeMap::from([(settings.vars[0].clone(), test)]);
    TabulateSettings { tests, ..settings }
}

fn tabulate(text: &str, settings: &TabulateSettings) -> Result<TabulateDocument, Error> {
    let table = Table::parse(text.as_bytes(), "cohort.csv", "reading the cohort")?;
    run_tabulate(&table, settings)
}

/// The only variable of a run that must succeed.
fn variable(text: &str, settings: &TabulateSettings) -> TabulateVariable {
    let document = tabulate(text, settings).unwrap_or_else(|error| panic!("{error}: {settings:?}"));
    assert_eq!(document.variables.len(), 1, "one variable was asked for");
    document.variables.into_iter().next().expect("one variable")
}

/// A file of the repository as JSON.
fn json_file(path: &str) -> Value {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}
