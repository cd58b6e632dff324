//! Histogram of bootstrap replicates of a hazard ratio, with intervals above it.

use serde::{Deserialize, Serialize};

use super::layout::{Scale, fit_text, log_ticks, round_step, text_width, ticks_to, wrap_text};
use super::number_format::{count, significant};
use super::svg::{Drawing, Element};
use super::theme::{AXIS, GRID, MUTED, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, group_colour};

/// Everything a replicate histogram shows. The axis is the hazard ratio on a log scale, so bins
/// of equal width in the log hazard ratio are drawn equally wide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistogramFigure {
    /// Printed above the figure.
    pub title: String,
    /// Of the axis: `Hazard ratio, HER2+ CTC vs none`.
    pub x_title: String,
    /// Bin edges in log hazard ratio, ascending, one more than `counts`.
    pub log_edges: Vec<f64>,
    /// Replicates in each half-open bin `[edge, next edge)`.
    pub counts: Vec<u64>,
    /// Finite replicates left of the first edge.
    pub n_below: u64,
    /// Finite replicates at or right of the last edge.
    pub n_above: u64,
    /// Hazard ratio of the data as given.
    pub estimate: Option<f64>,
    /// Drawn as bars above the histogram, in order.
    pub intervals: Vec<HistogramInterval>,
    /// Lines below: replicates asked for and estimable, failures by reason, seed.
    pub caption: Vec<String>,
}

/// One interval on the hazard-ratio scale; a missing limit is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistogramInterval {
    /// `percentile`, `BCa`, ...
    pub label: String,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
}

/// Counts `log_ratios` into `n_bins` equal bins between the 0.1st and 99.9th percentile, so that a
/// few extreme replicates do not flatten the picture; returns edges, counts, and the numbers
/// below and above. Values that are not finite are not counted. `None` without finite values.
///
/// ```
/// use herscope::report::bin_log_ratios;
///
/// let (edges, counts, below, above) = bin_log_ratios(&[-1.0, -0.5, 0.5, 1.0], 2).unwrap();
/// assert_eq!(edges, [-1.0, 0.0, 1.0]);
/// assert_eq!((counts, below, above), (vec![2, 2], 0, 0));
/// ```
pub fn bin_log_ratios(log_ratios: &[f64], n_bins: usize) -> Option<(Vec<f64>, Vec<u64>, u64, u64)> {
    let mut sorted: Vec<f64> = log_ratios.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let tail = sorted.len() / 1000;
    let lower = *sorted.get(tail)?;
    let upper = *sorted.get(sorted.len() - 1 - tail)?;
    let n_bins = n_bins.max(1);
    let width = if upper > lower { (upper - lower) / n_bins as f64 } else { 0.1 / n_bins as f64 };
    let edges: Vec<f64> = (0..=n_bins).map(|index| lower + index as f64 * width).collect();
    let mut counts = vec![0; n_bins];
    let (mut below, mut above) = (0, 0);
    for value in sorted {
        let bin = ((value - lower) / width).floor();
        if bin < 0.0 {
            below += 1;
        } else if bin < n_bins as f64 {
            counts[bin as usize] += 1;
        } else if value <= upper {
            counts[n_bins - 1] += 1;
        } else {
            above += 1;
        }
    }
    Some((edges, counts, below, above))
}

const WIDTH: f64 = 760.0;
const EDGE: f64 = 12.0;
const PLOT_HEIGHT: f64 = 190.0;
const BAR_ROW: f64 = 18.0;

/// The finite bins, as (log left, log right, count).
fn bins(figure: &HistogramFigure) -> Vec<(f64, f64, u64)> {
    figure
        .log_edges
        .windows(2)
        .zip(&figure.counts)
        .map(|(edge, &count)| (edge[0], edge[1], count))
        .filter(|(left, right, _)| left.is_finite() && right.is_finite() && left < right)
        .collect()
}

fn usable(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value > 0.0)
}

