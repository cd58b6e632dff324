//! `joint`: from two tables to the document of a joint model.

mod comparison;
mod document;
mod extras;
mod note;
mod output;
mod resampling;
mod text;

pub use comparison::{ComparedTerm, ComparisonBlock};
pub use document::JointDocument;
pub use extras::{PredictionBlock, PredictionRequest, PredictionRow, ProfileBlock};
pub use output::write_joint;
pub use resampling::{BootstrapTerm, JointBootstrap, JointPermutation, JointResample};
pub use text::joint_text;

use crate::compute::Backend;
use crate::io::joint_tables::JointTables;
use crate::io::manifest::software;
use crate::joint::{
    Association, Baseline, CubicSplines, Family, JointData, JointFit, JointModel, JointOptions,
    JointStatus, RandomEffects, fit_joint,
};
use crate::units::TimeUnit;
use crate::{Error, Warning};
use document::{Blocks, METHOD, StartsBlock};

/// Inner knots of a piecewise baseline unless told, as far as events allow.
const KNOTS: usize = 6;

/// Events between two of them at least.
const EVENTS_A_PIECE: usize = 5;

/// Inner knots of a spline baseline unless told.
const SPLINE_KNOTS: usize = 2;

/// A baseline by name, before its knots are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BaselineKind {
    /// Weibull.
    Weibull,
    /// Piecewise constant.
    Piecewise,
    /// A cubic spline of the log hazard.
    Bspline,
}

/// Where the inner knots of a baseline lie.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Knots {
    /// This many, at quantiles of the event times.
    Count(usize),
    /// At these times.
    At(Vec<f64>),
}

/// Choices of `joint`.
#[derive(Clone, Debug, PartialEq)]
pub struct JointSettings {
    /// Distribution of the marker.
    pub family: Family,
    /// Random effects.
    pub random: RandomEffects,
    /// What ties marker and hazard.
    pub association: Association,
    /// Baseline hazard.
    pub baseline: BaselineKind,
    /// Its knots.
    pub knots: Option<Knots>,
    /// Nodes a random effect.
    pub nodes: usize,
    /// Level of all intervals.
    pub conf_level: f64,
    /// Name of the marker in the results.
    pub marker: String,
    /// Unit of times.
    pub time_unit: TimeUnit,
    /// Limits of the association by its profile likelihood.
    pub profile: bool,
    /// Bootstrap: how, and how many replicates.
    pub bootstrap: Option<(JointResample, usize)>,
    /// Permutations of the test of the association.
    pub permutations: Option<u64>,
    /// Subjects to predict.
    pub prediction: Option<PredictionRequest>,
    /// Seed of all draws.
    pub seed: u64,
}

/// A run: the document, and what its files need beside it.
#[derive(Clone, Debug)]
pub struct JointRun {
    /// The document.
    pub document: JointDocument,
    /// The model with its knots.
    pub model: JointModel,
    /// The fit.
    pub fit: JointFit,
}

