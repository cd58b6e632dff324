//! The accuracy block of `docs/validation.md`.

use std::path::PathBuf;

use crate::scenario::{Scenario, Special};
use crate::score::{GAPS, Score};

const BEGIN: &str = "<!-- generated: accuracy on simulated cartridges -->\n";
const END: &str = "<!-- end of accuracy -->\n";

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "docs", "validation.md"].iter().collect()
}

fn block(page: &str) -> (usize, usize) {
    let begin = page.find(BEGIN).expect("the page has the opening marker") + BEGIN.len();
    (begin, begin + page[begin..].find(END).expect("the page has the closing marker"))
}

/// Lines of the block.
pub(crate) fn lines() -> Vec<String> {
    let page = std::fs::read_to_string(path()).expect("the page is in the repository");
    let (begin, end) = block(&page);
    page[begin..end].lines().map(str::to_owned).collect()
}

/// Writes the block anew.
pub(crate) fn write(scores: &[(Scenario, Score)]) {
    let page = std::fs::read_to_string(path()).expect("the page is in the repository");
    let (begin, end) = block(&page);
    let written = format!("{}{}{}", &page[..begin], render(scores), &page[end..]);
    std::fs::write(path(), written).expect("the page can be written");
}

fn render(scores: &[(Scenario, Score)]) -> String {
    let mut text = String::from(
        "\n| brightness | crowding | noise | | called edge | CTC | seen | recall | precision | \
         HER2 class agrees | bias of mean HER2 |\n| ---: | ---: | ---: | --- | ---: | ---: | ---: \
         | ---: | ---: | ---: | ---: |\n",
    );
    for (scenario, score) in scores {
        text.push_str(&row(scenario, score));
        text.push('\n');
    }
    text.push_str(
        "\n| gap to the next cell, crowded rows | CTC | recall |\n| --- | ---: | ---: |\n",
    );
    let names = ["overlap of more than 3 px", "-3 to 2 px", "2 to 8 px", "8 px and more"];
    for (bin, name) in names.iter().enumerate().take(GAPS.len()) {
        let crowded = scores.iter().filter(|(scenario, _)| {
            scenario.crowding > 0.0 && scenario.special == Special::Nothing
        });
        let (n, called) = crowded
            .map(|(_, score)| score.by_gap[bin])
            .fold((0, 0), |(n, called), (m, c)| (n + m, called + c));
        text.push_str(&format!("| {name} | {n} | {} |\n", share(called, n)));
    }
    text.push('\n');
    text
}

/// One row of the first table.
pub(crate) fn row(scenario: &Scenario, score: &Score) -> String {
    let bias = match score.her2_true {
        sum if sum > 0.0 => format!("{:+.1} %", 100.0 * score.her2_difference / sum),
        _ => "–".to_owned(),
    };
    format!(
        "| {} | {} | {} | {} | {:.1} % | {} | {} | {} | {} | {} | {bias} |",
        scenario.brightness,
        scenario.crowding,
        scenario.noise,
        scenario.special.name(),
        100.0 * score.edge_share,
        score.n_ctc,
        share(score.n_seen, score.n_ctc),
        share(score.n_called, score.n_ctc),
        share(score.n_called, score.n_found),
        share(score.n_her2_agrees, score.n_called),
    )
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}
