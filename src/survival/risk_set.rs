//! Rows sorted once for a Cox model, and the walk over event times that keeps the risk-set sums.
//!
//! Within a stratum the rows stand in descending time, so that the risk set of an event time is
//! everything walked so far, less the rows whose entry lies at or after it. A block of equal times
//! is one unit. Covariates are centred and scaled, row-major, in sorted order.

use std::ops::Range;

use super::cox::{CoxData, Ties};

/// A row's `exp(linear predictor)` is kept relative to a running offset; the offset moves up when
/// a row exceeds it by this much. exp(20) leaves room on both sides of the `f64` range.
const OFFSET_HEADROOM: f64 = 20.0;

/// Removing late entries by subtraction loses digits when what stays is small against what was
/// there. Below this share of the largest sum the risk set is summed anew, so that sums keep 12
/// digits: with fewer the noise of the likelihood hides the last steps of the climb.
const REBUILD_SHARE: f64 = 1e-3;

/// The rows of a Cox model in the order the likelihood walks them.
#[derive(Clone, Debug)]
pub(super) struct RiskSets {
    /// Number of covariates p.
    pub(super) p: usize,
    /// `order[position]` is the row in the data as given.
    pub(super) order: Vec<u32>,
    /// Standardised covariates `[n x p]`, row-major, by position.
    pub(super) x: Vec<f64>,
    pub(super) time: Vec<f64>,
    pub(super) event: Vec<bool>,
    /// Case weights by position; `None` when every weight is one.
    pub(super) weight: Option<Vec<f64>>,
    /// Entry times by position.
    pub(super) entry: Option<Vec<f64>>,
    /// Positions of each stratum sorted by descending entry, as `strata` partitions them.
    entry_order: Vec<u32>,
    /// Half-open ranges of positions, one a stratum.
    pub(super) strata: Vec<Range<usize>>,
    /// Raw covariate = centre + scale * standardised covariate.
    pub(super) centre: Vec<f64>,
    pub(super) scale: Vec<f64>,
}

/// Which sums a walk keeps beside the plain one.
#[derive(Clone, Copy)]
pub(super) enum Moments<'a> {
    /// The sum of weights alone: the likelihood's value.
    Zeroth,
    /// With the sums of `x`.
    First,
    /// With the sums of `x x'` (packed upper triangle): score and information.
    Second,
    /// With the sums of `q` and `q x`, q = x' V x for this symmetric `V [p x p]`: Firth's score.
    Quadratic(&'a [f64]),
}

/// Weighted sums over a set of rows, every weight multiplied by `exp(linear predictor - offset)`.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub(super) s0: f64,
    pub(super) s1: Vec<f64>,
    pub(super) s2: Vec<f64>,
    pub(super) q0: f64,
    pub(super) q1: Vec<f64>,
}

/// One distinct event time of one stratum, as the walk reaches it.
pub(super) struct EventTime<'a> {
    /// Index into [`RiskSets::strata`].
    pub(super) stratum: usize,
    pub(super) time: f64,
    /// Positions of the rows that end at this time, events and censorings.
    pub(super) block: Range<usize>,
    pub(super) n_events: usize,
    /// Sum of the events' weights.
    pub(super) event_weight: f64,
    /// Sum of weight * linear predictor over the events.
    pub(super) event_eta: f64,
    /// Sum of weight * x over the events `[p]`; zero in a walk of the zeroth moment.
    pub(super) event_x: &'a [f64],
    /// Logarithm of the factor that all sums below were divided by.
    pub(super) offset: f64,
    /// Sums over the risk set.
    pub(super) at_risk: &'a Sums,
    /// Sums over the events; only kept for Efron's method with more than one event.
    pub(super) failing: &'a Sums,
}

