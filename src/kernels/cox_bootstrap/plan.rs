//! A cohort made ready for resampling its Cox model.

use std::ops::Range;

use crate::numeric::resampling::Resampling;
use crate::survival::{CoxData, Ties};

/// A cohort made ready: rows by stratum and falling time, columns standardised, the term of
/// interest last.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of columns.
    pub p: usize,
    /// Efron's method; else Breslow's.
    pub efron: bool,
    /// Maximise Firth's penalised likelihood.
    pub firth: bool,
    /// Standardised columns `[n_rows x p]`, row-major, of the rows that are ever at risk.
    pub x: Vec<f64>,
    /// Case weights `[n_rows]`; `None` when every weight is one.
    pub weight: Option<Vec<f64>>,
    /// Distinct event times by stratum, falling within it.
    pub times: Vec<EventTime>,
    /// Rows in the order in which they leave the risk set as time falls (left truncation).
    pub leavers: Vec<u32>,
    /// Where the iteration starts `[p]`, on the standardised scale.
    pub start: Vec<f64>,
    /// Standard deviation of the column of interest: its raw coefficient is that of the
    /// standardised column divided by this.
    pub scale: f64,
    /// Largest absolute value of each standardised column `[p]`.
    pub span: Vec<f64>,
    /// Which units each replicate draws.
    pub resampling: Resampling,
    /// What is done with them.
    pub scheme: Scheme,
    /// Rows of unit `u`: `members[first_member[u]..first_member[u + 1]]`.
    pub members: Vec<u32>,
    /// `[n_units + 1]`
    pub first_member: Vec<u32>,
}

/// Rows that join, fail and leave as the walk comes down to an event time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTime {
    /// Whether a stratum begins here.
    pub opens_stratum: bool,
    /// Rows that join the risk set: those that end here or before the next later event time.
    pub joining: Range<usize>,
    /// First of the joining rows that fail here; they are the last ones.
    pub failing: usize,
    /// Range of [`Plan::leavers`]: rows whose entry lies at or after this time.
    pub leaving: Range<usize>,
}

/// How drawn units become a replicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Each drawn unit is one more real copy of its rows.
    Copies,
    /// Units of resamples of resamples: replicate `o * per_outer + i` is resample `i` of outer
    /// resample `first_outer + o`, whose units are row `o` of `outer_units [n_outer x n_draws]`.
    Nested {
        /// Number of the first outer resample.
        first_outer: u32,
        /// Replicates of each.
        per_outer: u32,
        /// Units of the outer resamples.
        outer_units: Vec<u32>,
    },
    /// Nothing is drawn; every unit gets a random weight.
    Weights,
    /// Replicate `u` is the data as given without unit `u`.
    LeaveOneOut,
}

impl Plan {
    /// Prepares `data`, of which column `term` is of interest. `start` are coefficients `[p]` on
    /// the scale of `data` near which replicates are expected.
    ///
    /// # Panics
    /// When `term` is no column, columns differ in length, or ties are exact: the caller checks.
    pub fn new(
        data: &CoxData,
        term: usize,
        ties: Ties,
        start: Option<&[f64]>,
        resampling: Resampling,
        scheme: Scheme,
    ) -> Self {
        assert!(ties != Ties::Exact, "exact ties have another likelihood");
        let n = data.outcome.len();
        let mut columns: Vec<usize> = (0..data.covariates.len()).collect();
        columns.remove(term);
        columns.push(term);
        let p = columns.len();
        let scales: Vec<(f64, f64)> =
            columns.iter().map(|&column| mean_and_sd(&data.covariates[column].values)).collect();
        let Layout { order, times, leavers } = layout(data);
        let mut x = Vec::with_capacity(order.len() * p);
        for &row in &order {
            for (&column, (mean, sd)) in columns.iter().zip(&scales) {
                x.push((data.covariates[column].values[row] - mean) / sd);
            }
        }
        let mut place = vec![None; n];
        for (position, &row) in order.iter().enumerate() {
            place[row] = Some(position as u32);
        }
        let n_units = resampling.n_draws() as u32;
        let (mut members, mut first_member) = (Vec::with_capacity(order.len()), vec![0]);
        for unit in 0..n_units {
            members.extend(resampling.members(unit).iter().filter_map(|&row| place[row as usize]));
            first_member.push(members.len() as u32);
        }
        let weight = data.outcome.weight().filter(|weight| weight.iter().any(|&w| w != 1.0));
        let span = (0..p).map(|k| {
            x.iter().skip(k).step_by(p).fold(0.0_f64, |largest, value| largest.max(value.abs()))
        });
        Self {
            p,
            efron: ties == Ties::Efron,
            firth: false,
            span: span.collect(),
            x,
            weight: weight.map(|weight| order.iter().map(|&row| weight[row]).collect()),
            times,
            leavers,
            start: columns
                .iter()
                .zip(&scales)
                .map(|(&column, (_, sd))| start.map_or(0.0, |start| start[column] * sd))
                .collect(),
            scale: scales[p - 1].1,
            resampling,
            scheme,
            members,
            first_member,
        }
    }

