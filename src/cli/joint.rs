//! `herscope joint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::args::Shared;
use super::exit::ExitCode;
use super::output::{note, print_document};
use crate::Error;
use crate::compute::{CpuEngine, select};
use crate::io::cohort::CohortRequest;
use crate::io::joint_tables::{JointRequest, read_joint_tables};
use crate::io::manifest::ManifestFile;
use crate::io::output_folder::OutputFolder;
use crate::joint::{Association, Family, RandomEffects};
use crate::pipeline::joint::{
    BaselineKind, JointResample, JointSettings, Knots, PredictionRequest, joint_text, run_joint,
    write_joint,
};
use crate::survival::{ConfLevel, TieRepair};

/// What the model is.
const MODEL: &str = "\
The model: the marker's linear predictor is eta(t) = fixed effects + b0 (+ b1 t), with random effects
of each subject; the hazard is h(t) = h0(t) exp(covariates + alpha link(t)). Links: value is eta(t) (without
the exposure), slope its derivative in time, value+slope both, shared the random effects themselves, each
with its own alpha. Weibull: h0(t) = shape t^(shape-1) exp(intercept). Visits and follow-up share one clock.

Examples:
  herscope joint --long samples.csv --subjects patients.csv --id patient_id \\
    --visit-time days_from_enrolment --visit-unit days --marker 'log1p(n_her2pos_ctc)' \\
    --family gaussian --random intercept --association shared --time pfs_months --event pfs_event
  herscope joint --long visits.csv --subjects patients.csv --id id --visit-time month --marker ctc \\
    --family poisson --fixed month,her2 --random slope --association value --time time --event event";

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum FamilyArg {
    Gaussian,
    Poisson,
    Negbin,
}

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum RandomArg {
    Intercept,
    Slope,
}

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum BaselineArg {
    Weibull,
    Piecewise,
    Bspline,
}

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum JointResampleArg {
    Case,
    Parametric,
}

/// Draws of the parameters for the limits of a prediction.
const PREDICTION_DRAWS: usize = 500;

