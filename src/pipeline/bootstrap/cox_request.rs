//! What of a cohort's Cox model is resampled, and how.

use super::DOING;
use super::settings::{BootstrapSettings, Resample};
use crate::Error;
use crate::survival::{
    Cohort, CovariateColumn, CoxData, CoxOptions, CoxStatus, CoxTerm, FirthTerm, estimate_firth,
    fit_cox,
};

/// The fit of the data as given.
pub(super) struct Given {
    /// Coefficient and standard error of each term, where it is finite.
    pub(super) terms: Vec<(Option<f64>, Option<f64>)>,
    /// Where replicates start.
    pub(super) start: Option<Vec<f64>>,
}

impl Given {
    /// # Errors
    /// As the fit.
    pub(super) fn of(data: &CoxData, settings: &BootstrapSettings) -> Result<Self, Error> {
        if settings.firth {
            let fit = estimate_firth(data, settings.ties)?.filter(|fit| fit.converged);
            let terms = fit.map(|fit| fit.terms);
            let start =
                terms.as_ref().map(|terms| terms.iter().map(|t| t.coef.unwrap_or(0.0)).collect());
            let none = vec![(None, None); data.covariates.len()];
            let of = |terms: Vec<FirthTerm>| terms.iter().map(|t| (t.coef, t.se)).collect();
            return Ok(Self { terms: terms.map_or(none, of), start });
        }
        let options = CoxOptions { ties: settings.ties, ..CoxOptions::default() };
        let fit = fit_cox(data, &options)?;
        let fine = fit.status != CoxStatus::MaxIterations;
        let of = |term: &CoxTerm| (term.coef.filter(|_| fine), term.se.filter(|_| fine));
        Ok(Self { terms: fit.terms.iter().map(of).collect(), start: fit.finite_coefs() })
    }
}

/// The column asked for, the first one without a name.
pub(super) fn index_of_term(
    columns: &[CovariateColumn],
    name: Option<&str>,
) -> Result<usize, Error> {
    if columns.is_empty() {
        return Err(Error::usage(DOING)
            .found("no regression column that varies")
            .expected("a group or covariates"));
    }
    let Some(name) = name else { return Ok(0) };
    columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        Error::usage(DOING)
            .found(format!("--term {name}"))
            .expected(format!("one of the terms {}", names.join(", ")))
    })
}

/// Rows of a cluster are correlated: drawing them one by one would understate the error.
pub(super) fn check_clusters(clustered: bool, resample: Resample) -> Result<(), Error> {
    match (clustered, resample) {
        (true, Resample::Case | Resample::Stratified) => Err(Error::usage(DOING)
            .found(format!("clusters with --resample {}", resample.name()))
            .expected("--resample cluster, which draws whole clusters, or bayesian")),
        (false, Resample::Cluster) => Err(Error::usage(DOING)
            .found("--resample cluster without clusters")
            .expected("--cluster with the column that names each row's cluster")),
        _ => Ok(()),
    }
}

/// Strata of the resampling: the group or 0/1 term of interest, within the strata of the model.
pub(super) fn resampling_strata(
    cohort: &Cohort,
    rows: &[usize],
    data: &CoxData,
    term: usize,
) -> Result<Vec<usize>, Error> {
    let column = &data.covariates[term].values;
    let binary = column.iter().all(|&value| value == 0.0 || value == 1.0);
    let arms = match &cohort.group {
        Some(group) => group.codes_of(rows),
        None => binary.then(|| column.iter().map(|&value| usize::from(value == 1.0)).collect()),
    };
    let n_arms = arms.iter().flatten().max().map_or(1, |most| most + 1);
    match (arms, &data.strata) {
        (Some(arms), None) => Ok(arms),
        (None, Some(strata)) => Ok(strata.clone()),
        (Some(arms), Some(strata)) => {
            Ok(arms.iter().zip(strata).map(|(arm, stratum)| stratum * n_arms + arm).collect())
        }
        (None, None) => Err(Error::usage(DOING)
            .found("--resample stratified without a group, a 0/1 term or strata")
            .expected("one of them, or --resample case")),
    }
}
