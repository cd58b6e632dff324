//! Profile likelihood and predictions of a joint model, as blocks of its document.

use serde::Serialize;

use crate::Error;
use crate::io::joint_tables::JointTables;
use crate::joint::{
    JointData, JointFit, JointModel, OpenSide, PredictionDraws, Refitter, predict_survival, profile,
};
use crate::report::number_format::significant;
use crate::survival::normal_quantile;

/// Profile likelihood limits of one association.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct ProfileBlock {
    pub name: String,
    /// Of the coefficient; null where open.
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub hazard_ratio_lower: Option<f64>,
    pub hazard_ratio_upper: Option<f64>,
    /// Why a limit is null.
    pub note: Option<String>,
    /// `[value, deviance]`, ascending.
    pub points: Vec<[f64; 2]>,
}

/// A subject whose survival is to be predicted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PredictionRequest {
    /// Identifiers of subjects.
    pub ids: Vec<String>,
    /// Markers up to this time are used.
    pub landmark: f64,
    /// Times of interest.
    pub horizons: Vec<f64>,
    /// Draws of the parameters for the limits.
    pub draws: usize,
}

/// Predicted survival of one subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct PredictionBlock {
    pub id: String,
    pub landmark: f64,
    pub n_visits_used: usize,
    pub survival: Vec<PredictionRow>,
    pub draws: usize,
    pub seed: u64,
}

/// Survival at one horizon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PredictionRow {
    pub time: f64,
    pub survival: f64,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

pub(super) fn profiles(
    model: &JointModel,
    data: &JointData,
    fit: &JointFit,
    conf_level: f64,
) -> Result<Vec<ProfileBlock>, Error> {
    let estimates: Option<Vec<f64>> = fit.parameters.iter().map(|one| one.estimate).collect();
    let Some(estimates) = estimates else { return Ok(Vec::new()) };
    let refitter = Refitter::new(model, data, fit)?;
    let quantile = normal_quantile(0.5 + conf_level / 2.0).powi(2);
    let one = |place: usize| {
        let parameter = &fit.parameters[place];
        let length = parameter.se.unwrap_or_else(|| 0.1 * estimates[place].abs().max(1.0));
        let found = profile(&refitter, place, (&estimates, fit.log_likelihood), length, quantile);
        let [lower, upper] = found.limits;
        let why = |side: &str, limit: Result<f64, OpenSide>| match limit {
            Ok(_) => None,
            Err(OpenSide::AboveTo(value)) => Some(format!(
                "no {side} limit: the likelihood stays above the level out to {}, so the data cannot \
                 exclude it",
                significant(value, 3)
            )),
            Err(OpenSide::SearchFailed) => Some(format!(
                "no {side} limit: the other parameters could not be fitted on the way"
            )),
        };
        let notes: Vec<String> =
            [why("lower", lower), why("upper", upper)].into_iter().flatten().collect();
        let name = parameter.name.split_once(':').map_or(&*parameter.name, |(_, name)| name);
        ProfileBlock {
            name: name.to_owned(),
            lower: lower.ok(),
            upper: upper.ok(),
            hazard_ratio_lower: lower.ok().map(f64::exp),
            hazard_ratio_upper: upper.ok().map(f64::exp),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            points: found.points.iter().map(|point| [point.value, point.deviance]).collect(),
        }
    };
    Ok(refitter.association().map(one).collect())
}

/// What can be seen to be wrong before anything is fitted.
pub(super) fn check_request(
    request: &PredictionRequest,
    tables: &JointTables,
) -> Result<(), Error> {
    let wrong = |found: String, expected: &str| {
        Err(Error::usage("predicting survival").found(found).expected(expected))
    };
    if let Some(id) = request.ids.iter().find(|id| !tables.ids.contains(id)) {
        return wrong(
            format!("no subject {id:?} among those in the model"),
            "identifiers of subjects with a visit",
        );
    }
    let landmark = request.landmark;
    let is_later = |horizon: &f64| horizon.is_finite() && *horizon > landmark;
    if !(landmark.is_finite() && landmark > 0.0 && request.horizons.iter().all(is_later)) {
        return wrong(
            format!("landmark {landmark}, horizons {:?}", request.horizons),
            "a landmark above 0 and horizons after it",
        );
    }
    Ok(())
}

pub(super) fn predictions(
    model: &JointModel,
    tables: &JointTables,
    fit: &JointFit,
    request: &PredictionRequest,
    (seed, conf_level): (u64, f64),
) -> Result<Vec<PredictionBlock>, Error> {
    let data = &tables.data;
    let draws = PredictionDraws { n: request.draws, seed, conf_level };
    let one = |id: &String| {
        let i = tables.ids.iter().position(|known| known == id).expect("checked before the fit");
        let rows =
            predict_survival(model, data, fit, i, request.landmark, &request.horizons, &draws)?;
        let used = data.visits(i).filter(|&visit| data.visit_time[visit] <= request.landmark);
        Ok(PredictionBlock {
            id: id.clone(),
            landmark: request.landmark,
            n_visits_used: used.count(),
            survival: rows
                .iter()
                .map(|row| PredictionRow {
                    time: row.time,
                    survival: row.survival,
                    lower: row.limits.map(|limits| limits.0),
                    upper: row.limits.map(|limits| limits.1),
                })
                .collect(),
            draws: request.draws,
            seed,
        })
    };
    request.ids.iter().map(one).collect()
}