#[derive(Debug, Args, Serialize)]
#[command(after_help = MODEL)]
pub(crate) struct JointArgs {
    /// Visits: a CSV file with one row a visit
    #[arg(long, value_name = "LONG.csv")]
    long: PathBuf,
    /// Subjects: a CSV file with one row a subject
    #[arg(long, value_name = "SUBJECTS.csv")]
    subjects: PathBuf,
    /// Column of the subject, in both files
    #[arg(long, value_name = "COL")]
    id: String,
    /// Column of the time of a visit since the start of follow-up
    #[arg(long, value_name = "COL")]
    visit_time: String,
    /// Unit of the visits' times, if it is not that of follow-up
    #[arg(long, value_name = "UNIT", value_parser = ["days", "weeks", "months", "years"])]
    visit_unit: Option<String>,
    /// Column of the marker, or log(COL), log1p(COL), sqrt(COL)
    #[arg(long, value_name = "COL")]
    marker: String,
    /// Keep only visits where COL is one of these texts
    #[arg(long, value_name = "COL=A,B")]
    only: Option<String>,
    /// Distribution of the marker
    #[arg(long, value_enum)]
    family: FamilyArg,
    /// Terms beside the intercept: columns of LONG or SUBJECTS, products A:B, ns(TIME,DF); the visit
    /// time alone without it
    #[arg(long, value_name = "A,B,A:B", value_delimiter = ',')]
    fixed: Vec<String>,
    /// Column whose logarithm is added to the linear predictor of a count, such as a blood volume
    #[arg(long, value_name = "COL")]
    exposure: Option<String>,
    /// Random effects of a subject: its level, or its level and slope in time, correlated
    #[arg(long, value_enum, default_value = "intercept")]
    random: RandomArg,
    /// Column of follow-up time
    #[arg(long, value_name = "COL")]
    time: String,
    /// Unit of follow-up time
    #[arg(long, value_name = "UNIT", default_value = "months", value_parser = ["days", "weeks", "months", "years"])]
    time_unit: String,
    /// Column of the event, true for 1 or true
    #[arg(long, value_name = "COL")]
    event: String,
    /// The text that means an event
    #[arg(long, value_name = "V")]
    event_value: Option<String>,
    /// Column of the time from which a subject was followed
    #[arg(long, value_name = "COL")]
    entry: Option<String>,
    /// Covariates of the hazard
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    covariates: Vec<String>,
    /// What of the marker's trajectory the hazard depends on
    #[arg(long, value_parser = ["value", "slope", "value+slope", "shared"], default_value = "value")]
    association: String,
    /// Baseline hazard
    #[arg(long, value_enum, default_value = "weibull")]
    baseline: BaselineArg,
    /// Inner knots of the baseline: how many (at quantiles of the event times), or their times A,B
    #[arg(long, value_name = "K|A,B")]
    knots: Option<String>,
    /// Nodes of the quadrature a random effect
    #[arg(long, value_name = "Q", default_value_t = 15)]
    nodes: usize,
    /// Limits of the association by its profile likelihood
    #[arg(long)]
    profile: bool,
    /// Bootstrap replicates of the whole model
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    replicates: Option<u64>,
    /// What a replicate is: subjects drawn with replacement, or a cohort drawn from the fit
    #[arg(long, value_enum, default_value = "case")]
    resample: JointResampleArg,
    /// Test the association by exchanging the markers of subjects this many times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    permutations: Option<u64>,
    /// Predict the survival of these subjects from their markers up to --landmark
    #[arg(long, value_name = "ID,ID", value_delimiter = ',', requires_all = ["landmark", "horizons"])]
    predict: Vec<String>,
    /// Time up to which markers are known
    #[arg(long, value_name = "T", requires = "predict")]
    landmark: Option<f64>,
    /// Times of the predicted survival
    #[arg(long, value_name = "A,B", value_delimiter = ',', requires = "predict")]
    horizons: Vec<f64>,
    /// Exit with 6 unless the fit converged
    #[arg(long)]
    strict: bool,
}

/// Runs the command.
pub(super) fn joint(args: &JointArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let settings = settings(args, shared)?;
    let tables = read_joint_tables(&args.long, &args.subjects, &request(args)?)?;
    let draws = settings.bootstrap.is_some()
        || settings.permutations.is_some()
        || settings.prediction.is_some();
    if draws && shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {} (chosen; set it with --seed)", settings.seed));
    }
    let run = match settings.bootstrap {
        Some((JointResample::Case, _)) => {
            let Ok(device) = shared.device.parse();
            let selection = select(&device)?;
            let name = selection.backend.device().name;
            note(shared.quiet, &format!("device: {name} ({})", selection.reason));
            run_joint(&tables, &settings, selection.backend.as_ref())?
        }
        _ => {
            let why = "only the starts of a case bootstrap are chosen on a device";
            shared.refuse_gpu("fitting the joint model", why)?;
            run_joint(&tables, &settings, &CpuEngine::new())?
        }
    };
    let document = &run.document;
    let text = joint_text(document);
    if let Some(out) = out {
        let inputs = ManifestFile::of_inputs([args.long.as_path(), args.subjects.as_path()])?;
        write_joint(&out, (&run, &text), &tables, settings_json(args, &settings)?, inputs)?;
        out.commit()?;
    }
    print_document(shared, &document.warnings, document, &text)?;
    let trusted = document.status == "converged";
    Ok(if args.strict && !trusted { ExitCode::Untrusted } else { ExitCode::Done })
}

