//! HER2 of single cells by patient, and counts of HER2-positive cells by time point.

use serde::{Deserialize, Serialize};

use super::layout::{
    Scale, fit_text, log_ticks, round_step, spread, text_width, ticks_to, wrap_text,
};
use super::number_format::significant;
use super::svg::{Drawing, Element};
use super::theme::{
    AXIS, GRID, MUTED, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, class_colour, group_colour,
};

/// The intensity axis of a strip plot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntensityAxis {
    /// Logarithmic; values <= 0 are drawn at the left edge and counted in the caption.
    #[default]
    Log,
    /// Linear from zero (or the lowest value below it).
    Linear,
}

/// HER2 intensity of every cell, one row a patient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StripFigure {
    /// Printed above the figure.
    pub title: String,
    /// Of the axis with its unit: `HER2 mean intensity (a.u.)`.
    pub x_title: String,
    /// Scale of the axis.
    #[serde(default)]
    pub axis: IntensityAxis,
    /// One row a patient or sample, from top to bottom.
    pub rows: Vec<StripRow>,
    /// Vertical lines.
    pub cutoffs: Vec<Cutoff>,
}

/// The cells of one patient or sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StripRow {
    /// Patient or sample.
    pub label: String,
    /// Its cells, in file order.
    pub cells: Vec<StripCell>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StripCell {
    /// HER2 intensity in the unit of the axis.
    pub intensity: f64,
    /// `neg`, `med`, `high` or other; decides the colour.
    pub class: String,
}

/// A threshold between classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cutoff {
    /// In the unit of the axis.
    pub value: f64,
    /// Printed above the line.
    pub label: String,
}

const WIDTH: f64 = 760.0;
const EDGE: f64 = 12.0;
const STRIP: f64 = 20.0;

/// Draws the strip plot as one self-contained SVG document.
///
/// Cells of one patient that would cover each other are moved up and down within their row, in a
/// fixed pattern: the same input gives the same drawing.
pub fn her2_strip_plot(figure: &StripFigure) -> String {
    let mut drawing = Drawing::new();
    let label_width = figure
        .rows
        .iter()
        .map(|row| text_width(&row.label, SMALL_SIZE))
        .fold(30.0, f64::max)
        .min(150.0);
    let left = EDGE + label_width + 14.0;
    let right = WIDTH - EDGE - 92.0;
    let (x, ticks) = intensity_scale(figure, left, right);
    let mut y = EDGE + TITLE_SIZE - 2.0;
    for line in wrap_text(&figure.title, TITLE_SIZE, WIDTH - 2.0 * EDGE) {
        drawing.add(Element::text((EDGE, y), TITLE_SIZE, &line).bold());
        y += TITLE_SIZE + 5.0;
    }
    let top = y + 22.0;
    let bottom = top + STRIP * figure.rows.len().max(1) as f64 + 4.0;
    draw_intensity_axis(&mut drawing, figure, x, &ticks, (left, right), (top, bottom));
    draw_cutoffs(&mut drawing, figure, x, (left, right), (top, bottom));
    let heading = Element::text((right + 14.0, top - 8.0), SMALL_SIZE, "Cells (high)").bold();
    drawing.add(heading);
    for (index, row) in figure.rows.iter().enumerate() {
        let middle = top + 2.0 + STRIP * (index as f64 + 0.5);
        draw_strip(&mut drawing, row, x, middle, (left, right), label_width);
    }
    let end = draw_strip_caption(&mut drawing, figure, bottom + 54.0);
    drawing.finish(WIDTH, end + EDGE, &figure.title)
}

