//! Fitting a Cox model: which terms have an estimate, and the maximum over those.

use std::borrow::Cow;
use std::cmp::Ordering::Equal;

use nalgebra::{DMatrix, DVector};

use super::cox::{
    ChiSquaredTest, CoefLimit, CoxData, CoxFit, CoxOptions, CoxStatus, CoxTerm, Ties,
};
use super::cox_likelihood::{
    Derivatives, Ending, Limits, LongSteps, Maximum, Objective, PartialLikelihood, embed, maximise,
    maximise_from, sub_matrix,
};
use super::direction::DirectionKind;
use super::exact_ties::exact_work;
use super::residuals::score_residuals;
use super::risk_set::{RiskSets, dot};
use super::row_order::ascending_rows;
use crate::Error;

/// A column counts as a combination of earlier ones when the share of its information that they
/// leave is below this; the information of standardised columns is exact to about 1e-14.
const COLLINEAR_SHARE: f64 = 1e-10;

/// Tolerance, as a share of its range, for comparisons along a direction found by Newton's steps.
/// At the point where the likelihood stops rising the direction is right to about 1e-8.
const DIRECTION_TOLERANCE: f64 = 1e-6;

/// Elementary updates that an evaluation of the exact likelihood may take, about ten seconds.
const EXACT_WORK_LIMIT: f64 = 2e9;

/// Fits a Cox model by maximum partial likelihood.
///
/// A model without a finite maximum is not an error: see [`CoxFit::status`].
///
/// # Errors
/// No covariate; columns of other lengths; a value that is not finite; exact ties with case
/// weights, or with so many ties that the likelihood cannot be evaluated in reasonable time.
///
/// # Source
/// Cox 1972; Therneau and Grambsch 2000, chapter 3. Terms without a finite estimate are found by
/// their direction, not by a large coefficient: a direction along which every event is at the top
/// of its risk set. In the limit along it the likelihood is the one stratified by the rows' place
/// along the direction; that likelihood is maximised for the other terms and gives the limit of
/// the log likelihood. For one 0/1 covariate this is the rule: keep the event times at which both
/// groups have somebody at risk; no event left is flat, all in one group is monotone.
///
/// ```
/// use herscope::survival::{CovariateColumn, CoxData, CoxOptions, Outcome, Ties, fit_cox};
///
/// // Six rows from the validation of R's survival package: Breslow's estimate solves
/// // a quadratic, exp(beta) = (3 + sqrt(33)) / 2.
/// let data = CoxData {
///     outcome: Outcome::right_censored(
///         vec![1.0, 1.0, 6.0, 6.0, 8.0, 9.0],
///         vec![true, false, true, true, false, true],
///     )?,
///     covariates: vec![CovariateColumn {
///         name: "x".into(),
///         values: vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
///     }],
///     strata: None,
///     cluster: None,
/// };
/// let fit = fit_cox(&data, &CoxOptions { ties: Ties::Breslow, ..CoxOptions::default() })?;
/// let hazard_ratio = fit.terms[0].hazard_ratio().expect("a finite estimate");
/// assert!((hazard_ratio - (3.0 + 33.0_f64.sqrt()) / 2.0).abs() < 1e-9);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn fit_cox(data: &CoxData, options: &CoxOptions) -> Result<CoxFit, Error> {
    let doing = "fitting the Cox model";
    data.validate(doing)?;
    let sets = RiskSets::new(data);
    if options.ties == Ties::Exact {
        check_exact(&sets, options.robust || data.cluster.is_some(), doing)?;
    }
    let zero = vec![0.0; sets.p];
    let null = PartialLikelihood { sets: &sets, ties: options.ties }.derivatives(&zero);
    let robust = options.robust || data.cluster.is_some();
    Ok(Search::run(&sets, &null, options).report(data, &null, robust))
}

fn check_exact(sets: &RiskSets, robust: bool, doing: &str) -> Result<(), Error> {
    if robust {
        return Err(Error::usage(doing)
            .found("exact ties with a robust variance")
            .expected("Efron's or Breslow's method for clustered rows"));
    }
    if sets.weight.is_some() {
        return Err(Error::usage(doing)
            .found("exact ties with case weights")
            .expected("Efron's or Breslow's method for weighted rows"));
    }
    let work = exact_work(sets);
    if work > EXACT_WORK_LIMIT {
        return Err(Error::usage(doing)
            .found(format!("so many ties that one evaluation takes {work:.1e} steps"))
            .expected("Efron's method for data with this many ties"));
    }
    Ok(())
}

