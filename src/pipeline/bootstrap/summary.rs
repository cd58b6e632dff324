//! Replicates added up in their order, in bounded memory.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::histogram::HistogramCounter;
use super::order_tracker::OrderTracker;
use super::replicate::{Reason, ReplicateValue};

/// Replicates whose sums are taken together. Blocks begin at multiples of it counted from the first
/// replicate, so that sums depend neither on threads nor on how replicates arrive.
pub(super) const BLOCK: usize = 4_096;

/// Values this near to each other, relatively, are one value that was summed in another order; the
/// GPU's differ by 1e-7 (half the relative error of a variance in singles at n = 60).
const SAME_VALUE: f64 = 1e-6;

/// What is known of the replicates so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Summary {
    /// Where the sums of powers are taken about: the estimate, or 0 where there is none.
    centre: f64,
    pub(super) counts: Counts,
    /// Sums over whole blocks.
    powers: [f64; 4],
    /// Sums over the block that is not full yet, and how many replicates it has.
    open: [f64; 4],
    n_open: usize,
    pub(super) values: OrderTracker,
    /// Pivots `(value - centre) / std_err`, where they are asked for.
    pub(super) pivots: Option<OrderTracker>,
    pub(super) histogram: HistogramCounter,
}

/// How many replicates ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) finite: u64,
    /// Of the finite ones, those below the centre.
    pub(super) below_centre: u64,
    /// Of the finite ones, those at least as far from 0 as the centre.
    pub(super) as_extreme: u64,
    /// Of the finite ones, those with a pivot.
    pub(super) with_pivot: u64,
    pub(super) minus_infinity: u64,
    pub(super) plus_infinity: u64,
    pub(super) lost: [u64; Reason::ALL.len()],
}

impl Counts {
    /// Replicates without a finite value, by the reason documents give.
    pub(super) fn inestimable(&self) -> Vec<(&'static str, u64)> {
        let monotone = self.minus_infinity + self.plus_infinity;
        let lost = Reason::ALL.map(|reason| (reason.name(), self.lost[reason as usize]));
        [("monotone_likelihood", monotone)]
            .into_iter()
            .chain(lost)
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Replicates of any kind.
    pub(super) fn total(&self) -> u64 {
        self.finite + self.minus_infinity + self.plus_infinity + self.lost.iter().sum::<u64>()
    }
}

/// A chunk's replicates sorted out in parallel.
struct Sorted {
    finite: Vec<f64>,
    pivots: Vec<f64>,
    powers: [f64; 4],
    counts: Counts,
}

impl Summary {
    /// A summary about `estimate`. Pivots need an estimate.
    pub(super) fn new(estimate: Option<f64>, with_pivots: bool) -> Self {
        Self {
            centre: estimate.unwrap_or(0.0),
            counts: Counts::default(),
            powers: [0.0; 4],
            open: [0.0; 4],
            n_open: 0,
            values: OrderTracker::new(),
            pivots: (with_pivots && estimate.is_some()).then(OrderTracker::new),
            histogram: HistogramCounter::default(),
        }
    }

    /// The same, with every value kept.
    pub(super) fn keeping_all(mut self) -> Self {
        self.values = OrderTracker::keeping_all();
        self.pivots = self.pivots.map(|_| OrderTracker::keeping_all());
        self
    }

    /// Takes the next replicates. `shares` gives the shares of the finite values, and of the
    /// pivots, whose order statistics will be asked for, by the counts so far.
    pub(super) fn push(
        &mut self,
        replicates: &[ReplicateValue],
        shares: &dyn Fn(&Counts) -> Vec<f64>,
    ) {
        let head = if self.n_open == 0 { 0 } else { BLOCK - self.n_open };
        let (head, rest) = replicates.split_at(head.min(replicates.len()));
        let whole = rest.len() / BLOCK * BLOCK;
        let (whole, tail) = rest.split_at(whole);
        let sorted: Vec<Sorted> =
            whole.par_chunks(BLOCK).map(|block| self.sort_out(block, [0.0; 4])).collect();
        let head = self.sort_out(head, self.open);
        let n_head = head.counts.total() as usize;
        self.take(&head, shares);
        (self.open, self.n_open) = (head.powers, self.n_open + n_head);
        if self.n_open == BLOCK {
            self.close();
        }
        for block in &sorted {
            self.take(block, shares);
            self.powers.iter_mut().zip(block.powers).for_each(|(sum, power)| *sum += power);
        }
        if !tail.is_empty() {
            let tail = self.sort_out(tail, [0.0; 4]);
            self.take(&tail, shares);
            (self.open, self.n_open) = (tail.powers, tail.counts.total() as usize);
        }
    }

    fn close(&mut self) {
        self.powers.iter_mut().zip(self.open).for_each(|(sum, power)| *sum += power);
        (self.open, self.n_open) = ([0.0; 4], 0);
    }

