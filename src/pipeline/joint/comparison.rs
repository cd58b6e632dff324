//! What simpler analyses of the same data say, and why they differ.

use serde::Serialize;

use crate::Error;
use crate::joint::{JointData, JointFit, JointModel, JointOptions, two_stage};
use crate::survival::{
    CovariateColumn, CoxData, CoxOptions, Outcome, TieRepair, fit_cox, normal_two_sided,
};

/// The joint model beside two analyses that do without it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct ComparisonBlock {
    /// Random effects estimated from the markers alone, then taken as known; one a link.
    pub two_stage: Option<Vec<ComparedTerm>>,
    /// Cox model with the last marker measured as a covariate that changes with time.
    pub time_dependent_cox: Option<ComparedTerm>,
    pub note: String,
}

/// A log hazard ratio of a simpler analysis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ComparedTerm {
    pub coef: f64,
    pub se: f64,
    pub p: f64,
}

impl ComparedTerm {
    fn new(coef: f64, se: f64) -> Self {
        Self { coef, se, p: normal_two_sided(coef / se) }
    }
}

pub(super) fn compare(
    (model, data, fit): (&JointModel, &JointData, &JointFit),
) -> Result<ComparisonBlock, Error> {
    let stages = two_stage(model, data, &JointOptions { nodes: fit.nodes })?;
    let two_stage = stages
        .map(|terms| terms.iter().map(|term| ComparedTerm::new(term.coef, term.se)).collect());
    Ok(ComparisonBlock {
        two_stage,
        time_dependent_cox: time_dependent_cox(data)?,
        note: String::from(
            "Two stages take estimated random effects as known: they are shrunk towards 0 and from \
             markers of those still at risk only, so the coefficient is biased and its standard error \
             too small. The Cox model carries the last marker, on the model's scale, forward with its measurement \
             error, which pulls its coefficient towards 0, and asks about the measured marker, not \
             about the trajectory behind it; for counts its unit is one cell, not one of their log mean.",
        ),
    })
}

/// Follow-up cut at each visit, the last marker carried forward; `None` without a finite estimate.
fn time_dependent_cox(data: &JointData) -> Result<Option<ComparedTerm>, Error> {
    let (mut entry, mut time, mut event, mut marker, mut subject) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for i in 0..data.n_subjects() {
        let start = data.entry.as_ref().map_or(0.0, |entry| entry[i]);
        let end = data.time[i];
        let visits: Vec<usize> =
            data.visits(i).filter(|&visit| data.visit_time[visit] < end).collect();
        for (at, &visit) in visits.iter().enumerate() {
            let from = data.visit_time[visit].max(start);
            let until = visits.get(at + 1).map_or(end, |&next| data.visit_time[next]);
            if until > from {
                entry.push(from);
                time.push(until);
                event.push(data.event[i] && until == end);
                marker.push(data.marker[visit]);
                subject.push(i);
            }
        }
    }
    if !event.contains(&true) {
        return Ok(None);
    }
    let mut covariates: Vec<CovariateColumn> = (data.covariates.iter())
        .map(|column| CovariateColumn {
            name: column.name.clone(),
            values: subject.iter().map(|&i| column.values[i]).collect(),
        })
        .collect();
    covariates.push(CovariateColumn { name: "marker".into(), values: marker });
    let outcome = Outcome::new(time, event, Some(entry), None, TieRepair::Keep)?;
    let cox = CoxData { outcome, covariates, strata: None, cluster: None };
    let fit = fit_cox(&cox, &CoxOptions::default())?;
    let term = &fit.terms[fit.terms.len() - 1];
    Ok(term.coef.zip(term.se).map(|(coef, se)| ComparedTerm::new(coef, se)))
}
