//! `herscope bootstrap`.

use super::args::{BootstrapArgs, ResampleArg, Shared, StatisticArg};
use super::exit::ExitCode;
use super::output::{json, note, print_json, print_result, print_warnings};
use super::progress::{Progress, watch_interrupts};
use crate::Error;
use crate::compute::select;
use crate::io::cohort::read_cohort;
use crate::io::output_folder::OutputFolder;
use crate::pipeline::bootstrap::{
    BootstrapDocument, BootstrapSettings, Calibration, IntervalKind, Resample, Statistic,
    run_bootstrap,
};
use crate::report::{Analysis, bootstrap_text};

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
        out.write("bootstrap.txt", text(&document, args)?)?;
        out.commit()?;
    }
    print_warnings(&document.warnings);
    if shared.json {
        print_json(&document)?;
    } else {
        print_result(&text(&document, args)?)?;
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
        statistic: statistic(args)?,
        resample: match args.resample {
            ResampleArg::Case => Resample::Case,
            ResampleArg::Stratified => Resample::Stratified,
            ResampleArg::Permutation => Resample::Permutation,
        },
        intervals: if intervals.is_empty() { defaults.intervals } else { intervals },
        conf_level: shared.conf_level.unwrap_or(defaults.conf_level),
        seed: shared.seed.unwrap_or(defaults.seed),
        hash_draws: args.hash_draws,
        calibration: args.calibrate.as_deref().map_or(Ok(defaults.calibration), calibration)?,
        until_mcse: args.until_mcse,
    })
}

/// The statistic with the flag it needs; a flag of another statistic is refused.
fn statistic(args: &BootstrapArgs) -> Result<Statistic, Error> {
    let usage = |found: &str, right: &str| {
        Error::usage("reading --statistic").found(found.to_owned()).expected(right.to_owned())
    };
    let chosen = args.statistic;
    let flags = [
        ("--rmst", args.rmst, StatisticArg::RmstDifference, "rmst-difference"),
        ("--at", args.at, StatisticArg::SurvivalDifference, "survival-difference"),
        ("--quantile", args.quantile, StatisticArg::MedianDifference, "median-difference"),
    ];
    for (flag, value, of, name) in flags {
        if value.is_some() && chosen != of {
            return Err(usage(
                &format!("{flag} beside another statistic"),
                &format!("--statistic {name}"),
            ));
        }
    }
    if args.resample == ResampleArg::Permutation && !args.intervals.is_empty() {
        return Err(usage(
            "--intervals with --resample permutation",
            "one of them: shuffles make a test",
        ));
    }
    let needed = |flag: &str| usage("a statistic without its time", &format!("{flag} TIME"));
    Ok(match chosen {
        StatisticArg::HazardRatio => Statistic::HazardRatio,
        StatisticArg::MedianDifference => {
            Statistic::MedianDifference { quantile: args.quantile.unwrap_or(0.5) }
        }
        StatisticArg::RmstDifference => {
            Statistic::RmstDifference { tau: args.rmst.ok_or_else(|| needed("--rmst"))? }
        }
        StatisticArg::SurvivalDifference => {
            Statistic::SurvivalDifference { at: args.at.ok_or_else(|| needed("--at"))? }
        }
        StatisticArg::Logrank => Statistic::Logrank,
        StatisticArg::Concordance => Statistic::Concordance,
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
fn text(document: &BootstrapDocument, args: &BootstrapArgs) -> Result<String, Error> {
    let shown = serde_json::to_value(document).and_then(serde_json::from_value);
    let shown = shown
        .map_err(|source| Error::output("printing the bootstrap as text").caused_by(source))?;
    let time_unit = args.cohort.time_unit.clone();
    Ok(bootstrap_text(&Analysis { time_unit, ..Analysis::default() }, &shown))
}