fn intensity_scale(figure: &StripFigure, left: f64, right: f64) -> (Scale, Vec<f64>) {
    let cells = figure.rows.iter().flat_map(|row| row.cells.iter().map(|cell| cell.intensity));
    let cutoffs = figure.cutoffs.iter().map(|cutoff| cutoff.value);
    let values: Vec<f64> = cells.chain(cutoffs).filter(|value| value.is_finite()).collect();
    let max_count = 10;
    match figure.axis {
        IntensityAxis::Log => {
            let positive = values.iter().copied().filter(|value| *value > 0.0);
            let lower = positive.clone().fold(f64::INFINITY, f64::min);
            let upper = positive.fold(0.0, f64::max);
            let (lower, upper) = if upper > 0.0 { (lower / 1.2, upper * 1.2) } else { (1.0, 10.0) };
            let ticks = log_ticks(lower, upper, max_count);
            (Scale::log((lower, upper), (left, right)), ticks)
        }
        IntensityAxis::Linear => {
            let upper = values.iter().copied().fold(1.0, f64::max);
            let lower = values.iter().copied().fold(0.0, f64::min);
            let step = round_step((upper - lower) / 8.0);
            let start = (lower / step).floor() * step;
            let ticks: Vec<f64> =
                ticks_to(upper - start, step).iter().map(|tick| start + tick).collect();
            let end = ticks.last().copied().unwrap_or(upper);
            (Scale::linear((start, end), (left, right)), ticks)
        }
    }
}

fn draw_intensity_axis(
    drawing: &mut Drawing,
    figure: &StripFigure,
    x: Scale,
    ticks: &[f64],
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) {
    for &tick in ticks {
        let at = x.at(tick);
        drawing.add(Element::line((at, top), (at, bottom)).stroke(GRID, 1.0));
        drawing.add(Element::line((at, bottom), (at, bottom + 5.0)).stroke(AXIS, 1.0));
        let text = Element::text((at, bottom + 17.0), SMALL_SIZE, &significant(tick, 4));
        drawing.add(text.anchor("middle").class("x-tick"));
    }
    drawing.add(Element::line((left, bottom), (right, bottom)).stroke(AXIS, 1.0));
    let scale = if figure.axis == IntensityAxis::Log { ", log scale" } else { "" };
    let title = fit_text(&format!("{}{scale}", figure.x_title), TEXT_SIZE, right - left);
    let middle = (left + right) / 2.0;
    drawing.add(Element::text((middle, bottom + 34.0), TEXT_SIZE, &title).anchor("middle"));
}

fn draw_cutoffs(
    drawing: &mut Drawing,
    figure: &StripFigure,
    x: Scale,
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) {
    let mut free_from = left - 20.0;
    let mut cutoffs: Vec<&Cutoff> =
        figure.cutoffs.iter().filter(|cutoff| cutoff.value.is_finite()).collect();
    cutoffs.sort_by(|a, b| a.value.total_cmp(&b.value));
    for cutoff in cutoffs {
        let at = x.at(cutoff.value);
        let line = Element::line((at, top - 4.0), (at, bottom)).stroke("#1a1a1a", 1.2);
        drawing.add(line.set("stroke-dasharray", "5 3").class("cutoff").hover(&cutoff.label));
        let width = text_width(&cutoff.label, SMALL_SIZE);
        let start = (at - width / 2.0).max(free_from).min(right - width);
        if start >= free_from {
            drawing.add(Element::text((start, top - 8.0), SMALL_SIZE, &cutoff.label));
            free_from = start + width + 10.0;
        }
    }
}

/// Radius of a cell's dot and the lanes it may be moved to, nearest to the middle first.
const DOT: f64 = 2.9;
const LANES: [f64; 5] = [0.0, -3.4, 3.4, -6.4, 6.4];

fn draw_strip(
    drawing: &mut Drawing,
    row: &StripRow,
    x: Scale,
    middle: f64,
    (left, right): (f64, f64),
    label_width: f64,
) {
    let label = fit_text(&row.label, SMALL_SIZE, label_width);
    drawing.add(Element::text((EDGE, middle + 4.0), SMALL_SIZE, &label).hover(&row.label));
    drawing.add(Element::line((left, middle), (right, middle)).stroke("#f0f0f0", 1.0));
    let mut cells: Vec<&StripCell> =
        row.cells.iter().filter(|cell| cell.intensity.is_finite()).collect();
    cells.sort_by(|a, b| a.intensity.total_cmp(&b.intensity));
    let mut lane_free = [f64::NEG_INFINITY; LANES.len()];
    for cell in cells {
        let at = x.at(cell.intensity);
        let free = lane_free.iter().position(|&from| at >= from);
        let lane = free.unwrap_or_else(|| earliest(&lane_free));
        lane_free[lane] = at + 2.0 * DOT;
        let dot = Element::circle((at, middle + LANES[lane]), DOT).fill(class_colour(&cell.class));
        let dot = dot.set("fill-opacity", "0.85").class("cell");
        drawing.add(dot.hover(&format!(
            "{}: {} ({})",
            row.label,
            significant(cell.intensity, 4),
            cell.class
        )));
    }
    let n_high = row.cells.iter().filter(|cell| cell.class == "high").count();
    let text = format!("{} ({n_high})", row.cells.len());
    let text = Element::text((right + 14.0, middle + 4.0), SMALL_SIZE, &text);
    drawing.add(if n_high > 0 { text.bold() } else { text });
}

