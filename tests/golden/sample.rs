//! A study small enough to check by hand: twelve subjects, two groups.

use std::collections::BTreeMap;

use herscope::Warning;
use herscope::report::{
    Analysis, Baseline, Bootstrap, BootstrapDocument, BootstrapEstimate, BootstrapInterval,
    CellSection, Check, Checks, ChiSquared, Cox, CurvePoint, Cutoff, Device, Fact, Flow,
    ForestFigure, ForestMark, ForestRow, GalleryCell, Group, Her2Section, InputFile, IntensityAxis,
    Joint, JointDocument, LogRank, Mask, Median, Moments, OrderedMap, Panel, PhTerm, PhTest,
    Replicates, Report, StripCell, StripFigure, StripRow, SummaryValues, SurviveDocument,
    TabulateDocument, TabulateGroup, TabulateSummary, TabulateVariable, Term, Trajectory,
    TrajectoryFigure, VariableKind, number_format::Rounding, replicate_histogram,
};

/// A text that would break out of HTML or SVG if it were not escaped.
pub(crate) const HOSTILE: &str = "<script>alert(\"x\")</script> & 'y'";

/// Kaplan-Meier rows of (time, events, censored), with limits 0.2 around survival.
pub(crate) fn curve(rows: &[(f64, u64, u64)]) -> Vec<CurvePoint> {
    let mut n_at_risk: u64 = rows.iter().map(|row| row.1 + row.2).sum();
    let mut survival = 1.0;
    let points = rows.iter().map(|&(time, n_events, n_censored)| {
        survival *= 1.0 - n_events as f64 / n_at_risk as f64;
        let inside = survival > 0.0 && survival < 1.0;
        let limit = |value: f64| inside.then(|| f64::clamp(value, 0.0, 1.0));
        let point = CurvePoint {
            time,
            n_at_risk: n_at_risk as f64,
            n_events: n_events as f64,
            n_censored: n_censored as f64,
            survival,
            std_err: None,
            lower: limit(survival - 0.2),
            upper: limit(survival + 0.2),
        };
        n_at_risk -= n_events + n_censored;
        point
    });
    points.collect()
}

pub(crate) fn survive() -> SurviveDocument {
    let group = |level: &str, median: Median, rows: &[(f64, u64, u64)]| Group {
        level: level.into(),
        n: rows.iter().map(|row| row.1 + row.2).sum(),
        n_events: rows.iter().map(|row| row.1).sum(),
        median,
        curve: curve(rows).into(),
        ..Group::default()
    };
    let slow = [(4.0, 0, 1), (9.0, 1, 0), (15.0, 1, 1), (22.0, 0, 1), (26.0, 0, 1)];
    let fast = [(2.0, 1, 0), (3.5, 1, 0), (6.0, 1, 1), (12.0, 1, 0), (14.0, 1, 0)];
    let term = |name: &str, coef: f64, se: f64, p: f64| Term {
        name: name.into(),
        coef: Some(coef),
        se: Some(se),
        z: Some(coef / se),
        p: Some(p),
        hazard_ratio: Some(coef.exp()),
        lower: Some((coef - 1.96 * se).exp()),
        upper: Some((coef + 1.96 * se).exp()),
        ..Term::default()
    };
    let monotone = Term { name: "cns".into(), limit: Some("-inf".into()), ..Term::default() };
    let test = |chisq: f64, p: f64| ChiSquared { chisq: Some(chisq), df: 1, p: Some(p) };
    SurviveDocument {
        n: 12,
        n_events: 7,
        n_dropped: 1,
        conf_level: 0.95,
        conf_type: "log-log".into(),
        follow_up: Some(Median { median: Some(22.0), lower: Some(6.0), upper: None }),
        groups: vec![
            group("0", Median::default(), &slow),
            group("1", Median { median: Some(6.0), lower: Some(2.0), upper: Some(14.0) }, &fast),
        ],
        logrank: Some(LogRank { rho: 0.0, chisq: Some(4.06), df: 1, p: Some(0.0439) }),
        cox: Some(Cox {
            ties: "efron".into(),
            n: 12,
            n_events: 7,
            status: "monotone_likelihood".into(),
            terms: vec![term("ctc", 1.5, 0.8, 0.061), term("age", -0.03, 0.04, 0.45), monotone],
            ..Cox::default()
        }),
        ph_test: Some(PhTest {
            transform: "km".into(),
            terms: vec![PhTerm { name: "ctc".into(), test: test(0.4, 0.53) }],
            global: None,
        }),
        ..SurviveDocument::default()
    }
}

pub(crate) fn analysis() -> Analysis {
    let mut analysis = Analysis {
        title: "CTCs at baseline".into(),
        endpoint: "Progression-free survival".into(),
        time_origin: Some("enrolment".into()),
        time_unit: "months".into(),
        group_column: Some("ctc".into()),
        labels: BTreeMap::from([("0".into(), "CTC−".into()), ("1".into(), "CTC+".into())]),
        survive: survive(),
        ..Analysis::default()
    };
    analysis.figure.few_at_risk = 2;
    analysis.bootstraps = vec![bootstrap(&analysis)];
    analysis
}

