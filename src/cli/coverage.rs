//! `herscope coverage`.

use clap::Args;

use super::args::{CohortArgs, Shared};
use super::exit::ExitCode;
use super::output::{note, print_document};
use super::progress::{Progress, watch_interrupts};
use crate::Error;
use crate::io::cohort::read_cohort;
use crate::io::manifest::ManifestFile;
use crate::io::output_folder::OutputFolder;
use crate::pipeline::bootstrap::{IntervalKind, Resample};
use crate::pipeline::coverage::{CoverageSettings, TrueRatio, run_coverage};
use crate::pipeline::coverage_output::{coverage_text, write_coverage};

/// Why simulated trials take no GPU: they are small and many.
pub(super) const SIMULATED_ON_CPU: &str = "simulated trials are drawn and fitted on the CPU";

#[derive(Debug, Args)]
pub(crate) struct CoverageArgs {
    #[command(flatten)]
    pub(crate) cohort: CohortArgs,
    /// Hazard ratios to simulate under; `estimate` is the cohort's own [1,estimate]
    #[arg(long, value_name = "HR[,HR..]", value_delimiter = ',')]
    pub(crate) true_hr: Vec<String>,
    /// Trials under each hazard ratio [2000]
    #[arg(long, value_name = "S")]
    pub(crate) simulations: Option<u64>,
    /// Bootstrap replicates of each trial [1999]
    #[arg(long, value_name = "B")]
    pub(crate) replicates: Option<u64>,
    /// Bootstrap intervals; none for no bootstrap [all but calibrated]
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub(crate) intervals: Vec<String>,
    /// Add the calibrated interval, with so many resamples and resamples of each [200x200]
    #[arg(long, value_name = "OUTERxINNER")]
    pub(crate) calibrate: Option<String>,
    /// How a trial's subjects are drawn
    #[arg(long, default_value = "case", value_parser = ["case", "stratified"])]
    pub(crate) resample: String,
}

/// Runs the command.
pub(super) fn coverage(args: &CoverageArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let settings = settings(args, shared)?;
    shared.refuse_gpu("measuring coverage", SIMULATED_ON_CPU)?;
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let cohort = read_cohort(&args.cohort.cohort, &args.cohort.request()?)?;
    if shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {} (chosen; set it with --seed)", settings.seed));
    }
    watch_interrupts();
    let document = {
        let progress = Progress::new(shared.quiet, "simulating");
        run_coverage(&cohort, &settings, &|done, total| progress.at(done, total))?
    };
    let text = coverage_text(&document);
    if let Some(out) = out {
        let inputs = ManifestFile::of_inputs([args.cohort.cohort.as_path()])?;
        let settings = settings_json(args, &settings);
        write_coverage(&out, (&document, &text), settings, inputs)?;
        out.commit()?;
    }
    print_document(shared, &document.warnings, &document, &text)?;
    Ok(ExitCode::Done)
}

fn settings(args: &CoverageArgs, shared: &Shared) -> Result<CoverageSettings, Error> {
    let defaults = CoverageSettings::default();
    let mut intervals: Vec<IntervalKind> = match args.intervals.as_slice() {
        [] => defaults.intervals,
        [none] if none == "none" => Vec::new(),
        kinds => kinds.iter().map(|kind| kind.parse()).collect::<Result<_, _>>()?,
    };
    if args.calibrate.is_some() && !intervals.contains(&IntervalKind::Calibrated) {
        intervals.push(IntervalKind::Calibrated);
    }
    let ratios = args.true_hr.iter().map(|text| true_ratio(text));
    let ratios: Vec<TrueRatio> = ratios.collect::<Result<_, _>>()?;
    Ok(CoverageSettings {
        true_ratios: if ratios.is_empty() { defaults.true_ratios } else { ratios },
        simulations: args.simulations.unwrap_or(defaults.simulations),
        replicates: args.replicates.unwrap_or(defaults.replicates),
        intervals,
        calibration: match &args.calibrate {
            Some(text) => super::bootstrap::calibration(text)?,
            None => defaults.calibration,
        },
        resample: match args.resample.as_str() {
            "stratified" => Resample::Stratified,
            _ => Resample::Case,
        },
        conf_level: shared.conf_level.unwrap_or(defaults.conf_level),
        seed: shared.seed.unwrap_or(defaults.seed),
    })
}

fn true_ratio(text: &str) -> Result<TrueRatio, Error> {
    match text.trim() {
        "estimate" => Ok(TrueRatio::Estimate),
        number => number.parse().map(TrueRatio::Given).map_err(|_| {
            Error::usage("reading --true-hr")
                .found(format!("{text:?}"))
                .expected("hazard ratios such as 1,2, or the word estimate")
        }),
    }
}

/// The settings as used, defaults included.
fn settings_json(args: &CoverageArgs, settings: &CoverageSettings) -> serde_json::Value {
    let intervals: Vec<&str> = settings.intervals.iter().map(|kind| kind.name()).collect();
    let ratios = settings.true_ratios.iter().map(|ratio| match ratio {
        TrueRatio::Given(ratio) => serde_json::json!(ratio),
        TrueRatio::Estimate => serde_json::json!("estimate"),
    });
    serde_json::json!({
        "cohort": args.cohort,
        "true_hr": ratios.collect::<Vec<_>>(),
        "simulations": settings.simulations,
        "replicates": settings.replicates,
        "intervals": intervals,
        "calibrate": [settings.calibration.outer, u64::from(settings.calibration.inner)],
        "resample": settings.resample.name(),
        "conf_level": settings.conf_level,
        "seed": settings.seed,
    })
}
