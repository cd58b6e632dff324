//! Cox proportional hazards regression: the data it takes, the fit it gives.

use super::concordance::{Concordance, check_columns, concordance_of_ranks};
use super::outcome::Outcome;
use super::tails::{normal_quantile, normal_two_sided};
use crate::Error;

/// One covariate, one finite value a row of the outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct CovariateColumn {
    /// The name the fit reports it under.
    pub name: String,
    /// Values `[n]`.
    pub values: Vec<f64>,
}

/// What a Cox model is fitted to. Left truncation and case weights are part of the outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct CoxData {
    /// Follow-up of the `n` rows.
    pub outcome: Outcome,
    /// At least one covariate.
    pub covariates: Vec<CovariateColumn>,
    /// Stratum of each row `[n]`; each has its own baseline hazard.
    pub strata: Option<Vec<usize>>,
    /// Cluster of each row `[n]`, such as the patient of several rows; asks for a robust variance.
    pub cluster: Option<Vec<usize>>,
}

/// How events at one time share their risk set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// Efron 1977: averages over the order of the tied events.
    #[default]
    Efron,
    /// Breslow 1974: every tied event sees the whole risk set.
    Breslow,
    /// The discrete partial likelihood (Cox 1972): time is truly in steps.
    Exact,
}

/// Choices of a Cox fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoxOptions {
    /// Treatment of tied events.
    pub ties: Ties,
    /// Largest number of Newton steps.
    pub max_iterations: usize,
    /// Largest distance to the maximum, in standard errors, that counts as converged. Newton
    /// doubles the correct digits a step, so the default seldom costs a step more than a loose one.
    pub tolerance: f64,
    /// Use the sandwich variance for standard errors and the Wald test; implied by clusters.
    pub robust: bool,
}

impl Default for CoxOptions {
    fn default() -> Self {
        Self { ties: Ties::Efron, max_iterations: 60, tolerance: 1e-11, robust: false }
    }
}

/// What became of a fit. A term without an estimate is `None` in [`CoxTerm`] under any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoxStatus {
    /// A finite maximum was found.
    Converged,
    /// The likelihood rises for ever as the coefficients of `terms` grow; see [`CoxTerm::limit`].
    MonotoneLikelihood {
        /// Names of the terms without a finite estimate.
        terms: Vec<String>,
    },
    /// The likelihood does not depend on `terms`: constant while anybody fails, or no event.
    NotIdentified {
        /// Names of the terms concerned.
        terms: Vec<String>,
    },
    /// `terms` are linear combinations of terms before them and were left out.
    Singular {
        /// Names of the terms concerned.
        terms: Vec<String>,
    },
    /// The maximum was not reached; the values are where the iteration stood.
    MaxIterations,
}

impl CoxStatus {
    /// The stable name written into documents.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::MonotoneLikelihood { .. } => "monotone_likelihood",
            Self::NotIdentified { .. } => "not_identified",
            Self::Singular { .. } => "singular",
            Self::MaxIterations => "max_iterations",
        }
    }
}

/// Where a coefficient without a finite estimate goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoefLimit {
    /// The hazard ratio grows without bound.
    PlusInfinity,
    /// The hazard ratio goes to zero.
    MinusInfinity,
}

impl CoefLimit {
    /// `"+inf"` or `"-inf"`, as documents write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlusInfinity => "+inf",
            Self::MinusInfinity => "-inf",
        }
    }
}

/// One term of a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct CoxTerm {
    /// The covariate's name.
    pub name: String,
    /// Log hazard ratio of one unit.
    pub coef: Option<f64>,
    /// The standard error reported: robust where the fit is robust, else from the information.
    pub se: Option<f64>,
    /// Standard error from the inverse information.
    pub naive_se: Option<f64>,
    /// Set where the likelihood is monotone in this term.
    pub limit: Option<CoefLimit>,
}

impl CoxTerm {
    /// Wald statistic coef / se.
    pub fn z(&self) -> Option<f64> {
        Some(self.coef? / self.se?)
    }

    /// Two-sided p of the Wald statistic.
    pub fn p(&self) -> Option<f64> {
        self.z().map(normal_two_sided)
    }

    /// exp(coef); infinite or zero limits are `None`, see [`limit`](Self::limit).
    pub fn hazard_ratio(&self) -> Option<f64> {
        self.coef.map(f64::exp)
    }

    /// Wald limits of the hazard ratio at `conf_level`, in (0, 1).
    ///
    /// ```
    /// use herscope::survival::CoxTerm;
    ///
    /// let term = CoxTerm {
    ///     name: "arm".into(),
    ///     coef: Some(0.0),
    ///     se: Some(1.0),
    ///     naive_se: Some(1.0),
    ///     limit: None,
    /// };
    /// let (lower, upper) = term.hazard_ratio_limits(0.95).expect("a finite estimate");
    /// assert!((lower * upper - 1.0).abs() < 1e-12);
    /// assert!((upper.ln() - 1.959964).abs() < 1e-6);
    /// ```
    pub fn hazard_ratio_limits(&self, conf_level: f64) -> Option<(f64, f64)> {
        let half_width = normal_quantile(0.5 + conf_level / 2.0) * self.se?;
        let coef = self.coef?;
        Some(((coef - half_width).exp(), (coef + half_width).exp()))
    }
}

