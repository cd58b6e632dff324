//! Tables and label images of the independent implementation.

use std::collections::BTreeMap;
use std::path::Path;

use herscope::imaging::LabelImage;

/// Rows of a feature table: column name to text; `NaN` and empty fields are left out.
pub(crate) fn read_rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).expect("a table");
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.map(|row| {
        let mut row = row.expect("a row");
        row.retain(|_, value| !value.is_empty() && value != "NaN");
        row
    })
    .collect()
}

/// A number of a row; `None` where it is not defined.
pub(crate) fn number(row: &BTreeMap<String, String>, column: &str) -> Option<f64> {
    row.get(column).map(|text| text.parse().expect("a number"))
}

pub(crate) fn read_json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).expect("readable");
    serde_json::from_str(&text).expect("JSON")
}

/// The numbers of a JSON array.
pub(crate) fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|v| v.as_f64().expect("a number")).collect()
}

pub(crate) fn read_labels(path: &Path) -> LabelImage {
    let picture = image::open(path).expect("a PNG").to_luma16();
    let (cols, rows) = picture.dimensions();
    let labels: Vec<u32> = picture.into_raw().into_iter().map(u32::from).collect();
    let n_labels = labels.iter().copied().max().unwrap_or(0);
    LabelImage { rows: rows as usize, cols: cols as usize, labels, n_labels }
}

/// For each label of `expected` the label of `found` with the largest intersection over union,
/// and that figure.
pub(crate) fn best_matches(expected: &LabelImage, found: &LabelImage) -> BTreeMap<u32, (u32, f64)> {
    assert_eq!((expected.rows, expected.cols), (found.rows, found.cols), "one size");
    let mut areas: BTreeMap<u32, usize> = BTreeMap::new();
    let mut found_areas: BTreeMap<u32, usize> = BTreeMap::new();
    let mut both: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for (&left, &right) in expected.labels.iter().zip(&found.labels) {
        *areas.entry(left).or_default() += 1;
        *found_areas.entry(right).or_default() += 1;
        *both.entry((left, right)).or_default() += 1;
    }
    let mut best: BTreeMap<u32, (u32, f64)> =
        areas.keys().filter(|label| **label > 0).map(|label| (*label, (0, 0.0))).collect();
    for (&(left, right), &pixels) in both.iter().filter(|((l, r), _)| *l > 0 && *r > 0) {
        let union = areas[&left] + found_areas[&right] - pixels;
        let iou = pixels as f64 / union as f64;
        let entry = best.get_mut(&left).expect("every label has an entry");
        if iou > entry.1 {
            *entry = (right, iou);
        }
    }
    best
}
