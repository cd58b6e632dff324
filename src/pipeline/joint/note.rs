//! What the tests of the association say beside each other, in words.

use crate::joint::{JointData, JointFit};
use crate::report::number_format::{PStyle, p_statement, plural};

/// Wald's and the likelihood ratio p-values this many times apart do not describe one parabola.
const APART: f64 = 1.5;

/// Fewer events a parameter of the hazard than this leave it badly known.
const EVENTS_A_PARAMETER: usize = 10;

/// A sentence or more on how much the tests of the association can bear.
pub(super) fn association_note(fit: &JointFit, data: &JointData) -> String {
    let mut sentences = Vec::new();
    let (wald, ratio) = (fit.tests.wald, fit.tests.likelihood_ratio);
    match (wald, ratio) {
        (Some(wald), Some(ratio)) => {
            let p = |p: f64| p_statement(Some(p), PStyle::LeadingZero);
            let factor = wald.p.max(1e-300) / ratio.p.max(1e-300);
            if !(1.0 / APART..=APART).contains(&factor) && wald.p.max(ratio.p) > 1e-3 {
                sentences.push(format!(
                    "Wald's test ({}) and the likelihood ratio ({}) differ: the log likelihood is no \
                     parabola in the association. The likelihood ratio does not rest on the standard \
                     error and is the one to read; limits by --profile.",
                    p(wald.p),
                    p(ratio.p)
                ));
            } else {
                sentences.push("Wald's test and the likelihood ratio agree.".into());
            }
        }
        (None, Some(_)) => sentences.push(
            "There is no standard error, so no Wald test; the likelihood ratio stands by itself.".into(),
        ),
        (Some(_), None) => sentences.push(
            "The model without association has no usable maximum, so the likelihood ratio has no value."
                .into(),
        ),
        (None, None) => sentences.push(
            "The likelihood has no usable maximum, so Wald's test and the likelihood ratio have no \
             value."
                .into(),
        ),
    }
    let lowest = data.marker.iter().copied().fold(f64::INFINITY, f64::min);
    let informative = (0..data.n_subjects())
        .filter(|&i| data.visits(i).any(|visit| data.marker[visit] > lowest))
        .count();
    if 5 * informative < data.n_subjects() {
        sentences.push(format!(
            "Only {informative} of {} ever have a marker above its lowest value: the random effects of \
             the others can hardly be told apart, and the association rests on those {informative}.",
            plural(data.n_subjects() as u64, "subject")
        ));
    }
    let n_hazard = fit.baseline().len() + fit.covariates().len() + fit.association().len();
    if data.n_events() < EVENTS_A_PARAMETER * n_hazard {
        sentences.push(format!(
            "{} for {n_hazard} parameters of the hazard are few.",
            plural(data.n_events() as u64, "event")
        ));
    }
    sentences.join(" ")
}
