//! `herscope sweep`.

use clap::Args;

use super::args::{CohortArgs, Shared};
use super::exit::ExitCode;
use super::output::{note, print_document};
use super::progress::{Progress, watch_interrupts};
use crate::Error;
use crate::compute::select;
use crate::io::cohort::{CohortRequest, read_cohort};
use crate::io::manifest::ManifestFile;
use crate::io::output_folder::OutputFolder;
use crate::pipeline::sweep::{MinGroup, SweepSettings, run_sweep};
use crate::pipeline::sweep_output::{sweep_text, write_sweep};

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) cohort: CohortArgs,
    /// Column of the marker, a number; subjects with at least a cut-off are compared with the rest
    #[arg(long, value_name = "COL")]
    pub(crate) cut_column: String,
    /// Subjects on either side of a cut-off at least: a share below 1, or a whole number [0.1]
    #[arg(long, value_name = "N|SHARE")]
    pub(crate) min_group: Option<String>,
    /// Permutations of the test of the best cut-off [1000000]
    #[arg(long, value_name = "N")]
    pub(crate) permutations: Option<u64>,
    /// Resamples in which the cut-off is chosen again [2000]
    #[arg(long, value_name = "N")]
    pub(crate) replicates: Option<u64>,
}

/// Runs the command.
pub(super) fn sweep(args: &SweepArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let settings = settings(args, shared)?;
    if !args.cohort.covariates.is_empty() {
        return Err(Error::usage("sweeping cut-offs")
            .found("--covariates")
            .expected("--cut-column alone: a cut-off is judged by itself"));
    }
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let request =
        CohortRequest { covariates: vec![args.cut_column.clone()], ..args.cohort.request()? };
    let cohort = read_cohort(&args.cohort.cohort, &request)?;
    let Ok(device) = shared.device.parse();
    let selection = select(&device)?;
    let name = selection.backend.device().name;
    note(shared.quiet, &format!("device: {name} ({})", selection.reason));
    if shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {} (chosen; set it with --seed)", settings.seed));
    }
    watch_interrupts();
    let document = {
        let progress = Progress::new(shared.quiet, "permuting");
        let report = |done, total| progress.at(done, total);
        run_sweep(&cohort, &settings, selection.backend.as_ref(), &report)?
    };
    let text = sweep_text(&document);
    if let Some(out) = out {
        let inputs = ManifestFile::of_inputs([args.cohort.cohort.as_path()])?;
        write_sweep(&out, (&document, &text), settings_json(args, &settings), inputs)?;
        out.commit()?;
    }
    print_document(shared, &document.warnings, &document, &text)?;
    Ok(ExitCode::Done)
}

fn settings(args: &SweepArgs, shared: &Shared) -> Result<SweepSettings, Error> {
    let defaults = SweepSettings::default();
    Ok(SweepSettings {
        min_group: args.min_group.as_deref().map_or(Ok(defaults.min_group), min_group)?,
        permutations: args.permutations.unwrap_or(defaults.permutations),
        replicates: args.replicates.unwrap_or(defaults.replicates),
        conf_level: shared.conf_level.unwrap_or(defaults.conf_level),
        seed: shared.seed.unwrap_or(defaults.seed),
    })
}

/// A whole number of subjects, or a share.
fn min_group(text: &str) -> Result<MinGroup, Error> {
    let count = text.parse().map(MinGroup::Count).ok();
    let share = || text.parse().map(MinGroup::Fraction).ok();
    count.or_else(share).ok_or_else(|| {
        Error::usage("reading --min-group")
            .found(format!("{text:?}"))
            .expected("a number of subjects such as 6, or a share such as 0.1")
    })
}

/// The settings as used, defaults included.
fn settings_json(args: &SweepArgs, settings: &SweepSettings) -> serde_json::Value {
    let min_group = match settings.min_group {
        MinGroup::Count(count) => serde_json::json!(count),
        MinGroup::Fraction(fraction) => serde_json::json!(fraction),
    };
    serde_json::json!({
        "cohort": args.cohort,
        "cut_column": args.cut_column,
        "min_group": min_group,
        "permutations": settings.permutations,
        "replicates": settings.replicates,
        "conf_level": settings.conf_level,
        "seed": settings.seed,
    })
}