/// What is known of one term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TermState {
    Estimated,
    Flat,
    Collinear,
    Monotone(CoefLimit),
    /// In the limit of the monotone terms the likelihood no longer depends on it.
    LostInLimit,
}

/// The maximisation with the terms that had to be set apart on the way.
struct Search<'a> {
    /// The risk sets the maximum is sought on: split by level where a term is monotone.
    sets: Cow<'a, RiskSets>,
    ties: Ties,
    states: Vec<TermState>,
    /// Columns that take part in the climb. Of terms that go to infinity together all but one do:
    /// they shape the limit without having a value of their own.
    free: Vec<bool>,
    /// Places along the monotone directions by row, the fastest direction first.
    directions: Vec<Vec<f64>>,
    /// Before the climb, the null model on the whole sets.
    maximum: Maximum,
}

impl<'a> Search<'a> {
    fn run(whole: &'a RiskSets, null: &Derivatives, options: &CoxOptions) -> Self {
        let p = whole.p;
        let kinds = column_kinds(whole, options.ties);
        let mut states: Vec<TermState> = kinds
            .iter()
            .map(|kind| match kind {
                DirectionKind::Flat => TermState::Flat,
                _ => TermState::Estimated,
            })
            .collect();
        let mut free: Vec<bool> = states.iter().map(|s| *s == TermState::Estimated).collect();
        let candidates: Vec<usize> = (0..p).filter(|&k| free[k]).collect();
        for k in collinear_columns(&null.information, &candidates) {
            states[k] = TermState::Collinear;
            free[k] = false;
        }
        let mut search = Self {
            sets: Cow::Borrowed(whole),
            ties: options.ties,
            states,
            free,
            directions: Vec::new(),
            maximum: Maximum {
                beta: vec![0.0; p],
                at: null.clone(),
                ending: Ending::Converged,
                step: vec![0.0; p],
                iterations: 0,
            },
        };
        search.follow_single_terms(kinds);
        search.climb(options);
        search
    }

    /// Goes to the limit of the terms that are monotone by themselves, until none is left.
    fn follow_single_terms(&mut self, mut kinds: Vec<DirectionKind>) {
        loop {
            let found: Vec<(usize, f64)> = (0..self.sets.p)
                .filter(|&k| self.free[k])
                .filter_map(|k| match kinds[k] {
                    DirectionKind::Rising => Some((k, 1.0)),
                    DirectionKind::Falling => Some((k, -1.0)),
                    _ => None,
                })
                .collect();
            if found.is_empty() {
                return;
            }
            for (k, sign) in found {
                let mut direction = vec![0.0; self.sets.p];
                direction[k] = sign;
                self.follow(&direction, 0.0);
            }
            self.drop_lost();
            kinds = column_kinds(&self.sets, self.ties);
        }
    }

    /// Goes to the limit along `direction`: rows compete only with those of their level.
    fn follow(&mut self, direction: &[f64], tolerance: f64) {
        let projection = project(&self.sets, direction);
        let mut by_row = vec![0.0; self.sets.n()];
        for (&row, &value) in self.sets.order.iter().zip(&projection) {
            by_row[row as usize] = value;
        }
        self.directions.push(by_row);
        self.sets = Cow::Owned(self.sets.split_strata(&projection, tolerance));
        let mut steepest = 0;
        for (k, along) in direction.iter().enumerate() {
            if *along != 0.0 && self.states[k] == TermState::Estimated {
                self.states[k] = TermState::Monotone(if *along > 0.0 {
                    CoefLimit::PlusInfinity
                } else {
                    CoefLimit::MinusInfinity
                });
            }
            if along.abs() > direction[steepest].abs() {
                steepest = k;
            }
        }
        self.free[steepest] = false;
    }

