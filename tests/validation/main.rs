//! Every value of the reference files against this crate, and the page that shows the result.
//!
//! Each file is walked leaf by leaf: a number that no comparison looked at fails a test, so a block
//! cannot be forgotten. `docs/validation.md` is what these comparisons say; to write it anew:
//! `HERSCOPE_WRITE_DOCS=1 cargo test --no-default-features --test validation`.

mod cohort;
mod cox_cross;
mod hard;
mod hard_documents;
mod ledger;
mod page;
mod quantities;
mod reference;
mod survival_sets;
mod survival_sets_cox;
mod table_one;

use std::sync::LazyLock;

use ledger::Ledger;

/// All comparisons, made once for all tests.
static LEDGER: LazyLock<Ledger> = LazyLock::new(|| {
    let mut ledger = Ledger::default();
    survival_sets::compare(&mut ledger);
    table_one::compare(&mut ledger);
    cox_cross::compare(&mut ledger);
    cohort::compare(&mut ledger);
    hard::compare(&mut ledger);
    ledger
});

#[test]
fn every_value_is_within_the_tolerance_of_its_quantity() {
    assert!(LEDGER.failures().is_empty(), "\n{}", LEDGER.failures().join("\n"));
}

#[test]
fn every_value_of_the_reference_files_is_compared_or_left_out_by_name() {
    let forgotten = LEDGER.forgotten();
    let shown: Vec<&String> = forgotten.iter().take(40).collect();
    assert!(forgotten.is_empty(), "{} values, the first: {shown:#?}", forgotten.len());
}

#[test]
fn the_page_shows_what_is_compared_here() {
    page::check_or_write(&LEDGER);
}
