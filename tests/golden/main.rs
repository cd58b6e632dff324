//! Figures and report against committed files, byte for byte.
//!
//! A missing or different file fails. `HERSCOPE_REGENERATE_GOLDEN=1` rewrites the files and fails
//! too, so that no run that wrote its own expectation can pass; look at the difference, then run
//! again without it.

mod report;
mod report_properties;
mod sample;

use std::path::PathBuf;

/// Compares `found` with the committed snapshot `name`.
fn assert_golden(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/snapshots").join(name);
    if std::env::var_os("HERSCOPE_REGENERATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&path, found).expect("the snapshot folder can be written");
        panic!("{name} was rewritten; review it and run again without the variable");
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .replace("\r\n", "\n");
    let first = expected.lines().zip(found.lines()).position(|(a, b)| a != b);
    let line = first.unwrap_or_else(|| expected.lines().count().min(found.lines().count()));
    assert!(
        expected == found,
        "{name} differs from line {}:\n  committed: {:?}\n  found:     {:?}",
        line + 1,
        expected.lines().nth(line),
        found.lines().nth(line)
    );
}