    /// Takes out the columns that the likelihood of the split risk sets does not depend on.
    fn drop_lost(&mut self) {
        let mut lost: Vec<usize> = column_kinds(&self.sets, self.ties)
            .iter()
            .enumerate()
            .filter_map(|(k, kind)| (*kind == DirectionKind::Flat).then_some(k))
            .collect();
        let zero = vec![0.0; self.sets.p];
        let information =
            PartialLikelihood { sets: &self.sets, ties: self.ties }.derivatives(&zero).information;
        // Monotone terms first: an estimate that depends on their unknown value is lost.
        let mut candidates: Vec<usize> =
            (0..self.sets.p).filter(|k| self.free[*k] && !lost.contains(k)).collect();
        candidates.sort_by_key(|&k| self.states[k] == TermState::Estimated);
        lost.extend(collinear_columns(&information, &candidates));
        for k in lost {
            self.free[k] = false;
            if self.states[k] == TermState::Estimated {
                self.states[k] = TermState::LostInLimit;
            }
        }
    }

    fn climb(&mut self, options: &CoxOptions) {
        let limits =
            Limits { max_iterations: options.max_iterations, tolerance: options.tolerance };
        let start = vec![0.0; self.sets.p];
        loop {
            let likelihood = PartialLikelihood { sets: &self.sets, ties: self.ties };
            let at_start = match &self.sets {
                Cow::Borrowed(_) => self.maximum.at.clone(),
                Cow::Owned(_) => likelihood.derivatives(&start),
            };
            let start = (start.as_slice(), at_start);
            self.maximum = maximise_from(&likelihood, start, &self.free, limits, LongSteps::Stop);
            if self.maximum.ending != Ending::Diverging {
                return;
            }
            if !self.follow_divergence() {
                break;
            }
        }
        // No direction in which it rises for ever: a maximum far out, or a flat one.
        let likelihood = PartialLikelihood { sets: &self.sets, ties: self.ties };
        self.maximum = maximise(&likelihood, &start, &self.free, limits, LongSteps::Accept);
    }

    /// If the last step points where the likelihood rises for ever, goes to the limit there.
    fn follow_divergence(&mut self) -> bool {
        let step = &self.maximum.step;
        let largest = step.iter().fold(0.0_f64, |m, s| m.max(s.abs()));
        let direction: Vec<f64> = step
            .iter()
            .map(|s| if s.abs() <= DIRECTION_TOLERANCE * largest { 0.0 } else { s / largest })
            .collect();
        let projection = project(&self.sets, &direction);
        let (low, high) = projection
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        let tolerance = DIRECTION_TOLERANCE * (high - low);
        let rises = tolerance.is_finite()
            && self.sets.direction_kind(&projection, tolerance, self.ties) == DirectionKind::Rising;
        if rises {
            self.follow(&direction, tolerance);
            self.drop_lost();
        }
        rises
    }

    fn names(&self, data: &CoxData, wanted: impl Fn(TermState) -> bool) -> Vec<String> {
        let states = self.states.iter().zip(&data.covariates);
        states.filter(|(s, _)| wanted(**s)).map(|(_, column)| column.name.clone()).collect()
    }

    fn status(&self, data: &CoxData) -> CoxStatus {
        let monotone = self.names(data, |state| matches!(state, TermState::Monotone(_)));
        let flat = self.names(data, |state| state == TermState::Flat);
        let collinear = self.names(data, |state| state == TermState::Collinear);
        if self.maximum.ending != Ending::Converged {
            CoxStatus::MaxIterations
        } else if !monotone.is_empty() {
            CoxStatus::MonotoneLikelihood { terms: monotone }
        } else if !flat.is_empty() {
            CoxStatus::NotIdentified { terms: flat }
        } else if !collinear.is_empty() {
            CoxStatus::Singular { terms: collinear }
        } else {
            CoxStatus::Converged
        }
    }