    /// The plan that resamples the resamples `first_outer ..` of this one, `n_outer` of them,
    /// `per_outer` times each.
    ///
    /// # Panics
    /// When an outer number does not fit in 32 bits, or nothing is drawn: the caller checks.
    pub fn nested(&self, first_outer: u64, n_outer: usize, per_outer: u32) -> Self {
        assert!(self.scheme == Scheme::Copies, "only copies are resampled again");
        let mut outer_units = Vec::with_capacity(n_outer * self.resampling.n_draws());
        for outer in first_outer..first_outer + n_outer as u64 {
            self.resampling.each_unit(outer, |unit| outer_units.push(unit));
        }
        let first_outer = u32::try_from(first_outer).expect("an outer number has 32 bits");
        let scheme = Scheme::Nested { first_outer, per_outer, outer_units };
        Self { scheme, ..self.clone() }
    }

    /// The plan whose replicates leave one unit out each.
    pub fn leave_one_out(&self) -> Self {
        Self { scheme: Scheme::LeaveOneOut, ..self.clone() }
    }

    /// Number of rows that are ever at risk at an event time.
    pub fn n_rows(&self) -> usize {
        self.x.len() / self.p
    }

    /// Calls `visit` with the units of replicate `number`.
    pub fn each_unit(&self, number: u64, visit: impl FnMut(u32)) {
        match &self.scheme {
            Scheme::Nested { first_outer, per_outer, outer_units } => {
                let per_outer = u64::from(*per_outer);
                let (outer, inner) = (number / per_outer, (number % per_outer) as u32);
                let n_draws = self.resampling.n_draws();
                let units = &outer_units[outer as usize * n_draws..][..n_draws];
                let outer = first_outer + outer as u32;
                self.resampling.each_inner_unit(units, outer, inner, visit);
            }
            Scheme::LeaveOneOut => {
                let n_units = self.resampling.n_draws() as u32;
                (0..n_units).filter(|&unit| u64::from(unit) != number).for_each(visit);
            }
            Scheme::Copies | Scheme::Weights => self.resampling.each_unit(number, visit),
        }
    }

    /// Rows of `unit`, as positions.
    pub fn members(&self, unit: u32) -> &[u32] {
        let unit = unit as usize;
        &self.members[self.first_member[unit] as usize..self.first_member[unit + 1] as usize]
    }
}

/// Mean and standard deviation; 1 for a constant column.
fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest == 0.0 || values.iter().all(|v| *v == values[0]) {
        return (values.first().copied().unwrap_or(0.0), 1.0);
    }
    // In units of the largest value, so that squares cannot overflow.
    let mean = values.iter().map(|v| v / largest).sum::<f64>() / n;
    let squares = values.iter().map(|v| (v / largest - mean).powi(2)).sum::<f64>();
    (mean * largest, (squares / n).sqrt() * largest)
}

struct Layout {
    /// Row of the data at each position.
    order: Vec<usize>,
    times: Vec<EventTime>,
    leavers: Vec<u32>,
}

/// Sorts the rows that are at risk at an event time of their stratum; the others are left out.
fn layout(data: &CoxData) -> Layout {
    let (time, event) = (data.outcome.time(), data.outcome.event());
    let stratum = |row: usize| data.strata.as_ref().map_or(0, |strata| strata[row]);
    let entry = |row: usize| data.outcome.entry().map_or(f64::NEG_INFINITY, |entry| entry[row]);
    let mut rows: Vec<usize> = (0..time.len()).collect();
    rows.sort_unstable_by(|&a, &b| {
        (stratum(a).cmp(&stratum(b)))
            .then(time[b].total_cmp(&time[a]))
            .then(event[a].cmp(&event[b]))
            .then(a.cmp(&b))
    });
    let (mut order, mut times, mut leavers) = (Vec::new(), Vec::<EventTime>::new(), Vec::new());
    for rows in rows.chunk_by(|&a, &b| stratum(a) == stratum(b)) {
        let mut event_times: Vec<f64> =
            rows.iter().filter(|&&row| event[row]).map(|&row| time[row]).collect();
        event_times.dedup();
        // The latest event time at which a row is still followed, if it has entered by then.
        let first_of = |row: usize| {
            let at = event_times.partition_point(|&t| t > time[row]);
            event_times.get(at).filter(|&&t| entry(row) < t).map(|_| at)
        };
        let first_time = times.len();
        let joined: Vec<(usize, usize)> =
            rows.iter().filter_map(|&row| Some((first_of(row)?, row))).collect();
        let mut by_entry: Vec<u32> = (order.len()..order.len() + joined.len())
            .map(|position| position as u32)
            .filter(|_| data.outcome.entry().is_some())
            .collect();
        let start = order.len();
        let entry_at = |position: u32| entry(joined[position as usize - start].1);
        by_entry.sort_by(|&a, &b| entry_at(b).total_cmp(&entry_at(a)));
        let (mut next, mut next_leaver) = (0, 0);
        for (at, &t) in event_times.iter().enumerate() {
            let joining = start + next;
            while next < joined.len() && joined[next].0 == at {
                next += 1;
            }
            let failing = (joining - start..next).find(|&i| {
                let row = joined[i].1;
                event[row] && time[row] == t
            });
            let leaving = leavers.len();
            while next_leaver < by_entry.len() && entry_at(by_entry[next_leaver]) >= t {
                leavers.push(by_entry[next_leaver]);
                next_leaver += 1;
            }
            times.push(EventTime {
                opens_stratum: times.len() == first_time,
                joining: joining..start + next,
                failing: start + failing.unwrap_or(next),
                leaving: leaving..leavers.len(),
            });
        }
        order.extend(joined.iter().map(|&(_, row)| row));
    }
    Layout { order, times, leavers }
}