impl EventTime<'_> {
    /// The terms of this event time: `(share of the failing rows taken out, weight)`.
    /// Breslow has one, Efron one for each event.
    pub(super) fn steps(&self, ties: Ties) -> impl Iterator<Item = (f64, f64)> + use<> {
        let n = if ties == Ties::Efron { self.n_events } else { 1 };
        let weight = self.event_weight / n as f64;
        (0..n).map(move |k| (k as f64 / n as f64, weight))
    }

    /// Adds `weight` times the covariance of x in the risk set less `share` of the failing rows to
    /// `packed`, an upper triangle `[p (p + 1) / 2]`; `mean [p]` receives the mean of x.
    pub(super) fn add_covariance(
        &self,
        share: f64,
        weight: f64,
        mean: &mut [f64],
        packed: &mut [f64],
    ) {
        for_small_p!(mean.len(), |p| add_covariance(
            p,
            [self.at_risk, self.failing],
            [share, weight],
            mean,
            packed
        ));
    }
}

impl Sums {
    fn new(p: usize, moments: Moments<'_>) -> Self {
        let (first, second, quadratic) = match moments {
            Moments::Zeroth => (0, 0, 0),
            Moments::First => (p, 0, 0),
            Moments::Second => (p, p * (p + 1) / 2, 0),
            Moments::Quadratic(_) => (p, p * (p + 1) / 2, p),
        };
        Self {
            s0: 0.0,
            s1: vec![0.0; first],
            s2: vec![0.0; second],
            q0: 0.0,
            q1: vec![0.0; quadratic],
        }
    }

    fn clear(&mut self) {
        self.s0 = 0.0;
        self.q0 = 0.0;
        for sums in [&mut self.s1, &mut self.s2, &mut self.q1] {
            sums.fill(0.0);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.s0 *= factor;
        self.q0 *= factor;
        for sums in [&mut self.s1, &mut self.s2, &mut self.q1] {
            sums.iter_mut().for_each(|sum| *sum *= factor);
        }
    }

    /// Adds a row of covariates `x` with weight `risk` (negative to take it out).
    fn add(&mut self, x: &[f64], risk: f64, moments: Moments<'_>) {
        self.s0 += risk;
        if self.s1.is_empty() {
            return;
        }
        for (sum, value) in self.s1.iter_mut().zip(x) {
            *sum += risk * value;
        }
        if self.s2.is_empty() {
            return;
        }
        for_small_p!(x.len(), |p| add_products(p, &mut self.s2, x, risk));
        if let Moments::Quadratic(metric) = moments {
            let weighted = risk * quadratic_form(metric, x);
            self.q0 += weighted;
            for (sum, value) in self.q1.iter_mut().zip(x) {
                *sum += weighted * value;
            }
        }
    }
}

/// Runs `$body` with `$p` a constant where it is small, so that loops over columns unroll.
macro_rules! for_small_p {
    ($value:expr, |$p:ident| $body:expr) => {
        match $value {
            1 => for_small_p!(@ 1, $p, $body),
            2 => for_small_p!(@ 2, $p, $body),
            3 => for_small_p!(@ 3, $p, $body),
            4 => for_small_p!(@ 4, $p, $body),
            5 => for_small_p!(@ 5, $p, $body),
            6 => for_small_p!(@ 6, $p, $body),
            $p => $body,
        }
    };
    (@ $constant:literal, $p:ident, $body:expr) => {{
        let $p: usize = $constant;
        $body
    }};
}
pub(super) use for_small_p;

#[inline(always)]
fn add_covariance(
    p: usize,
    [at_risk, failing]: [&Sums; 2],
    [share, weight]: [f64; 2],
    mean: &mut [f64],
    packed: &mut [f64],
) {
    let n_packed = p * (p + 1) / 2;
    let (first, first_failing, mean) = (&at_risk.s1[..p], &failing.s1[..p], &mut mean[..p]);
    let (second, second_failing) = (&at_risk.s2[..n_packed], &failing.s2[..n_packed]);
    let packed = &mut packed[..n_packed];
    let sum = at_risk.s0 - share * failing.s0;
    for k in 0..p {
        mean[k] = (first[k] - share * first_failing[k]) / sum;
    }
    let mut at = 0;
    for a in 0..p {
        for b in a..p {
            let second = (second[at] - share * second_failing[at]) / sum;
            packed[at] += weight * (second - mean[a] * mean[b]);
            at += 1;
        }
    }
}

/// Adds `weight * x x'` to a packed upper triangle `[p (p + 1) / 2]`.
#[inline(always)]
fn add_products(p: usize, packed: &mut [f64], x: &[f64], weight: f64) {
    let (x, packed) = (&x[..p], &mut packed[..p * (p + 1) / 2]);
    let mut at = 0;
    for a in 0..p {
        let weighted = weight * x[a];
        for right in &x[a..] {
            packed[at] += weighted * right;
            at += 1;
        }
    }
}

/// `x' V x` of a symmetric row-major `V [p x p]`.
pub(super) fn quadratic_form(v: &[f64], x: &[f64]) -> f64 {
    x.iter().zip(v.chunks_exact(x.len())).map(|(a, row)| a * dot(row, x)).sum()
}

/// Sum of products; stops at the shorter slice.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl RiskSets {
    /// Sorts and standardises `data`, which must have been validated.
    pub(super) fn new(data: &CoxData) -> Self {
        let n = data.outcome.len();
        let p = data.covariates.len();
        let stratum = |row: u32| data.strata.as_ref().map_or(0, |strata| strata[row as usize]);
        let order = walk_order(data);
        let (centre, scale) = standardisation(data);
        let mut x = Vec::with_capacity(n * p);
        for &row in &order {
            let columns = data.covariates.iter().zip(centre.iter().zip(&scale));
            x.extend(columns.map(|(column, (c, s))| (column.values[row as usize] - c) / s));
        }
        let pick =
            |column: &[f64]| order.iter().map(|&row| column[row as usize]).collect::<Vec<_>>();
        let strata = order
            .chunk_by(|&a, &b| stratum(a) == stratum(b))
            .scan(0, |start, chunk| {
                let range = *start..*start + chunk.len();
                *start = range.end;
                Some(range)
            })
            .collect();
        let mut sets = Self {
            p,
            x,
            time: pick(data.outcome.time()),
            event: order.iter().map(|&row| data.outcome.event()[row as usize]).collect(),
            weight: data
                .outcome
                .weight()
                .filter(|weight| weight.iter().any(|&w| w != 1.0))
                .map(pick),
            entry: data.outcome.entry().map(pick),
            entry_order: Vec::new(),
            strata,
            centre,
            scale,
            order,
        };
        sets.sort_entries();
        sets
    }

