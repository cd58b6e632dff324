//! Writes a sample report from the synthetic cohort under `tests/data/report`:
//! `cargo run --example render_report -- report.html`.
//!
//! The survival figures are those of the data set; the bootstrap replicates and thumbnails are
//! made up here to show every part of the page, and the page says so.

use std::collections::BTreeMap;

use herscope::report::{
    Analysis, Bootstrap, BootstrapDocument, BootstrapEstimate, BootstrapInterval, CellSection,
    Check, Checks, Cutoff, Device, Fact, Flow, GalleryCell, Her2Section, InputFile, IntensityAxis,
    Mask, Panel, Replicates, Report, RiskTable, StripCell, StripFigure, StripRow, SurviveDocument,
    Trajectory, TrajectoryFigure, forest_figure, km_figure, km_plot, number_format,
    number_format::Rounding, render_html, replicate_histogram,
};
use herscope::{Error, Warning};
use serde::Deserialize;

#[derive(Deserialize)]
struct Data {
    survive: BTreeMap<String, SurviveDocument>,
    targets: Vec<Target>,
    strips: Vec<Strip>,
    trajectories: Vec<Counts>,
}

#[derive(Deserialize)]
struct Target {
    quantity: String,
    published: Option<f64>,
    value: Option<f64>,
    digits: usize,
    rule: String,
}

#[derive(Deserialize)]
struct Strip {
    patient: String,
    cells: Vec<(f64, String)>,
}

#[derive(Deserialize)]
struct Counts {
    patient: String,
    counts: Vec<Option<u64>>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or_else(|| {
        Error::usage("reading the arguments").expected("the path of the HTML file to write")
    })?;
    let data: Data = serde_json::from_str(include_str!("../tests/data/report/tdxd_analyses.json"))?;
    std::fs::write(path, render_html(&sample_report(&data)?)?)?;
    Ok(())
}

fn sample_report(data: &Data) -> Result<Report, Box<dyn std::error::Error>> {
    let mut her2 = analysis(
        data,
        "her2_ctc_pos",
        "HER2-positive CTCs",
        [("0", "No HER2+ CTC"), ("1", "HER2+ CTC")],
    );
    her2.bootstraps = vec![sample_bootstrap(&her2)];
    let mut ctc = analysis(
        data,
        "ctc_pos_t1",
        "CTCs at baseline",
        [("0", "CTC-negative"), ("1", "CTC-positive")],
    );
    ctc.figure.risk_table = RiskTable::Kmunicate;
    // Every figure is also available on its own.
    debug_assert!(km_plot(&km_figure(&ctc, Default::default())).starts_with("<svg"), "an SVG");
    debug_assert!(forest_figure(&ctc, Default::default()).is_none(), "one term needs no forest");
    Ok(Report {
        title: "CTC HER2 staining under trastuzumab deruxtecan".into(),
        subtitle: Some("Synthetic cohort of 60 patients with metastatic breast cancer".into()),
        notice: Some(
            "Synthetic data made from published summary figures. No patient data. Bootstrap \
             replicates and thumbnails on this page are made up to show the layout."
                .into(),
        ),
        date: Some("2025-12-09".into()),
        software: format!("herscope {}", env!("CARGO_PKG_VERSION")),
        command: Some("cargo run --example render_report -- report.html".into()),
        seed: Some(20251209),
        device: Some(Device { backend: "cpu".into(), name: "8 threads".into() }),
        summary: vec![
            Fact::new("Patients analysed", "60"),
            Fact::new("Progressions", number_format::count_of(28, 60)),
            Fact::new("Patients with CTCs at T1", number_format::count_of(20, 60)),
            Fact::new("Patients with HER2+ CTCs", number_format::count_of(7, 60)),
        ],
        flow: Some(Flow {
            n_read: 63,
            excluded: vec![("no blood sample".into(), 2), ("no follow-up".into(), 1)],
            n_analysed: 60,
        }),
        checks: Some(checks(data)),
        analyses: vec![her2, ctc],
        cells: Some(sample_cells()?),
        her2: Some(her2_section(data)),
        warnings: vec![Warning::new(
            "few_events",
            "the smaller group has 3 events: its interval is wide and its hazard ratio unstable",
        )],
        inputs: vec![InputFile {
            path: "herscope-demo/patients.csv".into(),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            n_bytes: Some(7146),
        }],
        ..Report::default()
    })
}

fn analysis(data: &Data, column: &str, title: &str, labels: [(&str, &str); 2]) -> Analysis {
    Analysis {
        title: title.into(),
        endpoint: "Progression-free survival".into(),
        time_origin: Some("enrolment".into()),
        time_unit: "months".into(),
        group_column: Some(column.into()),
        labels: labels.into_iter().map(|(level, label)| (level.into(), label.into())).collect(),
        prespecified: Some(true),
        survive: data.survive[column].clone(),
        ..Analysis::default()
    }
}

fn checks(data: &Data) -> Checks {
    let rows = data.targets.iter().map(|target| {
        let rounding =
            if target.rule == "truncate" { Rounding::Truncate } else { Rounding::HalfUp };
        let (published, value) = (target.published, target.value);
        Check::numeric(&target.quantity, published, value, target.digits, rounding)
    });
    Checks {
        title: "Published and computed figures".into(),
        expected_heading: "Published".into(),
        source: Some("Published: Jacot et al., SABCS 2025, abstract PS5-02-07.".into()),
        rows: rows.collect(),
    }
}

