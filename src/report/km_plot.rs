//! Kaplan-Meier figure: curves, bands and risk table on one time scale.

use serde::{Deserialize, Serialize};

use super::km_steps::{RiskRow, band_steps, curve_parts, drawable, risk_row, whole};
use super::layout::{Scale, fit_text, text_width, ticks_to, time_ticks, wrap_text};
use super::survive_document::CurvePoint;
use super::svg::{Drawing, Element};
use super::theme::{
    AXIS, GRID, MUTED, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, group_colour, group_dash,
};

/// Everything a Kaplan-Meier figure shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KmFigure {
    /// Printed above the figure and read by screen readers.
    pub title: String,
    /// Of the vertical axis, which runs from 0 to 100 %: `Progression-free survival (%)`.
    pub y_title: String,
    /// Of the horizontal axis, before the unit: `Time from enrolment`.
    pub x_title: String,
    /// Unit of every time, printed on the axis and used to choose its steps: `months`.
    pub time_unit: String,
    /// One curve a group, in legend order.
    pub curves: Vec<KmCurve>,
    /// Lines below the risk table: the test by name, the hazard ratio.
    pub caption: Vec<String>,
    /// What to draw and how large.
    #[serde(default)]
    pub options: KmOptions,
}

/// One group's curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KmCurve {
    /// As shown in the legend and beside the risk table.
    pub label: String,
    /// Subjects in the group.
    pub n: u64,
    /// Median survival time, `None` where it is not reached.
    pub median: Option<f64>,
    /// Added to the legend line: `median 13.6 months (95% CI 7.5–25.4)`.
    pub summary: Option<String>,
    /// One point a distinct time, ascending, none added at zero.
    pub points: Vec<CurvePoint>,
}

/// Rows of the table below the curves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskTable {
    /// One row a group: number at risk.
    #[default]
    AtRisk,
    /// Three rows a group: at risk, censored, events.
    ///
    /// # Source
    /// Morris TP et al., BMJ Open 2019;9:e030215 (KMunicate).
    Kmunicate,
}

/// What to draw and how large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KmOptions {
    /// Width of the figure in pixels; at least 360 is used.
    pub width: f64,
    /// Height of the plotting area in pixels.
    pub plot_height: f64,
    /// The table below the axis.
    pub risk_table: RiskTable,
    /// Whether to shade pointwise confidence bands.
    pub bands: bool,
    /// Whether to draw guides from 50 % to the medians.
    pub median_guides: bool,
    /// A curve is pale from where fewer subjects than this remain at risk; 0 never.
    pub few_at_risk: u64,
    /// End of the time axis, `None` for the longest follow-up.
    pub max_time: Option<f64>,
    /// Distance of ticks, `None` to choose.
    pub tick_step: Option<f64>,
}

impl Default for KmOptions {
    fn default() -> Self {
        Self {
            width: 760.0,
            plot_height: 310.0,
            risk_table: RiskTable::AtRisk,
            bands: true,
            median_guides: true,
            few_at_risk: 5,
            max_time: None,
            tick_step: None,
        }
    }
}

const LINE_HEIGHT: f64 = 16.0;
const ROW_HEIGHT: f64 = 15.0;
const EDGE: f64 = 12.0;
const LABEL_LIMIT: f64 = 190.0;
const LEGEND_SWATCH: f64 = 30.0;

/// Where the parts of one figure are; the curves and the risk table both use `x`.
struct Layout {
    width: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Scale,
    y: Scale,
    x_ticks: Vec<f64>,
    label_width: f64,
    title_lines: Vec<String>,
}

impl Layout {
    fn new(figure: &KmFigure) -> Self {
        let options = &figure.options;
        let width = if options.width.is_finite() { options.width.max(360.0) } else { 760.0 };
        let label_width = row_labels(figure)
            .iter()
            .map(|(label, indent)| text_width(label, SMALL_SIZE) + indent)
            .fold(text_width("Number at risk", SMALL_SIZE), f64::max)
            .min(LABEL_LIMIT);
        let largest = figure.curves.iter().map(|curve| curve.n).max().unwrap_or(0);
        let count_width = text_width(&largest.to_string(), SMALL_SIZE).max(18.0);
        let left = (EDGE + label_width + 10.0 + count_width / 2.0).max(66.0);
        let last = longest_time(figure);
        let available = width - left - EDGE;
        let max_count = (available / (count_width + 26.0)).clamp(2.0, 12.0) as usize;
        let x_ticks = match options.tick_step.filter(|step| *step > 0.0 && last / step <= 60.0) {
            Some(step) => ticks_to(last, step),
            None => time_ticks(last, &figure.time_unit, max_count),
        };
        let end = x_ticks.last().copied().unwrap_or(1.0);
        let half_tick = text_width(&tick_text(end), SMALL_SIZE).max(count_width) / 2.0;
        let right = width - EDGE - half_tick;
        let title_lines = wrap_text(&figure.title, TITLE_SIZE, width - 2.0 * EDGE);
        let top = EDGE
            + title_lines.len() as f64 * (TITLE_SIZE + 5.0)
            + figure.curves.len() as f64 * LINE_HEIGHT
            + 14.0;
        let bottom = top + options.plot_height.clamp(120.0, 2000.0);
        Self {
            width,
            left,
            right,
            top,
            bottom,
            x: Scale::linear((0.0, end), (left, right)),
            y: Scale::linear((0.0, 1.0), (bottom, top)),
            x_ticks,
            label_width,
            title_lines,
        }
    }
}

