//! Is the hazard ratio constant? Grambsch and Therneau's test as an exact score test.

use crate::Error;
use nalgebra::DVector;

use super::cox::{ChiSquaredTest, CoxData, CoxFit};
use super::cox_likelihood::{sub_matrix, unpack};
use super::outcome::Outcome;
use super::residuals::fitted_sets;
use super::risk_set::Moments;

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
    let mut information = [(); 3].map(|()| vec![0.0; p * (p + 1) / 2]);
    let mut covariance = vec![0.0; p * (p + 1) / 2];
    let (mut mean, mut expected) = (vec![0.0; p], vec![0.0; p]);
    sets.visit_event_times(&beta, Moments::Second, fit.ties, |at| {
        let g = scale_of.at(at.time);
        covariance.fill(0.0);
        expected.fill(0.0);
        for (share, weight) in at.steps(fit.ties) {
            at.add_covariance(share, weight, &mut mean, &mut covariance);
            for (sum, mean) in expected.iter_mut().zip(&mean) {
                *sum += weight * mean;
            }
        }
        for k in 0..p {
            score[k] += g * (at.event_x[k] - expected[k]);
        }
        let [plain, crossed, squared] = &mut information;
        for (k, value) in covariance.iter().enumerate() {
            plain[k] += value;
            crossed[k] += value * g;
            squared[k] += value * (g * g);
        }
    });
    let kept: Vec<usize> = (0..p).filter(|&k| estimated[k]).collect();
    let score = score.select_rows(&kept);
    let [plain, crossed, squared] =
        information.map(|packed| sub_matrix(&unpack(p, &packed), &estimated));
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

/// g(time) at the distinct event times, zero in the middle of its range.
struct EventScale {
    time: Vec<f64>,
    value: Vec<f64>,
}

impl EventScale {
    fn new(outcome: &Outcome, transform: TimeTransform) -> Option<Self> {
        let by_time = outcome.rows_by_time().iter().map(|&row| row as usize);
        let events = by_time.clone().filter(|&row| outcome.event()[row]);
        let mut time: Vec<f64> = events.map(|row| outcome.time()[row]).collect();
        time.dedup();
        let value = match transform {
            TimeTransform::Identity => time.clone(),
            TimeTransform::Log if time.first().is_some_and(|t| *t <= 0.0) => return None,
            TimeTransform::Log => time.iter().map(|t| t.ln()).collect(),
            TimeTransform::Rank => {
                let all: Vec<f64> = by_time.map(|row| outcome.time()[row]).collect();
                let middle = |t: &f64| {
                    let before = all.partition_point(|other| other < t);
                    let through = all.partition_point(|other| other <= t);
                    0.5 * (before + 1 + through) as f64
                };
                time.iter().map(middle).collect()
            }
            TimeTransform::KaplanMeier => failing_before(outcome),
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

/// 1 - Kaplan-Meier of all rows just before each distinct event time, ascending.
/// Case weights and strata are left out, as in R's `cox.zph`.
fn failing_before(outcome: &Outcome) -> Vec<f64> {
    let (times, events) = (outcome.time(), outcome.event());
    let mut entries = outcome.entry().map_or_else(Vec::new, <[f64]>::to_vec);
    entries.sort_unstable_by(f64::total_cmp);
    let mut failing = Vec::new();
    let (mut survival, mut n_left, mut n_entered) = (1.0, 0, 0);
    let by_time = outcome.rows_by_time();
    for block in by_time.chunk_by(|&a, &b| times[a as usize] == times[b as usize]) {
        let time = times[block[0] as usize];
        while entries.get(n_entered).is_some_and(|entry| *entry < time) {
            n_entered += 1;
        }
        let n_events = block.iter().filter(|&&row| events[row as usize]).count();
        if n_events > 0 {
            let at_risk = times.len() - n_left - (entries.len() - n_entered);
            failing.push(1.0 - survival);
            survival *= 1.0 - n_events as f64 / at_risk as f64;
        }
        n_left += block.len();
    }
    failing
}
