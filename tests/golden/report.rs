//! Snapshots of every figure and of a report with every section.

use herscope::report::{
    RiskTable, baseline_text, bootstrap_text, checks_text, forest_plot, her2_strip_plot,
    histogram_plot, km_figure, km_plot, render_html, survive_text, trajectory_plot,
};

use crate::{assert_golden, sample};

#[test]
fn kaplan_meier_figure_is_as_committed() {
    let figure = km_figure(&sample::analysis(), Default::default());
    assert_golden("km.svg", &km_plot(&figure));
}

#[test]
fn kaplan_meier_figure_with_the_kmunicate_table_is_as_committed() {
    let mut figure = km_figure(&sample::analysis(), Default::default());
    figure.options.risk_table = RiskTable::Kmunicate;
    assert_golden("km_kmunicate.svg", &km_plot(&figure));
}

#[test]
fn forest_plot_is_as_committed() {
    assert_golden("forest.svg", &forest_plot(&sample::forest()));
}

#[test]
fn replicate_histogram_is_as_committed() {
    let analysis = sample::analysis();
    let histogram = analysis.bootstraps[0].histogram.as_ref().expect("the sample has replicates");
    assert_golden("histogram.svg", &histogram_plot(histogram));
}

#[test]
fn her2_strips_are_as_committed() {
    assert_golden("her2_strips.svg", &her2_strip_plot(&sample::strips()));
}

#[test]
fn trajectories_are_as_committed() {
    assert_golden("trajectories.svg", &trajectory_plot(&sample::trajectories()));
}

#[test]
fn html_report_is_as_committed() {
    let html = render_html(&sample::report("centre A")).expect("the template renders");
    assert_golden("report.html", &html);
}

#[test]
fn terminal_text_is_as_committed() {
    let report = sample::report("centre A");
    let analysis = sample::analysis();
    let parts = [
        survive_text(&analysis, Default::default()),
        bootstrap_text(&analysis, &analysis.bootstraps[0].document),
        baseline_text(&report.baselines[0], Default::default()),
        checks_text(report.checks.as_ref().expect("the sample has checks")),
    ];
    assert_golden("terminal.txt", &parts.join("\n"));
}
