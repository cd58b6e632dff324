//! The regression blocks of the `survive` document.

use super::cox_extras::{baseline_curves, predicted_curves, residuals_block};
use super::survive::SurviveSettings;
use crate::report::{
    ChiSquared, Concordance as ConcordanceBlock, Cox, CoxTests, Firth, FirthTerm as FirthTermBlock,
    HazardRatioLimits, PhTerm, PhTest as PhTestBlock, PredictedCurve, Residuals, Term,
};
use crate::survival::{
    ChiSquaredTest, Cohort, CoxData, CoxFit, CoxOptions, CoxStatus, CoxTerm, DesignMatrix,
    FirthFit, FirthTerm, PhTest, Ties, cox_zph, design_matrix, fit_cox, fit_firth, profile_limits,
};
use crate::{Error, Warning};

/// The regression blocks; all `None` without a group and covariates.
#[derive(Default)]
pub(super) struct CoxBlocks {
    pub(super) cox: Option<Cox>,
    pub(super) ph_test: Option<PhTestBlock>,
    pub(super) firth: Option<Firth>,
    pub(super) baseline: Option<Vec<PredictedCurve>>,
    pub(super) predictions: Option<Vec<PredictedCurve>>,
    pub(super) residuals: Option<Residuals>,
}

/// A fitted model with what it was fitted to.
pub(super) struct Fitted<'a> {
    pub(super) cohort: &'a Cohort,
    pub(super) data: CoxData,
    pub(super) fit: CoxFit,
}

impl Fitted<'_> {
    /// The cohort's rows in the model, in its order.
    pub(super) fn rows(&self) -> Vec<usize> {
        model_rows(self.cohort)
    }
}

/// The rows with every covariate. In order of time the walks over risk sets read memory forwards.
fn model_rows(cohort: &Cohort) -> Vec<usize> {
    cohort.outcome.rows_in_time_order(|row| cohort.is_complete(row))
}

/// Fits the cohort's group and covariates on the rows that have them all.
pub(super) fn fit_cox_blocks(
    cohort: &Cohort,
    settings: &SurviveSettings,
    warnings: &mut Vec<Warning>,
) -> Result<CoxBlocks, Error> {
    if cohort.group.is_none() && cohort.terms.is_empty() {
        return Ok(CoxBlocks::default());
    }
    let rows = model_rows(cohort);
    warnings.extend(warn_of_incomplete_rows(cohort, rows.len()));
    let DesignMatrix { columns, warnings: design_warnings } = design_matrix(cohort, &rows);
    warnings.extend(design_warnings);
    if columns.is_empty() {
        let cox = Some(block_without_terms(cohort, &rows, settings.ties));
        return Ok(CoxBlocks { cox, ..CoxBlocks::default() });
    }
    let data = CoxData {
        outcome: cohort.outcome.select(&rows),
        covariates: columns,
        strata: cohort.strata.as_ref().and_then(|strata| strata.codes_of(&rows)),
        cluster: cohort.cluster.as_ref().and_then(|cluster| cluster.codes_of(&rows)),
    };
    drop(rows);
    let fractional = (data.outcome.weight().unwrap_or_default().iter()).any(|w| w.fract() != 0.0);
    warnings.extend((fractional && !settings.robust).then(warn_of_fractional_weights));
    let robust = settings.robust || data.cluster.is_some() || fractional;
    let options = CoxOptions { ties: settings.ties, robust, ..CoxOptions::default() };
    let fit = fit_cox(&data, &options)?;
    warnings.extend(warn_of_status(&fit.status));
    let conf_level = settings.confidence.level.get();
    let firth = if settings.firth { fit_firth(&data, settings.ties, conf_level)? } else { None };
    warnings.extend(firth.as_ref().and_then(warn_of_firth));
    let fitted = Fitted { cohort, data, fit };
    let new_subjects = settings.new_subjects.as_ref();
    let blocks = CoxBlocks {
        cox: Some(cox_block(&fitted, settings)?),
        ph_test: cox_zph(&fitted.data, &fitted.fit, settings.zph).map(ph_test_block),
        firth: firth.map(firth_block),
        baseline: settings.baseline.then(|| baseline_curves(&fitted, conf_level)).flatten(),
        predictions: match new_subjects {
            Some(subjects) => predicted_curves(&fitted, subjects, conf_level)?,
            None => None,
        },
        residuals: settings.residuals.then(|| residuals_block(&fitted)).flatten(),
    };
    warnings.extend(warn_of_withheld(&blocks, settings));
    Ok(blocks)
}

/// What was asked for and cannot be had without a finite estimate.
fn warn_of_withheld(blocks: &CoxBlocks, settings: &SurviveSettings) -> Option<Warning> {
    let wanted = [
        (settings.baseline && blocks.baseline.is_none(), "baseline"),
        (settings.new_subjects.is_some() && blocks.predictions.is_none(), "predictions"),
        (settings.residuals && blocks.residuals.is_none(), "residuals"),
    ];
    let missing: Vec<&str> =
        wanted.into_iter().filter_map(|(missing, name)| missing.then_some(name)).collect();
    (!missing.is_empty()).then(|| {
        let message = format!(
            "not available: {}; they need a finite estimate by Efron's or Breslow's method",
            missing.join(", ")
        );
        Warning::new("cox_without_estimate", message)
    })
}

