//! What is fitted, and to what.

use super::splines::{CubicSplines, NaturalSplines};
use crate::Error;
use crate::association::quantile;
use crate::survival::CovariateColumn;

pub(super) const DOING: &str = "fitting the joint model";

/// Distribution of the marker given its linear predictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Normal about the linear predictor.
    Gaussian,
    /// Poisson, log link.
    Poisson,
    /// Negative binomial, log link, variance mu + mu^2 / dispersion.
    NegativeBinomial,
}

impl Family {
    /// As the command line names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Poisson => "poisson",
            Self::NegativeBinomial => "negbin",
        }
    }

    /// A parameter beside the linear predictor.
    pub(super) fn has_scale(self) -> bool {
        self != Self::Poisson
    }
}

/// Random effects of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RandomEffects {
    /// A level of its own.
    Intercept,
    /// A level and a slope in time of its own, correlated.
    InterceptSlope,
}

impl RandomEffects {
    /// Number of effects.
    pub fn len(self) -> usize {
        match self {
            Self::Intercept => 1,
            Self::InterceptSlope => 2,
        }
    }

    /// Never: a joint model shares an effect at least.
    pub fn is_empty(self) -> bool {
        false
    }

    /// Parameters of their covariance.
    pub(super) fn n_parameters(self) -> usize {
        match self {
            Self::Intercept => 1,
            Self::InterceptSlope => 3,
        }
    }
}

/// What of the trajectory the hazard depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Association {
    /// The linear predictor at the time, without the offset.
    Value,
    /// Its slope in time.
    Slope,
    /// Both, each with a coefficient.
    ValueAndSlope,
    /// Each random effect, with a coefficient of its own.
    Shared,
}

impl Association {
    /// The links, each with a coefficient.
    pub(super) fn links(self, random: RandomEffects) -> Vec<Link> {
        match (self, random) {
            (Self::Value, _) => vec![Link::Value],
            (Self::Slope, _) => vec![Link::Slope],
            (Self::ValueAndSlope, _) => vec![Link::Value, Link::Slope],
            (Self::Shared, RandomEffects::Intercept) => vec![Link::Intercept],
            (Self::Shared, RandomEffects::InterceptSlope) => {
                vec![Link::Intercept, Link::RandomSlope]
            }
        }
    }

    /// The hazard needs the trajectory between visits.
    pub fn needs_trajectory(self) -> bool {
        self != Self::Shared
    }
}

/// One quantity of the trajectory in the hazard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Value,
    Slope,
    Intercept,
    RandomSlope,
}

impl Link {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Slope => "slope",
            Self::Intercept => "random_intercept",
            Self::RandomSlope => "random_slope",
        }
    }
}

/// The hazard of a subject whose linear predictor is 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Baseline {
    /// shape t^(shape - 1) exp(intercept).
    Weibull,
    /// Constant between ascending inner knots.
    Piecewise {
        /// Inner knots.
        knots: Vec<f64>,
    },
    /// The log hazard is a cubic spline.
    Spline {
        /// Its basis.
        basis: CubicSplines,
    },
}

impl Baseline {
    /// As the command line names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Weibull => "weibull",
            Self::Piecewise { .. } => "piecewise",
            Self::Spline { .. } => "bspline",
        }
    }

    /// Inner knots, between which the log hazard is a polynomial; none where it has no pieces.
    pub fn knots(&self) -> Option<&[f64]> {
        match self {
            Self::Weibull => None,
            Self::Piecewise { knots } => Some(knots),
            Self::Spline { basis } => Some(basis.inner_knots()),
        }
    }

    /// Number of parameters.
    pub(super) fn n_parameters(&self) -> usize {
        match self {
            Self::Weibull => 2,
            Self::Piecewise { knots } => knots.len() + 1,
            Self::Spline { basis } => basis.len(),
        }
    }

    /// Log hazard at `t` > 0 under `parameters`, and its gradient in them.
    pub(super) fn log_hazard(&self, t: f64, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        match self {
            Self::Weibull => {
                let (log_shape, intercept) = (parameters[0], parameters[1]);
                let shape = log_shape.exp();
                let log_time = t.ln();
                gradient[0] = 1.0 + shape * log_time;
                gradient[1] = 1.0;
                log_shape + (shape - 1.0) * log_time + intercept
            }
            Self::Piecewise { knots } => {
                gradient.fill(0.0);
                let piece = knots.partition_point(|&knot| knot < t);
                gradient[piece] = 1.0;
                parameters[piece]
            }
            Self::Spline { basis } => {
                basis.evaluate(t, gradient);
                gradient.iter().zip(parameters).map(|(function, coef)| function * coef).sum()
            }
        }
    }
}

/// A joint model.
#[derive(Clone, Debug, PartialEq)]
pub struct JointModel {
    /// Distribution of the marker.
    pub family: Family,
    /// Random effects.
    pub random: RandomEffects,
    /// What ties marker and hazard.
    pub association: Association,
    /// Baseline hazard.
    pub baseline: Baseline,
}

/// How a fixed effect runs in time.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeShape {
    /// t^k; k = 0 does not depend on time.
    Power(u32),
    /// Function `k` of a natural spline.
    Natural {
        /// The spline.
        splines: NaturalSplines,
        /// Which function.
        function: usize,
    },
}

impl TimeShape {
    /// Value and slope at `t`.
    pub fn at(&self, t: f64) -> (f64, f64) {
        match self {
            Self::Power(0) => (1.0, 0.0),
            Self::Power(power) => {
                let below = t.powi(*power as i32 - 1);
                (below * t, f64::from(*power) * below)
            }
            Self::Natural { splines, function } => splines.evaluate(*function, t),
        }
    }
}

