//! Reads a reference set and counts every comparison, so that a test cannot pass by comparing
//! nothing.

use std::path::PathBuf;

use herscope::survival::Outcome;
use serde_json::Value;

/// Every set under `tests/data/survival`.
pub(crate) const SETS: [&str; 11] = [
    "lung",
    "veteran",
    "ovarian",
    "kidney",
    "ties60",
    "ctc60",
    "ctc60few",
    "timefix",
    "medianhalf",
    "tiny_zero_event",
    "tiny_all_censored",
];

/// A set's rows and the values R gives for them.
pub(crate) struct ReferenceSet {
    pub(crate) outcome: Outcome,
    pub(crate) arm: Vec<String>,
    pub(crate) expected: Value,
}

/// The path of a file under `tests/data`.
pub(crate) fn data_path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(relative)
}

pub(crate) fn read_json(relative: &str) -> Value {
    let text = std::fs::read_to_string(data_path(relative)).expect("the file is in the repository");
    serde_json::from_str(&text).expect("the file is JSON")
}

/// The named column of a CSV file as text.
pub(crate) fn read_column(relative: &str, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(data_path(relative)).expect("the file is there");
    let headers = reader.headers().expect("the file has a header").clone();
    let column = headers.iter().position(|header| header == name).expect("the column is there");
    reader.records().map(|record| record.expect("a whole row")[column].to_owned()).collect()
}

impl ReferenceSet {
    pub(crate) fn read(name: &str) -> Self {
        let csv = format!("survival/{name}.csv");
        let time = read_column(&csv, "time").iter().map(|t| t.parse().expect("a time")).collect();
        let event = read_column(&csv, "event").iter().map(|e| e == "1").collect();
        Self {
            outcome: Outcome::right_censored(time, event).expect("valid rows"),
            arm: read_column(&csv, "arm"),
            expected: read_json(&format!("survival/{name}.expected.json")),
        }
    }

    /// The rows of one arm, or of `all`.
    pub(crate) fn arm_rows(&self, level: &str) -> Vec<usize> {
        (0..self.arm.len()).filter(|&i| level == "all" || self.arm[i] == level).collect()
    }

    /// Arms in the order of the expected file, the reference first.
    pub(crate) fn levels(&self) -> Vec<String> {
        let arms = self.expected["arms"].as_array().expect("a list of arms");
        arms.iter().map(|arm| arm.as_str().expect("a label").to_owned()).collect()
    }

    /// The arm of each row as a code into [`levels`](Self::levels).
    pub(crate) fn group_codes(&self) -> Vec<usize> {
        let levels = self.levels();
        let code = |arm: &String| levels.iter().position(|level| level == arm);
        self.arm.iter().map(|arm| code(arm).expect("a known arm")).collect()
    }
}

/// Compares with a tolerance and counts.
#[derive(Default)]
pub(crate) struct Comparisons {
    pub(crate) count: usize,
}

impl Comparisons {
    /// `value` equals `expected` to `absolute + relative * |expected|`; JSON null and infinities
    /// equal `None` only.
    pub(crate) fn check(
        &mut self,
        what: &str,
        value: Option<f64>,
        expected: &Value,
        (absolute, relative): (f64, f64),
    ) {
        self.count += 1;
        match (value, expected.as_f64()) {
            (Some(value), Some(expected)) => {
                let allowed = absolute + relative * expected.abs();
                assert!(
                    (value - expected).abs() <= allowed,
                    "{what}: {value} against {expected}, allowed {allowed:e}"
                );
            }
            (None, None) => assert!(
                expected.is_null() || expected == "Inf",
                "{what}: the expected file has no value but {expected}"
            ),
            (value, _) => panic!("{what}: {value:?} against {expected}"),
        }
    }
}