/// A smooth skewed distribution in place of replicates.
fn sample_bootstrap(analysis: &Analysis) -> Bootstrap {
    let log_ratios: Vec<f64> = (1..9_600)
        .map(|index| {
            let u = f64::from(index) / 9_600.0;
            let logit = (u / (1.0 - u)).ln() / 1.7;
            -0.74 + 0.62 * logit - 0.06 * logit * logit
        })
        .collect();
    let interval = |kind: &str, lower, upper| BootstrapInterval {
        kind: kind.into(),
        lower,
        upper,
        mcse_lower: Some(0.021),
        mcse_upper: Some(0.012),
        reason: if lower.is_none() { Some("infinite".into()) } else { None },
    };
    let document = BootstrapDocument {
        n: 60,
        n_events: 28,
        statistic: "hazard-ratio".into(),
        term: Some("her2_ctc_pos".into()),
        ties: Some("efron".into()),
        resample: "case".into(),
        seed: 20251209,
        conf_level: 0.95,
        estimate: BootstrapEstimate {
            log_hazard_ratio: Some(-0.738588),
            hazard_ratio: Some(0.477788),
            se: Some(0.616354),
            value: None,
        },
        replicates: Replicates {
            requested: 10_000,
            estimable: 9_599,
            inestimable: BTreeMap::from([
                ("monotone_likelihood".into(), 390),
                ("single_group".into(), 11),
            ]),
        },
        bias: Some(-0.0712),
        std_err: Some(0.7141),
        mcse_bias: Some(0.0073),
        mcse_std_err: Some(0.0061),
        intervals: vec![
            interval("percentile", Some(0.09), Some(1.52)),
            interval("percentile_keepinf", None, Some(1.47)),
            interval("bca", Some(0.11), Some(1.71)),
        ],
        draws_sha256: None,
        device: Some(Device { backend: "cpu".into(), name: "8 threads".into() }),
        ..BootstrapDocument::default()
    };
    let mut bootstrap = Bootstrap { document, histogram: None };
    bootstrap.histogram = replicate_histogram(analysis, &bootstrap, &log_ratios);
    bootstrap
}

fn her2_section(data: &Data) -> Her2Section {
    let rows = data.strips.iter().map(|strip| StripRow {
        label: strip.patient.clone(),
        cells: strip
            .cells
            .iter()
            .map(|(intensity, class)| StripCell { intensity: *intensity, class: class.clone() })
            .collect(),
    });
    let lines = data
        .trajectories
        .iter()
        .map(|line| Trajectory { label: line.patient.clone(), counts: line.counts.clone() });
    Her2Section {
        facts: vec![
            Fact::new("Medium from", "150 a.u."),
            Fact::new("High from", "450 a.u."),
            Fact::new("HER2-positive", "class high"),
        ],
        strips: Some(StripFigure {
            title: "HER2 of each CTC at T1".into(),
            x_title: "HER2 mean intensity (a.u.)".into(),
            axis: IntensityAxis::Log,
            rows: rows.collect(),
            cutoffs: vec![
                Cutoff { value: 150.0, label: "medium 150".into() },
                Cutoff { value: 450.0, label: "high 450".into() },
            ],
        }),
        trajectories: Some(TrajectoryFigure {
            title: "HER2-positive CTCs by time point".into(),
            y_title: "HER2-positive CTCs in 7.5 mL".into(),
            timepoints: vec![
                "T1, before treatment".into(),
                "T2, before cycle 2".into(),
                "T3, at progression".into(),
            ],
            lines: lines.collect(),
        }),
        notes: Vec::new(),
    }
}

const EDGE: usize = 48;

fn sample_cells() -> Result<CellSection, Box<dyn std::error::Error>> {
    let mut gallery = Vec::new();
    for (index, (class, her2)) in
        [("high", 812.4), ("high", 530.0), ("med", 201.7), ("neg", 41.1)].into_iter().enumerate()
    {
        let radius = 11.0 + index as f64;
        let inside = |row: usize, col: usize| {
            let (y, x) = (row as f64 - 24.0, (col as f64 - 23.0) * 0.8);
            x.hypot(y) < radius
        };
        let mut panels = Vec::new();
        for (channel, gain) in [("DAPI", 190.0), ("CK", 230.0), ("HER2", her2 / 3.5)] {
            panels.push(Panel { channel: channel.into(), png: blob(radius, gain)? });
        }
        let inside = (0..EDGE * EDGE).map(|pixel| inside(pixel / EDGE, pixel % EDGE)).collect();
        gallery.push(GalleryCell {
            row_id: (17 + index).to_string(),
            sample_id: format!("P01{index}-T1"),
            frame: 31 + index as u64,
            label: 2,
            her2_mean: Some(her2),
            her2_class: Some(class.into()),
            event_class: Some("ctc".into()),
            panels,
            mask: Some(Mask { width: EDGE, height: EDGE, inside }),
        });
    }
    Ok(CellSection {
        facts: vec![Fact::new("Cartridges", "2"), Fact::new("Frames", "350")],
        sample_headings: ["Sample", "Frames", "CTC", "HER2 high"].map(String::from).to_vec(),
        sample_rows: vec![
            ["P010-T1", "175", "12", "3"].map(String::from).to_vec(),
            ["P011-T1", "175", "4", "0"].map(String::from).to_vec(),
        ],
        cells_file: Some("cells.csv".into()),
        gallery,
        n_not_shown: 12,
    })
}

fn blob(radius: f64, gain: f64) -> Result<Vec<u8>, image::ImageError> {
    let picture = image::GrayImage::from_fn(EDGE as u32, EDGE as u32, |col, row| {
        let (y, x) = (f64::from(row) - 24.0, (f64::from(col) - 23.0) * 0.8);
        let level = gain / (1.0 + ((x.hypot(y) - radius) / 1.6).exp()) + 8.0;
        image::Luma([level.min(255.0) as u8])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}
