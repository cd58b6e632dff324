//! Segmentation of cartridges whose cells are known.

use crate::page;
use crate::scenario::{Scenario, Special, scenarios};
use crate::score::{Score, score};

#[test]
fn the_page_shows_what_segmentation_finds() {
    let rows = scenarios();
    if std::env::var("HERSCOPE_WRITE_DOCS").is_ok_and(|value| value == "1") {
        let scores: Vec<(Scenario, Score)> =
            rows.into_iter().map(|scenario| (scenario, score(&scenario))).collect();
        page::write(&scores);
        return;
    }
    let lines = page::lines();
    // four rows stand for the table, whose whole takes minutes in a debug build
    let is_checked = |s: &&Scenario| {
        let is_told = matches!(s.special, Special::Nothing | Special::Split);
        s.brightness == 1.0 && s.noise == 1.0 && is_told
    };
    for scenario in rows.iter().filter(is_checked) {
        let row = page::row(scenario, &score(scenario));
        assert!(
            lines.contains(&row),
            "docs/validation.md lacks this row; the command above its table writes it anew:\n{row}"
        );
    }
}

#[test]
fn bright_cells_apart_from_each_other_are_found_and_called() {
    let plain = Scenario { brightness: 1.0, crowding: 0.0, noise: 1.0, special: Special::Nothing };
    let found = score(&plain);
    // Not all: the gates are fixed, and tails of the drawn levels and sizes fall outside.
    assert_eq!(found.n_seen, found.n_ctc, "an event at every tumour cell");
    assert!(20 * found.n_called >= 19 * found.n_ctc, "{found:?}: 19 of 20 pass the gates");
    assert_eq!(found.n_found, found.n_called, "no event is wrongly called a tumour cell");
}
