//! Is the hazard ratio constant? Grambsch and Therneau's test as an exact score test.

use crate::Error;
use nalgebra::{DMatrix, DVector};

use super::cox::{ChiSquaredTest, CoxData, CoxFit, Ties};
use super::cox_likelihood::sub_matrix;
use super::outcome::Outcome;
use super::residuals::fitted_sets;
use super::risk_set::{EventTime, Moments};

/// The function of time that the coefficient is tested to change with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeTransform {
    /// 1 - Kaplan-Meier of all rows, unweighted, just before the event: robust to long tails of time.
    #[default]
    KaplanMeier,
    /// Time itself.
    Identity,
    /// Rank of the event time among all times, ties at their mean rank.
    Rank,
    /// Logarithm of time.
    Log,
}

impl std::str::FromStr for TimeTransform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let all = [Self::KaplanMeier, Self::Identity, Self::Rank, Self::Log];
        all.into_iter().find(|one| one.name() == text).ok_or_else(|| {
            Error::usage("reading --zph")
                .found(format!("{text:?}"))
                .expected("km, identity, rank or log")
        })
    }
}

impl TimeTransform {
    /// The name used on the command line and in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::KaplanMeier => "km",
            Self::Identity => "identity",
            Self::Rank => "rank",
            Self::Log => "log",
        }
    }
}

/// Tests of proportional hazards.
#[derive(Clone, Debug, PartialEq)]
pub struct PhTest {
    /// The function of time.
    pub transform: TimeTransform,
    /// One test a term with an estimate: its name and result.
    pub terms: Vec<(String, ChiSquaredTest)>,
    /// All terms together.
    pub global: ChiSquaredTest,
}

/// Score test of `coef + theta * g(time)` against a constant coefficient, by term and together.
///
/// `None` without a finite estimate of some term, for exact ties, if `data` is not what was fitted,
/// for the logarithm when an event lies at time zero, or where all events share one time, so that
/// no function of it varies.
///
/// # Source
/// Grambsch and Therneau 1994, Biometrika 81:515, as the exact score test with the information of
/// each event time (the form of R survival 3.0 and later), not their approximation by the average
/// variance. With the score zero at the estimate the test does not depend on where g is zero; the
/// middle of its range keeps the digits of times far from zero.
pub fn cox_zph(data: &CoxData, fit: &CoxFit, transform: TimeTransform) -> Option<PhTest> {
    let (sets, beta) = fitted_sets(data, fit)?;
    let estimated: Vec<bool> = fit.terms.iter().map(|term| term.coef.is_some()).collect();
    if !estimated.contains(&true) {
        return None;
    }
    let scale_of = EventScale::new(&data.outcome, transform)?;
    let p = sets.p;
    let mut score: DVector<f64> = DVector::zeros(p);
    let mut information = [(); 3].map(|()| DMatrix::zeros(p, p));
    let mut mean = DVector::zeros(p);
    sets.visit_event_times(&beta, Moments::Second, fit.ties, |at| {
        let g = scale_of.at(at.time);
        let covariance = event_covariance(at, fit.ties, p, &mut mean);
        for k in 0..p {
            score[k] += g * (at.event_x[k] - mean[k]);
        }
        for (power, total) in information.iter_mut().enumerate() {
            *total += &covariance * g.powi(power as i32);
        }
    });
    let kept: Vec<usize> = (0..p).filter(|&k| estimated[k]).collect();
    let score = score.select_rows(&kept);
    let [plain, crossed, squared] = information.map(|matrix| sub_matrix(&matrix, &estimated));
    // Information about theta with the coefficients estimated.
    let left = &squared - &crossed * plain.cholesky()?.solve(&crossed);
    let terms = kept
        .iter()
        .enumerate()
        .map(|(i, &k)| {
            // One theta alone: only its own column is added to the model.
            let chisq = if left[(i, i)] > 0.0 { score[i].powi(2) / left[(i, i)] } else { 0.0 };
            (fit.terms[k].name.clone(), ChiSquaredTest::new(chisq, 1))
        })
        .collect();
    let global = left.cholesky().map(|factor| score.dot(&factor.solve(&score)))?;
    Some(PhTest { transform, terms, global: ChiSquaredTest::new(global, kept.len()) })
}