    fn sort_entries(&mut self) {
        let Some(entry) = &self.entry else { return };
        self.entry_order = (0..entry.len() as u32).collect();
        for stratum in &self.strata {
            self.entry_order[stratum.clone()].sort_unstable_by(|&a, &b| {
                entry[b as usize].total_cmp(&entry[a as usize]).then(a.cmp(&b))
            });
        }
    }

    /// Number of rows.
    pub(super) fn n(&self) -> usize {
        self.order.len()
    }

    /// Standardised covariates of one position `[p]`.
    pub(super) fn row(&self, position: usize) -> &[f64] {
        &self.x[position * self.p..(position + 1) * self.p]
    }

    /// Case weight of one position.
    pub(super) fn weight_of(&self, position: usize) -> f64 {
        self.weight.as_ref().map_or(1.0, |weight| weight[position])
    }

    /// Whether the row at `position`, already reached, is at risk at `time`.
    pub(super) fn has_entered(&self, position: usize, time: f64) -> bool {
        self.entry.as_ref().is_none_or(|entry| entry[position] < time)
    }

    /// Splits every stratum by the level of `projection` (one value a position): values in sorted
    /// order belong to one level while neighbours differ by at most `tolerance`.
    ///
    /// # Source
    /// In the limit of the coefficients along a direction in which the partial likelihood never
    /// falls, rows below the largest projection of a risk set leave it; what stays is the Cox
    /// likelihood stratified by level.
    pub(super) fn split_strata(&self, projection: &[f64], tolerance: f64) -> Self {
        let mut by_value: Vec<usize> = (0..self.n()).collect();
        by_value.sort_unstable_by(|&a, &b| projection[a].total_cmp(&projection[b]));
        let mut level = vec![0_usize; self.n()];
        for pair in by_value.windows(2) {
            let step = projection[pair[1]] - projection[pair[0]] > tolerance;
            level[pair[1]] = level[pair[0]] + usize::from(step);
        }
        let mut positions = Vec::with_capacity(self.n());
        let mut strata = Vec::new();
        for stratum in &self.strata {
            let mut rows: Vec<usize> = stratum.clone().collect();
            rows.sort_by_key(|&position| level[position]);
            for chunk in rows.chunk_by(|&a, &b| level[a] == level[b]) {
                strata.push(positions.len()..positions.len() + chunk.len());
                positions.extend_from_slice(chunk);
            }
        }
        self.reordered(&positions, strata)
    }

