//! A reference file, its leaves, and the data it was computed from.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

/// The path of a file under `tests/data`.
pub(crate) fn data_path(relative: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", relative].iter().collect()
}

/// One JSON file of expected values.
pub(crate) struct Reference {
    /// What the page calls the data set.
    pub(crate) set: String,
    json: Value,
    visited: RefCell<BTreeSet<String>>,
}

/// A place in a reference file.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    reference: &'a Reference,
    pointer: String,
}

impl Reference {
    pub(crate) fn read(set: &str, file: &str) -> Self {
        let text = std::fs::read_to_string(data_path(file)).expect("the file is in the repository");
        let json = serde_json::from_str(&text).expect("the file is JSON");
        Self { set: set.to_owned(), json, visited: RefCell::default() }
    }

    pub(crate) fn root(&self) -> Place<'_> {
        Place { reference: self, pointer: String::new() }
    }

    /// Pointers of the numbers (and of nulls and infinities, which stand for numbers) that no
    /// comparison has looked at.
    pub(crate) fn unvisited(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.json, String::new(), &mut |pointer| {
            if !self.visited.borrow().contains(&pointer) {
                found.push(pointer);
            }
        });
        found
    }
}

fn is_number(value: &Value) -> bool {
    value.is_number() || value.is_null() || value == "Inf" || value == "-Inf"
}

fn walk(value: &Value, pointer: String, visit: &mut impl FnMut(String)) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                walk(field, format!("{pointer}/{}", escaped(key)), visit);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                walk(item, format!("{pointer}/{i}"), visit);
            }
        }
        leaf if is_number(leaf) => visit(pointer),
        _ => {}
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

impl<'a> Place<'a> {
    pub(crate) fn at(&self, key: &str) -> Self {
        Place { reference: self.reference, pointer: format!("{}/{}", self.pointer, escaped(key)) }
    }

    pub(crate) fn index(&self, i: usize) -> Self {
        self.at(&i.to_string())
    }

    pub(crate) fn json(&self) -> &'a Value {
        self.reference.json.pointer(&self.pointer).unwrap_or(&Value::Null)
    }

    pub(crate) fn is_there(&self) -> bool {
        self.reference.json.pointer(&self.pointer).is_some()
    }

    /// The entries of an object, in the file's order; nothing for anything else.
    pub(crate) fn entries(&self) -> Vec<(String, Self)> {
        let fields = self.json().as_object();
        fields.into_iter().flatten().map(|(key, _)| (key.clone(), self.at(key))).collect()
    }

    /// The places of an array's items.
    pub(crate) fn items(&self) -> Vec<Self> {
        let n = self.json().as_array().map_or(0, Vec::len);
        (0..n).map(|i| self.index(i)).collect()
    }

    /// The numbers of an array of data.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        let values = self.items();
        values.iter().map(|item| item.json().as_f64().expect("a number")).collect()
    }

    pub(crate) fn text(&self) -> &'a str {
        self.json().as_str().unwrap_or_else(|| panic!("{} holds no text", self.what()))
    }

    pub(crate) fn set(&self) -> &'a str {
        &self.reference.set
    }

    /// For messages.
    pub(crate) fn what(&self) -> String {
        format!("{}{}", self.reference.set, self.pointer)
    }

    /// Marks the leaf as looked at and returns R's number, `None` for null and infinities.
    pub(crate) fn take(&self) -> Option<f64> {
        assert!(self.is_there() && is_number(self.json()), "{} holds no number", self.what());
        self.reference.visited.borrow_mut().insert(self.pointer.clone());
        self.json().as_f64()
    }
}