/// Fits the model and describes it; `backend` chooses the starts of a case bootstrap.
///
/// # Errors
/// As [`fit_joint`]; knots that a baseline cannot have.
pub fn run_joint(
    tables: &JointTables,
    settings: &JointSettings,
    backend: &dyn Backend,
) -> Result<JointRun, Error> {
    let data = &tables.data;
    let model = JointModel {
        family: settings.family,
        random: settings.random,
        association: settings.association,
        baseline: baseline(data, settings)?,
    };
    if let Some(request) = &settings.prediction {
        extras::check_request(request, tables)?;
    }
    let fit = fit_joint(&model, data, &JointOptions { nodes: settings.nodes })?;
    let blocks = Blocks { fit: &fit, model: &model, conf_level: settings.conf_level };
    let whole = (&model, data, &fit);
    let draws = (settings.seed, settings.conf_level);
    let bootstrap = settings.bootstrap.filter(|_| fit.status == JointStatus::Converged);
    let bootstrap = bootstrap.map(|(how, n)| resampling::bootstrap(whole, how, n, draws, backend));
    let permutation = settings
        .permutations
        .map(|n| resampling::permute(&model, data, settings.nodes, n, settings.seed));
    let profile =
        settings.profile.then(|| extras::profiles(&model, data, &fit, settings.conf_level));
    let has_association = fit.association()[0].estimate.is_some();
    let mut warnings = tables.warnings.clone();
    if settings.prediction.is_some() && !has_association {
        let message = format!("no prediction: the fit is {}", fit.status.name());
        warnings.push(Warning::new("not_predicted", message));
    }
    let prediction = settings
        .prediction
        .as_ref()
        .filter(|_| has_association)
        .map(|request| extras::predictions(&model, tables, &fit, request, draws));
    let n = data.n_subjects();
    let n_parameters = fit.parameters.len();
    let log_likelihood = fit.has_estimates().then_some(fit.log_likelihood);
    let criterion = |price: f64| log_likelihood.map(|l| price * n_parameters as f64 - 2.0 * l);
    let document = JointDocument {
        schema_version: 1,
        command: "joint",
        warnings,
        n,
        n_events: data.n_events(),
        n_observations: data.marker.len(),
        n_subjects_dropped: tables.n_subjects_dropped,
        n_visits_dropped: tables.n_visits_dropped,
        marker: settings.marker.clone(),
        time_unit: settings.time_unit.name(),
        conf_level: settings.conf_level,
        seed: settings.seed,
        log_likelihood,
        aic: criterion(2.0),
        bic: criterion((n as f64).ln()),
        n_parameters,
        nodes: fit.nodes,
        status: fit.status.name(),
        status_reason: fit.status.reason(),
        starts: StartsBlock { tried: fit.starts.0, agreed: fit.starts.1 },
        longitudinal: blocks.longitudinal(),
        survival: blocks.survival(),
        association_tests: blocks.association(note::association_note(&fit, data)),
        parameters: blocks.parameters(),
        variance: blocks.variance(),
        profile: profile.transpose()?,
        bootstrap: bootstrap.transpose()?,
        permutation: permutation.transpose()?.flatten(),
        predictions: prediction.transpose()?,
        comparison: comparison::compare(whole)?,
        method: METHOD,
        version: software(),
    };
    Ok(JointRun { document, model, fit })
}

/// The baseline with its knots.
fn baseline(data: &JointData, settings: &JointSettings) -> Result<Baseline, Error> {
    let last = data.time.iter().copied().fold(0.0, f64::max);
    let knots = |default: usize| match &settings.knots {
        Some(Knots::At(knots)) => {
            let ascending = knots.windows(2).all(|pair| pair[0] < pair[1]);
            if ascending && knots.iter().all(|&knot| knot > 0.0 && knot < last) {
                return Ok(knots.clone());
            }
            Err(Error::usage("placing the knots of the baseline")
                .found(format!("{knots:?}"))
                .expected(format!("ascending times between 0 and the last time, {last}")))
        }
        Some(Knots::Count(n)) => Ok(data.event_quantiles(*n)),
        None => Ok(data.event_quantiles(default)),
    };
    Ok(match settings.baseline {
        BaselineKind::Weibull if settings.knots.is_some() => {
            return Err(Error::usage("placing the knots of the baseline")
                .found("--knots beside --baseline weibull")
                .expected("--baseline piecewise or bspline, which have knots"));
        }
        BaselineKind::Weibull => Baseline::Weibull,
        BaselineKind::Piecewise => {
            let pieces = data.n_events() / EVENTS_A_PIECE;
            Baseline::Piecewise { knots: knots(KNOTS.min(pieces.saturating_sub(1)))? }
        }
        BaselineKind::Bspline => {
            Baseline::Spline { basis: CubicSplines::new((0.0, last), &knots(SPLINE_KNOTS)?) }
        }
    })
}