/// The hazard-ratio interval of the axis: bins, estimate and 1; limits only within four times
/// that, since a limit far out would squeeze the histogram.
fn axis_domain(figure: &HistogramFigure) -> (f64, f64) {
    let mut values = vec![1.0];
    values.extend(bins(figure).iter().flat_map(|(left, right, _)| [left.exp(), right.exp()]));
    values.extend(usable(figure.estimate));
    values.retain(|value| value.is_finite() && *value > 0.0);
    let mut lower = values.iter().copied().fold(0.9, f64::min);
    let mut upper = values.iter().copied().fold(1.1, f64::max);
    let (far_lower, far_upper) = (lower / 4.0, upper * 4.0);
    let limits = figure.intervals.iter().flat_map(|interval| [interval.lower, interval.upper]);
    for limit in limits.filter_map(usable).filter(|v| (far_lower..=far_upper).contains(v)) {
        lower = lower.min(limit);
        upper = upper.max(limit);
    }
    (lower / 1.05, upper * 1.05)
}

/// Draws the figure as one self-contained SVG document.
pub fn histogram_plot(figure: &HistogramFigure) -> String {
    let mut drawing = Drawing::new();
    let label_width = figure
        .intervals
        .iter()
        .map(|interval| text_width(&interval.label, SMALL_SIZE))
        .fold(0.0, f64::max)
        .min(170.0);
    let left = (EDGE + label_width + 12.0).max(70.0);
    let right = WIDTH - EDGE - 16.0;
    let domain = axis_domain(figure);
    let x = Scale::log(domain, (left, right));
    let mut y = EDGE + TITLE_SIZE - 2.0;
    for line in wrap_text(&figure.title, TITLE_SIZE, WIDTH - 2.0 * EDGE) {
        drawing.add(Element::text((EDGE, y), TITLE_SIZE, &line).bold());
        y += TITLE_SIZE + 5.0;
    }
    let bars_top = y - 2.0;
    let top = bars_top + BAR_ROW * figure.intervals.len() as f64 + 10.0;
    let bottom = top + PLOT_HEIGHT;
    draw_axes(&mut drawing, figure, x, domain, (left, right), (top, bottom));
    draw_bins(&mut drawing, figure, x, (top, bottom));
    let one = x.at(1.0);
    drawing.add(Element::line((one, bars_top), (one, bottom)).stroke(AXIS, 1.1));
    if let Some(estimate) = usable(figure.estimate) {
        let at = x.at(estimate);
        let line = Element::line((at, bars_top), (at, bottom)).stroke(group_colour(1), 1.6);
        drawing.add(line.set("stroke-dasharray", "6 3").class("estimate"));
    }
    for (index, interval) in figure.intervals.iter().enumerate() {
        let middle = bars_top + BAR_ROW * (index as f64 + 0.5);
        draw_bar(&mut drawing, interval, x, domain, middle, label_width);
    }
    let end = draw_caption(&mut drawing, figure, bottom + 56.0);
    drawing.finish(WIDTH, end + EDGE, &figure.title)
}

fn draw_axes(
    drawing: &mut Drawing,
    figure: &HistogramFigure,
    x: Scale,
    domain: (f64, f64),
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) {
    let most = bins(figure).iter().map(|bin| bin.2).max().unwrap_or(1).max(1) as f64;
    let step = round_step(most / 4.0).max(1.0);
    let y = Scale::linear((0.0, most * 1.05), (bottom, top));
    for tick in ticks_to(most, step).into_iter().filter(|tick| *tick <= most) {
        let at = y.at(tick);
        drawing.add(Element::line((left, at), (right, at)).stroke(GRID, 1.0));
        let text = Element::text((left - 8.0, at + 4.0), SMALL_SIZE, &count(tick as u64));
        drawing.add(text.anchor("end"));
    }
    let max_count = ((right - left) / 42.0) as usize;
    for tick in log_ticks(domain.0, domain.1, max_count) {
        let at = x.at(tick);
        drawing.add(Element::line((at, bottom), (at, bottom + 5.0)).stroke(AXIS, 1.0));
        let text = Element::text((at, bottom + 17.0), SMALL_SIZE, &significant(tick, 3));
        drawing.add(text.anchor("middle").class("x-tick"));
    }
    drawing.add(Element::line((left, bottom), (right, bottom)).stroke(AXIS, 1.0));
    let title = format!("{} (log scale)", figure.x_title);
    let title = fit_text(&title, TEXT_SIZE, right - left);
    let middle = (left + right) / 2.0;
    drawing.add(Element::text((middle, bottom + 34.0), TEXT_SIZE, &title).anchor("middle"));
    let centre = (EDGE + 10.0, (top + bottom) / 2.0);
    let turn = format!("rotate(-90 {} {})", centre.0, centre.1);
    let text = Element::text(centre, TEXT_SIZE, "Replicates").anchor("middle");
    drawing.add(text.set("transform", &turn));
}