pub(crate) fn bootstrap(analysis: &Analysis) -> Bootstrap {
    let document = BootstrapDocument {
        n: 12,
        n_events: 7,
        statistic: "hazard-ratio".into(),
        term: Some("ctc".into()),
        ties: Some("efron".into()),
        resample: "case".into(),
        seed: 7,
        conf_level: 0.95,
        estimate: BootstrapEstimate {
            log_hazard_ratio: Some(1.5),
            hazard_ratio: Some(4.481_689),
            se: Some(0.8),
            value: None,
        },
        replicates: Replicates {
            requested: 200,
            estimable: 180,
            inestimable: BTreeMap::from([("monotone_likelihood".into(), 20)]),
        },
        bias: Some(0.11),
        std_err: Some(0.9),
        intervals: vec![
            BootstrapInterval {
                kind: "percentile".into(),
                lower: Some(1.1),
                upper: Some(15.2),
                ..BootstrapInterval::default()
            },
            BootstrapInterval {
                kind: "percentile_keepinf".into(),
                lower: Some(1.2),
                upper: None,
                reason: Some("infinite".into()),
                ..BootstrapInterval::default()
            },
        ],
        device: Some(Device { backend: "cpu".into(), name: "2 threads".into() }),
        ..BootstrapDocument::default()
    };
    // 180 values between 0 and 3, denser in the middle.
    let log_ratios: Vec<f64> =
        (0..180).map(|i| 1.5 + 1.5 * (f64::from(i) / 89.5 - 1.0).powi(3)).collect();
    let mut bootstrap = Bootstrap { document, histogram: None };
    bootstrap.histogram = replicate_histogram(analysis, &bootstrap, &log_ratios);
    bootstrap
}

pub(crate) fn forest() -> ForestFigure {
    let row = |label: &str, indented: bool, n: u64, n_events: u64, mark: ForestMark| ForestRow {
        label: label.into(),
        indented,
        n: (n > 0).then_some(n),
        n_events: (n > 0).then_some(n_events),
        mark,
        p: None,
    };
    let ratio = |estimate: f64, lower: f64, upper: Option<f64>| ForestMark::Ratio {
        estimate: Some(estimate),
        lower: Some(lower),
        upper,
    };
    let missing = ForestMark::Ratio { estimate: None, lower: None, upper: None };
    let mut rows = vec![
        row("CTC at baseline", false, 0, 0, ForestMark::Heading),
        row("CTC-negative", true, 40, 15, ForestMark::Reference),
        row("CTC-positive", true, 20, 13, ratio(1.37, 0.65, Some(2.91))),
        row("HER2 on CTCs", false, 0, 0, ForestMark::Heading),
        row("No HER2+ CTC", true, 53, 25, ForestMark::Reference),
        row("HER2+ CTC", true, 7, 3, ratio(0.48, 0.14, Some(1.60))),
        row("Age, per 10 years", false, 60, 28, ratio(0.97, 0.91, Some(1.03))),
        row("CNS metastases", false, 4, 1, ratio(0.3, 0.004, None)),
        row("Centre C", false, 0, 0, missing),
    ];
    rows[5].p = Some(0.2308);
    ForestFigure {
        title: "Hazard ratios for progression or death".into(),
        x_title: "Hazard ratio".into(),
        conf_level: 0.95,
        rows,
        favours_left: Some("longer PFS".into()),
        favours_right: Some("shorter PFS".into()),
        p_style: Default::default(),
    }
}

pub(crate) fn strips() -> StripFigure {
    let row = |label: &str, cells: &[(f64, &str)]| StripRow {
        label: label.into(),
        cells: cells
            .iter()
            .map(|&(intensity, class)| StripCell { intensity, class: class.into() })
            .collect(),
    };
    StripFigure {
        title: "HER2 of each CTC".into(),
        x_title: "HER2 mean intensity (a.u.)".into(),
        axis: IntensityAxis::Log,
        rows: vec![
            row("P001", &[(41.1, "neg"), (42.0, "neg"), (194.6, "med")]),
            row("P003", &[(812.0, "high"), (0.0, "neg"), (90.0, "neg")]),
        ],
        cutoffs: vec![
            Cutoff { value: 150.0, label: "medium 150".into() },
            Cutoff { value: 450.0, label: "high 450".into() },
        ],
    }
}

pub(crate) fn trajectories() -> TrajectoryFigure {
    let line = |label: &str, counts: [Option<u64>; 3]| Trajectory {
        label: label.into(),
        counts: counts.to_vec(),
    };
    TrajectoryFigure {
        title: "HER2-positive CTCs by time point".into(),
        y_title: "HER2-positive CTCs in 7.5 mL".into(),
        timepoints: ["T1", "T2", "T3"].map(String::from).to_vec(),
        lines: vec![
            line("P001", [Some(3), Some(0), Some(1)]),
            line("P002", [Some(1), None, Some(4)]),
            line("P003", [Some(1), Some(0), None]),
            line("P004", [Some(0), Some(0), Some(0)]),
        ],
    }
}

