//! Reading the reference sets, and comparing numbers with them.

use std::path::PathBuf;

use herscope::survival::{CovariateColumn, CoxData, Outcome};
use serde_json::Value;

/// The data sets with a `cox` block.
pub(crate) const DATA_SETS: [&str; 11] = [
    "ctc60",
    "ctc60few",
    "kidney",
    "lung",
    "medianhalf",
    "ovarian",
    "ties60",
    "timefix",
    "tiny_all_censored",
    "tiny_zero_event",
    "veteran",
];

pub(crate) struct DataSet {
    pub(crate) name: &'static str,
    columns: Vec<(String, Vec<Option<f64>>)>,
    pub(crate) expected: Value,
}

fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", file].iter().collect()
}

impl DataSet {
    pub(crate) fn read(name: &'static str) -> Self {
        let mut reader = csv::Reader::from_path(path(&format!("survival/{name}.csv")))
            .expect("the reference CSV is in the repository");
        let names = reader.headers().expect("a header line").clone();
        let mut columns: Vec<(String, Vec<Option<f64>>)> =
            names.iter().map(|name| (name.to_owned(), Vec::new())).collect();
        for record in reader.records() {
            let record = record.expect("a row of the header's length");
            for (column, field) in columns.iter_mut().zip(&record) {
                column.1.push(field.parse().ok());
            }
        }
        Self { name, columns, expected: json_at(&format!("survival/{name}.expected.json")) }
    }

    pub(crate) fn column(&self, name: &str) -> &[Option<f64>] {
        let found = self.columns.iter().find(|(other, _)| other == name);
        &found.unwrap_or_else(|| panic!("{} has no column {name}", self.name)).1
    }

    /// The rows without missing values in `covariates`.
    pub(crate) fn cox_data(&self, covariates: &[String]) -> CoxData {
        let (time, event) = (self.column("time"), self.column("event"));
        let complete: Vec<usize> = (0..time.len())
            .filter(|&row| covariates.iter().all(|name| self.column(name)[row].is_some()))
            .collect();
        let pick = |column: &[Option<f64>]| -> Vec<f64> {
            complete.iter().map(|&row| column[row].expect("a complete row")).collect()
        };
        CoxData {
            outcome: Outcome::right_censored(
                pick(time),
                pick(event).iter().map(|e| *e == 1.0).collect(),
            )
            .expect("reference rows are valid"),
            covariates: covariates
                .iter()
                .map(|name| CovariateColumn { name: name.clone(), values: pick(self.column(name)) })
                .collect(),
            strata: None,
            cluster: None,
        }
    }
}

/// A JSON file under `tests/data`.
pub(crate) fn json_at(file: &str) -> Value {
    let text = std::fs::read_to_string(path(file)).expect("the reference JSON is readable");
    serde_json::from_str(&text).expect("the reference file is JSON")
}

/// The entries of a JSON object.
pub(crate) fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The strings of a JSON array.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    let array = value.as_array().expect("an array of names");
    array.iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

/// A number; R's infinities are the strings "Inf" and "-Inf".
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().expect("a double"),
        Value::String(text) if text == "Inf" => f64::INFINITY,
        Value::String(text) if text == "-Inf" => f64::NEG_INFINITY,
        _ => panic!("{value} is no number"),
    }
}

/// Counts comparisons and collects those that fail, so that one run shows all of them.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) compared: usize,
    failures: Vec<String>,
}

impl Comparison {
    /// Relative, with an absolute floor of the same size for values below 1e-3.
    pub(crate) fn relative(&mut self, what: &str, found: f64, expected: &Value, tolerance: f64) {
        let expected = number(expected);
        let scale = expected.abs().max(1e-3);
        self.check(what, found, expected, (found - expected).abs() <= tolerance * scale);
    }

    pub(crate) fn absolute(&mut self, what: &str, found: f64, expected: &Value, tolerance: f64) {
        let expected = number(expected);
        self.check(what, found, expected, (found - expected).abs() <= tolerance);
    }

    fn check(&mut self, what: &str, found: f64, expected: f64, close: bool) {
        self.compared += 1;
        if !close && found != expected {
            self.failures.push(format!("{what}: found {found:.12}, expected {expected:.12}"));
        }
    }

    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        found: T,
        expected: T,
    ) {
        self.compared += 1;
        if found != expected {
            self.failures.push(format!("{what}: found {found:?}, expected {expected:?}"));
        }
    }

    /// Fails with every difference; also when fewer values than expected were compared.
    pub(crate) fn finish(self, at_least: usize) {
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
        assert!(
            self.compared >= at_least,
            "only {} values compared, expected {at_least}: a block was skipped",
            self.compared
        );
    }
}