fn draw_bins(drawing: &mut Drawing, figure: &HistogramFigure, x: Scale, (top, bottom): (f64, f64)) {
    let bins = bins(figure);
    let most = bins.iter().map(|bin| bin.2).max().unwrap_or(1).max(1) as f64;
    let y = Scale::linear((0.0, most * 1.05), (bottom, top));
    for (left, right, count) in bins.into_iter().filter(|bin| bin.2 > 0) {
        let (start, end, height) = (x.at(left.exp()), x.at(right.exp()), y.at(count as f64));
        let bar = Element::rect(start, height, end - start, bottom - height).fill("#9ec5e0");
        drawing.add(bar.stroke("#ffffff", 0.6).class("bin"));
    }
}

fn draw_bar(
    drawing: &mut Drawing,
    interval: &HistogramInterval,
    x: Scale,
    domain: (f64, f64),
    y: f64,
    label_width: f64,
) {
    let label = fit_text(&interval.label, SMALL_SIZE, label_width);
    drawing.add(Element::text((EDGE, y + 4.0), SMALL_SIZE, &label));
    let inside = |limit: Option<f64>| usable(limit).filter(|v| (domain.0..=domain.1).contains(v));
    let (lower, upper) = (inside(interval.lower), inside(interval.upper));
    let (from, to) = (x.at(lower.unwrap_or(domain.0)), x.at(upper.unwrap_or(domain.1)));
    let colour = group_colour(0);
    drawing.add(Element::line((from, y), (to, y)).stroke(colour, 2.0).class("interval"));
    for (at, closed, inward) in [(from, lower.is_some(), 7.0), (to, upper.is_some(), -7.0)] {
        if closed {
            drawing.add(Element::line((at, y - 5.0), (at, y + 5.0)).stroke(colour, 2.0));
        } else {
            let head = [(at, y), (at + inward, y - 4.5), (at + inward, y + 4.5)];
            drawing.add(Element::polygon(&head).fill(colour).class("goes-on"));
        }
    }
}

fn draw_caption(drawing: &mut Drawing, figure: &HistogramFigure, mut y: f64) -> f64 {
    let mut lines = figure.caption.clone();
    lines.push(
        "Dashed: estimate from the data as given. Solid vertical line: hazard ratio 1.".into(),
    );
    if figure.n_below + figure.n_above > 0 {
        lines.push(format!(
            "Not drawn: {} replicates left and {} right of the bins.",
            count(figure.n_below),
            count(figure.n_above)
        ));
    }
    for paragraph in lines {
        for line in wrap_text(&paragraph, SMALL_SIZE, WIDTH - 2.0 * EDGE) {
            drawing.add(Element::text((EDGE, y), SMALL_SIZE, &line).fill(MUTED));
            y += 15.0;
        }
    }
    y - 15.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_replicate_is_in_a_bin_or_counted_outside() {
        let mut values: Vec<f64> = (0..5000).map(|i| f64::from(i % 97) / 97.0 - 0.5).collect();
        values.extend([f64::NAN, f64::INFINITY, -20.0, 20.0]);
        let (edges, counts, below, above) =
            bin_log_ratios(&values, 40).expect("there are finite values");
        assert_eq!(edges.len(), counts.len() + 1, "one more edge than bins");
        assert_eq!(counts.iter().sum::<u64>() + below + above, 5002, "5002 finite values");
    }

    #[test]
    fn replicates_all_alike_make_one_bar() {
        let (_, counts, below, above) = bin_log_ratios(&[0.3; 10], 8).expect("finite values");
        assert_eq!((counts[0], below, above), (10, 0, 0), "all in the first bin");
        assert!(bin_log_ratios(&[f64::NAN], 8).is_none(), "nothing to draw");
    }
}
