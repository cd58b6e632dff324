//! `docs/validation.md`: the block between the markers is written from the comparisons.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::ledger::{Ledger, ROUNDING_OF_R, Row, bucket};
use crate::quantities::{ALL, GOAL, Quantity};

const BEGIN: &str = "<!-- generated: survival reference -->\n";
const END: &str = "<!-- end -->\n";

/// Compares the block of the page with what these comparisons say, or writes it where
/// `HERSCOPE_WRITE_DOCS` is 1.
pub(crate) fn check_or_write(ledger: &Ledger) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "docs", "validation.md"].iter().collect();
    let page = std::fs::read_to_string(&path).expect("the page is in the repository");
    let begin = page.find(BEGIN).expect("the page has the opening marker") + BEGIN.len();
    let end = begin + page[begin..].find(END).expect("the page has the closing marker");
    let block = render(ledger);
    if std::env::var("HERSCOPE_WRITE_DOCS").is_ok_and(|value| value == "1") {
        let written = format!("{}{block}{}", &page[..begin], &page[end..]);
        std::fs::write(&path, written).expect("the page can be written");
        return;
    }
    let (old, new): (Vec<&str>, Vec<&str>) =
        (page[begin..end].lines().collect(), block.lines().collect());
    let first = (0..old.len().max(new.len())).find(|&i| old.get(i) != new.get(i));
    assert!(
        first.is_none(),
        "docs/validation.md is not what the comparisons say; HERSCOPE_WRITE_DOCS=1 writes it anew. \
         First difference (page, comparisons): {:?}",
        first.map(|i| (old.get(i), new.get(i)))
    );
}

/// An order of magnitude, so that last bits of another processor do not change the page.
fn magnitude(difference: f64, least: f64) -> String {
    format!("< {:.0e}", bucket(difference, least))
}

fn relative(difference: f64) -> String {
    magnitude(difference, ROUNDING_OF_R)
}

/// Ten significant digits.
fn digits(value: f64) -> String {
    let text = format!("{value:.9e}");
    let rounded: f64 = text.parse().expect("a formatted number");
    let plain = rounded == 0.0 || (1e-4..1e10).contains(&rounded.abs());
    if plain { rounded.to_string() } else { text }
}

fn render(ledger: &Ledger) -> String {
    let mut page = String::from("\n");
    summary(&mut page, ledger);
    misses(&mut page, ledger);
    page.push_str("\n### Left out of these comparisons\n\n| values | what |\n| ---: | --- |\n");
    for (reason, n) in ledger.left_out() {
        let _ = writeln!(page, "| {n} | {reason} |");
    }
    page.push_str("\n### By quantity and data set\n\n");
    page.push_str("| quantity | data set | values | R | herscope | absolute | relative |\n");
    page.push_str("| --- | --- | ---: | --- | --- | --- | --- |\n");
    for (quantity, set, row) in ledger.rows() {
        let _ = writeln!(page, "{}", line(quantity, set, row));
    }
    page.push('\n');
    page
}

fn summary(page: &mut String, ledger: &Ledger) {
    let (n, _) = ledger.total(|_| true);
    let _ = writeln!(page, "**{n} values** are compared.\n");
    page.push_str("| kind | values | largest relative difference | of values held to 1e-9 |\n");
    page.push_str("| --- | ---: | --- | --- |\n");
    for kind in Ledger::kinds() {
        let (n, largest) = ledger.total(|quantity| quantity.kind == kind);
        let (_, held) = ledger.total(|q| q.kind == kind && q.relative <= GOAL);
        let (largest, held) = (relative(largest), relative(held));
        let _ = writeln!(page, "| {} | {n} | {largest} | {held} |", kind.name());
    }
}

fn misses(page: &mut String, ledger: &Ledger) {
    page.push_str("\n### Held to less than 1e-9\n\n");
    page.push_str("| quantity | values | largest relative difference | held to | why |\n");
    page.push_str("| --- | ---: | --- | --- | --- |\n");
    for quantity in ALL.iter().filter(|quantity| quantity.relative > GOAL) {
        let (n, largest) = ledger.total(|other| std::ptr::eq(other, *quantity));
        let why = quantity.why.expect("a looser tolerance has its reason");
        let (name, goal) = (quantity.name, quantity.relative);
        let _ = writeln!(page, "| {name} | {n} | {} | {goal:.0e} | {why} |", relative(largest));
    }
}

fn line(quantity: &Quantity, set: &str, row: &Row) -> String {
    let (r, ours) = row.worst.map_or_else(
        || ("none".to_owned(), "none".to_owned()),
        |(r, ours)| (digits(r), digits(ours)),
    );
    format!(
        "| {} | {set} | {} | {r} | {ours} | {} | {} |",
        quantity.name,
        row.n,
        magnitude(row.absolute, 1e-12),
        relative(row.relative)
    )
}
