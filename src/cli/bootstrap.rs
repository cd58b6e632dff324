//! `herscope bootstrap`.

use super::args::{BootstrapArgs, ResampleArg, Shared};
use super::exit::ExitCode;
use super::output::{json, note, print_json, print_result, print_warnings};
use super::progress::{Progress, watch_interrupts};
use crate::Error;
use crate::compute::select;
use crate::io::cohort::read_cohort;
use crate::io::output_folder::OutputFolder;
use crate::pipeline::bootstrap::{
    BootstrapDocument, BootstrapSettings, Calibration, IntervalKind, Resample, run_bootstrap,
};
use crate::report::{Analysis, bootstrap_text};
use crate::survival::Ties;

/// Runs the command.
pub(super) fn bootstrap(args: &BootstrapArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let settings = settings(args, shared)?;
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let cohort = read_cohort(&args.cohort.cohort, &args.cohort.request()?)?;
    let Ok(request) = shared.device.parse();
    let selection = select(&request)?;
    let device = selection.backend.device();
    note(shared.quiet, &format!("device: {} ({})", device.name, selection.reason));
    if shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {} (chosen; set it with --seed)", settings.seed));
    }
    watch_interrupts();
    let document = {
        let progress = Progress::new(shared.quiet, "resampling");
        let report = |done, total| progress.at(done, total);
        run_bootstrap(&cohort, &settings, selection.backend.as_ref(), &report)?
    };
    if let Some(out) = out {
        out.write("bootstrap.json", json(&document)?)?;
        out.write("bootstrap.txt", text(&document)?)?;
        out.commit()?;
    }
    print_warnings(&document.warnings);
    if shared.json {
        print_json(&document)?;
    } else {
        print_result(&text(&document)?)?;
    }
    let finite = document.estimate.is_finite();
    Ok(if args.strict && !finite { ExitCode::Untrusted } else { ExitCode::Done })
}

fn settings(args: &BootstrapArgs, shared: &Shared) -> Result<BootstrapSettings, Error> {
    let defaults = BootstrapSettings::default();
    let intervals: Vec<IntervalKind> =
        args.intervals.iter().map(|kind| kind.parse()).collect::<Result<_, _>>()?;
    Ok(BootstrapSettings {
        replicates: args.replicates,
        resample: match args.resample {
            ResampleArg::Case => Resample::Case,
            ResampleArg::Stratified => Resample::Stratified,
            ResampleArg::Cluster => Resample::Cluster,
            ResampleArg::Bayesian => Resample::Bayesian,
        },
        ties: if args.ties == "breslow" { Ties::Breslow } else { Ties::Efron },
        term: args.term.clone(),
        firth: args.firth,
        intervals: if intervals.is_empty() { defaults.intervals } else { intervals },
        conf_level: shared.conf_level.unwrap_or(defaults.conf_level),
        seed: shared.seed.unwrap_or(defaults.seed),
        hash_draws: args.hash_draws,
        calibration: args.calibrate.as_deref().map_or(Ok(defaults.calibration), calibration)?,
        until_mcse: args.until_mcse,
    })
}

/// `OUTERxINNER`.
fn calibration(text: &str) -> Result<Calibration, Error> {
    let parsed = text.split_once('x').and_then(|(outer, inner)| {
        Some(Calibration { outer: outer.parse().ok()?, inner: inner.parse().ok()? })
    });
    parsed.ok_or_else(|| {
        Error::usage("reading --calibrate")
            .found(format!("{text:?}"))
            .expected("two numbers such as 10000x1000")
    })
}

/// The document as tables for a person.
fn text(document: &BootstrapDocument) -> Result<String, Error> {
    let shown = serde_json::to_value(document).and_then(serde_json::from_value);
    let shown = shown
        .map_err(|source| Error::output("printing the bootstrap as text").caused_by(source))?;
    Ok(bootstrap_text(&Analysis::default(), &shown))
}