    fn sort_out(&self, replicates: &[ReplicateValue], mut powers: [f64; 4]) -> Sorted {
        let mut counts = Counts::default();
        let extreme = self.centre.abs() * (1.0 - SAME_VALUE);
        let mut finite = Vec::with_capacity(replicates.len());
        let mut pivots = Vec::new();
        for replicate in replicates {
            match *replicate {
                ReplicateValue::Finite { value, std_err } => {
                    finite.push(value);
                    let off = value - self.centre;
                    counts.below_centre += u64::from(off < 0.0);
                    counts.as_extreme += u64::from(value.abs() >= extreme);
                    let mut power = 1.0;
                    for sum in &mut powers {
                        power *= off;
                        *sum += power;
                    }
                    if let (Some(std_err), true) = (std_err, self.pivots.is_some()) {
                        pivots.push(off / std_err);
                    }
                }
                ReplicateValue::MinusInfinity => counts.minus_infinity += 1,
                ReplicateValue::PlusInfinity => counts.plus_infinity += 1,
                ReplicateValue::Lost(reason) => counts.lost[reason as usize] += 1,
            }
        }
        counts.finite = finite.len() as u64;
        counts.with_pivot = pivots.len() as u64;
        Sorted { finite, pivots, powers, counts }
    }

    fn take(&mut self, sorted: &Sorted, shares: &dyn Fn(&Counts) -> Vec<f64>) {
        let (counts, more) = (&mut self.counts, &sorted.counts);
        counts.finite += more.finite;
        counts.below_centre += more.below_centre;
        counts.as_extreme += more.as_extreme;
        counts.with_pivot += more.with_pivot;
        counts.minus_infinity += more.minus_infinity;
        counts.plus_infinity += more.plus_infinity;
        counts.lost.iter_mut().zip(more.lost).for_each(|(count, more)| *count += more);
        let counts = self.counts;
        self.histogram.push(&sorted.finite);
        self.values.push(&sorted.finite, || shares(&counts));
        if let Some(pivots) = &mut self.pivots {
            pivots.push(&sorted.pivots, || shares(&counts));
        }
    }

    /// Bias, standard error and their Monte-Carlo errors.
    pub(super) fn moments(&self) -> Moments {
        let mut powers = self.powers;
        powers.iter_mut().zip(self.open).for_each(|(sum, power)| *sum += power);
        Moments::of(powers, self.counts.finite)
    }
}

/// Bias and standard error with their Monte-Carlo errors; none without replicates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Moments {
    pub(super) bias: Option<f64>,
    pub(super) std_err: Option<f64>,
    pub(super) mcse_bias: Option<f64>,
    pub(super) mcse_std_err: Option<f64>,
}

impl Moments {
    fn of(powers: [f64; 4], n: u64) -> Self {
        if n < 2 {
            return Self::default();
        }
        let r = n as f64;
        let [m1, m2, m3, m4] = powers.map(|sum| sum / r);
        let variance = (m2 - m1 * m1).max(0.0);
        let fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1.powi(4);
        let std_err = (variance * r / (r - 1.0)).sqrt();
        // Delta method: var(s) = (mu4 - s^4) / (4 s^2 R).
        let mcse_std_err = (variance > 0.0)
            .then(|| ((fourth - variance * variance).max(0.0) / (4.0 * variance * r)).sqrt());
        Self {
            bias: Some(m1),
            std_err: Some(std_err),
            mcse_bias: Some(std_err / r.sqrt()),
            mcse_std_err,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicates(n: usize) -> Vec<ReplicateValue> {
        let value = |i: usize| match i % 97 {
            13 => ReplicateValue::MinusInfinity,
            44 => ReplicateValue::Lost(Reason::SingleGroup),
            _ => ReplicateValue::Finite {
                value: ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f64 / 1e7 - 0.8,
                std_err: Some(0.4),
            },
        };
        (0..n).map(value).collect()
    }

    #[test]
    fn sums_do_not_depend_on_how_replicates_arrive() {
        let all = replicates(30_011);
        let of = |sizes: &[usize]| {
            let mut summary = Summary::new(Some(0.1), true);
            let (mut rest, mut turn) = (&all[..], 0);
            while !rest.is_empty() {
                let (now, later) = rest.split_at(sizes[turn % sizes.len()].min(rest.len()));
                summary.push(now, &|_| vec![0.5]);
                (rest, turn) = (later, turn + 1);
            }
            (summary.moments(), summary.counts, summary.values.find(&[7, 15_000]))
        };
        let whole = of(&[30_011]);
        assert_eq!(whole, of(&[1]), "one by one");
        assert_eq!(whole, of(&[4_096, 1, 5_000, 9_999]), "in odd pieces");
        assert_eq!(whole.1.total(), 30_011, "everyone is counted");
    }
}
