//! What must hold for figures and reports of any input.

use herscope::report::{
    KmFigure, Report, RiskTable, SurviveDocument, forest_plot, her2_strip_plot, km_figure, km_plot,
    render_html,
};
use proptest::prelude::*;

use crate::sample::{self, HOSTILE};

/// The x coordinates of the texts of one class, in drawing order.
fn xs(document: &roxmltree::Document<'_>, class: &str) -> Vec<String> {
    let texts = document.descendants().filter(|node| node.attribute("class") == Some(class));
    texts.filter_map(|node| node.attribute("x").map(str::to_owned)).collect()
}

fn figure_of(rows: Vec<(f64, u64, u64)>, unit: &str, risk_table: RiskTable) -> KmFigure {
    let mut figure = km_figure(&sample::analysis(), Default::default());
    figure.time_unit = unit.into();
    figure.options.risk_table = risk_table;
    figure.curves[0].n = rows.iter().map(|row| row.1 + row.2).sum();
    figure.curves[0].points = sample::curve(&rows);
    figure
}

proptest! {
    #[test]
    fn every_number_at_risk_stands_exactly_below_its_tick(
        steps in proptest::collection::vec((0.01_f64..40.0, 1_u64..500, 0_u64..500), 1..40),
        unit in prop::sample::select(vec!["months", "days", "weeks", "years", ""]),
        kmunicate in any::<bool>(),
    ) {
        let mut time = 0.0;
        let rows = steps.into_iter().map(|(gap, n_events, n_censored)| {
            time += gap;
            (time, n_events, n_censored)
        });
        let table = if kmunicate { RiskTable::Kmunicate } else { RiskTable::AtRisk };
        let svg = km_plot(&figure_of(rows.collect(), unit, table));
        let document = roxmltree::Document::parse(&svg).expect("the figure is well-formed XML");
        let ticks = xs(&document, "x-tick");
        let counts = xs(&document, "at-risk");
        let n_rows = if kmunicate { 6 } else { 2 };
        prop_assert_eq!(counts.len(), n_rows * ticks.len());
        for row in counts.chunks(ticks.len()) {
            prop_assert_eq!(row, &ticks[..]);
        }
    }
}

#[test]
fn hostile_text_stays_text_in_every_part_of_the_report() {
    let html = render_html(&sample::report(HOSTILE)).expect("the template renders");
    assert!(!html.contains("<script"), "no element was injected");
    assert!(!html.contains("alert(\"x\")"), "no quote is left in an attribute");
    let n_escaped = html.matches("&lt;script&gt;").count();
    assert!(n_escaped >= 25, "the text is there, escaped: {n_escaped} times");
}

#[test]
fn hostile_labels_leave_every_figure_well_formed() {
    let mut km = km_figure(&sample::analysis(), Default::default());
    km.curves[0].label = HOSTILE.into();
    km.title = HOSTILE.into();
    km.caption.push(HOSTILE.into());
    let mut forest = sample::forest();
    forest.rows[0].label = HOSTILE.into();
    let mut strips = sample::strips();
    strips.rows[0].label = HOSTILE.into();
    strips.cutoffs[0].label = HOSTILE.into();
    for svg in [km_plot(&km), forest_plot(&forest), her2_strip_plot(&strips)] {
        let document = roxmltree::Document::parse(&svg).expect("the figure is well-formed XML");
        assert!(!document.descendants().any(|node| node.has_tag_name("script")), "{svg}");
        let whole = document.descendants().any(|node| node.text() == Some(HOSTILE));
        assert!(whole, "the label can be read back unchanged");
    }
}

#[test]
fn the_report_loads_nothing_from_outside() {
    let html = render_html(&sample::report("centre A")).expect("the template renders");
    let without_namespace = html.replace("http://www.w3.org/2000/svg", "");
    assert!(
        !without_namespace.contains("http:") && !html.contains("https:"),
        "no address but the SVG name space"
    );
    assert!(!html.contains("<link") && !html.contains("@import"), "no style sheet from outside");
    for target in html.split("href=\"").skip(1) {
        let local = ["#", "data:image/png;base64,", "cells.csv\""];
        assert!(local.iter().any(|start| target.starts_with(start)), "{:.40}", target);
    }
}

#[test]
fn a_script_address_is_printed_but_not_linked() {
    let mut report = sample::report("centre A");
    report.cells.as_mut().expect("the sample has cells").cells_file =
        Some("javascript:alert(1)".into());
    let html = render_html(&report).expect("the template renders");
    assert!(html.contains("javascript:alert(1)"), "the name is shown");
    assert!(!html.contains("href=\"javascript"), "but not as a link");
}

#[test]
fn an_empty_report_says_what_it_lacks_instead_of_failing() {
    let report = Report { title: "Nothing yet".into(), ..Report::default() };
    let html = render_html(&report).expect("the template renders");
    assert!(html.contains("Survival by marker (REMARK 15)"), "missing parts are listed");
    for word in ["NaN", "None", "undefined", "null"] {
        assert!(!html.contains(word), "{word} is no text for readers");
    }
}

#[test]
fn a_figure_that_differs_from_its_expectation_is_marked_in_words() {
    let html = render_html(&sample::report("centre A")).expect("the template renders");
    assert!(html.contains("DIFFERS"), "not by colour alone");
    assert!(html.contains("2 of 3 figures agree as printed."), "and counted");
}

#[test]
fn documents_of_the_command_line_are_read_with_their_nulls() {
    let text = include_str!("../data/report/tdxd_analyses.json");
    let value: serde_json::Value = serde_json::from_str(text).expect("the data file is JSON");
    let document = value["survive"]["her2_ctc_pos"].clone();
    let survive: SurviveDocument =
        serde_json::from_value(document).expect("unknown fields are ignored, nulls accepted");
    assert_eq!(survive.groups[1].median.median, Some(25.264887063655), "flattened median");
    assert_eq!(survive.groups[1].median.upper, None, "not reached");
    assert_eq!(survive.groups[1].curve.len(), 7, "seven distinct times");
}
