//! Hazard ratio against cut-off, with a band, and the number in the upper group on a second axis.

use serde::{Deserialize, Serialize};

use super::layout::{Scale, fit_text, log_ticks, round_step, text_width, ticks_to, wrap_text};
use super::number_format::{count, significant};
use super::svg::{Drawing, Element};
use super::theme::{AXIS, GRID, MUTED, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, group_colour};

/// Everything the figure of a sweep shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepFigure {
    /// Printed above the figure.
    pub title: String,
    /// Of the horizontal axis.
    pub x_title: String,
    /// By ascending cut-off.
    pub points: Vec<SweepPoint>,
    /// The cut-off that is marked.
    pub chosen: f64,
    /// Lines below.
    pub caption: Vec<String>,
}

/// One cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// In the unit of the marker.
    pub cut: f64,
    /// Of the upper group against the lower; `None` where not finite: the line breaks there.
    pub hazard_ratio: Option<f64>,
    /// Lower end of the band; `None` runs to the edge of the figure.
    pub lower: Option<f64>,
    /// Upper end of the band.
    pub upper: Option<f64>,
    /// Subjects in the upper group.
    pub n_from: u64,
}

const WIDTH: f64 = 760.0;
const EDGE: f64 = 12.0;
const PLOT_HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 74.0;
/// Share of the figure's width that captions take: DejaVu Sans, which small systems fall back to, is a
/// seventh wider than the fonts that widths are known of.
const CAPTION_SHARE: f64 = 0.86;
/// Space left and right of the cut-offs, as a share of their range: the outer ones lie apart from the
/// axes, and a mark on the last one is not taken for the axis.
const PADDING: f64 = 0.03;
/// Cut-offs over more than this factor are drawn on a log scale, as intensities spread.
const LOG_FROM_RATIO: f64 = 20.0;
const NUMBER_DASHES: &str = "2.5 2.5";
const CHOSEN_DASHES: &str = "4 3";
/// The hazard-ratio axis ends here however far a band reaches.
const RATIOS: (f64, f64) = (0.02, 50.0);

/// The scales of a figure.
struct Axes {
    x: Scale,
    y: Scale,
    n: Scale,
    ratios: (f64, f64),
    is_log: bool,
    /// Smallest and largest cut-off, between which ticks are.
    cuts: (f64, f64),
    most: f64,
    top: f64,
    bottom: f64,
}

impl Axes {
    fn new(figure: &SweepFigure, top: f64) -> Self {
        let bottom = top + PLOT_HEIGHT;
        let cuts: Vec<f64> = figure.points.iter().map(|point| point.cut).collect();
        let (first, last) =
            (cuts.first().copied().unwrap_or(0.0), cuts.last().copied().unwrap_or(1.0));
        let is_log = first > 0.0 && last / first > LOG_FROM_RATIO;
        let cuts = if first < last { (first, last) } else { (first - 0.5, first + 0.5) };
        let padded = if is_log {
            let factor = (cuts.1 / cuts.0).powf(PADDING);
            (cuts.0 / factor, cuts.1 * factor)
        } else {
            let space = PADDING * (cuts.1 - cuts.0);
            (cuts.0 - space, cuts.1 + space)
        };
        let usable = |value: Option<f64>| value.filter(|v| v.is_finite() && *v > 0.0);
        let ratios = figure
            .points
            .iter()
            .flat_map(|point| [point.hazard_ratio, point.lower, point.upper])
            .filter_map(usable)
            .map(|ratio| ratio.clamp(RATIOS.0, RATIOS.1));
        let (low, high) =
            ratios.fold((0.8_f64, 1.25_f64), |(low, high), v| (low.min(v), high.max(v)));
        let ratios = (low / 1.1, high * 1.1);
        let most = figure.points.iter().map(|point| point.n_from).max().unwrap_or(1).max(1) as f64;
        let across = (LEFT, RIGHT);
        Self {
            x: if is_log { Scale::log(padded, across) } else { Scale::linear(padded, across) },
            y: Scale::log(ratios, (bottom, top)),
            n: Scale::linear((0.0, most * 1.05), (bottom, top)),
            ratios,
            is_log,
            cuts,
            most,
            top,
            bottom,
        }
    }

