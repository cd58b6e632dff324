//! Forest plot: hazard ratios on a log axis beside their counts and intervals.

use serde::{Deserialize, Serialize};

use super::layout::{Scale, fit_text, log_ticks, text_width, wrap_text};
use super::number_format::{
    NOT_ESTIMABLE, PStyle, level, p_value, ratio, ratio_limits, significant,
};
use super::svg::{Drawing, Element};
use super::theme::{AXIS, GRID, MUTED, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE};

/// Everything a forest plot shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestFigure {
    /// Printed above the figure.
    pub title: String,
    /// Of the axis: `Hazard ratio for progression or death`.
    pub x_title: String,
    /// Of every interval, for example 0.95.
    pub conf_level: f64,
    /// From top to bottom.
    pub rows: Vec<ForestRow>,
    /// Below the axis, left of 1.
    pub favours_left: Option<String>,
    /// Below the axis, right of 1.
    pub favours_right: Option<String>,
    /// How p-values are printed.
    #[serde(default)]
    pub p_style: PStyle,
}

/// One row: a heading, a reference level or a ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestRow {
    /// Leftmost column.
    pub label: String,
    /// Set in under a heading.
    pub indented: bool,
    /// Subjects.
    pub n: Option<u64>,
    /// Events; the area of the square is proportional to them.
    pub n_events: Option<u64>,
    /// What is drawn.
    pub mark: ForestMark,
    /// Last column.
    pub p: Option<f64>,
}

/// What a row of a forest plot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForestMark {
    /// Label only.
    Heading,
    /// `1.00 (reference)`.
    Reference,
    /// A ratio with its limits, `None` where the data do not determine one.
    Ratio {
        /// Point estimate.
        estimate: Option<f64>,
        /// Lower limit.
        lower: Option<f64>,
        /// Upper limit.
        upper: Option<f64>,
    },
}

impl ForestMark {
    /// The positive finite numbers of the row.
    fn values(&self) -> Vec<f64> {
        match self {
            Self::Ratio { estimate, lower, upper } => {
                [estimate, lower, upper].into_iter().filter_map(|value| positive(*value)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Heading => String::new(),
            Self::Reference => "1.00 (reference)".to_owned(),
            Self::Ratio { estimate: None, .. } => NOT_ESTIMABLE.to_owned(),
            Self::Ratio { estimate, lower, upper } => {
                format!("{} ({})", ratio(*estimate), ratio_limits(*estimate, *lower, *upper))
            }
        }
    }
}

fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value > 0.0)
}

const WIDTH: f64 = 760.0;
const EDGE: f64 = 12.0;
const ROW: f64 = 22.0;
const GAP: f64 = 14.0;
/// The axis never shows more than this, so that one unstable estimate does not squeeze the rest;
/// intervals that go on end in an arrow.
const AXIS_LIMITS: (f64, f64) = (0.02, 50.0);

struct Columns {
    label: (f64, f64),
    n: f64,
    events: f64,
    plot: (f64, f64),
    ratio: f64,
    p: f64,
}

impl Columns {
    fn new(figure: &ForestFigure) -> Self {
        let widest = |texts: Vec<String>| {
            texts.iter().map(|text| text_width(text, SMALL_SIZE)).fold(0.0, f64::max)
        };
        let label = widest(figure.rows.iter().map(|row| row.label.clone()).collect()) + 14.0;
        let label = label.clamp(60.0, 220.0);
        let count = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
        let n = widest(figure.rows.iter().map(|row| count(row.n)).collect()).max(14.0);
        let events = widest(figure.rows.iter().map(|row| count(row.n_events)).collect()).max(40.0);
        let ratio = widest(figure.rows.iter().map(|row| row.mark.text()).collect());
        let ratio = ratio.max(text_width(&ratio_heading(figure), SMALL_SIZE));
        let p = text_width("<0.001", SMALL_SIZE);
        let n_end = EDGE + label + GAP + n;
        let events_end = n_end + GAP + events;
        let p_end = WIDTH - EDGE;
        let ratio_start = p_end - p - GAP - ratio;
        Self {
            label: (EDGE, label),
            n: n_end,
            events: events_end,
            plot: (events_end + GAP + 6.0, ratio_start - GAP - 4.0),
            ratio: ratio_start,
            p: p_end,
        }
    }
}

fn ratio_heading(figure: &ForestFigure) -> String {
    format!("HR ({} CI)", level(figure.conf_level))
}

/// The interval of the axis: all values, at least 0.5 to 2, at most [`AXIS_LIMITS`].
fn axis_domain(rows: &[ForestRow]) -> (f64, f64) {
    let values: Vec<f64> = rows.iter().flat_map(|row| row.mark.values()).collect();
    let lower = values.iter().copied().fold(0.5, f64::min).max(AXIS_LIMITS.0);
    let upper = values.iter().copied().fold(2.0, f64::max).min(AXIS_LIMITS.1);
    (lower / 1.1, upper * 1.1)
}