/// A fixed effect of the marker: a function of time times a covariate (or 1).
#[derive(Clone, Debug, PartialEq)]
pub struct FixedTerm {
    /// Name in the results.
    pub name: String,
    /// Its function of time.
    pub shape: TimeShape,
    /// The covariate at each visit `[n_visits]`.
    pub at_visits: Vec<f64>,
    /// The covariate of each subject `[n_subjects]`, where it is constant within each.
    pub of_subjects: Option<Vec<f64>>,
}

/// Subjects with their visits.
#[derive(Clone, Debug, PartialEq)]
pub struct JointData {
    /// Visits of subject i are `visit_begin[i]..visit_begin[i + 1]` `[n_subjects + 1]`.
    pub visit_begin: Vec<usize>,
    /// Times of visits, in the unit of `time` `[n_visits]`.
    pub visit_time: Vec<f64>,
    /// The marker `[n_visits]`.
    pub marker: Vec<f64>,
    /// Added to the linear predictor of a visit, not to the hazard `[n_visits]`.
    pub offset: Option<Vec<f64>>,
    /// Fixed effects of the marker, the intercept first.
    pub fixed: Vec<FixedTerm>,
    /// Entry times of left-truncated subjects `[n_subjects]`.
    pub entry: Option<Vec<f64>>,
    /// Ends of follow-up, above 0 and above entry `[n_subjects]`.
    pub time: Vec<f64>,
    /// Follow-up ended in an event `[n_subjects]`.
    pub event: Vec<bool>,
    /// Covariates of the hazard, `[n_subjects]` each.
    pub covariates: Vec<CovariateColumn>,
}

impl JointData {
    /// Number of subjects.
    pub fn n_subjects(&self) -> usize {
        self.time.len()
    }

    /// Number of events.
    pub fn n_events(&self) -> usize {
        self.event.iter().filter(|&&event| event).count()
    }

    /// Visits of subject `i`.
    pub fn visits(&self, i: usize) -> std::ops::Range<usize> {
        self.visit_begin[i]..self.visit_begin[i + 1]
    }

    /// Times that cut the events into `n + 1` about equal parts, ascending, each once: quantiles that
    /// interpolate between the ordered event times.
    pub fn event_quantiles(&self, n: usize) -> Vec<f64> {
        let with_event = self.time.iter().zip(&self.event).filter(|(_, event)| **event);
        let times: Vec<f64> = with_event.map(|(time, _)| *time).collect();
        let at = |share: f64| quantile(&times, share);
        let mut knots: Vec<f64> = (1..=n).filter_map(|k| at(k as f64 / (n + 1) as f64)).collect();
        knots.dedup();
        knots.retain(|&knot| Some(knot) > at(0.0) && Some(knot) < at(1.0));
        knots
    }

    /// Checks what `model` asks of the data.
    ///
    /// # Errors
    /// An input error: counts that are not whole numbers from 0, columns of other lengths, times that
    /// are not above 0 and above entry, a covariate that changes within a subject where the hazard
    /// needs the trajectory between visits.
    pub fn validate(&self, model: &JointModel) -> Result<(), Error> {
        let (n, n_visits) = (self.n_subjects(), self.visit_time.len());
        let lengths = [
            ("visit_begin", self.visit_begin.len(), n + 1),
            ("marker", self.marker.len(), n_visits),
            ("offset", self.offset.as_ref().map_or(n_visits, Vec::len), n_visits),
            ("entry", self.entry.as_ref().map_or(n, Vec::len), n),
            ("event", self.event.len(), n),
        ];
        for (name, found, expected) in lengths {
            if found != expected {
                return Err(Error::input(DOING)
                    .found(format!("{found} values of {name}"))
                    .expected(format!("{expected}")));
            }
        }
        if n == 0 || n_visits == 0 {
            return Err(Error::input(DOING)
                .found(format!("{n} subjects with {n_visits} visits"))
                .expected("a subject with a visit at least"));
        }
        self.check_times()?;
        if model.family != Family::Gaussian
            && let Some(found) = self.marker.iter().find(|y| **y < 0.0 || y.fract() != 0.0)
        {
            return Err(Error::input(DOING)
                .found(format!("a count of {found}"))
                .expected("whole numbers from 0 under --family poisson or negbin"));
        }
        let changing = self.fixed.iter().find(|term| term.of_subjects.is_none());
        if let (true, Some(term)) = (model.association.needs_trajectory(), changing) {
            return Err(Error::input(DOING)
                .found(format!("{} changes within a subject", term.name))
                .expected(
                    "covariates that are constant within a subject, since the hazard needs \
                     the marker between visits; or --association shared",
                ));
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), Error> {
        let numbers = (self.visit_time.iter().chain(&self.marker).chain(&self.time))
            .chain(self.covariates.iter().flat_map(|column| &column.values))
            .chain(self.fixed.iter().flat_map(|term| &term.at_visits));
        if let Some(found) = numbers.clone().find(|value| !value.is_finite()) {
            return Err(Error::input(DOING).found(format!("{found}")).expected("finite numbers"));
        }
        for (i, &time) in self.time.iter().enumerate() {
            let entry = self.entry.as_ref().map_or(0.0, |entry| entry[i]);
            if !(time > 0.0 && entry >= 0.0 && time > entry) {
                return Err(Error::input(DOING)
                    .found(format!("subject {} followed from {entry} to {time}", i + 1))
                    .expected("an end of follow-up above 0 and above entry"));
            }
        }
        Ok(())
    }
}