    fn x_ticks(&self) -> Vec<f64> {
        let (first, last) = self.cuts;
        if self.is_log {
            return log_ticks(first, last, 10);
        }
        let step = round_step((last - first) / 8.0);
        let begin = (first / step).ceil();
        let ticks = (0..=20).map(|index| (begin + f64::from(index)) * step);
        ticks.filter(|tick| *tick <= last + step * 1e-9).collect()
    }
}

/// Draws the figure as one self-contained SVG document.
pub fn sweep_plot(figure: &SweepFigure) -> String {
    let mut drawing = Drawing::new();
    let mut y = EDGE + TITLE_SIZE - 2.0;
    for line in wrap_text(&figure.title, TITLE_SIZE, WIDTH - 2.0 * EDGE) {
        drawing.add(Element::text((EDGE, y), TITLE_SIZE, &line).bold());
        y += TITLE_SIZE + 5.0;
    }
    draw_legend(&mut drawing, y + 2.0);
    let axes = Axes::new(figure, y + 20.0);
    draw_axes(&mut drawing, figure, &axes);
    draw_band(&mut drawing, figure, &axes);
    draw_numbers(&mut drawing, figure, &axes);
    let one = axes.y.at(1.0);
    drawing.add(Element::line((LEFT, one), (RIGHT, one)).stroke(AXIS, 1.1));
    let chosen = axes.x.at(figure.chosen);
    let mark = Element::line((chosen, axes.top), (chosen, axes.bottom)).stroke(AXIS, 1.2);
    drawing
        .add(mark.set("stroke-dasharray", CHOSEN_DASHES).class("chosen").hover("chosen cut-off"));
    draw_ratios(&mut drawing, figure, &axes);
    let mut y = axes.bottom + 56.0;
    let caption_width = CAPTION_SHARE * (WIDTH - 2.0 * EDGE);
    for line in figure.caption.iter().flat_map(|line| wrap_text(line, SMALL_SIZE, caption_width)) {
        drawing.add(Element::text((EDGE, y), SMALL_SIZE, &line).fill(MUTED));
        y += 15.0;
    }
    drawing.finish(WIDTH, y - 15.0 + EDGE, &figure.title)
}

fn draw_axes(drawing: &mut Drawing, figure: &SweepFigure, axes: &Axes) {
    let (top, bottom) = (axes.top, axes.bottom);
    for tick in log_ticks(axes.ratios.0, axes.ratios.1, 9) {
        let at = axes.y.at(tick);
        drawing.add(Element::line((LEFT, at), (RIGHT, at)).stroke(GRID, 1.0));
        let text = Element::text((LEFT - 8.0, at + 4.0), SMALL_SIZE, &significant(tick, 3));
        drawing.add(text.anchor("end"));
    }
    for tick in axes.x_ticks() {
        let at = axes.x.at(tick);
        drawing.add(Element::line((at, bottom), (at, bottom + 5.0)).stroke(AXIS, 1.0));
        let text = Element::text((at, bottom + 17.0), SMALL_SIZE, &significant(tick, 4));
        drawing.add(text.anchor("middle").class("x-tick"));
    }
    let step = round_step(axes.most / 5.0).max(1.0);
    for tick in ticks_to(axes.most, step).into_iter().filter(|tick| *tick <= axes.most) {
        let at = axes.n.at(tick);
        drawing.add(Element::line((RIGHT, at), (RIGHT + 5.0, at)).stroke(MUTED, 1.0));
        let text = Element::text((RIGHT + 9.0, at + 4.0), SMALL_SIZE, &count(tick as u64));
        drawing.add(text.fill(MUTED));
    }
    drawing.add(Element::line((LEFT, bottom), (RIGHT, bottom)).stroke(AXIS, 1.0));
    drawing.add(Element::line((RIGHT, top), (RIGHT, bottom)).stroke(MUTED, 1.0));
    let scale = if axes.is_log { " (log scale)" } else { "" };
    let title = fit_text(&format!("{}{scale}", figure.x_title), TEXT_SIZE, RIGHT - LEFT);
    let middle = (LEFT + RIGHT) / 2.0;
    drawing.add(Element::text((middle, bottom + 34.0), TEXT_SIZE, &title).anchor("middle"));
    for (x, title, colour) in [
        (EDGE + 10.0, "Hazard ratio (log scale)", group_colour(0)),
        (WIDTH - EDGE - 2.0, "Number positive", MUTED),
    ] {
        let centre = (x, (top + bottom) / 2.0);
        let turn = format!("rotate(-90 {} {})", centre.0, centre.1);
        let text = Element::text(centre, TEXT_SIZE, title).anchor("middle");
        drawing.add(text.fill(colour).set("transform", &turn));
    }
}

