//! No two texts of a figure may overlap, by the same width estimate the layout uses.

use super::layout::text_width;
use super::survive_document::CurvePoint;
use super::*;

/// Left, top, right, bottom and content of each horizontal text.
fn text_boxes(svg: &str) -> Vec<(f64, f64, f64, f64, String)> {
    let document = roxmltree::Document::parse(svg).expect("the figure is well-formed XML");
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts
        .filter(|node| node.attribute("transform").is_none())
        .map(|node| {
            let number = |name: &str| -> f64 {
                let value = node.attribute(name).expect("text has a place and a size");
                value.parse().expect("coordinates are numbers")
            };
            let content: String =
                node.children().filter(|child| child.is_text()).filter_map(|t| t.text()).collect();
            let (x, y, size) = (number("x"), number("y"), number("font-size"));
            let width = text_width(&content, size);
            let left = match node.attribute("text-anchor") {
                Some("middle") => x - width / 2.0,
                Some("end") => x - width,
                _ => x,
            };
            (left, y - 0.75 * size, left + width, y + 0.2 * size, content)
        })
        .collect()
}

fn assert_no_overlap(svg: &str, figure: &str) {
    let boxes = text_boxes(svg);
    for (index, a) in boxes.iter().enumerate() {
        for b in &boxes[index + 1..] {
            let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
            assert!(apart, "{figure}: {:?} overlaps {:?}", a, b);
        }
    }
}

fn curve(n: u64, step: f64) -> Vec<CurvePoint> {
    (0..n)
        .map(|index| CurvePoint {
            time: step * (index + 1) as f64,
            n_at_risk: (n - index) as f64,
            n_events: 1.0,
            survival: (n - index - 1) as f64 / n as f64,
            ..CurvePoint::default()
        })
        .collect()
}

#[test]
fn texts_of_kaplan_meier_figures_never_overlap() {
    let long = "A label that goes on and on, far beyond what any journal would print, ".repeat(4);
    for n_groups in [1_usize, 2, 7, 12] {
        for (n, step) in [(3, 0.001), (40, 1.1), (300, 17.0)] {
            for risk_table in [RiskTable::AtRisk, RiskTable::Kmunicate] {
                let labels = ["A", "HER2+ CTC", &long];
                let curves = (0..n_groups).map(|index| KmCurve {
                    label: labels[index % 3].to_owned(),
                    n: n * 40_000,
                    median: Some(step),
                    summary: Some("median 13.6 months (95% CI 7.5–25.4)".to_owned()),
                    points: curve(n, step),
                });
                let figure = KmFigure {
                    title: long.clone(),
                    y_title: "Survival (%)".to_owned(),
                    x_title: long.clone(),
                    time_unit: "months".to_owned(),
                    curves: curves.collect(),
                    caption: vec![long.clone(), "Log-rank test: p = 0.2".to_owned()],
                    options: KmOptions { risk_table, ..KmOptions::default() },
                };
                assert_no_overlap(&km_plot(&figure), &format!("{n_groups} groups of {n}"));
            }
        }
    }
}

#[test]
fn texts_of_forest_plots_never_overlap() {
    let long = "Visceral metastases and more than four metastatic sites, present vs absent";
    let row = |label: &str, estimate: f64| ForestRow {
        label: label.to_owned(),
        indented: true,
        n: Some(123_456),
        n_events: Some(98_765),
        mark: ForestMark::Ratio {
            estimate: Some(estimate),
            lower: Some(estimate / 900.0),
            upper: Some(estimate * 900.0),
        },
        p: Some(1e-9),
    };
    let figure = ForestFigure {
        title: long.repeat(3),
        x_title: long.to_owned(),
        conf_level: 0.975,
        rows: [1e-4, 0.5, 1.0, 40.0, 4e4].into_iter().map(|hr| row(long, hr)).collect(),
        favours_left: Some(long.to_owned()),
        favours_right: Some(long.to_owned()),
        p_style: Default::default(),
    };
    assert_no_overlap(&forest_plot(&figure), "forest plot");
}

#[test]
fn texts_of_histograms_never_overlap() {
    for spread in [0.001, 0.5, 6.0] {
        let values: Vec<f64> = (0..400).map(|i| (f64::from(i) / 200.0 - 1.0) * spread).collect();
        let (log_edges, counts, n_below, n_above) =
            bin_log_ratios(&values, 40).expect("there are finite values");
        let figure = HistogramFigure {
            title: "Bootstrap hazard ratios".to_owned(),
            x_title: "Hazard ratio".to_owned(),
            log_edges,
            counts,
            n_below,
            n_above,
            estimate: Some(1.0),
            intervals: vec![HistogramInterval {
                label: "Percentile, infinite kept and then some".to_owned(),
                lower: None,
                upper: Some(1.1),
            }],
            caption: vec!["A caption.".to_owned()],
        };
        assert_no_overlap(&histogram_plot(&figure), &format!("spread {spread}"));
    }
}

#[test]
fn texts_of_her2_figures_never_overlap() {
    let cutoff = |value: f64| Cutoff { value, label: format!("cut-off at {value} a.u.") };
    for axis in [IntensityAxis::Log, IntensityAxis::Linear] {
        let rows = (0..30).map(|index| StripRow {
            label: format!("patient with a rather long pseudonym {index}"),
            cells: vec![StripCell { intensity: f64::from(index * index), class: "neg".into() }],
        });
        let figure = StripFigure {
            title: "HER2".to_owned(),
            x_title: "HER2 mean intensity (a.u.)".to_owned(),
            axis,
            rows: rows.collect(),
            cutoffs: vec![cutoff(150.0), cutoff(151.0), cutoff(450.0), cutoff(840.0)],
        };
        assert_no_overlap(&her2_strip_plot(&figure), &format!("{axis:?}"));
    }
    let lines = (0..40).map(|index| Trajectory {
        label: format!("P{index:03}"),
        counts: vec![Some(1), None, Some(u64::from(index % 3 == 0))],
    });
    let figure = TrajectoryFigure {
        title: "HER2-positive CTCs".to_owned(),
        y_title: "Cells".to_owned(),
        timepoints: ["T1, before treatment", "T2", "T3"].map(String::from).to_vec(),
        lines: lines.collect(),
    };
    assert_no_overlap(&trajectory_plot(&figure), "trajectories");
}
