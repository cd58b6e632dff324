//! Firth's penalty of eight replicates.
#![allow(clippy::needless_range_loop, reason = "one index into columns of several arrays")]

use super::newton::{MOST_COLUMNS, MOST_PAIRS, TimeWork, packed};
use super::plan::Plan;
use crate::kernels::lanes::Lanes;

/// What the walk down keeps for the penalty.
pub(super) struct Means<L: Lanes> {
    /// Mean of the columns in each term `[n_terms x p]`.
    of_terms: Vec<L::D>,
    /// Increments of `G`, the sum over terms of `weight / left * mean` `[n_times x p]`, and what
    /// failing rows are spared of them.
    turns: Vec<L::D>,
    spared: Vec<L::D>,
    /// `G` at the entry of each row `[n_rows x p]`, where there are entries.
    at_entry: Vec<L::D>,
}

impl<L: Lanes> Means<L> {
    pub(super) fn new(l: L, plan: &Plan) -> Self {
        let of = |n: usize| vec![l.d(0.0); if plan.firth { n * plan.p } else { 0 }];
        Self {
            of_terms: Vec::new(),
            turns: of(plan.times.len()),
            spared: of(plan.times.len()),
            at_entry: of(if plan.leavers.is_empty() { 0 } else { plan.n_rows() }),
        }
    }

    #[inline(always)]
    pub(super) fn clear(&mut self, l: L) {
        self.of_terms.clear();
        self.turns.fill(l.d(0.0));
        self.spared.fill(l.d(0.0));
    }

    /// Takes a term of event time `time` with its `increment` of the hazard, of which failing rows
    /// are spared the share `out`.
    #[inline(always)]
    pub(super) fn push(&mut self, l: L, time: usize, mean: &[L::D], increment: L::D, out: L::D) {
        let p = mean.len();
        self.of_terms.extend_from_slice(mean);
        for (k, &mean) in mean.iter().enumerate() {
            let turn = l.mul_d(increment, mean);
            let at = time * p + k;
            self.turns[at] = l.add_d(self.turns[at], turn);
            self.spared[at] = l.add_d(self.spared[at], l.mul_d(out, turn));
        }
    }

    /// The gradient of half the log determinant of the information, `inverse` being its inverse.
    ///
    /// # Source
    /// Heinze and Schemper 2001, equation 3: half the trace of the inverse times the derivative of
    /// the information, which holds the third cumulants of the columns in each risk set. With q =
    /// x' V x, a term's is E(q x) - E(q) m - 2 E(x x') V m + 2 (m' V m) m; summed over the terms
    /// first, the expectations become sums over rows of r (q H x - q G - 2 x x' V G).
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "the state of the walk")]
    pub(super) fn gradient(
        &mut self,
        l: L,
        plan: &Plan,
        p: usize,
        inverse: &[L::D; MOST_PAIRS],
        times: &[TimeWork<L>],
        risk: &[L::D],
        entry_hazard: &[L::D],
    ) -> [L::D; MOST_COLUMNS] {
        let zero = l.d(0.0);
        let mut sum = [zero; MOST_COLUMNS];
        let mut means = self.of_terms.chunks_exact(p);
        for work in times {
            for mean in means.by_ref().take(work.most_terms) {
                let (_, form) = turn(l, p, inverse, |k| mean[k]);
                let weighted = l.mul_d(work.weight, form);
                for k in 0..p {
                    sum[k] = l.add_d(sum[k], l.mul_d(weighted, mean[k]));
                }
            }
        }
        let (mut hazard, mut turns) = (zero, [zero; MOST_COLUMNS]);
        let mut opens = true;
        let half = l.d(0.5);
        for (index, time) in plan.times.iter().enumerate().rev() {
            if opens {
                (hazard, turns) = (zero, [zero; MOST_COLUMNS]);
            }
            opens = time.opens_stratum;
            hazard = l.add_d(hazard, times[index].hazard);
            for k in 0..p {
                turns[k] = l.add_d(turns[k], self.turns[index * p + k]);
            }
            for &row in &plan.leavers[time.leaving.clone()] {
                self.at_entry[row as usize * p..][..p].copy_from_slice(&turns[..p]);
            }
            for row in time.joining.clone() {
                let (mut own, mut own_turns) = (hazard, turns);
                if !plan.leavers.is_empty() {
                    own = l.sub_d(own, entry_hazard[row]);
                    for k in 0..p {
                        own_turns[k] = l.sub_d(own_turns[k], self.at_entry[row * p + k]);
                    }
                }
                if row >= time.failing {
                    own = l.sub_d(own, times[index].spared);
                    for k in 0..p {
                        own_turns[k] = l.sub_d(own_turns[k], self.spared[index * p + k]);
                    }
                }
                let x = &plan.x[row * p..][..p];
                let (turned, form) = turn(l, p, inverse, |k| l.d(x[k]));
                let mut crossed = zero;
                for k in 0..p {
                    crossed = l.add_d(crossed, l.mul_d(turned[k], own_turns[k]));
                }
                // Half of r (q H - 2 x' V G), and half of r q.
                let of_x = l.sub_d(l.mul_d(half, l.mul_d(form, own)), crossed);
                let of_x = l.mul_d(risk[row], of_x);
                let of_turns = l.mul_d(risk[row], l.mul_d(half, form));
                for k in 0..p {
                    let added = l.sub_d(l.mul_d(of_x, l.d(x[k])), l.mul_d(of_turns, own_turns[k]));
                    sum[k] = l.add_d(sum[k], added);
                }
            }
        }
        sum
    }
}

/// `V x` and `x' V x` of a packed symmetric V.
#[inline(always)]
fn turn<L: Lanes>(
    l: L,
    p: usize,
    v: &[L::D; MOST_PAIRS],
    x: impl Fn(usize) -> L::D,
) -> ([L::D; MOST_COLUMNS], L::D) {
    let mut turned = [l.d(0.0); MOST_COLUMNS];
    let mut form = l.d(0.0);
    for a in 0..p {
        for b in 0..p {
            let element = v[packed(p, a.min(b), a.max(b))];
            turned[a] = l.add_d(turned[a], l.mul_d(element, x(b)));
        }
        form = l.add_d(form, l.mul_d(turned[a], x(a)));
    }
    (turned, form)
}
