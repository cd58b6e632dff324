//! The HTML report: prepared strings into one template.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::baseline_table::baseline_table;
use super::gallery::thumbnail;
use super::her2_plot::{her2_strip_plot, trajectory_plot};
use super::html_views::{AnalysisView, KeyResult, analysis_view, key_results};
use super::methods::{methods_text, missing_information};
use super::model::{CellSection, Fact, GalleryCell, Her2Section, Report};
use super::number_format::significant;
use super::result_table::ResultTable;
use super::study_tables::{checks_table, flow_table, inputs_table, joint_table, samples_table};
use crate::{Error, Warning};

const TEMPLATE: &str = include_str!("template.html");

/// One self-contained HTML file: no script, no external file, a policy that forbids both, and a
/// print style sheet for A4. Every text from outside is escaped; figures come from the SVG writer,
/// which escapes on its own.
///
/// # Errors
/// None that data can cause; a defect of the template becomes an output error.
pub fn render_html(report: &Report) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let failed = |error: minijinja::Error| Error::output("rendering the report").caused_by(error);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(failed)?);
    environment.add_template("report.html", TEMPLATE).map_err(failed)?;
    let template = environment.get_template("report.html").map_err(failed)?;
    template.render(Serde(PageView::new(report))).map_err(failed)
}

/// Everything the template prints.
#[derive(Serialize)]
struct PageView<'a> {
    title: &'a str,
    subtitle: Option<&'a str>,
    notice: Option<&'a str>,
    meta: Vec<Fact>,
    command: Option<&'a str>,
    key_results: Vec<KeyResult>,
    summary: &'a [Fact],
    flow: Option<ResultTable>,
    checks: Option<ResultTable>,
    analyses: Vec<AnalysisView>,
    baselines: Vec<ResultTable>,
    joint_models: Vec<ResultTable>,
    cells: Option<CellsView<'a>>,
    her2: Option<Her2View<'a>>,
    methods: Vec<String>,
    missing: Vec<String>,
    warnings: &'a [Warning],
    inputs: Option<ResultTable>,
}

impl<'a> PageView<'a> {
    fn new(report: &'a Report) -> Self {
        let style = report.p_style;
        Self {
            title: &report.title,
            subtitle: report.subtitle.as_deref(),
            notice: report.notice.as_deref(),
            meta: meta_facts(report),
            command: report.command.as_deref(),
            key_results: key_results(report),
            summary: &report.summary,
            flow: report.flow.as_ref().map(flow_table),
            checks: report.checks.as_ref().map(checks_table),
            analyses: report.analyses.iter().map(|one| analysis_view(one, style)).collect(),
            baselines: report.baselines.iter().map(|one| baseline_table(one, style)).collect(),
            joint_models: report.joint_models.iter().map(|one| joint_table(one, style)).collect(),
            cells: report.cells.as_ref().map(CellsView::new),
            her2: report.her2.as_ref().map(Her2View::new),
            methods: methods_text(report),
            missing: missing_information(report),
            warnings: &report.warnings,
            inputs: (!report.inputs.is_empty()).then(|| inputs_table(&report.inputs)),
        }
    }
}

fn meta_facts(report: &Report) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(date) = &report.date {
        facts.push(Fact::new("Date", date));
    }
    if !report.software.is_empty() {
        facts.push(Fact::new("Software", &report.software));
    }
    if let Some(seed) = report.seed {
        facts.push(Fact::new("Seed", seed.to_string()));
    }
    if let Some(device) = &report.device {
        facts.push(Fact::new("Device", format!("{} ({})", device.name, device.backend)));
    }
    facts
}

#[derive(Serialize)]
struct CellsView<'a> {
    facts: &'a [Fact],
    samples: Option<ResultTable>,
    cells_file: Option<&'a str>,
    is_link: bool,
    gallery: Vec<GalleryView<'a>>,
    n_not_shown: u64,
}

impl<'a> CellsView<'a> {
    fn new(section: &'a CellSection) -> Self {
        Self {
            facts: &section.facts,
            samples: (!section.sample_rows.is_empty()).then(|| samples_table(section)),
            cells_file: section.cells_file.as_deref(),
            // A colon could start a scheme (`javascript:`); such a name is printed, not linked.
            is_link: section.cells_file.as_ref().is_some_and(|path| !path.contains(':')),
            gallery: section.gallery.iter().map(GalleryView::new).collect(),
            n_not_shown: section.n_not_shown,
        }
    }
}

#[derive(Serialize)]
struct GalleryView<'a> {
    row_id: &'a str,
    sample_id: &'a str,
    frame: u64,
    label: u64,
    her2_mean: Option<String>,
    her2_class: Option<&'a str>,
    event_class: Option<&'a str>,
    panels: Vec<PanelView<'a>>,
}

#[derive(Serialize)]
struct PanelView<'a> {
    channel: &'a str,
    svg: Option<String>,
}

impl<'a> GalleryView<'a> {
    fn new(cell: &'a GalleryCell) -> Self {
        let panels = cell.panels.iter().map(|panel| {
            let name = format!("{} of cell {}", panel.channel, cell.row_id);
            let svg = thumbnail(&panel.png, cell.mask.as_ref(), &name);
            PanelView { channel: &panel.channel, svg }
        });
        Self {
            row_id: &cell.row_id,
            sample_id: &cell.sample_id,
            frame: cell.frame,
            label: cell.label,
            her2_mean: cell.her2_mean.map(|mean| significant(mean, 4)),
            her2_class: cell.her2_class.as_deref(),
            event_class: cell.event_class.as_deref(),
            panels: panels.collect(),
        }
    }
}

#[derive(Serialize)]
struct Her2View<'a> {
    facts: &'a [Fact],
    strips: Option<String>,
    trajectories: Option<String>,
    notes: &'a [String],
}

impl<'a> Her2View<'a> {
    fn new(section: &'a Her2Section) -> Self {
        Self {
            facts: &section.facts,
            strips: section.strips.as_ref().map(her2_strip_plot),
            trajectories: section.trajectories.as_ref().map(trajectory_plot),
            notes: &section.notes,
        }
    }
}