fn cox_block(fitted: &Fitted<'_>, settings: &SurviveSettings) -> Result<Cox, Error> {
    let Fitted { data, fit, .. } = fitted;
    let concordance = fit.concordance(data)?;
    let terms = (0..fit.terms.len()).map(|index| term_block(fitted, index, settings)).collect();
    Ok(Cox {
        ties: ties_name(fit.ties).to_owned(),
        n: fit.n as u64,
        n_events: fit.n_events as u64,
        status: fit.status.name().to_owned(),
        partial_log_likelihood_null: Some(fit.partial_log_likelihood_null),
        partial_log_likelihood: Some(fit.partial_log_likelihood),
        terms,
        tests: CoxTests {
            likelihood_ratio: Some(chi_squared_block(fit.likelihood_ratio)),
            wald: fit.wald.map(chi_squared_block),
            score: Some(chi_squared_block(fit.score)),
        },
        concordance: Some(ConcordanceBlock {
            estimate: concordance.estimate,
            std_err: concordance.std_err,
        }),
    })
}

fn term_block(fitted: &Fitted<'_>, index: usize, settings: &SurviveSettings) -> Term {
    let Fitted { data, fit, .. } = fitted;
    let term: &CoxTerm = &fit.terms[index];
    let conf_level = settings.confidence.level.get();
    let limits = term.hazard_ratio_limits(conf_level);
    let profile = || {
        let limits = profile_limits(data, fit, index, conf_level);
        HazardRatioLimits {
            lower: limits.and_then(|limits| limits.lower).map(f64::exp),
            upper: limits.and_then(|limits| limits.upper).map(f64::exp),
        }
    };
    Term {
        name: term.name.clone(),
        coef: term.coef,
        se: term.se,
        z: term.z(),
        p: term.p(),
        hazard_ratio: term.hazard_ratio(),
        lower: limits.map(|(lower, _)| lower),
        upper: limits.map(|(_, upper)| upper),
        limit: term.limit.map(|limit| limit.name().to_owned()),
        naive_se: fit.robust_variance.as_ref().and(term.naive_se),
        profile: settings.profile.then(profile),
    }
}

fn chi_squared_block(test: ChiSquaredTest) -> ChiSquared {
    ChiSquared { chisq: Some(test.chisq), df: test.df as u64, p: Some(test.p) }
}

fn ph_test_block(test: PhTest) -> PhTestBlock {
    let term =
        |(name, test): (String, ChiSquaredTest)| PhTerm { name, test: chi_squared_block(test) };
    PhTestBlock {
        transform: test.transform.name().to_owned(),
        terms: test.terms.into_iter().map(term).collect(),
        global: Some(chi_squared_block(test.global)),
    }
}

fn firth_block(fit: FirthFit) -> Firth {
    let term = |term: FirthTerm| FirthTermBlock {
        name: term.name,
        coef: term.coef,
        se: term.se,
        hazard_ratio: term.coef.map(f64::exp),
        lower: term.lower.map(f64::exp),
        upper: term.upper.map(f64::exp),
        p: term.p,
    };
    Firth {
        terms: fit.terms.into_iter().map(term).collect(),
        penalized_log_likelihood: Some(fit.penalized_log_likelihood),
    }
}

/// Weights that are no counts of copies: the information is not the inverse variance. As R does.
fn warn_of_fractional_weights() -> Warning {
    let message = "weights are not whole numbers, so the Cox model's standard errors are robust";
    Warning::new("robust_for_weights", message)
}

fn warn_of_firth(fit: &FirthFit) -> Option<Warning> {
    let message = "the penalised Cox model did not converge; do not use it";
    (!fit.converged).then(|| Warning::new("firth_max_iterations", message))
}

/// What is left to say when no column varies: a group with one level and no covariate.
fn block_without_terms(cohort: &Cohort, rows: &[usize], ties: Ties) -> Cox {
    let outcome = cohort.outcome.select(rows);
    Cox {
        ties: ties_name(ties).to_owned(),
        n: outcome.len() as u64,
        n_events: outcome.n_events() as u64,
        status: "not_identified".to_owned(),
        concordance: Some(ConcordanceBlock::default()),
        ..Cox::default()
    }
}

fn ties_name(ties: Ties) -> &'static str {
    match ties {
        Ties::Efron => "efron",
        Ties::Breslow => "breslow",
        Ties::Exact => "exact",
    }
}

fn warn_of_incomplete_rows(cohort: &Cohort, n_complete: usize) -> Option<Warning> {
    let n_incomplete = cohort.n() - n_complete;
    (n_incomplete > 0).then(|| {
        let message = format!(
            "{n_incomplete} of {} rows lack a covariate, stratum or cluster and are not in the \
             regression",
            cohort.n()
        );
        Warning::new("rows_dropped_cox", message)
    })
}

fn warn_of_status(status: &CoxStatus) -> Option<Warning> {
    let message = match status {
        CoxStatus::Converged => return None,
        CoxStatus::MonotoneLikelihood { terms } => format!(
            "no finite hazard ratio for {}: the likelihood rises without bound; a penalised fit \
             gives one",
            terms.join(", ")
        ),
        CoxStatus::NotIdentified { terms } => {
            format!("the data say nothing about {}: constant, or no event", terms.join(", "))
        }
        CoxStatus::Singular { terms } => {
            format!("{} left out: combinations of the terms before them", terms.join(", "))
        }
        CoxStatus::MaxIterations => "the Cox model did not converge; do not use it".to_owned(),
    };
    Some(Warning::new(format!("cox_{}", status.name()), message))
}