fn longest_time(figure: &KmFigure) -> f64 {
    let longest = figure
        .curves
        .iter()
        .filter_map(|curve| curve.points.last())
        .map(|point| point.time)
        .filter(|time| time.is_finite())
        .fold(0.0, f64::max);
    figure.options.max_time.filter(|max| max.is_finite() && *max > 0.0).unwrap_or(longest)
}

fn tick_text(value: f64) -> String {
    super::number_format::significant(value, 4)
}

/// Labels beside the risk table with their indent in pixels.
fn row_labels(figure: &KmFigure) -> Vec<(String, f64)> {
    figure
        .curves
        .iter()
        .flat_map(|curve| match figure.options.risk_table {
            RiskTable::AtRisk => vec![(curve.label.clone(), 0.0)],
            RiskTable::Kmunicate => vec![
                (curve.label.clone(), 0.0),
                ("At risk".to_owned(), 10.0),
                ("Censored".to_owned(), 10.0),
                ("Events".to_owned(), 10.0),
            ],
        })
        .collect()
}

/// Draws the figure as one self-contained SVG document.
///
/// The time axis and the risk table use the same scale object and the same ticks. Text widths
/// are estimated, and labels are cut or wrapped so that nothing overlaps.
pub fn km_plot(figure: &KmFigure) -> String {
    let layout = Layout::new(figure);
    let mut drawing = Drawing::new();
    draw_head(&mut drawing, figure, &layout);
    draw_axes(&mut drawing, figure, &layout);
    if figure.options.bands {
        for (index, curve) in figure.curves.iter().enumerate() {
            draw_band(&mut drawing, curve, index, &layout);
        }
    }
    if figure.options.median_guides {
        draw_median_guides(&mut drawing, figure, &layout);
    }
    let mut any_pale = false;
    for (index, curve) in figure.curves.iter().enumerate() {
        any_pale |= draw_curve(&mut drawing, curve, index, figure.options.few_at_risk, &layout);
    }
    let table_end = draw_risk_table(&mut drawing, figure, &layout);
    let height = draw_caption(&mut drawing, figure, &layout, any_pale, table_end);
    drawing.finish(layout.width, height + EDGE, &figure.title)
}

fn draw_head(drawing: &mut Drawing, figure: &KmFigure, layout: &Layout) {
    let mut y = EDGE + TITLE_SIZE - 2.0;
    for line in &layout.title_lines {
        drawing.add(Element::text((EDGE, y), TITLE_SIZE, line).bold());
        y += TITLE_SIZE + 5.0;
    }
    for (index, curve) in figure.curves.iter().enumerate() {
        let colour = group_colour(index);
        let sample = Element::line((EDGE, y - 4.0), (EDGE + LEGEND_SWATCH - 8.0, y - 4.0));
        drawing.add(dashed(sample.stroke(colour, 2.2), index));
        let text =
            fit_text(&legend_text(curve), TEXT_SIZE, layout.width - 2.0 * EDGE - LEGEND_SWATCH);
        let text = Element::text((EDGE + LEGEND_SWATCH, y), TEXT_SIZE, &text).class("legend");
        drawing.add(text);
        y += LINE_HEIGHT;
    }
}

fn legend_text(curve: &KmCurve) -> String {
    let n_events = whole(curve.points.iter().map(|point| point.n_events).sum());
    let events = if n_events == 1 { "event" } else { "events" };
    let head = format!("{}: n = {}, {n_events} {events}", curve.label, curve.n);
    match &curve.summary {
        Some(summary) => format!("{head}, {summary}"),
        None => head,
    }
}

fn dashed(element: Element, index: usize) -> Element {
    match group_dash(index) {
        "" => element,
        pattern => element.set("stroke-dasharray", pattern),
    }
}