/// Draws the figure as one self-contained SVG document.
///
/// Squares have an area proportional to the events of their row; an interval beyond the axis
/// ends in an arrow; a missing limit is an arrow too, and the text says `not estimable`.
pub fn forest_plot(figure: &ForestFigure) -> String {
    let columns = Columns::new(figure);
    let domain = axis_domain(&figure.rows);
    let scale = Scale::log(domain, columns.plot);
    let mut drawing = Drawing::new();
    let mut y = EDGE + TITLE_SIZE - 2.0;
    for line in wrap_text(&figure.title, TITLE_SIZE, WIDTH - 2.0 * EDGE) {
        drawing.add(Element::text((EDGE, y), TITLE_SIZE, &line).bold());
        y += TITLE_SIZE + 5.0;
    }
    y += 4.0;
    draw_headings(&mut drawing, figure, &columns, y);
    let top = y + 8.0;
    let bottom = top + ROW * figure.rows.len() as f64 + 4.0;
    draw_axis(&mut drawing, figure, &columns, scale, domain, (top, bottom));
    let most_events = figure.rows.iter().filter_map(|row| row.n_events).max().unwrap_or(1).max(1);
    for (index, row) in figure.rows.iter().enumerate() {
        let middle = top + ROW * (index as f64 + 0.5) + 2.0;
        draw_row(&mut drawing, figure, row, &columns, middle);
        if let ForestMark::Ratio { estimate, lower, upper } = row.mark {
            let share = row.n_events.map_or(0.3, |events| events as f64 / most_events as f64);
            let half = 2.5 + 4.0 * share.sqrt();
            draw_interval(&mut drawing, scale, domain, (estimate, lower, upper), middle, half);
        } else if row.mark == ForestMark::Reference {
            let dot = Element::circle((scale.at(1.0), middle), 3.0).fill("#fff");
            drawing.add(dot.stroke(AXIS, 1.2));
        }
    }
    let end = draw_favours(&mut drawing, figure, scale, bottom + 52.0);
    drawing.finish(WIDTH, end + EDGE, &figure.title)
}

fn draw_headings(drawing: &mut Drawing, figure: &ForestFigure, columns: &Columns, y: f64) {
    let heading = |x: f64, text: &str| Element::text((x, y), SMALL_SIZE, text).bold();
    drawing.add(heading(columns.n, "N").anchor("end"));
    drawing.add(heading(columns.events, "Events").anchor("end"));
    drawing.add(heading(columns.ratio, &ratio_heading(figure)));
    drawing.add(heading(columns.p, "p").anchor("end"));
    drawing.add(Element::line((EDGE, y + 6.0), (WIDTH - EDGE, y + 6.0)).stroke(AXIS, 0.8));
}

fn draw_axis(
    drawing: &mut Drawing,
    figure: &ForestFigure,
    columns: &Columns,
    scale: Scale,
    domain: (f64, f64),
    (top, bottom): (f64, f64),
) {
    let (left, right) = columns.plot;
    let max_count = ((right - left) / 34.0).max(2.0) as usize;
    for tick in log_ticks(domain.0, domain.1, max_count) {
        let x = scale.at(tick);
        drawing.add(Element::line((x, top), (x, bottom)).stroke(GRID, 1.0));
        drawing.add(Element::line((x, bottom), (x, bottom + 5.0)).stroke(AXIS, 1.0));
        let text = Element::text((x, bottom + 17.0), SMALL_SIZE, &significant(tick, 3));
        drawing.add(text.anchor("middle").class("x-tick"));
    }
    drawing.add(Element::line((left, bottom), (right, bottom)).stroke(AXIS, 1.0));
    let one = scale.at(1.0);
    drawing.add(Element::line((one, top), (one, bottom)).stroke(AXIS, 1.2).class("no-effect"));
    let title = format!("{} (log scale)", figure.x_title);
    let room = 2.0 * ((left + right) / 2.0 - EDGE).min(WIDTH - EDGE - (left + right) / 2.0);
    let title = fit_text(&title, TEXT_SIZE, room);
    let text = Element::text(((left + right) / 2.0, bottom + 34.0), TEXT_SIZE, &title);
    drawing.add(text.anchor("middle"));
}