/// What each line is, in one row with its middle at `y`.
fn draw_legend(drawing: &mut Drawing, y: f64) {
    let sample = |x: f64| ((x, y), (x + 24.0, y));
    let mut x = LEFT;
    let mut entry = |element: Element, text: &str| {
        drawing.add(element.class("legend"));
        let label = Element::text((x + 30.0, y + 4.0), SMALL_SIZE, text).fill(MUTED);
        drawing.add(label);
        x += 30.0 + text_width(text, SMALL_SIZE) / CAPTION_SHARE + 18.0;
        x
    };
    let (from, to) = sample(LEFT);
    let next = entry(Element::line(from, to).stroke(group_colour(0), 1.8), "hazard ratio");
    let corners = [(0.0, -5.0), (24.0, -5.0), (24.0, 5.0), (0.0, 5.0)];
    let corners = corners.map(|(right, down)| (next + right, y + down));
    let band = Element::polygon(&corners).fill(group_colour(0)).set("fill-opacity", "0.15");
    let next = entry(band, "its limits");
    let dashes = |x: f64, colour: &str, width: f64, dashes: &str| {
        let (from, to) = sample(x);
        Element::line(from, to).stroke(colour, width).set("stroke-dasharray", dashes)
    };
    let next = entry(dashes(next, MUTED, 1.2, NUMBER_DASHES), "number positive (right axis)");
    entry(dashes(next, AXIS, 1.2, CHOSEN_DASHES), "best cut-off");
}

/// The band from one cut-off to the next; a missing limit runs to the edge.
fn draw_band(drawing: &mut Drawing, figure: &SweepFigure, axes: &Axes) {
    let end = |point: &SweepPoint, limit: Option<f64>, edge: f64| {
        (axes.x.at(point.cut), limit.map_or(edge, |limit| axes.y.at(limit)))
    };
    let upper = figure.points.iter().map(|point| end(point, point.upper, axes.top));
    let lower = figure.points.iter().rev().map(|point| end(point, point.lower, axes.bottom));
    let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
    if outline.len() > 2 {
        let band = Element::polygon(&outline).fill(group_colour(0)).set("fill-opacity", "0.15");
        drawing.add(band.class("band"));
    }
}

/// Subjects from each cut-off up, in steps: between cut-offs the number is that of the next one.
fn draw_numbers(drawing: &mut Drawing, figure: &SweepFigure, axes: &Axes) {
    let mut steps = Vec::new();
    let mut before = None;
    for point in &figure.points {
        let (x, y) = (axes.x.at(point.cut), axes.n.at(point.n_from as f64));
        steps.extend(before.map(|x| (x, y)));
        steps.push((x, y));
        before = Some(x);
    }
    let line = Element::polyline(&steps).stroke(MUTED, 1.2).set("stroke-dasharray", NUMBER_DASHES);
    drawing.add(line.class("numbers"));
}