    fn reordered(&self, positions: &[usize], strata: Vec<Range<usize>>) -> Self {
        let pick = |column: &Vec<f64>| positions.iter().map(|&i| column[i]).collect::<Vec<_>>();
        let mut sets = Self {
            p: self.p,
            order: positions.iter().map(|&i| self.order[i]).collect(),
            x: positions.iter().flat_map(|&i| self.row(i)).copied().collect(),
            time: pick(&self.time),
            event: positions.iter().map(|&i| self.event[i]).collect(),
            weight: self.weight.as_ref().map(pick),
            entry: self.entry.as_ref().map(pick),
            entry_order: Vec::new(),
            strata,
            centre: self.centre.clone(),
            scale: self.scale.clone(),
        };
        sets.sort_entries();
        sets
    }

    /// End of the block of equal times that begins at `start` inside a stratum that ends at `end`.
    pub(super) fn block_end(&self, start: usize, end: usize) -> usize {
        let time = self.time[start];
        (start..end).find(|&i| self.time[i] != time).unwrap_or(end)
    }

    /// Calls `visit` at each distinct event time, by stratum and in descending time, with the
    /// sums at the standardised coefficients `beta [p]`.
    ///
    /// # Source
    /// The two running sums follow the usual one-pass evaluation of the Cox partial likelihood
    /// (Therneau and Grambsch 2000, section 3.1). Sums are relative to `exp(offset)`, which follows
    /// the largest linear predictor, so that diverging coefficients neither overflow nor leave an
    /// empty sum.
    pub(super) fn visit_event_times(
        &self,
        beta: &[f64],
        moments: Moments<'_>,
        ties: Ties,
        mut visit: impl FnMut(&EventTime<'_>),
    ) {
        let mut walk = Walk {
            sets: self,
            beta,
            moments,
            at_risk: Sums::new(self.p, moments),
            offset: f64::NEG_INFINITY,
            peak: 0.0,
            left: 0,
        };
        let mut failing = Sums::new(self.p, moments);
        let mut was_tied = false;
        let mut event_x = vec![0.0; self.p];
        for (index, stratum) in self.strata.iter().enumerate() {
            walk.begin(stratum);
            let mut start = stratum.start;
            while start < stratum.end {
                let end = self.block_end(start, stratum.end);
                let n_events = self.event[start..end].iter().filter(|&&event| event).count();
                walk.enter(start..end);
                walk.leave(stratum, end, n_events > 0);
                if n_events > 0 {
                    let (event_weight, event_eta) = self.sum_events(
                        start..end,
                        beta,
                        matches!(moments, Moments::Zeroth),
                        &mut event_x,
                    );
                    let is_tied = ties == Ties::Efron && n_events > 1;
                    if is_tied {
                        walk.sum_failing(start..end, &mut failing);
                    } else if was_tied {
                        failing.clear();
                    }
                    was_tied = is_tied;
                    visit(&EventTime {
                        stratum: index,
                        time: self.time[start],
                        block: start..end,
                        n_events,
                        event_weight,
                        event_eta,
                        event_x: &event_x,
                        offset: walk.offset,
                        at_risk: &walk.at_risk,
                        failing: &failing,
                    });
                }
                start = end;
            }
        }
    }

    fn sum_events(
        &self,
        block: Range<usize>,
        beta: &[f64],
        value_only: bool,
        event_x: &mut [f64],
    ) -> (f64, f64) {
        let (mut weights, mut etas) = (0.0, 0.0);
        event_x.fill(0.0);
        for position in block.filter(|&i| self.event[i]) {
            let (weight, x) = (self.weight_of(position), self.row(position));
            weights += weight;
            etas += weight * dot(x, beta);
            if !value_only {
                event_x.iter_mut().zip(x).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        (weights, etas)
    }
}

/// The state of one walk through one stratum.
struct Walk<'a> {
    sets: &'a RiskSets,
    beta: &'a [f64],
    moments: Moments<'a>,
    at_risk: Sums,
    offset: f64,
    /// Largest `s0` since the sums were last built, on the current offset.
    peak: f64,
    /// Next position of the stratum's entry order that has not left yet.
    left: usize,
}

impl Walk<'_> {
    fn begin(&mut self, stratum: &Range<usize>) {
        self.at_risk.clear();
        self.offset = f64::NEG_INFINITY;
        self.peak = 0.0;
        self.left = stratum.start;
    }

    fn risk(&self, position: usize) -> f64 {
        let eta = dot(self.sets.row(position), self.beta);
        self.sets.weight_of(position) * (eta - self.offset).exp()
    }

    fn enter(&mut self, rows: Range<usize>) {
        for position in rows {
            let eta = dot(self.sets.row(position), self.beta);
            if eta > self.offset + OFFSET_HEADROOM {
                let factor = (self.offset - eta).exp();
                self.at_risk.scale(factor);
                self.peak *= factor;
                self.offset = eta;
            }
            let risk = self.sets.weight_of(position) * (eta - self.offset).exp();
            self.at_risk.add(self.sets.row(position), risk, self.moments);
        }
        self.peak = self.peak.max(self.at_risk.s0);
    }

    /// Takes out the rows whose entry is at or after the time at the end of the rows walked so far
    /// (`..end`), and sums anew when an event needs digits that subtraction has lost.
    fn leave(&mut self, stratum: &Range<usize>, end: usize, needed: bool) {
        let Some(entry) = &self.sets.entry else { return };
        let time = self.sets.time[end - 1];
        while self.left < stratum.end {
            let position = self.sets.entry_order[self.left] as usize;
            if entry[position] < time {
                break;
            }
            self.at_risk.add(self.sets.row(position), -self.risk(position), self.moments);
            self.left += 1;
        }
        if needed && self.at_risk.s0 <= self.peak * REBUILD_SHARE {
            self.at_risk.clear();
            self.offset = f64::NEG_INFINITY;
            self.peak = 0.0;
            for position in (stratum.start..end).filter(|&i| entry[i] < time) {
                self.enter(position..position + 1);
            }
        }
    }

    fn sum_failing(&self, block: Range<usize>, failing: &mut Sums) {
        failing.clear();
        for position in block.filter(|&i| self.sets.event[i]) {
            failing.add(self.sets.row(position), self.risk(position), self.moments);
        }
    }
}

/// Rows by stratum, descending time, censored before events, and their own order.
fn walk_order(data: &CoxData) -> Vec<u32> {
    let (times, events) = (data.outcome.time(), data.outcome.event());
    let blocks =
        data.outcome.rows_by_time().chunk_by(|&a, &b| times[a as usize] == times[b as usize]).rev();
    let mut order = Vec::with_capacity(times.len());
    for block in blocks {
        order.extend(block.iter().filter(|&&row| !events[row as usize]));
        order.extend(block.iter().filter(|&&row| events[row as usize]));
    }
    if let Some(strata) = &data.strata {
        order.sort_by_key(|&row| strata[row as usize]);
    }
    order
}

/// Mean and standard deviation of each covariate (1 for a constant one): the internal scale.
/// Estimates do not depend on it; the conditioning of the information does.
fn standardisation(data: &CoxData) -> (Vec<f64>, Vec<f64>) {
    let n = data.outcome.len().max(1) as f64;
    data.covariates
        .iter()
        .map(|column| {
            let largest = column.values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            if largest == 0.0 {
                return (0.0, 1.0);
            }
            // In units of the largest value, so that squares cannot overflow.
            let mean = column.values.iter().map(|v| v / largest).sum::<f64>() / n;
            let squares = column.values.iter().map(|v| (v / largest - mean).powi(2)).sum::<f64>();
            let sd = (squares / n).sqrt();
            let constant = column.values.iter().all(|v| *v == column.values[0]);
            let scale = if constant || sd == 0.0 { 1.0 } else { sd * largest };
            (mean * largest, scale)
        })
        .unzip()
}
