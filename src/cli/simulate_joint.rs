//! `herscope simulate joint`.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::args::Shared;
use super::exit::ExitCode;
use super::output::{note, print_document};
use crate::Error;
use crate::io::output_folder::OutputFolder;
use crate::joint::{
    Association, Baseline, CohortPlan, Family, JointModel, JointTruth, RandomEffects,
};
use crate::pipeline::simulate_joint::{SimulateJointSettings, simulate_joint};

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum SimulatedFamily {
    Gaussian,
    Poisson,
    Negbin,
}

/// The defaults are those of a published-size study of CTC counts: three of ten with HER2-positive
/// cells, a count of about 2.5 that falls by a tenth a month, and a hazard that rises with it.
#[derive(Debug, Args, Serialize)]
pub(super) struct SimulateJointArgs {
    /// Subjects
    #[arg(long, value_name = "N", default_value_t = 300)]
    n: usize,
    /// Distribution of the marker
    #[arg(long, value_enum, default_value = "poisson")]
    family: SimulatedFamily,
    /// Planned visits in months; those after the event do not take place
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', default_value = "0,1.5,3")]
    visits: Vec<f64>,
    /// Share of subjects whose covariate her2 is 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    prevalence: f64,
    /// Follow-up without an event ends between these months
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "6,24")]
    follow_up: Vec<f64>,
    /// Fixed effects of the marker: intercept, month, her2
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        default_value = "1,-0.1,0.4",
        allow_hyphen_values = true
    )]
    fixed: Vec<f64>,
    /// Standard deviation of the random intercept; with a second one and a correlation, of a slope
    #[arg(
        long,
        value_name = "SD[,SD,R]",
        value_delimiter = ',',
        default_value = "1.3",
        allow_hyphen_values = true
    )]
    random: Vec<f64>,
    /// Residual SD of a gaussian marker, or dispersion of a negative binomial one
    #[arg(long, value_name = "V", default_value_t = 0.5)]
    scale: f64,
    /// Shape and intercept of the Weibull hazard
    #[arg(
        long,
        value_name = "SHAPE,INTERCEPT",
        value_delimiter = ',',
        default_value = "1.3,-3.6",
        allow_hyphen_values = true
    )]
    hazard: Vec<f64>,
    /// Log hazard ratio of her2
    #[arg(long, value_name = "V", default_value_t = 0.3, allow_hyphen_values = true)]
    gamma: f64,
    /// Log hazard ratio of one unit of the marker's linear predictor
    #[arg(long, value_name = "V", default_value_t = 0.35, allow_hyphen_values = true)]
    alpha: f64,
}

/// Runs the command.
pub(super) fn joint(args: &SimulateJointArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let out = shared.out.as_deref().ok_or_else(|| {
        Error::usage("simulating a cohort").found("no --out").expected("--out DIR for its tables")
    })?;
    let seed = shared.seed.unwrap_or(1);
    let settings = settings(args, seed)?;
    let folder = OutputFolder::create(out, shared.force)?;
    if shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {seed} (chosen; set it with --seed)"));
    }
    let mut values = serde_json::to_value(args)
        .map_err(|error| Error::output("writing the manifest").caused_by(error))?;
    values["seed"] = seed.into();
    let document = simulate_joint(&folder, &settings, values)?;
    let folder = folder.commit()?;
    let text = format!(
        "{} subjects, {} events, {} visits in {}\n",
        document.n,
        document.n_events,
        document.n_observations,
        folder.display()
    );
    print_document(shared, &[], &document, &text)?;
    Ok(ExitCode::Done)
}

fn settings(args: &SimulateJointArgs, seed: u64) -> Result<SimulateJointSettings, Error> {
    let wrong = |found: String, expected: &str| {
        Err(Error::usage("simulating a cohort").found(found).expected(expected))
    };
    let numbers = (args.visits.iter().chain(&args.follow_up).chain(&args.fixed))
        .chain(args.random.iter().chain(&args.hazard))
        .chain([&args.prevalence, &args.scale, &args.gamma, &args.alpha]);
    if let Some(bad) = numbers.into_iter().find(|number| !number.is_finite()) {
        return wrong(bad.to_string(), "finite numbers");
    }
    let ascending = args.visits.windows(2).all(|pair| pair[0] < pair[1]);
    if args.visits.is_empty() || !ascending || args.visits[0] < 0.0 {
        return wrong(format!("--visits {:?}", args.visits), "ascending months from 0");
    }
    let (&[first, last], &[intercept, month, her2], &[shape, hazard_intercept]) =
        (args.follow_up.as_slice(), args.fixed.as_slice(), args.hazard.as_slice())
    else {
        return wrong(
            "another number of values".into(),
            "two for --follow-up, three for --fixed, two for --hazard",
        );
    };
    if !(first > 0.0 && last >= first && shape > 0.0 && (0.0..=1.0).contains(&args.prevalence)) {
        return wrong(
            format!("--follow-up {first},{last}, shape {shape}, --prevalence {}", args.prevalence),
            "0 < A <= B, a shape above 0, a share from 0 to 1",
        );
    }
    if !(1..1 << 21).contains(&args.n) || args.scale <= 0.0 {
        return wrong(
            format!("--n {}, --scale {}", args.n, args.scale),
            "1 to 2097151 subjects, a scale above 0",
        );
    }
    let covariance: Vec<(&str, f64)> = match *args.random.as_slice() {
        [sd] if sd > 0.0 => vec![("log_sd_intercept", sd.ln())],
        [sd, slope, r] if sd > 0.0 && slope > 0.0 && r.abs() < 1.0 => vec![
            ("log_sd_intercept", sd.ln()),
            ("log_sd_slope", slope.ln()),
            ("atanh_correlation", r.atanh()),
        ],
        _ => {
            return wrong(
                format!("--random {:?}", args.random),
                "an SD above 0, or two and a correlation within -1 and 1",
            );
        }
    };
    let family = match args.family {
        SimulatedFamily::Gaussian => Family::Gaussian,
        SimulatedFamily::Poisson => Family::Poisson,
        SimulatedFamily::Negbin => Family::NegativeBinomial,
    };
    let mut named = vec![("(Intercept)", intercept), ("month", month), ("her2", her2)];
    match family {
        Family::Gaussian => named.push(("log_residual_sd", args.scale.ln())),
        Family::Poisson => {}
        Family::NegativeBinomial => named.push(("log_dispersion", args.scale.ln())),
    }
    let random = if covariance.len() == 1 {
        RandomEffects::Intercept
    } else {
        RandomEffects::InterceptSlope
    };
    named.extend(covariance);
    named.extend([
        ("log_shape", shape.ln()),
        ("hazard_intercept", hazard_intercept),
        ("hazard:her2", args.gamma),
        ("association:value", args.alpha),
    ]);
    Ok(SimulateJointSettings {
        plan: CohortPlan {
            n: args.n,
            visits: args.visits.clone(),
            prevalence: args.prevalence,
            follow_up: (first, last),
        },
        truth: JointTruth {
            model: JointModel {
                family,
                random,
                association: Association::Value,
                baseline: Baseline::Weibull,
            },
            parameters: named.iter().map(|one| one.1).collect(),
        },
        names: named.iter().map(|one| one.0.to_owned()).collect(),
        seed,
    })
}