/// The hazard ratios, broken where one is not finite.
fn draw_ratios(drawing: &mut Drawing, figure: &SweepFigure, axes: &Axes) {
    for run in figure.points.split(|point| point.hazard_ratio.is_none()) {
        let place = |point: &SweepPoint| {
            point.hazard_ratio.map(|ratio| (axes.x.at(point.cut), axes.y.at(ratio)))
        };
        let places: Vec<(f64, f64)> = run.iter().filter_map(place).collect();
        if places.len() > 1 {
            drawing.add(Element::polyline(&places).stroke(group_colour(0), 1.8).class("ratios"));
        }
        for (point, place) in run.iter().zip(places) {
            let colour = group_colour(usize::from(point.cut == figure.chosen));
            let radius = if point.cut == figure.chosen { 4.5 } else { 2.5 };
            let said = format!(
                "cut-off {}: hazard ratio {}, {} positive",
                significant(point.cut, 6),
                significant(point.hazard_ratio.unwrap_or(1.0), 3),
                point.n_from
            );
            drawing.add(Element::circle(place, radius).fill(colour).class("cut").hover(&said));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(points: Vec<SweepPoint>) -> SweepFigure {
        SweepFigure {
            title: "T".to_owned(),
            x_title: "HER2".to_owned(),
            chosen: points.last().map_or(0.0, |point| point.cut),
            points,
            caption: vec!["C".to_owned()],
        }
    }

    fn point(cut: f64, hazard_ratio: Option<f64>) -> SweepPoint {
        SweepPoint {
            cut,
            hazard_ratio,
            lower: hazard_ratio.map(|v| v / 2.0),
            upper: None,
            n_from: 9,
        }
    }

    fn count_of(svg: &str, class: &str) -> usize {
        let document = roxmltree::Document::parse(svg).expect("well-formed XML");
        document.descendants().filter(|node| node.attribute("class") == Some(class)).count()
    }

    #[test]
    fn every_finite_cut_off_is_drawn_and_the_line_breaks_elsewhere() {
        let ratios = [Some(0.5), Some(0.7), None, Some(2.0), Some(1.5)];
        let points = (1..).zip(ratios).map(|(cut, ratio)| point(f64::from(cut), ratio));
        let svg = sweep_plot(&figure(points.collect()));
        assert_eq!(count_of(&svg, "cut"), 4, "four finite hazard ratios");
        assert_eq!(count_of(&svg, "ratios"), 2, "two runs");
        assert_eq!(count_of(&svg, "band"), 1, "one band");
        assert_eq!(count_of(&svg, "chosen"), 1, "one mark");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "numbers only");
    }

    #[test]
    fn the_legend_names_every_line_and_the_outer_cut_offs_lie_inside() {
        let svg = sweep_plot(&figure(vec![point(1.0, Some(0.5)), point(9.0, Some(0.7))]));
        assert_eq!(count_of(&svg, "legend"), 4, "ratio, limits, number, best cut-off");
        let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
        let cuts = document.descendants().filter(|node| node.attribute("class") == Some("cut"));
        let places = cuts.map(|node| node.attribute("cx").expect("a circle"));
        let places: Vec<f64> = places.map(|x| x.parse().expect("a number")).collect();
        assert!(LEFT < places[0] && places[1] < RIGHT, "{places:?} between the axes");
    }

    #[test]
    fn one_cut_off_or_none_still_makes_a_figure() {
        for points in [vec![point(3.0, Some(0.4))], Vec::new()] {
            let n = points.len();
            let svg = sweep_plot(&figure(points));
            assert_eq!(count_of(&svg, "cut"), n, "{n} cut-offs");
            assert!(!svg.contains("NaN"), "numbers only");
        }
    }

    #[test]
    fn intensities_over_decades_get_a_log_scale() {
        let wide = sweep_plot(&figure(vec![point(5.0, Some(1.0)), point(900.0, Some(1.0))]));
        assert!(wide.contains("HER2 (log scale)"), "a factor of 180");
        let counts = sweep_plot(&figure(vec![point(1.0, Some(1.0)), point(9.0, Some(1.0))]));
        assert!(!counts.contains("HER2 (log scale)"), "a factor of 9");
    }
}
