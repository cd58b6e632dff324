//! Colours, dashes and type sizes shared by the figures.

/// Colours for groups, told apart under the common colour-vision deficiencies.
///
/// # Source
/// Okabe M, Ito K (2008), "Color Universal Design"; yellow is left out (too pale on white paper)
/// and black is last.
const GROUP_COLOURS: [&str; 7] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#222222"];

/// Dashes for groups, so that a grey-scale print still tells them apart.
const GROUP_DASHES: [&str; 4] = ["", "8 3", "2.5 2.5", "9 3 2 3"];

/// Frame and axis lines.
pub(crate) const AXIS: &str = "#333333";
/// Grid and guide lines.
pub(crate) const GRID: &str = "#e3e3e3";
/// Secondary text.
pub(crate) const MUTED: &str = "#595959";

/// Type size of titles, in pixels.
pub(crate) const TITLE_SIZE: f64 = 15.0;
/// Type size of axis titles and legends, in pixels.
pub(crate) const TEXT_SIZE: f64 = 12.0;
/// Type size of tick labels, risk tables and captions, in pixels.
pub(crate) const SMALL_SIZE: f64 = 11.0;

/// Colour of group `index`; colours repeat after seven.
pub(crate) fn group_colour(index: usize) -> &'static str {
    GROUP_COLOURS[index % GROUP_COLOURS.len()]
}

/// Dash pattern of group `index`, empty for a solid line. Seven colours and four dashes together
/// repeat after 28 groups.
pub(crate) fn group_dash(index: usize) -> &'static str {
    GROUP_DASHES[index % GROUP_DASHES.len()]
}

/// Colour of a HER2 class by its name in `cells.csv`: neg, med, high; anything else is muted.
pub(crate) fn class_colour(class: &str) -> &'static str {
    match class {
        "neg" => "#8c9aa5",
        "med" => "#E69F00",
        "high" => "#B5003C",
        _ => "#6b6b6b",
    }
}