/// Sum over the tied events of the covariance of x in the risk set; `mean` receives the sum of the
/// events' expected x.
fn event_covariance(
    at: &EventTime<'_>,
    ties: Ties,
    p: usize,
    mean: &mut DVector<f64>,
) -> DMatrix<f64> {
    let mut covariance = DMatrix::zeros(p, p);
    mean.fill(0.0);
    for (share, weight) in at.steps(ties) {
        let sum = at.at_risk.s0 - share * at.failing.s0;
        let of = |k: usize| (at.at_risk.s1[k] - share * at.failing.s1[k]) / sum;
        let mut packed = 0;
        for a in 0..p {
            mean[a] += weight * of(a);
            for b in a..p {
                let second = (at.at_risk.s2[packed] - share * at.failing.s2[packed]) / sum;
                covariance[(a, b)] += weight * (second - of(a) * of(b));
                packed += 1;
            }
        }
    }
    covariance.fill_lower_triangle_with_upper_triangle();
    covariance
}

/// g(time) at the distinct event times, zero in the middle of its range.
struct EventScale {
    time: Vec<f64>,
    value: Vec<f64>,
}

impl EventScale {
    fn new(outcome: &Outcome, transform: TimeTransform) -> Option<Self> {
        let mut time: Vec<f64> = outcome
            .time()
            .iter()
            .zip(outcome.event())
            .filter_map(|(time, event)| event.then_some(*time))
            .collect();
        time.sort_unstable_by(f64::total_cmp);
        time.dedup();
        let value = match transform {
            TimeTransform::Identity => time.clone(),
            TimeTransform::Log if time.first().is_some_and(|t| *t <= 0.0) => return None,
            TimeTransform::Log => time.iter().map(|t| t.ln()).collect(),
            TimeTransform::Rank => {
                let mut all = outcome.time().to_vec();
                all.sort_unstable_by(f64::total_cmp);
                let middle = |t: &f64| {
                    let before = all.partition_point(|other| other < t);
                    let through = all.partition_point(|other| other <= t);
                    0.5 * (before + 1 + through) as f64
                };
                time.iter().map(middle).collect()
            }
            TimeTransform::KaplanMeier => failing_before(outcome, &time),
        };
        let (low, high) = value
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        let middle = 0.5 * (low + high);
        let value = value.into_iter().map(|v| v - middle).collect();
        (low < high).then_some(Self { time, value })
    }

    fn at(&self, time: f64) -> f64 {
        let found = self.time.binary_search_by(|t| t.total_cmp(&time));
        self.value[found.expect("the walk visits event times only")]
    }
}

/// 1 - Kaplan-Meier of all rows just before each of `times`, the ascending distinct event times.
/// Case weights and strata are left out, as in R's `cox.zph`.
fn failing_before(outcome: &Outcome, times: &[f64]) -> Vec<f64> {
    let sorted = |mut column: Vec<f64>| {
        column.sort_unstable_by(f64::total_cmp);
        column
    };
    let ends = sorted(outcome.time().to_vec());
    let entries = sorted(outcome.entry().map_or_else(Vec::new, <[f64]>::to_vec));
    let event_rows = outcome.time().iter().zip(outcome.event()).filter(|(_, event)| **event);
    let events = sorted(event_rows.map(|(time, _)| *time).collect());
    let before = |column: &[f64], time: f64| column.partition_point(|other| *other < time);
    let through = |column: &[f64], time: f64| column.partition_point(|other| *other <= time);
    let mut survival = 1.0;
    times
        .iter()
        .map(|&time| {
            let failing = 1.0 - survival;
            let not_entered = entries.len() - before(&entries, time);
            let at_risk = ends.len() - before(&ends, time) - not_entered;
            let n_events = through(&events, time) - before(&events, time);
            survival *= 1.0 - n_events as f64 / at_risk as f64;
            failing
        })
        .collect()
}