    /// Rows by rising risk: first by place along the monotone directions, then by the linear
    /// predictor of what is left.
    fn risk_rank(&self) -> Vec<usize> {
        let n = self.sets.n();
        let mut risk = vec![0.0; n];
        for (position, &row) in self.sets.order.iter().enumerate() {
            risk[row as usize] = dot(self.sets.row(position), &self.maximum.beta);
        }
        if self.directions.is_empty() {
            return dense_ranks(&risk);
        }
        let keys: Vec<&[f64]> =
            self.directions.iter().map(Vec::as_slice).chain([risk.as_slice()]).collect();
        let compare = |a: usize, b: usize| {
            keys.iter().map(|key| key[a].total_cmp(&key[b])).find(|o| o.is_ne()).unwrap_or(Equal)
        };
        let mut rows: Vec<usize> = (0..n).collect();
        rows.sort_unstable_by(|&a, &b| compare(a, b));
        let mut rank = vec![0; n];
        for pair in rows.windows(2) {
            rank[pair[1]] = rank[pair[0]] + usize::from(compare(pair[0], pair[1]).is_ne());
        }
        rank
    }

    /// Inverse information over the free columns and, where wanted, the sandwich of the score
    /// residuals around it; both `[p x p]` on the standardised scale.
    fn variances(&self, data: &CoxData, robust: bool) -> (DMatrix<f64>, Option<DMatrix<f64>>) {
        let p = self.sets.p;
        let inverse = sub_matrix(&self.maximum.at.information, &self.free)
            .cholesky()
            .map_or_else(|| DMatrix::zeros(p, p), |factor| embed(&factor.inverse(), &self.free));
        let sandwich = robust.then(|| {
            let residuals = score_residuals(&self.sets, &self.maximum.beta, self.ties);
            let meat = clustered_squares(&self.sets, &residuals, data.cluster.as_deref());
            &inverse * meat * &inverse
        });
        (inverse, sandwich)
    }

    fn report(&self, data: &CoxData, null: &Derivatives, robust: bool) -> CoxFit {
        let p = self.sets.p;
        let scale = &self.sets.scale;
        let estimated: Vec<bool> =
            self.states.iter().map(|state| *state == TermState::Estimated).collect();
        let unscale = |matrix: &DMatrix<f64>| {
            DMatrix::from_fn(p, p, |a, b| {
                let both = estimated[a] && estimated[b];
                if both { matrix[(a, b)] / (scale[a] * scale[b]) } else { 0.0 }
            })
        };
        let (naive, sandwich) = self.variances(data, robust);
        let naive = unscale(&naive);
        let sandwich = sandwich.as_ref().map(unscale);
        let variance = sandwich.as_ref().unwrap_or(&naive);
        let coef = DVector::from_fn(p, |k, _| self.maximum.beta[k] / scale[k]);
        let terms: Vec<CoxTerm> = (0..p)
            .map(|k| CoxTerm {
                name: data.covariates[k].name.clone(),
                coef: estimated[k].then(|| coef[k]),
                se: estimated[k].then(|| variance[(k, k)].sqrt()),
                naive_se: estimated[k].then(|| naive[(k, k)].sqrt()),
                limit: match self.states[k] {
                    TermState::Monotone(limit) => Some(limit),
                    _ => None,
                },
            })
            .collect();
        let identified: Vec<bool> = self
            .states
            .iter()
            .map(|state| !matches!(state, TermState::Flat | TermState::Collinear))
            .collect();
        let df = identified.iter().filter(|&&k| k).count();
        let monotone = terms.iter().any(|term| term.limit.is_some());
        let at = &self.maximum.at;
        CoxFit {
            ties: self.ties,
            n: self.sets.n(),
            n_events: data.outcome.n_events(),
            status: self.status(data),
            terms,
            partial_log_likelihood_null: null.value,
            partial_log_likelihood: at.value,
            score_null: (0..p).map(|k| null.score[k] * scale[k]).collect(),
            likelihood_ratio: ChiSquaredTest::new(2.0 * (at.value - null.value), df),
            wald: (!monotone).then(|| wald_test(&coef, variance, &estimated)).flatten(),
            score: score_test(null, &identified),
            naive_variance: naive.as_slice().to_vec(),
            robust_variance: sandwich.map(|matrix| matrix.as_slice().to_vec()),
            information: DMatrix::from_fn(p, p, |a, b| {
                at.information[(a, b)] * scale[a] * scale[b]
            })
            .as_slice()
            .to_vec(),
            iterations: self.maximum.iterations,
            risk_rank: self.risk_rank(),
        }
    }
}