fn draw_axes(drawing: &mut Drawing, figure: &KmFigure, layout: &Layout) {
    for step in 0..=5 {
        let share = f64::from(step) * 0.2;
        let y = layout.y.at(share);
        if step > 0 {
            drawing.add(Element::line((layout.left, y), (layout.right, y)).stroke(GRID, 1.0));
        }
        drawing.add(Element::line((layout.left - 5.0, y), (layout.left, y)).stroke(AXIS, 1.0));
        let label = format!("{}", step * 20);
        let text = Element::text((layout.left - 8.0, y + 4.0), SMALL_SIZE, &label);
        drawing.add(text.anchor("end").class("y-tick"));
    }
    let origin = (layout.left, layout.bottom);
    drawing.add(Element::line((layout.left, layout.top), origin).stroke(AXIS, 1.0));
    drawing.add(Element::line(origin, (layout.right, layout.bottom)).stroke(AXIS, 1.0));
    for &tick in &layout.x_ticks {
        let x = layout.x.at(tick);
        let end = (x, layout.bottom + 5.0);
        drawing.add(Element::line((x, layout.bottom), end).stroke(AXIS, 1.0));
        let text = Element::text((x, layout.bottom + 17.0), SMALL_SIZE, &tick_text(tick));
        drawing.add(text.anchor("middle").class("x-tick"));
    }
    let middle = (layout.left + layout.right) / 2.0;
    let unit = figure.time_unit.trim();
    let x_title = if unit.is_empty() {
        figure.x_title.clone()
    } else {
        format!("{} ({unit})", figure.x_title)
    };
    let x_title = fit_text(&x_title, TEXT_SIZE, layout.right - layout.left);
    let text = Element::text((middle, layout.bottom + 35.0), TEXT_SIZE, &x_title);
    drawing.add(text.anchor("middle").class("x-title"));
    let centre = (layout.left - 40.0, (layout.top + layout.bottom) / 2.0);
    let y_title = fit_text(&figure.y_title, TEXT_SIZE, layout.bottom - layout.top);
    let turn = format!("rotate(-90 {} {})", centre.0, centre.1);
    let text = Element::text(centre, TEXT_SIZE, &y_title).anchor("middle").class("y-title");
    drawing.add(text.set("transform", &turn));
}

fn draw_band(drawing: &mut Drawing, curve: &KmCurve, index: usize, layout: &Layout) {
    let end = layout.x_ticks.last().copied().unwrap_or(1.0);
    let steps = band_steps(&curve.points, end);
    if steps.iter().all(|step| step.1 == step.2) {
        return;
    }
    let upper = steps.iter().map(|&(time, _, upper)| (layout.x.at(time), layout.y.at(upper)));
    let lower = steps.iter().rev().map(|&(time, lower, _)| (layout.x.at(time), layout.y.at(lower)));
    let corners: Vec<(f64, f64)> = upper.chain(lower).collect();
    let band = Element::polygon(&corners).fill(group_colour(index)).class("band");
    drawing.add(band.set("fill-opacity", "0.11"));
}

fn draw_median_guides(drawing: &mut Drawing, figure: &KmFigure, layout: &Layout) {
    let end = layout.x_ticks.last().copied().unwrap_or(1.0);
    let inside = |median: &f64| median.is_finite() && *median >= 0.0 && *median <= end;
    let medians: Vec<(usize, f64)> = figure
        .curves
        .iter()
        .enumerate()
        .filter_map(|(index, curve)| Some((index, curve.median.filter(inside)?)))
        .collect();
    let Some(last) = medians.iter().map(|(_, median)| *median).reduce(f64::max) else { return };
    let half = layout.y.at(0.5);
    let across = Element::line((layout.left, half), (layout.x.at(last), half));
    drawing.add(across.stroke("#888888", 0.9).set("stroke-dasharray", "3 3"));
    for (index, median) in medians {
        let x = layout.x.at(median);
        let down = Element::line((x, half), (x, layout.bottom)).class("median");
        drawing.add(down.stroke(group_colour(index), 0.9).set("stroke-dasharray", "3 3"));
    }
}

/// Draws curve and censor ticks; whether part of it is pale.
fn draw_curve(
    drawing: &mut Drawing,
    curve: &KmCurve,
    index: usize,
    few_at_risk: u64,
    layout: &Layout,
) -> bool {
    let colour = group_colour(index);
    let end = layout.x_ticks.last().copied().unwrap_or(1.0);
    let (firm, pale) = curve_parts(&curve.points, few_at_risk, end);
    let place = |(time, survival): (f64, f64)| (layout.x.at(time), layout.y.at(survival));
    let is_pale = pale.len() > 1;
    let firm_end = firm.last().map_or(0.0, |point| point.0);
    for (part, opacity) in [(firm, 1.0), (pale, 0.4)] {
        if part.len() < 2 {
            continue;
        }
        let pixels: Vec<(f64, f64)> = part.into_iter().map(place).collect();
        let line = Element::polyline(&pixels).stroke(colour, 2.0).class("curve");
        drawing.add(dashed(line.at("stroke-opacity", opacity), index));
    }
    for point in drawable(&curve.points).filter(|p| p.n_censored > 0.0 && p.time <= end) {
        let (x, y) = place((point.time, point.survival));
        let opacity = if is_pale && point.time > firm_end { 0.5 } else { 1.0 };
        let tick = Element::line((x, y - 4.5), (x, y + 4.5)).stroke(colour, 1.2).class("censor");
        drawing.add(tick.at("stroke-opacity", opacity));
    }
    is_pale
}