fn draw_row(
    drawing: &mut Drawing,
    figure: &ForestFigure,
    row: &ForestRow,
    columns: &Columns,
    middle: f64,
) {
    let y = middle + 4.0;
    let indent = if row.indented { 12.0 } else { 0.0 };
    let label = fit_text(&row.label, SMALL_SIZE, columns.label.1 - indent);
    let label = Element::text((columns.label.0 + indent, y), SMALL_SIZE, &label).hover(&row.label);
    drawing.add(if row.mark == ForestMark::Heading { label.bold() } else { label });
    for (x, value) in [(columns.n, row.n), (columns.events, row.n_events)] {
        if let Some(value) = value {
            drawing.add(Element::text((x, y), SMALL_SIZE, &value.to_string()).anchor("end"));
        }
    }
    let text = row.mark.text();
    if !text.is_empty() {
        drawing.add(Element::text((columns.ratio, y), SMALL_SIZE, &text));
    }
    if row.p.is_some() {
        let text = Element::text((columns.p, y), SMALL_SIZE, &p_value(row.p, figure.p_style));
        drawing.add(text.anchor("end"));
    }
}

/// The interval line with arrows where it goes on, and the square.
fn draw_interval(
    drawing: &mut Drawing,
    scale: Scale,
    domain: (f64, f64),
    (estimate, lower, upper): (Option<f64>, Option<f64>, Option<f64>),
    y: f64,
    half: f64,
) {
    let Some(estimate) = positive(estimate) else { return };
    let ends = [
        (positive(lower).filter(|v| *v >= domain.0), domain.0, 1.0),
        (positive(upper).filter(|v| *v <= domain.1), domain.1, -1.0),
    ];
    let at = |(limit, edge, _): (Option<f64>, f64, f64)| scale.at(limit.unwrap_or(edge));
    drawing.add(Element::line((at(ends[0]), y), (at(ends[1]), y)).stroke("#1a1a1a", 1.3));
    for end in ends {
        let x = at(end);
        if end.0.is_some() {
            drawing.add(Element::line((x, y - 3.5), (x, y + 3.5)).stroke("#1a1a1a", 1.3));
        } else {
            let inner = x + 7.0 * end.2;
            let head = [(x, y), (inner, y - 4.0), (inner, y + 4.0)];
            drawing.add(Element::polygon(&head).fill("#1a1a1a").class("goes-on"));
        }
    }
    if estimate >= domain.0 && estimate <= domain.1 {
        let x = scale.at(estimate);
        let square = Element::rect(x - half, y - half, 2.0 * half, 2.0 * half);
        drawing.add(square.fill("#0072B2").class("estimate"));
    }
}

/// The labels left and right of 1, each within its half; returns the last y used.
fn draw_favours(drawing: &mut Drawing, figure: &ForestFigure, scale: Scale, y: f64) -> f64 {
    let one = scale.at(1.0);
    let sides = [
        (&figure.favours_left, one - 8.0, "end", one - 8.0 - EDGE, "← "),
        (&figure.favours_right, one + 8.0, "start", WIDTH - EDGE - one - 8.0, " →"),
    ];
    let mut any = false;
    for (label, x, anchor, room, arrow) in sides {
        let Some(label) = label else { continue };
        let text =
            if anchor == "end" { format!("{arrow}{label}") } else { format!("{label}{arrow}") };
        let text = fit_text(&text, SMALL_SIZE, room.max(20.0));
        drawing.add(Element::text((x, y), SMALL_SIZE, &text).anchor(anchor).fill(MUTED));
        any = true;
    }
    if any { y + 2.0 } else { y - 16.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(estimate: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> ForestRow {
        ForestRow {
            label: "ECOG 1 vs 0".to_owned(),
            indented: false,
            n: Some(60),
            n_events: Some(28),
            mark: ForestMark::Ratio { estimate, lower, upper },
            p: Some(0.2),
        }
    }

    fn figure(rows: Vec<ForestRow>) -> ForestFigure {
        ForestFigure {
            title: "Hazard ratios".to_owned(),
            x_title: "Hazard ratio".to_owned(),
            conf_level: 0.95,
            rows,
            favours_left: None,
            favours_right: None,
            p_style: PStyle::LeadingZero,
        }
    }

    #[test]
    fn a_missing_or_far_limit_becomes_an_arrow_and_a_word() {
        let svg = forest_plot(&figure(vec![row(Some(0.4), Some(1e-5), None)]));
        assert_eq!(svg.matches("goes-on").count(), 2, "both ends go on");
        assert!(svg.contains("not estimable"), "the text names the missing limit");
    }

    #[test]
    fn a_ratio_that_is_not_estimable_has_no_square() {
        let svg =
            forest_plot(&figure(vec![row(None, None, None), row(Some(f64::NAN), None, None)]));
        assert!(!svg.contains("class=\"estimate\""), "nothing to place");
        assert!(!svg.contains("NaN"), "only finite coordinates");
    }
}
