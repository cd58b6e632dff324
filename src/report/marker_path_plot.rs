//! Markers over visits, one panel an outcome.

use serde::{Deserialize, Serialize};

use super::layout::{Scale, fit_text, round_step, wrap_text};
use super::number_format::{plural, significant};
use super::svg::{Drawing, Element};
use super::theme::{AXIS, GRID, MUTED, SMALL_SIZE, TEXT_SIZE, TITLE_SIZE, group_colour};

/// Everything the figure of trajectories shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkerPathFigure {
    /// Printed above the figure.
    pub title: String,
    /// Of the horizontal axes.
    pub x_title: String,
    /// Of the vertical axis.
    pub y_title: String,
    /// One a subject.
    pub subjects: Vec<MarkerPath>,
    /// Lines below.
    pub caption: Vec<String>,
}

/// The visits of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkerPath {
    /// Shown while the pointer rests on the line.
    pub id: String,
    /// Follow-up ended in an event.
    pub event: bool,
    /// `(time, marker)`, ascending in time.
    pub visits: Vec<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const EDGE: f64 = 12.0;
const LEFT: f64 = 66.0;
const GAP: f64 = 34.0;
const PANEL_HEIGHT: f64 = 280.0;

/// Draws the figure as one self-contained SVG document: subjects without event left, with event right,
/// on the same axes.
pub fn marker_path_plot(figure: &MarkerPathFigure) -> String {
    let mut drawing = Drawing::new();
    let mut y = EDGE + TITLE_SIZE - 2.0;
    for line in wrap_text(&figure.title, TITLE_SIZE, WIDTH - 2.0 * EDGE) {
        drawing.add(Element::text((EDGE, y), TITLE_SIZE, &line).bold());
        y += TITLE_SIZE + 5.0;
    }
    let (top, bottom) = (y + 18.0, y + 18.0 + PANEL_HEIGHT);
    let points = || figure.subjects.iter().flat_map(|subject| &subject.visits);
    let last = points().map(|visit| visit.0).fold(0.0, f64::max);
    let times = (0.0, if last > 0.0 { last * 1.03 } else { 1.0 });
    let low = points().map(|visit| visit.1).fold(f64::INFINITY, f64::min);
    let high = points().map(|visit| visit.1).fold(f64::NEG_INFINITY, f64::max);
    let markers = match high - low {
        range if range > 0.0 => (low - 0.04 * range, high + 0.04 * range),
        _ if low.is_finite() => (low - 0.5, low + 0.5),
        _ => (0.0, 1.0),
    };
    let scale = Scale::linear(markers, (bottom, top));
    let width = (WIDTH - EDGE - LEFT - GAP) / 2.0;
    for (panel, (event, name)) in [(false, "No event"), (true, "Event")].into_iter().enumerate() {
        let left = LEFT + panel as f64 * (width + GAP);
        let across = (left, left + width);
        for tick in ticks(markers) {
            let at = scale.at(tick);
            drawing.add(Element::line((across.0, at), (across.1, at)).stroke(GRID, 1.0));
            if panel == 0 {
                let text = Element::text((left - 8.0, at + 4.0), SMALL_SIZE, &significant(tick, 3));
                drawing.add(text.anchor("end"));
            }
        }
        let x = Scale::linear(times, across);
        for tick in ticks(times) {
            let at = x.at(tick);
            drawing.add(Element::line((at, bottom), (at, bottom + 5.0)).stroke(AXIS, 1.0));
            let text = Element::text((at, bottom + 17.0), SMALL_SIZE, &significant(tick, 4));
            drawing.add(text.anchor("middle"));
        }
        drawing.add(Element::line((across.0, bottom), (across.1, bottom)).stroke(AXIS, 1.0));
        let own: Vec<&MarkerPath> =
            figure.subjects.iter().filter(|subject| subject.event == event).collect();
        let heading = format!("{name}: {}", plural(own.len() as u64, "subject"));
        drawing.add(Element::text((left, top - 7.0), TEXT_SIZE, &heading).bold());
        let title = fit_text(&figure.x_title, TEXT_SIZE, width);
        let middle = (across.0 + across.1) / 2.0;
        let text = Element::text((middle, bottom + 34.0), TEXT_SIZE, &title);
        drawing.add(text.anchor("middle"));
        for subject in own {
            draw_subject(&mut drawing, subject, (x, scale), group_colour(panel));
        }
    }
    let centre = (EDGE + 10.0, (top + bottom) / 2.0);
    let turn = format!("rotate(-90 {} {})", centre.0, centre.1);
    let text =
        Element::text(centre, TEXT_SIZE, &fit_text(&figure.y_title, TEXT_SIZE, PANEL_HEIGHT));
    drawing.add(text.anchor("middle").set("transform", &turn));
    let mut y = bottom + 54.0;
    for line in
        figure.caption.iter().flat_map(|line| wrap_text(line, SMALL_SIZE, WIDTH - 2.0 * EDGE))
    {
        drawing.add(Element::text((EDGE, y), SMALL_SIZE, &line).fill(MUTED));
        y += 15.0;
    }
    drawing.finish(WIDTH, y - 15.0 + EDGE, &figure.title)
}

fn draw_subject(drawing: &mut Drawing, subject: &MarkerPath, (x, y): (Scale, Scale), colour: &str) {
    let places: Vec<(f64, f64)> =
        subject.visits.iter().map(|&(time, marker)| (x.at(time), y.at(marker))).collect();
    if places.len() > 1 {
        let line = Element::polyline(&places).stroke(colour, 1.1).set("stroke-opacity", "0.45");
        drawing.add(line.class("path").hover(&subject.id));
    }
    for place in places {
        let dot = Element::circle(place, 2.2).fill(colour).set("fill-opacity", "0.6");
        drawing.add(dot.class("visit").hover(&subject.id));
    }
}

fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let step = round_step((high - low) / 6.0);
    let begin = (low / step).ceil();
    let all = (0..=20).map(|index| (begin + f64::from(index)) * step);
    all.filter(|tick| *tick <= high + step * 1e-9).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(subjects: Vec<MarkerPath>) -> MarkerPathFigure {
        MarkerPathFigure {
            title: "Markers <by> outcome".into(),
            x_title: "Months".into(),
            y_title: "CTC".into(),
            subjects,
            caption: vec!["C".into()],
        }
    }

    #[test]
    fn every_visit_is_drawn_in_the_panel_of_its_outcome() {
        let subject = |event, visits| MarkerPath { id: "P".into(), event, visits };
        let svg = marker_path_plot(&figure(vec![
            subject(true, vec![(0.0, 1.0), (0.7, 3.0)]),
            subject(false, vec![(0.0, 2.0)]),
            subject(false, vec![(0.0, 0.0), (0.7, 0.0), (9.0, 5.0)]),
        ]));
        let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
        let count = |class: &str| {
            document.descendants().filter(|node| node.attribute("class") == Some(class)).count()
        };
        assert_eq!((count("visit"), count("path")), (6, 2), "{svg}");
        assert!(svg.contains("No event: 2 subjects") && svg.contains("Event: 1 subject"), "{svg}");
    }

    #[test]
    fn nobody_or_one_constant_marker_still_makes_a_figure() {
        let constant = MarkerPath { id: "P".into(), event: true, visits: vec![(0.0, 2.0)] };
        for subjects in [Vec::new(), vec![constant]] {
            assert!(!marker_path_plot(&figure(subjects)).contains("NaN"), "numbers only");
        }
    }
}