fn earliest(lane_free: &[f64]) -> usize {
    let first = lane_free.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    first.map_or(0, |(lane, _)| lane)
}

fn draw_strip_caption(drawing: &mut Drawing, figure: &StripFigure, mut y: f64) -> f64 {
    let mut at = EDGE;
    for (class, text) in [("neg", "negative"), ("med", "medium"), ("high", "high")] {
        drawing.add(Element::circle((at + 4.0, y - 4.0), 4.0).fill(class_colour(class)));
        drawing.add(Element::text((at + 13.0, y), SMALL_SIZE, text).fill(MUTED));
        at += 13.0 + text_width(text, SMALL_SIZE) + 14.0;
    }
    let cells = figure.rows.iter().flat_map(|row| &row.cells);
    let n_odd = cells.clone().filter(|cell| !cell.intensity.is_finite()).count();
    let n_left = cells.filter(|cell| cell.intensity <= 0.0).count();
    let mut notes = Vec::new();
    if figure.axis == IntensityAxis::Log && n_left > 0 {
        notes.push(format!("{n_left} cells at or below zero are drawn at the left edge."));
    }
    if n_odd > 0 {
        notes.push(format!("{n_odd} cells without an intensity are not drawn."));
    }
    for note in notes {
        y += 15.0;
        drawing.add(Element::text((EDGE, y), SMALL_SIZE, &note).fill(MUTED));
    }
    y
}

/// Counts of HER2-positive cells by time point, one line a patient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrajectoryFigure {
    /// Printed above the figure.
    pub title: String,
    /// Of the vertical axis: `HER2-positive CTCs in 7.5 mL`.
    pub y_title: String,
    /// Left to right.
    pub timepoints: Vec<String>,
    /// One a patient.
    pub lines: Vec<Trajectory>,
}

/// One patient's counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// Patient.
    pub label: String,
    /// One a time point; `None` where no sample was drawn.
    pub counts: Vec<Option<u64>>,
}

impl Trajectory {
    fn is_ever_positive(&self) -> bool {
        self.counts.iter().flatten().any(|count| *count > 0)
    }
}

