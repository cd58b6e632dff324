//! The regression blocks of the `survive` document.

use super::survive::SurviveSettings;
use super::survive_document::{
    ChiSquareBlock, ConcordanceBlock, CoxBlock, CoxTermBlock, CoxTestsBlock, FirthBlock,
    FirthTermBlock, PhTermBlock, PhTestBlock,
};
use crate::survival::{
    ChiSquaredTest, Cohort, Concordance, CoxData, CoxFit, CoxOptions, CoxStatus, CoxTerm,
    DesignMatrix, FirthFit, FirthTerm, PhTest, Ties, cox_zph, design_matrix, fit_cox, fit_firth,
};
use crate::{Error, Warning};

/// The three regression blocks; all `None` without a group and covariates.
#[derive(Default)]
pub(super) struct CoxBlocks {
    pub(super) cox: Option<CoxBlock>,
    pub(super) ph_test: Option<PhTestBlock>,
    pub(super) firth: Option<FirthBlock>,
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
    // In order of time the walks over risk sets read memory forwards.
    let rows = cohort.outcome.in_time_order(cohort.complete_rows());
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
    let options = CoxOptions { ties: settings.ties, ..CoxOptions::default() };
    let fit = fit_cox(&data, &options)?;
    warnings.extend(warn_of_status(&fit.status));
    let firth = if settings.firth {
        fit_firth(&data, settings.ties, settings.confidence.level.get())?
    } else {
        None
    };
    warnings.extend(firth.as_ref().and_then(warn_of_firth));
    Ok(CoxBlocks {
        cox: Some(cox_block(&fit, fit.concordance(&data)?, settings)),
        ph_test: cox_zph(&data, &fit, settings.zph).map(ph_test_block),
        firth: firth.map(firth_block),
    })
}

fn cox_block(fit: &CoxFit, concordance: Concordance, settings: &SurviveSettings) -> CoxBlock {
    CoxBlock {
        ties: ties_name(fit.ties).to_owned(),
        n: fit.n,
        n_events: fit.n_events,
        status: fit.status.name().to_owned(),
        partial_log_likelihood_null: Some(fit.partial_log_likelihood_null),
        partial_log_likelihood: Some(fit.partial_log_likelihood),
        terms: fit.terms.iter().map(|term| term_block(term, settings)).collect(),
        tests: CoxTestsBlock {
            likelihood_ratio: Some(chi_square_block(fit.likelihood_ratio)),
            wald: fit.wald.map(chi_square_block),
            score: Some(chi_square_block(fit.score)),
        },
        concordance: ConcordanceBlock {
            estimate: concordance.estimate,
            std_err: concordance.std_err,
        },
    }
}

fn term_block(term: &CoxTerm, settings: &SurviveSettings) -> CoxTermBlock {
    let limits = term.hazard_ratio_limits(settings.confidence.level.get());
    CoxTermBlock {
        name: term.name.clone(),
        coef: term.coef,
        se: term.se,
        z: term.z(),
        p: term.p(),
        hazard_ratio: term.hazard_ratio(),
        lower: limits.map(|(lower, _)| lower),
        upper: limits.map(|(_, upper)| upper),
        limit: term.limit.map(|limit| limit.name().to_owned()),
    }
}

fn chi_square_block(test: ChiSquaredTest) -> ChiSquareBlock {
    ChiSquareBlock { chisq: Some(test.chisq), df: test.df, p: Some(test.p) }
}

fn ph_test_block(test: PhTest) -> PhTestBlock {
    let term = |(name, test): (String, ChiSquaredTest)| PhTermBlock {
        name,
        chisq: Some(test.chisq),
        df: test.df,
        p: Some(test.p),
    };
    PhTestBlock {
        transform: test.transform.name().to_owned(),
        terms: test.terms.into_iter().map(term).collect(),
        global: chi_square_block(test.global),
    }
}

fn firth_block(fit: FirthFit) -> FirthBlock {
    let term = |term: FirthTerm| FirthTermBlock {
        name: term.name,
        coef: term.coef,
        se: term.se,
        hazard_ratio: term.coef.map(f64::exp),
        lower: term.lower.map(f64::exp),
        upper: term.upper.map(f64::exp),
        p: term.p,
    };
    FirthBlock {
        terms: fit.terms.into_iter().map(term).collect(),
        penalized_log_likelihood: fit.penalized_log_likelihood,
    }
}

fn warn_of_firth(fit: &FirthFit) -> Option<Warning> {
    let message = "the penalised Cox model did not converge; do not use it";
    (!fit.converged).then(|| Warning::new("firth_max_iterations", message))
}

/// What is left to say when no column varies: a group with one level and no covariate.
fn block_without_terms(cohort: &Cohort, rows: &[usize], ties: Ties) -> CoxBlock {
    let outcome = cohort.outcome.select(rows);
    CoxBlock {
        ties: ties_name(ties).to_owned(),
        n: outcome.len(),
        n_events: outcome.n_events(),
        status: "not_identified".to_owned(),
        partial_log_likelihood_null: None,
        partial_log_likelihood: None,
        terms: Vec::new(),
        tests: CoxTestsBlock { likelihood_ratio: None, wald: None, score: None },
        concordance: ConcordanceBlock { estimate: None, std_err: None },
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
