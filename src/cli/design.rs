//! `herscope design`.

use clap::Args;

use super::args::{CohortArgs, Shared};
use super::coverage::SIMULATED_ON_CPU;
use super::exit::ExitCode;
use super::output::{note, print_document};
use super::progress::{Progress, watch_interrupts};
use crate::Error;
use crate::io::cohort::read_cohort;
use crate::io::manifest::ManifestFile;
use crate::io::output_folder::OutputFolder;
use crate::pipeline::design::{DesignSettings, run_design};
use crate::pipeline::design_output::{design_text, write_design};

#[derive(Debug, Args)]
pub(crate) struct DesignArgs {
    #[command(flatten)]
    pub(crate) cohort: CohortArgs,
    /// True hazard ratios
    #[arg(long, value_name = "HR[,HR..]", value_delimiter = ',', required = true)]
    pub(crate) hr: Vec<f64>,
    /// Numbers of subjects
    #[arg(long, value_name = "N[,N..]", value_delimiter = ',', required = true)]
    pub(crate) n: Vec<usize>,
    /// Shares of the subjects in the second level of the group
    #[arg(long, value_name = "P[,P..]", value_delimiter = ',', required = true)]
    pub(crate) prevalence: Vec<f64>,
    /// Trials of each combination
    #[arg(long, value_name = "S", default_value_t = 2_000)]
    pub(crate) simulations: u64,
    /// Two-sided level of the tests
    #[arg(long, value_name = "A", default_value_t = 0.05)]
    pub(crate) alpha: f64,
    /// Multiply the cohort's censoring times by this
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    pub(crate) followup_factor: f64,
}

/// Runs the command.
pub(super) fn design(args: &DesignArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let settings = DesignSettings {
        hazard_ratios: args.hr.clone(),
        sizes: args.n.clone(),
        prevalences: args.prevalence.clone(),
        simulations: args.simulations,
        alpha: args.alpha,
        follow_up_factor: args.followup_factor,
        conf_level: shared.conf_level.unwrap_or(0.95),
        seed: shared.seed.unwrap_or(1),
    };
    shared.refuse_gpu("planning a study", SIMULATED_ON_CPU)?;
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let cohort = read_cohort(&args.cohort.cohort, &args.cohort.request()?)?;
    if shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {} (chosen; set it with --seed)", settings.seed));
    }
    watch_interrupts();
    let document = {
        let progress = Progress::new(shared.quiet, "simulating");
        run_design(&cohort, &settings, &|done, total| progress.at(done, total))?
    };
    let text = design_text(&document);
    if let Some(out) = out {
        let inputs = ManifestFile::of_inputs([args.cohort.cohort.as_path()])?;
        write_design(&out, (&document, &text), settings_json(args, &settings), inputs)?;
        out.commit()?;
    }
    print_document(shared, &document.warnings, &document, &text)?;
    Ok(ExitCode::Done)
}

/// The settings as used, defaults included.
fn settings_json(args: &DesignArgs, settings: &DesignSettings) -> serde_json::Value {
    serde_json::json!({
        "cohort": args.cohort,
        "hr": settings.hazard_ratios,
        "n": settings.sizes,
        "prevalence": settings.prevalences,
        "simulations": settings.simulations,
        "alpha": settings.alpha,
        "followup_factor": settings.follow_up_factor,
        "conf_level": settings.conf_level,
        "seed": settings.seed,
    })
}