/// Places of the distinct values of `risk` in ascending order, by row.
fn dense_ranks(risk: &[f64]) -> Vec<usize> {
    let by_risk = ascending_rows(risk);
    let mut rank = vec![0; risk.len()];
    for pair in by_risk.windows(2) {
        let (lower, upper) = (pair[0] as usize, pair[1] as usize);
        let step = risk[lower].total_cmp(&risk[upper]).is_ne();
        rank[upper] = rank[lower] + usize::from(step);
    }
    rank
}

/// The kind of each column by itself.
pub(super) fn column_kinds(sets: &RiskSets, ties: Ties) -> Vec<DirectionKind> {
    let column = |k: usize| sets.x.iter().skip(k).step_by(sets.p).copied().collect::<Vec<_>>();
    (0..sets.p).map(|k| sets.direction_kind(&column(k), 0.0, ties)).collect()
}

fn project(sets: &RiskSets, direction: &[f64]) -> Vec<f64> {
    (0..sets.n()).map(|position| dot(sets.row(position), direction)).collect()
}

/// The columns of `candidates` that are linear combinations of candidates before them, by
/// Cholesky elimination of the information.
pub(super) fn collinear_columns(information: &DMatrix<f64>, candidates: &[usize]) -> Vec<usize> {
    let mut kept: Vec<(usize, Vec<f64>)> = Vec::new();
    let mut dropped = Vec::new();
    for &k in candidates {
        let mut row: Vec<f64> = Vec::with_capacity(kept.len() + 1);
        for (other, factor) in &kept {
            let done = dot(&row, factor);
            row.push((information[(k, *other)] - done) / factor[row.len()]);
        }
        let left = information[(k, k)] - dot(&row, &row);
        if left <= COLLINEAR_SHARE * information[(k, k)] {
            dropped.push(k);
        } else {
            row.push(left.sqrt());
            kept.push((k, row));
        }
    }
    dropped
}

/// Sum over clusters (rows without clusters) of r r', r the sum of weight * score residual.
fn clustered_squares(
    sets: &RiskSets,
    residuals: &[f64],
    cluster: Option<&[usize]>,
) -> DMatrix<f64> {
    let p = sets.p;
    let label = |position: usize| {
        let row = sets.order[position] as usize;
        cluster.map_or(row, |cluster| cluster[row])
    };
    let mut positions: Vec<usize> = (0..sets.n()).collect();
    if cluster.is_some() {
        positions.sort_unstable_by_key(|&position| label(position));
    }
    let mut squares = DMatrix::zeros(p, p);
    let mut sum = DVector::zeros(p);
    for members in positions.chunk_by(|&a, &b| label(a) == label(b)) {
        sum.fill(0.0);
        for &position in members {
            for (total, residual) in sum.iter_mut().zip(&residuals[position * p..]) {
                *total += sets.weight_of(position) * residual;
            }
        }
        squares.ger(1.0, &sum, &sum, 1.0);
    }
    squares
}

fn score_test(null: &Derivatives, identified: &[bool]) -> ChiSquaredTest {
    let kept: Vec<usize> = (0..identified.len()).filter(|&k| identified[k]).collect();
    let score = null.score.select_rows(&kept);
    let chisq = sub_matrix(&null.information, identified)
        .cholesky()
        .map_or(0.0, |factor| score.dot(&factor.solve(&score)));
    ChiSquaredTest::new(chisq, kept.len())
}

fn wald_test(
    coef: &DVector<f64>,
    variance: &DMatrix<f64>,
    estimated: &[bool],
) -> Option<ChiSquaredTest> {
    let kept: Vec<usize> = (0..estimated.len()).filter(|&k| estimated[k]).collect();
    if kept.is_empty() {
        return Some(ChiSquaredTest::new(0.0, 0));
    }
    let coef = coef.select_rows(&kept);
    // In units of the standard errors, so that scales of covariates do not matter.
    let se = DVector::from_fn(kept.len(), |k, _| variance[(kept[k], kept[k])].sqrt());
    let correlation = DMatrix::from_fn(kept.len(), kept.len(), |a, b| {
        variance[(kept[a], kept[b])] / (se[a] * se[b])
    });
    let z = coef.component_div(&se);
    let factor = correlation.cholesky()?;
    Some(ChiSquaredTest::new(z.dot(&factor.solve(&z)), kept.len()))
}