/// A grey PNG of 1 x 1 pixel. Written by hand: signature, IHDR, IDAT (deflate of two zero bytes),
/// IEND with their check sums.
pub(crate) const PIXEL_PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\
    \x3a\x7e\x9b\x55\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";

fn cells(name: &str) -> CellSection {
    let cell = GalleryCell {
        row_id: "17".into(),
        sample_id: name.into(),
        frame: 31,
        label: 2,
        her2_mean: Some(812.0),
        her2_class: Some("high".into()),
        event_class: Some("ctc".into()),
        panels: vec![
            Panel { channel: "HER2".into(), png: PIXEL_PNG.to_vec() },
            Panel { channel: "CK".into(), png: b"not a PNG".to_vec() },
        ],
        mask: Some(Mask { width: 1, height: 1, inside: vec![true] }),
    };
    CellSection {
        facts: vec![Fact::new("Cartridges", "1")],
        sample_headings: vec!["Sample".into(), "CTC".into()],
        sample_rows: vec![vec![name.into(), "12".into()]],
        cells_file: Some("cells.csv".into()),
        gallery: vec![cell],
        n_not_shown: 3,
    }
}

fn baseline(name: &str) -> Baseline {
    let level = |level: &str, n: u64| TabulateGroup { level: level.into(), n };
    let age = |level: &str, median: f64, n_missing: u64| TabulateSummary {
        level: level.into(),
        n: 6 - n_missing,
        n_missing,
        values: SummaryValues::Continuous(Moments {
            median: Some(median),
            q1: Some(median - 8.0),
            q3: Some(median + 6.5),
            ..Moments::default()
        }),
    };
    let status = |level: &str, positive: u64| TabulateSummary {
        level: level.into(),
        n: 6,
        n_missing: 0,
        values: SummaryValues::Categorical {
            counts: OrderedMap(vec![("positive".into(), positive), (name.into(), 6 - positive)]),
            shares: None,
        },
    };
    Baseline {
        title: "Baseline by CTC".into(),
        labels: BTreeMap::from([("0".into(), "CTC−".into()), ("1".into(), "CTC+".into())]),
        document: TabulateDocument {
            by: "ctc_pos_t1".into(),
            n: 12,
            groups: vec![level("0", 6), level("1", 6)],
            variables: vec![
                TabulateVariable {
                    name: "age_years".into(),
                    test: Some("wilcoxon_normal"),
                    p: Some(0.151),
                    n_missing: 1,
                    summaries: vec![age("0", 61.0, 0), age("1", 58.5, 1)],
                    ..TabulateVariable::default()
                },
                TabulateVariable {
                    name: "hr_status".into(),
                    kind: VariableKind::Categorical,
                    test: Some("fisher"),
                    p: Some(1.0),
                    summaries: vec![status("0", 4), status("1", 2)],
                    ..TabulateVariable::default()
                },
            ],
            ..TabulateDocument::default()
        },
        ..Baseline::default()
    }
}

/// A report with every section, in which `name` stands wherever a text comes from outside.
pub(crate) fn report(name: &str) -> Report {
    let mut analysis = analysis();
    analysis.labels.insert("1".into(), name.into());
    analysis.notes = vec![name.into()];
    analysis.forest = Some(forest());
    Report {
        title: format!("Study {name}"),
        subtitle: Some(name.into()),
        notice: Some(name.into()),
        date: Some("2025-12-09".into()),
        software: "herscope 0.1.0".into(),
        command: Some(format!("herscope study '{name}'")),
        seed: Some(7),
        device: Some(Device { backend: "cpu".into(), name: name.into() }),
        summary: vec![Fact::new("Patients", "12"), Fact::new("Centre", name)],
        flow: Some(Flow { n_read: 13, excluded: vec![(name.into(), 1)], n_analysed: 12 }),
        checks: Some(Checks {
            title: "Published and computed figures".into(),
            expected_heading: "Published".into(),
            source: Some(name.into()),
            rows: vec![
                Check::numeric("median", Some(6.0), Some(6.04), 1, Rounding::HalfUp),
                Check::numeric("percent", Some(6.6), Some(20.0 / 3.0), 1, Rounding::Truncate),
                Check::numeric(name, Some(2.0), Some(3.0), 0, Rounding::HalfUp),
            ],
        }),
        analyses: vec![analysis],
        baselines: vec![baseline(name)],
        joint_models: vec![Joint {
            title: "Joint model".into(),
            document: JointDocument { n: 12, status: "converged".into(), ..Default::default() },
        }],
        cells: Some(cells(name)),
        her2: Some(Her2Section {
            facts: vec![Fact::new("Cut-off", name)],
            strips: Some(strips()),
            trajectories: Some(trajectories()),
            notes: vec![name.into()],
        }),
        methods: vec![name.into()],
        warnings: vec![Warning::new("few_events", name)],
        inputs: vec![InputFile {
            path: name.into(),
            sha256: "00".repeat(32),
            n_bytes: Some(12_345),
        }],
        not_given: vec![name.into()],
        p_style: Default::default(),
    }
}
