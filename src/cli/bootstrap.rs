//! `herscope bootstrap` and `herscope merge`.

use std::path::{Path, PathBuf};

use super::args::{BootstrapArgs, MergeArgs, ResampleArg, Shared, StatisticArg};
use super::bootstrap_cells::propagation;
use super::exit::ExitCode;
use super::output::{note, print_document};
use super::progress::{Progress, watch_interrupts};
use crate::Error;
use crate::compute::select;
use crate::io::cohort::read_cohort;
use crate::io::manifest::ManifestFile;
use crate::io::output_folder::OutputFolder;
use crate::pipeline::bootstrap::{
    BootstrapDocument, BootstrapSettings, Calibration, IntervalKind, Resample, Statistic, Storage,
    merge_shards, propagate_cells, run_bootstrap_with,
};
use crate::pipeline::bootstrap_output::{text_of, write_bootstrap};
use crate::survival::Ties;

/// Runs `herscope bootstrap`.
pub(super) fn bootstrap(args: &BootstrapArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let settings = settings(args, shared)?;
    let storage = storage(args, shared)?;
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let propagation = propagation(args)?;
    if propagation.is_some() && shared.resume {
        return Err(Error::usage("resuming the bootstrap")
            .found("--resume beside --propagate cells")
            .expected("a new run: with cells there is no state to go on from"));
    }
    let cohort = read_cohort(&args.cohort.cohort, &args.cohort.request()?)?;
    let Ok(request) = shared.device.parse();
    let selection = select(&request)?;
    let device = selection.backend.device();
    note(shared.quiet, &format!("device: {} ({})", device.name, selection.reason));
    if shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {} (chosen; set it with --seed)", settings.seed));
    }
    watch_interrupts();
    let backend = selection.backend.as_ref();
    let mut document = {
        let progress = Progress::new(shared.quiet, "resampling");
        let report = |done, total| progress.at(done, total);
        run_bootstrap_with(&cohort, &settings, &storage, backend, &report)?
    };
    if let Some(request) = &propagation {
        let progress = Progress::new(shared.quiet, "resampling with cells");
        let report = |done, total| progress.at(done, total);
        propagate_cells(&cohort, &settings, request, &mut document, backend, &report)?;
    }
    let inputs: Vec<PathBuf> =
        std::iter::once(&args.cohort.cohort).chain(&args.propagate.cells).cloned().collect();
    let text = text_of(&document, &args.cohort.time_unit)?;
    print((&document, &text), out, shared, (settings_json(args, &settings), &inputs))?;
    let finite = document.estimate.is_finite();
    Ok(if args.strict && !finite { ExitCode::Untrusted } else { ExitCode::Done })
}

/// Runs `herscope merge`.
pub(super) fn merge(args: &MergeArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let settings = serde_json::json!({ "shards": args.shards });
    let document = merge_shards(&args.shards)?;
    // Shards do not say the unit of the times.
    let text = text_of(&document, "")?;
    print((&document, &text), out, shared, (settings, &args.shards))?;
    Ok(ExitCode::Done)
}

/// The document into its folder and onto stdout, its warnings onto stderr.
fn print(
    (document, text): (&BootstrapDocument, &str),
    out: Option<OutputFolder>,
    shared: &Shared,
    (settings, inputs): (serde_json::Value, &[PathBuf]),
) -> Result<(), Error> {
    if let Some(out) = out {
        let inputs = ManifestFile::of_inputs(inputs.iter().map(PathBuf::as_path))?;
        write_bootstrap(&out, (document, text), settings, inputs)?;
        out.commit()?;
    }
    print_document(shared, &document.warnings, document, text)
}

/// The settings as used, defaults included.
fn settings_json(args: &BootstrapArgs, settings: &BootstrapSettings) -> serde_json::Value {
    let intervals: Vec<&str> = settings.intervals.iter().map(|kind| kind.name()).collect();
    serde_json::json!({
        "cohort": args.cohort,
        "replicates": settings.replicates,
        "range": settings.range,
        "resample": settings.resample.name(),
        "intervals": intervals,
        "calibrate": [settings.calibration.outer, u64::from(settings.calibration.inner)],
        "until_mcse": settings.until_mcse,
        "conf_level": settings.conf_level,
        "seed": settings.seed,
        "propagate": args.propagate.propagate.as_ref().map(|of| serde_json::json!({
            "of": of,
            "cells": args.propagate.cells,
            "cell_rule": args.propagate.cell_rule,
            "her2_high": args.propagate.her2_high,
            "timepoint": args.propagate.timepoint,
            "her2": args.propagate.cells_her2,
            "std_err": args.propagate.cells_std_err,
        })),
    })
}

/// Where replicates and the state of the run go.
fn storage(args: &BootstrapArgs, shared: &Shared) -> Result<Storage, Error> {
    let beside = |out: &Path| {
        let mut name = out.as_os_str().to_owned();
        name.push(".resume");
        PathBuf::from(name)
    };
    let has_place = shared.out.is_some() || args.shard_out.is_some();
    if shared.resume && !has_place && args.replicates_out.is_none() {
        return Err(Error::usage("resuming the bootstrap")
            .found("--resume alone")
            .expected("--out or --shard-out, beside which the interrupted run left its state"));
    }
    let keeps_replicates = args.shard_out.is_some() || args.replicates_out.is_some();
    Ok(Storage {
        shard_out: args.shard_out.clone(),
        replicates_out: args.replicates_out.clone(),
        // Replicates on disk are a state of their own.
        checkpoint: shared.out.as_deref().map(beside).filter(|_| !keeps_replicates),
        resume: shared.resume,
        force: shared.force,
    })
}

/// `A..B`.
fn range(text: &str) -> Result<(u64, u64), Error> {
    let parsed = text
        .split_once("..")
        .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)));
    parsed.ok_or_else(|| {
        Error::usage("reading --range")
            .found(format!("{text:?}"))
            .expected("two numbers such as 0..1000000, the second not included")
    })
}

fn settings(args: &BootstrapArgs, shared: &Shared) -> Result<BootstrapSettings, Error> {
    let defaults = BootstrapSettings::default();
    let intervals: Vec<IntervalKind> =
        args.intervals.iter().map(|kind| kind.parse()).collect::<Result<_, _>>()?;
    Ok(BootstrapSettings {
        replicates: args.replicates.unwrap_or(defaults.replicates),
        range: args.range.as_deref().map(range).transpose()?,
        whole: args.replicates,
        statistic: statistic(args)?,
        resample: match args.resample {
            ResampleArg::Case => Resample::Case,
            ResampleArg::Stratified => Resample::Stratified,
            ResampleArg::Cluster => Resample::Cluster,
            ResampleArg::Bayesian => Resample::Bayesian,
            ResampleArg::Permutation => Resample::Permutation,
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
pub(super) fn calibration(text: &str) -> Result<Calibration, Error> {
    let parsed = text.split_once('x').and_then(|(outer, inner)| {
        Some(Calibration { outer: outer.parse().ok()?, inner: inner.parse().ok()? })
    });
    parsed.ok_or_else(|| {
        Error::usage("reading --calibrate")
            .found(format!("{text:?}"))
            .expected("two numbers such as 10000x1000")
    })
}