/// Draws the table; returns the y below its last row.
fn draw_risk_table(drawing: &mut Drawing, figure: &KmFigure, layout: &Layout) -> f64 {
    let mut y = layout.bottom + 60.0;
    let heading = match figure.options.risk_table {
        RiskTable::AtRisk => "Number at risk",
        RiskTable::Kmunicate => "At risk, cumulative censored and events",
    };
    drawing.add(Element::text((EDGE, y), SMALL_SIZE, heading).bold());
    y += ROW_HEIGHT + 1.0;
    for (index, curve) in figure.curves.iter().enumerate() {
        let rows: Vec<RiskRow> =
            layout.x_ticks.iter().map(|&tick| risk_row(&curve.points, tick)).collect();
        let label = Element::text(
            (EDGE, y),
            SMALL_SIZE,
            &fit_text(&curve.label, SMALL_SIZE, layout.label_width),
        );
        drawing.add(label.fill(group_colour(index)).bold().hover(&curve.label));
        if figure.options.risk_table == RiskTable::AtRisk {
            draw_counts(drawing, layout, y, rows.iter().map(|row| row.n_at_risk));
            y += ROW_HEIGHT;
            continue;
        }
        y += ROW_HEIGHT;
        let named = [
            ("At risk", rows.iter().map(|row| row.n_at_risk).collect::<Vec<u64>>()),
            ("Censored", rows.iter().map(|row| row.n_censored).collect()),
            ("Events", rows.iter().map(|row| row.n_events).collect()),
        ];
        for (name, counts) in named {
            drawing.add(Element::text((EDGE + 10.0, y), SMALL_SIZE, name));
            draw_counts(drawing, layout, y, counts.into_iter());
            y += ROW_HEIGHT;
        }
        y += 3.0;
    }
    y
}

fn draw_counts(drawing: &mut Drawing, layout: &Layout, y: f64, counts: impl Iterator<Item = u64>) {
    for (&tick, count) in layout.x_ticks.iter().zip(counts) {
        let text = Element::text((layout.x.at(tick), y), SMALL_SIZE, &count.to_string());
        drawing.add(text.anchor("middle").class("at-risk"));
    }
}

/// Draws the caption; returns the y of its last line.
fn draw_caption(
    drawing: &mut Drawing,
    figure: &KmFigure,
    layout: &Layout,
    any_pale: bool,
    below: f64,
) -> f64 {
    let mut y = below + 6.0;
    let mut notes = vec!["Tick marks: censored.".to_owned()];
    if figure.options.bands {
        notes.push("Shaded: pointwise confidence band.".to_owned());
    }
    if any_pale {
        let few = figure.options.few_at_risk;
        notes.push(format!("Pale: fewer than {few} at risk."));
    }
    let lines = figure.caption.iter().map(|line| (line.clone(), "#1a1a1a"));
    for (paragraph, colour) in lines.chain([(notes.join(" "), MUTED)]) {
        for line in wrap_text(&paragraph, SMALL_SIZE, layout.width - 2.0 * EDGE) {
            drawing.add(Element::text((EDGE, y), SMALL_SIZE, &line).fill(colour).class("caption"));
            y += ROW_HEIGHT;
        }
    }
    y - ROW_HEIGHT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_without_curves_or_with_absurd_numbers_is_still_drawn() {
        let mut figure = KmFigure {
            title: String::new(),
            y_title: "Survival (%)".to_owned(),
            x_title: "Time".to_owned(),
            time_unit: "months".to_owned(),
            curves: Vec::new(),
            caption: Vec::new(),
            options: KmOptions::default(),
        };
        assert!(km_plot(&figure).ends_with("</svg>\n"), "no curves");
        let odd = CurvePoint { time: f64::NAN, survival: f64::INFINITY, ..CurvePoint::default() };
        figure.curves.push(KmCurve {
            label: "A".repeat(500),
            n: u64::MAX,
            median: Some(f64::NAN),
            summary: None,
            points: vec![odd],
        });
        figure.options = KmOptions { width: f64::NAN, tick_step: Some(-1.0), ..figure.options };
        let svg = km_plot(&figure);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "only finite coordinates");
    }
}