/// A chi-squared test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChiSquaredTest {
    /// The statistic.
    pub chisq: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// Upper tail probability; 1 without a degree of freedom.
    pub p: f64,
}

impl ChiSquaredTest {
    pub(crate) fn new(chisq: f64, df: usize) -> Self {
        // A statistic below zero is the rounding of zero.
        let chisq = chisq.max(0.0);
        Self { chisq, df, p: super::tails::chi_squared_upper(chisq, df) }
    }
}

/// A fitted Cox model.
#[derive(Clone, Debug)]
pub struct CoxFit {
    /// Treatment of tied events.
    pub ties: Ties,
    /// Number of rows.
    pub n: usize,
    /// Number of events.
    pub n_events: usize,
    /// What became of the fit.
    pub status: CoxStatus,
    /// One term a covariate, in order.
    pub terms: Vec<CoxTerm>,
    /// Log partial likelihood with every coefficient zero.
    pub partial_log_likelihood_null: f64,
    /// Log partial likelihood at the maximum; its limit where it is monotone.
    pub partial_log_likelihood: f64,
    /// Score (gradient) with every coefficient zero `[p]`.
    pub score_null: Vec<f64>,
    /// Likelihood ratio test against no effect; for a monotone likelihood, of the limit.
    pub likelihood_ratio: ChiSquaredTest,
    /// Wald test of the estimated terms, with the reported variance; `None` where monotone.
    pub wald: Option<ChiSquaredTest>,
    /// Score test of no effect.
    pub score: ChiSquaredTest,
    /// Inverse information `[p x p]`, row-major; zero for terms without an estimate.
    pub naive_variance: Vec<f64>,
    /// Sandwich variance `[p x p]`, where asked for.
    pub robust_variance: Option<Vec<f64>>,
    /// Observed information at the estimate `[p x p]`, row-major.
    pub information: Vec<f64>,
    /// Newton steps taken.
    pub iterations: usize,
    /// Rows by rising fitted risk `[n]`; equal ranks are equal risks. Monotone terms come first.
    pub risk_rank: Vec<usize>,
}

impl CoxFit {
    /// The variance that standard errors come from `[p x p]`, row-major.
    pub fn variance(&self) -> &[f64] {
        self.robust_variance.as_deref().unwrap_or(&self.naive_variance)
    }

    /// Concordance of the fitted risk with the outcome of `data`, the data of this fit; also for a
    /// monotone likelihood, where the monotone terms order the risk first.
    ///
    /// # Errors
    /// `data` of another length.
    pub fn concordance(&self, data: &CoxData) -> Result<Concordance, Error> {
        let (strata, cluster) = (data.strata.as_deref(), data.cluster.as_deref());
        check_columns(&data.outcome, self.risk_rank.len(), strata, cluster)?;
        let rank = self.risk_rank.iter().map(|&rank| rank as u32).collect();
        Ok(concordance_of_ranks(&data.outcome, rank, strata, cluster))
    }

    /// Coefficients `[p]` with zero for terms that were left out; `None` if a term is monotone or
    /// the maximum was not reached.
    pub fn finite_coefs(&self) -> Option<Vec<f64>> {
        let monotone = self.terms.iter().any(|term| term.limit.is_some());
        let usable = !monotone && self.status != CoxStatus::MaxIterations;
        usable.then(|| self.terms.iter().map(|term| term.coef.unwrap_or(0.0)).collect())
    }
}

impl CoxData {
    /// Checks lengths and values.
    pub(super) fn validate(&self, doing: &str) -> Result<(), Error> {
        let n = self.outcome.len();
        if self.covariates.is_empty() {
            return Err(Error::usage(doing).found("no covariate").expected("at least one"));
        }
        for column in &self.covariates {
            let place = || format!("covariate {}", column.name);
            if column.values.len() != n {
                return Err(Error::input(doing)
                    .at(place())
                    .found(format!("{} values", column.values.len()))
                    .expected(format!("one for each of the {n} rows")));
            }
            if let Some(row) = column.values.iter().position(|value| !value.is_finite()) {
                return Err(Error::input(doing)
                    .at(format!("{}, row {}", place(), row + 1))
                    .found(column.values[row].to_string())
                    .expected("a finite value; drop rows with missing ones"));
            }
        }
        for (name, labels) in [("strata", &self.strata), ("cluster", &self.cluster)] {
            if let Some(labels) = labels
                && labels.len() != n
            {
                return Err(Error::input(doing)
                    .at(name)
                    .found(format!("{} labels", labels.len()))
                    .expected(format!("one for each of the {n} rows")));
            }
        }
        Ok(())
    }
}
