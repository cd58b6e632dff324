//! Firth's penalised Cox regression: finite estimates where the likelihood is monotone.

use super::cox::{ChiSquaredTest, CoxData, Ties};
use super::cox_likelihood::{
    Derivatives, Ending, Limits, LongSteps, Objective, PartialLikelihood, PenalizedLikelihood,
    maximise,
};
use super::direction::DirectionKind;
use super::profile::{Profile, Side};
use super::risk_set::RiskSets;
use crate::Error;

/// Steps with the gradient's differences for a Hessian gain some five digits each.
const LIMITS: Limits = Limits { max_iterations: 200, tolerance: 1e-11 };

/// One term of a penalised fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FirthTerm {
    /// The covariate's name.
    pub name: String,
    /// Penalised log hazard ratio; `None` if the data do not identify it.
    pub coef: Option<f64>,
    /// Standard error from the information of the plain likelihood at the estimate.
    pub se: Option<f64>,
    /// Lower profile limit of the coefficient; `None` if unbounded.
    pub lower: Option<f64>,
    /// Upper profile limit of the coefficient; `None` if unbounded.
    pub upper: Option<f64>,
    /// p of the penalised likelihood ratio test of this term.
    pub p: Option<f64>,
}

/// A penalised fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FirthFit {
    /// Treatment of tied events.
    pub ties: Ties,
    /// Whether the maximum, every limit and every test were reached.
    pub converged: bool,
    /// One term a covariate, in order.
    pub terms: Vec<FirthTerm>,
    /// Penalised log likelihood with every coefficient zero. Both values hold a constant of the
    /// covariates' scale; only their difference compares across programs.
    pub penalized_log_likelihood_null: f64,
    /// Penalised log likelihood at the maximum.
    pub penalized_log_likelihood: f64,
    /// Penalised likelihood ratio test of no effect.
    pub likelihood_ratio: ChiSquaredTest,
}

/// Fits a Cox model by penalised partial likelihood, with profile limits at `conf_level`.
///
/// `None` if no covariate is identified (no event, or all constant). Of collinear columns the
/// later ones have no estimate.
///
/// # Errors
/// As [`fit_cox`](super::fit_cox), and exact ties, for which the penalty is not implemented.
///
/// # Source
/// Heinze and Schemper 2001, Biometrics 57:114 (penalty, profile limits and test), with their
/// modified score for Breslow's ties and the same construction for Efron's. Limits and p of a term
/// penalise with the determinant over all terms, as R's `coxphf` does.
pub fn fit_firth(data: &CoxData, ties: Ties, conf_level: f64) -> Result<Option<FirthFit>, Error> {
    fit(data, ties, Some(conf_level))
}

/// The same without profile limits and their tests, which cost far more than the estimate.
///
/// # Errors
/// As [`fit_firth`].
pub(crate) fn estimate_firth(data: &CoxData, ties: Ties) -> Result<Option<FirthFit>, Error> {
    fit(data, ties, None)
}

fn fit(data: &CoxData, ties: Ties, conf_level: Option<f64>) -> Result<Option<FirthFit>, Error> {
    let doing = "fitting the penalised Cox model";
    data.validate(doing)?;
    if ties == Ties::Exact {
        return Err(Error::usage(doing)
            .found("exact ties")
            .expected("Efron's or Breslow's method for a penalised fit"));
    }
    let sets = RiskSets::new(data);
    let zero = vec![0.0; sets.p];
    let plain = PartialLikelihood { sets: &sets, ties };
    let active = identified_columns(&sets, &plain.derivatives(&zero), ties);
    if !active.contains(&true) {
        return Ok(None);
    }
    let objective = PenalizedLikelihood { likelihood: plain, active: active.clone() };
    let null = objective.derivatives(&zero);
    let best = maximise(&objective, &zero, &active, LIMITS, LongSteps::Accept);
    let Some((inverse, _)) = objective.inverse_and_log_det(&best.at.information) else {
        return Ok(None);
    };
    let mut converged = best.ending == Ending::Converged;
    let terms = (0..sets.p)
        .map(|k| {
            let name = data.covariates[k].name.clone();
            if !active[k] {
                let (coef, se, lower, upper, p) = (None, None, None, None, None);
                return FirthTerm { name, coef, se, lower, upper, p };
            }
            let scale = sets.scale[k];
            let se = inverse[(k, k)].sqrt();
            let profile = Profile {
                objective: &objective,
                free: &active,
                term: k,
                top: best.at.value,
                start: &best.beta,
                limits: LIMITS,
            };
            let mut limit = |side| match conf_level {
                None => None,
                Some(conf_level) => match profile.limit(side, se, conf_level) {
                    Ok(limit) => limit.map(|limit| limit / scale),
                    Err(_) => {
                        converged = false;
                        None
                    }
                },
            };
            let (lower, upper) = (limit(Side::Lower), limit(Side::Upper));
            let p = conf_level.map(|_| profile.test_of_zero());
            converged &= p.as_ref().is_none_or(Result::is_ok);
            FirthTerm {
                name,
                coef: Some(best.beta[k] / scale),
                se: Some(se / scale),
                lower,
                upper,
                p: p.and_then(Result::ok),
            }
        })
        .collect();
    // Back to the covariates' own scale: the information there is scale * information * scale.
    let log_scales: f64 = (0..sets.p).filter(|&k| active[k]).map(|k| sets.scale[k].ln()).sum();
    let df = active.iter().filter(|&&k| k).count();
    Ok(Some(FirthFit {
        ties,
        converged,
        terms,
        penalized_log_likelihood_null: null.value + log_scales,
        penalized_log_likelihood: best.at.value + log_scales,
        likelihood_ratio: ChiSquaredTest::new(2.0 * (best.at.value - null.value), df),
    }))
}

fn identified_columns(sets: &RiskSets, null: &Derivatives, ties: Ties) -> Vec<bool> {
    let mut active: Vec<bool> = super::cox_fit::column_kinds(sets, ties)
        .iter()
        .map(|kind| *kind != DirectionKind::Flat)
        .collect();
    let candidates: Vec<usize> = (0..sets.p).filter(|&k| active[k]).collect();
    for k in super::cox_fit::collinear_columns(&null.information, &candidates) {
        active[k] = false;
    }
    active
}