fn request(args: &JointArgs) -> Result<JointRequest, Error> {
    let only = args.only.as_ref().map(|text| match text.split_once('=') {
        Some((column, levels)) if !levels.is_empty() => {
            Ok((column.to_owned(), levels.split(',').map(str::to_owned).collect()))
        }
        _ => Err(Error::usage("reading --only")
            .found(format!("{text:?}"))
            .expected("COL=A,B, such as timepoint=T1,T2")),
    });
    Ok(JointRequest {
        id: args.id.clone(),
        visit_time: args.visit_time.clone(),
        visit_unit: args.visit_unit.as_deref().map(str::parse).transpose()?,
        marker: args.marker.clone(),
        only: only.transpose()?,
        fixed: args.fixed.clone(),
        exposure: args.exposure.clone(),
        subjects: CohortRequest {
            id: Some(args.id.clone()),
            time: Some(args.time.clone()),
            time_unit: args.time_unit.parse()?,
            // a likelihood of densities needs no merging of nearly equal times
            tie_repair: TieRepair::Keep,
            event: Some(args.event.clone()),
            event_value: args.event_value.clone(),
            entry: args.entry.clone(),
            covariates: args.covariates.clone(),
            ..CohortRequest::default()
        },
    })
}

fn settings(args: &JointArgs, shared: &Shared) -> Result<JointSettings, Error> {
    let family = match args.family {
        FamilyArg::Gaussian => Family::Gaussian,
        FamilyArg::Poisson => Family::Poisson,
        FamilyArg::Negbin => Family::NegativeBinomial,
    };
    if family == Family::Gaussian && args.exposure.is_some() {
        return Err(Error::usage("reading --exposure")
            .found("--exposure beside --family gaussian")
            .expected("--family poisson or negbin: an exposure belongs to counts"));
    }
    let resample = match args.resample {
        JointResampleArg::Case => JointResample::Case,
        JointResampleArg::Parametric => JointResample::Parametric,
    };
    let level = shared.conf_level.map_or(Ok(ConfLevel::DEFAULT), ConfLevel::new)?;
    Ok(JointSettings {
        family,
        random: match args.random {
            RandomArg::Intercept => RandomEffects::Intercept,
            RandomArg::Slope => RandomEffects::InterceptSlope,
        },
        association: match args.association.as_str() {
            "slope" => Association::Slope,
            "value+slope" => Association::ValueAndSlope,
            "shared" => Association::Shared,
            _ => Association::Value,
        },
        baseline: match args.baseline {
            BaselineArg::Weibull => BaselineKind::Weibull,
            BaselineArg::Piecewise => BaselineKind::Piecewise,
            BaselineArg::Bspline => BaselineKind::Bspline,
        },
        knots: args.knots.as_deref().map(knots).transpose()?,
        nodes: args.nodes,
        conf_level: level.get(),
        marker: args.marker.clone(),
        time_unit: args.time_unit.parse()?,
        profile: args.profile,
        bootstrap: args.replicates.map(|n| (resample, n as usize)),
        permutations: args.permutations,
        prediction: args.landmark.map(|landmark| PredictionRequest {
            ids: args.predict.clone(),
            landmark,
            horizons: args.horizons.clone(),
            draws: PREDICTION_DRAWS,
        }),
        seed: shared.seed.unwrap_or(1),
    })
}

/// A whole number is how many; anything with a point or a comma is where.
fn knots(text: &str) -> Result<Knots, Error> {
    let wrong = || {
        Error::usage("reading --knots")
            .found(format!("{text:?}"))
            .expected("a number of inner knots from 0 to 50, such as 6, or times such as 3.5,8.0")
    };
    if let Ok(count) = text.parse::<usize>() {
        return if count <= 50 { Ok(Knots::Count(count)) } else { Err(wrong()) };
    }
    let times: Option<Vec<f64>> = text
        .split(',')
        .map(|time| time.trim().parse().ok().filter(|t: &f64| t.is_finite()))
        .collect();
    times.map(Knots::At).ok_or_else(wrong)
}

/// The settings as used, defaults included.
fn settings_json(args: &JointArgs, settings: &JointSettings) -> Result<serde_json::Value, Error> {
    let mut value = serde_json::to_value(args)
        .map_err(|error| Error::output("writing the manifest").caused_by(error))?;
    value["conf_level"] = settings.conf_level.into();
    Ok(value)
}