/// Draws the trajectories as one self-contained SVG document. Patients who are zero throughout
/// share one grey line and are counted in the caption; a missing sample leaves a gap bridged by
/// a dotted line.
pub fn trajectory_plot(figure: &TrajectoryFigure) -> String {
    let (positive, zero): (Vec<&Trajectory>, Vec<&Trajectory>) =
        figure.lines.iter().partition(|line| line.is_ever_positive());
    let mut drawing = Drawing::new();
    let label_width = positive
        .iter()
        .map(|line| text_width(&line.label, SMALL_SIZE))
        .fold(20.0, f64::max)
        .min(160.0);
    let (left, right) = (64.0, WIDTH - EDGE - label_width - 26.0);
    let mut y = EDGE + TITLE_SIZE - 2.0;
    for line in wrap_text(&figure.title, TITLE_SIZE, WIDTH - 2.0 * EDGE) {
        drawing.add(Element::text((EDGE, y), TITLE_SIZE, &line).bold());
        y += TITLE_SIZE + 5.0;
    }
    let top = y + 6.0;
    let bottom = top + (14.0 * positive.len() as f64).max(200.0);
    let most = figure.lines.iter().flat_map(|line| line.counts.iter().flatten()).max();
    let most = most.copied().unwrap_or(0).max(1) as f64;
    let step = round_step(most / 6.0).max(1.0);
    let ticks = ticks_to(most, step);
    let y_scale = Scale::linear((0.0, ticks.last().copied().unwrap_or(most)), (bottom, top));
    let last = figure.timepoints.len().saturating_sub(1).max(1) as f64;
    let x_scale = Scale::linear((0.0, last), (left + 30.0, right));
    for tick in ticks {
        let at = y_scale.at(tick);
        drawing.add(Element::line((left, at), (right, at)).stroke(GRID, 1.0));
        let text = Element::text((left - 8.0, at + 4.0), SMALL_SIZE, &significant(tick, 6));
        drawing.add(text.anchor("end"));
    }
    let room = (right - left) / last;
    for (index, timepoint) in figure.timepoints.iter().enumerate() {
        let at = x_scale.at(index as f64);
        drawing.add(Element::line((at, bottom), (at, bottom + 5.0)).stroke(AXIS, 1.0));
        let text = fit_text(timepoint, SMALL_SIZE, room - 8.0);
        drawing.add(Element::text((at, bottom + 18.0), SMALL_SIZE, &text).anchor("middle"));
    }
    drawing.add(Element::line((left, bottom), (right, bottom)).stroke(AXIS, 1.0));
    let centre = (EDGE + 10.0, (top + bottom) / 2.0);
    let turn = format!("rotate(-90 {} {})", centre.0, centre.1);
    let y_title = fit_text(&figure.y_title, TEXT_SIZE, bottom - top);
    drawing
        .add(Element::text(centre, TEXT_SIZE, &y_title).anchor("middle").set("transform", &turn));
    draw_trajectories(&mut drawing, &positive, x_scale, y_scale, (top, bottom), right);
    let caption = format!(
        "{} of {} patients have a HER2-positive cell at some time point; the other {} are zero \
         in every sample drawn. Lines are moved apart a little, so that none hides another. \
         Dotted: a time point without a sample is passed over. Thin grey lines lead to labels.",
        positive.len(),
        figure.lines.len(),
        zero.len()
    );
    let mut y = bottom + 40.0;
    for line in wrap_text(&caption, SMALL_SIZE, WIDTH - 2.0 * EDGE) {
        drawing.add(Element::text((EDGE, y), SMALL_SIZE, &line).fill(MUTED));
        y += 15.0;
    }
    drawing.finish(WIDTH, y - 15.0 + EDGE, &figure.title)
}

fn draw_trajectories(
    drawing: &mut Drawing,
    lines: &[&Trajectory],
    x: Scale,
    y: Scale,
    (top, bottom): (f64, f64),
    right: f64,
) {
    // All lines together take at most two fifths of the height of one cell.
    let unit = (y.at(0.0) - y.at(1.0)).abs();
    let lane = (0.4 * unit / lines.len().max(1) as f64).min(3.0);
    let points = |index: usize| -> Vec<(usize, f64, f64)> {
        let shift = lane * (index as f64 - (lines.len() as f64 - 1.0) / 2.0);
        let known = lines[index].counts.iter().enumerate();
        known
            .filter_map(|(at, count)| Some((at, x.at(at as f64), y.at((*count)? as f64) + shift)))
            .collect()
    };
    let ends: Vec<f64> =
        (0..lines.len()).map(|line| points(line).last().map_or(bottom, |p| p.2)).collect();
    let label_at = spread(&ends, 13.0, top + 4.0, bottom);
    for (index, (line, label_y)) in lines.iter().zip(label_at).enumerate() {
        let colour = group_colour(index);
        let points = points(index);
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let segment = Element::line((from.1, from.2), (to.1, to.2)).stroke(colour, 1.6);
            let skips = to.0 > from.0 + 1;
            drawing.add(if skips { segment.set("stroke-dasharray", "2 3") } else { segment });
        }
        for &(_, at, height) in &points {
            drawing.add(Element::circle((at, height), 3.2).fill(colour).hover(&line.label));
        }
        if let Some(&(_, at, height)) = points.last() {
            let leader = Element::line((at + 5.0, height), (right + 10.0, label_y));
            drawing.add(leader.stroke("#c4c4c4", 0.7));
        }
        let label = fit_text(&line.label, SMALL_SIZE, 160.0);
        let text = Element::text((right + 14.0, label_y + 4.0), SMALL_SIZE, &label);
        drawing.add(text.fill(colour).class("trajectory-label"));
    }
}
