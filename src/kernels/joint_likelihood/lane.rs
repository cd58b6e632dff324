//! One subject under a parameter vector a lane; the order of operations is the shader's.

use super::arithmetic::{exponential, logarithm};
use super::plan::{HEAD, Plan, Points, ROW_HEAD};
use super::{
    BEYOND, ENOUGH_GAIN, FAIR_START, LEAST_START, MOST_STEPS, ROUNDING, Subject, TOLERATED_GAIN,
    Uniforms,
};
use crate::kernels::lanes::Lanes;

/// Parameter vectors, one a lane.
pub(super) struct Point<'a, L: Lanes> {
    /// In the marker: on w0, on w1, on time times w1.
    marker: [L::F; 3],
    hazard: [L::F; 3],
    marker_change: [L::F; 3],
    hazard_change: [L::F; 3],
    inverse_scale: L::F,
    log_scale: L::F,
    words: &'a [f32],
    stride: usize,
    k: usize,
}

impl<'a, L: Lanes> Point<'a, L> {
    /// Vectors `k ..`; what lies past the last one is computed and thrown away.
    #[inline(always)]
    pub(super) fn load(l: L, points: &'a Points, k: usize) -> Self {
        let (words, stride) = (points.words.as_slice(), points.stride);
        let word = |word: usize| {
            let from = bytemuck::cast_slice(&words[word * stride + k..]);
            l.of_bits(l.load(from))
        };
        let three = |first: usize| std::array::from_fn(|offset| word(first + offset));
        Self {
            marker: three(0),
            hazard: three(3),
            marker_change: three(6),
            hazard_change: three(9),
            inverse_scale: word(12),
            log_scale: word(13),
            words,
            stride,
            k,
        }
    }

    /// Word `word` of each vector.
    #[inline(always)]
    fn word(&self, l: L, word: usize) -> L::F {
        l.of_bits(l.load(bytemuck::cast_slice(&self.words[word * self.stride + self.k..])))
    }
}

/// Room for one subject.
pub(super) struct Scratch<L: Lanes> {
    /// Of visits: change of the linear predictor from the reference, once at the mode the residual.
    visit: Vec<L::F>,
    /// Expected counts at the mode.
    mean: Vec<L::F>,
    /// Masses of the hazard: logs, once at the mode themselves.
    mass: Vec<L::F>,
    /// `exp(x) - 1 - x` of the inner nodes in the log hazard and in the log mean.
    hazard_tail: Vec<L::F>,
    mean_tail: Vec<L::F>,
}

impl<L: Lanes> Scratch<L> {
    #[inline(always)]
    pub(super) fn of(l: L, plan: &Plan) -> Self {
        let of = |n: u32| vec![l.f(0.0); n as usize];
        let Uniforms { most_visits, most_masses, n_inner, .. } = plan.sizes;
        Self {
            visit: of(most_visits),
            mean: of(most_visits),
            mass: of(most_masses),
            hazard_tail: of(n_inner),
            mean_tail: of(n_inner),
        }
    }
}

/// Log density at a place of the random effects, its slopes and negative curvature.
#[derive(Clone, Copy)]
struct State<L: Lanes> {
    value: L::F,
    gradient: [L::F; 2],
    curvature: [L::F; 3],
}

impl<L: Lanes> State<L> {
    /// Where true `self`, elsewhere `other`.
    #[inline(always)]
    fn or(self, l: L, which: L::M, other: Self) -> Self {
        Self {
            value: l.pick(which, self.value, other.value),
            gradient: std::array::from_fn(|k| l.pick(which, self.gradient[k], other.gradient[k])),
            curvature: std::array::from_fn(|k| {
                l.pick(which, self.curvature[k], other.curvature[k])
            }),
        }
    }
}

/// Newton's step and half of what it promises.
#[derive(Clone, Copy)]
struct Step<L: Lanes> {
    by: [L::F; 2],
    gain: L::F,
    /// Cross curvature over that of the first effect, and what is left of the second's.
    ratio: L::F,
    left: L::F,
}

#[inline(always)]
fn step<L: Lanes>(l: L, state: &State<L>) -> Step<L> {
    let [c00, c01, c11] = state.curvature;
    let [g0, g1] = state.gradient;
    let ratio = l.div(c01, c00);
    // the curvature is that of the prior, 1, and more
    let left = l.max(l.sub(c11, l.mul(c01, ratio)), l.f(1.0));
    let by1 = l.div(l.sub(g1, l.mul(ratio, g0)), left);
    let by0 = l.div(l.sub(g0, l.mul(c01, by1)), c00);
    let gain = l.mul(by0, g0);
    let gain = l.mul(l.add(gain, l.mul(by1, g1)), l.f(0.5));
    Step { by: [by0, by1], gain, ratio, left }
}

/// One subject under the vectors of `point`.
struct One<'a, L: Lanes> {
    l: L,
    sizes: &'a Uniforms,
    point: &'a Point<'a, L>,
    subject: &'a Subject,
    /// Rows of visits and of times of the hazard, and their widths.
    visits: &'a [f32],
    visit_width: usize,
    nodes: &'a [f32],
    node_width: usize,
    covariates: &'a [f32],
    /// Masses: the times of the integral, or one for all.
    n_masses: usize,
}

/// Contributions of subject `i` under the vectors of `point`.
#[inline(always)]
pub(super) fn contributions<L: Lanes>(
    l: L,
    plan: &Plan,
    point: &Point<'_, L>,
    i: usize,
    scratch: &mut Scratch<L>,
) -> L::F {
    let (sizes, subject) = (&plan.sizes, &plan.subjects[i]);
    let from = |first: u32| &plan.numbers[first as usize..];
    let visit_width = ROW_HEAD + sizes.n_fixed as usize;
    let node_width = ROW_HEAD + (sizes.basis_width + sizes.n_links * (1 + sizes.n_fixed)) as usize;
    let one = One {
        l,
        sizes,
        point,
        subject,
        visits: &from(subject.visits)[..subject.n_visits as usize * visit_width],
        visit_width,
        nodes: &from(subject.nodes)[..(subject.n_nodes as usize + 1) * node_width],
        node_width,
        covariates: &from(subject.covariates)[..sizes.n_covariates as usize],
        n_masses: if sizes.timed == 1 { subject.n_nodes as usize } else { 1 },
    };
    let constant = one.begin(scratch);
    let (begin, start) = one.start(constant, scratch);
    let mut fine = l.le(l.f(LEAST_START), start.value);
    fine = l.and_m(fine, l.le(l.f(f32::MIN_POSITIVE), point.inverse_scale));
    let at = one.find_mode(begin, start, constant, scratch);
    let mode = one.evaluate(at, constant, scratch, true);
    let last = step(l, &mode);
    fine = l.and_m(fine, l.le(last.gain, l.f(TOLERATED_GAIN)));
    let area = one.integrate(plan, &mode, &last, at, scratch);
    fine = l.and_m(fine, l.le(l.f(1e-30), area));
    fine = l.and_m(fine, l.le(area, l.f(1e30)));
    l.pick(fine, l.add(mode.value, logarithm(l, area)), l.f(BEYOND))
}

impl<L: Lanes> One<'_, L> {
    fn node(&self, q: usize) -> &[f32] {
        &self.nodes[q * self.node_width..(q + 1) * self.node_width]
    }

    /// Brings visits and hazard from the reference to the vectors, at the reference's modes; returns
    /// what no random effect changes of the log density.
    #[inline(always)]
    fn begin(&self, scratch: &mut Scratch<L>) -> L::F {
        let Self { l, sizes, point, subject, .. } = *self;
        let (mode_0, mode_1) = (l.f(subject.mode_0), l.f(subject.mode_1));
        let n_fixed = sizes.n_fixed as usize;
        let mut constant = l.mul(point.log_scale, l.f(subject.n_visits as f32));
        let level = l.mul(point.marker_change[0], mode_0);
        let level = l.add(level, l.mul(point.marker_change[1], mode_1));
        let trend = l.mul(point.marker_change[2], mode_1);
        for (j, row) in self.visits.chunks_exact(self.visit_width).enumerate() {
            let mut change = l.add(level, l.mul(trend, l.f(row[0])));
            for x in 0..n_fixed {
                change = l.add(change, l.mul(point.word(l, HEAD + x), l.f(row[ROW_HEAD + x])));
            }
            scratch.visit[j] = change;
        }
        let first_covariate = HEAD + n_fixed;
        let first_link = first_covariate + sizes.n_covariates as usize;
        let first_baseline = first_link + 2 * sizes.n_links as usize;
        let level = l.mul(point.hazard_change[0], mode_0);
        let level = l.add(level, l.mul(point.hazard_change[1], mode_1));
        let mut proportional = l.f(0.0);
        for (c, &value) in self.covariates.iter().enumerate() {
            let coefficient = point.word(l, first_covariate + c);
            proportional = l.add(proportional, l.mul(coefficient, l.f(value)));
        }
        let trend = l.mul(point.hazard_change[2], mode_1);
        let mut sum = l.f(0.0);
        for q in 0..=subject.n_nodes as usize {
            let row = self.node(q);
            let mut change = l.add(proportional, l.mul(trend, l.f(row[0])));
            let first = first_baseline + row[2] as usize;
            for b in 0..sizes.basis_width as usize {
                change = l.add(change, l.mul(point.word(l, first + b), l.f(row[ROW_HEAD + b])));
            }
            let mut at = ROW_HEAD + sizes.basis_width as usize;
            for link in 0..sizes.n_links as usize {
                let coefficient = point.word(l, first_link + 2 * link);
                let coefficient_change = point.word(l, first_link + 2 * link + 1);
                change = l.add(change, l.mul(coefficient_change, l.f(row[at])));
                let mut moved = l.f(0.0);
                for x in 0..n_fixed {
                    moved = l.add(moved, l.mul(point.word(l, HEAD + x), l.f(row[at + 1 + x])));
                }
                change = l.add(change, l.mul(coefficient, moved));
                at += 1 + n_fixed;
            }
            if q == subject.n_nodes as usize {
                let change = l.add(change, level);
                constant = l.add(constant, l.mul(change, l.f(subject.event)));
            } else if sizes.timed == 1 {
                scratch.mass[q] = l.add(l.add(change, l.f(row[1])), level);
            } else {
                sum = l.add(sum, exponential(l, l.add(change, l.f(row[1]))).0);
            }
        }
        if sizes.timed == 0 {
            scratch.mass[0] = l.add(logarithm(l, sum), level);
        }
        constant
    }

    /// The log density `v` away from the reference's modes; `keep` brings visits and hazard there. What
    /// visits say is taken from the reference, not from the start, which may be far off.
    #[inline(always)]
    fn evaluate(
        &self,
        v: [L::F; 2],
        constant: L::F,
        scratch: &mut Scratch<L>,
        keep: bool,
    ) -> State<L> {
        let Self { l, sizes, point, subject, .. } = *self;
        let (half, event) = (l.f(0.5), l.f(subject.event));
        let [m0, m1, mt] = point.marker;
        let [h0, h1, ht] = point.hazard;
        // standard normal effects
        let mut value = l.sub(constant, l.mul(l.f(subject.mode_0), v[0]));
        value = l.sub(value, l.mul(l.f(subject.mode_1), v[1]));
        let halved = l.mul(half, v[0]);
        value = l.sub(value, l.mul(halved, v[0]));
        let halved = l.mul(half, v[1]);
        value = l.sub(value, l.mul(halved, v[1]));
        let mut g0 = l.sub(l.f(-subject.mode_0), v[0]);
        let mut g1 = l.sub(l.f(-subject.mode_1), v[1]);
        let mut c11 = l.f(1.0);
        // the marker
        let level = l.mul(m0, v[0]);
        let (mut sum, mut sum_time) = (l.f(0.0), l.f(0.0));
        let (mut bend, mut bend_time) = (l.f(0.0), l.f(0.0));
        for (j, row) in self.visits.chunks_exact(self.visit_width).enumerate() {
            let along = l.add(m1, l.mul(mt, l.f(row[0])));
            let change = l.add(scratch.visit[j], level);
            let change = l.add(change, l.mul(along, v[1]));
            let (slope, weight);
            if sizes.poisson == 1 {
                let (exp, tail) = exponential(l, change);
                let (residual, mean) = (l.f(row[1]), l.f(row[2]));
                value = l.add(value, l.mul(residual, change));
                value = l.sub(value, l.mul(mean, tail));
                slope = l.sub(residual, l.mul(mean, l.add(change, tail)));
                weight = l.mul(mean, exp);
                if keep {
                    scratch.visit[j] = slope;
                    scratch.mean[j] = weight;
                }
            } else {
                let residual = l.sub(l.f(row[1]), change);
                slope = l.mul(residual, point.inverse_scale);
                weight = point.inverse_scale;
                value = l.sub(value, l.mul(l.mul(half, residual), slope));
                if keep {
                    scratch.visit[j] = residual;
                }
            }
            sum = l.add(sum, slope);
            sum_time = l.add(sum_time, l.mul(slope, along));
            bend = l.add(bend, weight);
            let weighted = l.mul(weight, along);
            bend_time = l.add(bend_time, weighted);
            c11 = l.add(c11, l.mul(weighted, along));
        }
        g0 = l.add(g0, l.mul(m0, sum));
        g1 = l.add(g1, sum_time);
        let scaled = l.mul(m0, bend);
        let mut c00 = l.add(l.f(1.0), l.mul(m0, scaled));
        let mut c01 = l.mul(m0, bend_time);
        // the hazard
        let level = l.mul(h0, v[0]);
        let (mut hazard, mut hazard_time) = (l.f(0.0), l.f(0.0));
        for q in 0..self.n_masses {
            let along = l.add(h1, l.mul(ht, l.f(self.node(q)[0])));
            let log_mass = l.add(scratch.mass[q], level);
            let mass = exponential(l, l.add(log_mass, l.mul(along, v[1]))).0;
            if keep {
                scratch.mass[q] = mass;
            }
            hazard = l.add(hazard, mass);
            let weighted = l.mul(mass, along);
            hazard_time = l.add(hazard_time, weighted);
            c11 = l.add(c11, l.mul(weighted, along));
        }
        value = l.sub(value, hazard);
        let scaled = l.mul(h0, hazard);
        g0 = l.sub(g0, scaled);
        g1 = l.sub(g1, hazard_time);
        c00 = l.add(c00, l.mul(h0, scaled));
        c01 = l.add(c01, l.mul(h0, hazard_time));
        // the event
        let along = self.along_hazard_at_end();
        let change = l.add(level, l.mul(along, v[1]));
        value = l.add(value, l.mul(event, change));
        g0 = l.add(g0, l.mul(event, h0));
        g1 = l.add(g1, l.mul(event, along));
        State { value, gradient: [g0, g1], curvature: [c00, c01, c11] }
    }

    /// What multiplies the second effect in the log hazard at the end of follow-up.
    #[inline(always)]
    fn along_hazard_at_end(&self) -> L::F {
        let Self { l, point, subject, .. } = *self;
        let end = self.node(subject.n_nodes as usize)[0];
        l.add(point.hazard[1], l.mul(point.hazard[2], l.f(end)))
    }

    /// Where the search for the mode begins: at the reference's, or, where that is poor, at the middle
    /// of the random effects if that is better.
    #[inline(always)]
    fn start(&self, constant: L::F, scratch: &mut Scratch<L>) -> ([L::F; 2], State<L>) {
        let Self { l, subject, .. } = *self;
        let reference = [l.f(0.0); 2];
        let start = self.evaluate(reference, constant, scratch, false);
        let fair = l.le(l.f(FAIR_START), start.value);
        if l.all(fair) {
            return (reference, start);
        }
        let middle = [l.f(-subject.mode_0), l.f(-subject.mode_1)];
        let other = self.evaluate(middle, constant, scratch, false);
        let keep = l.le(other.value, start.value);
        let keep = l.or_m(fair, keep);
        let begin = std::array::from_fn(|k| l.pick(keep, reference[k], middle[k]));
        (begin, start.or(l, keep, other))
    }

    /// Newton's method with halved steps, each lane until its own end.
    #[inline(always)]
    fn find_mode(
        &self,
        begin: [L::F; 2],
        start: State<L>,
        constant: L::F,
        scratch: &mut Scratch<L>,
    ) -> [L::F; 2] {
        let l = self.l;
        let (mut at, mut here) = (begin, start);
        let mut share = l.f(1.0);
        for _ in 0..MOST_STEPS {
            let next_step = step(l, &here);
            let done = l.le(next_step.gain, l.f(ENOUGH_GAIN));
            if l.all(done) {
                break;
            }
            let next: [L::F; 2] =
                std::array::from_fn(|k| l.add(at[k], l.mul(share, next_step.by[k])));
            let there = self.evaluate(next, constant, scratch, false);
            let size = l.max(here.value, l.sub(l.f(0.0), here.value));
            let rounding = l.mul(l.f(ROUNDING), l.max(size, l.f(1.0)));
            let better = l.le(l.sub(here.value, rounding), there.value);
            share = l.pick(better, l.f(1.0), l.mul(share, l.f(0.5)));
            for k in 0..2 {
                at[k] = l.pick(done, at[k], l.pick(better, next[k], at[k]));
            }
            here = here.or(l, done, there.or(l, better, here));
        }
        at
    }

    /// The integral over the random effects of the density over that at `mode`, less what is the same
    /// for all subjects.
    #[inline(always)]
    fn integrate(
        &self,
        plan: &Plan,
        mode: &State<L>,
        last: &Step<L>,
        at: [L::F; 2],
        scratch: &mut Scratch<L>,
    ) -> L::F {
        let Self { l, sizes, point, subject, .. } = *self;
        let (half, event) = (l.f(0.5), l.f(subject.event));
        let poisson = sizes.poisson == 1;
        let [m0, m1, mt] = point.marker;
        let [h0, h1, ht] = point.hazard;
        let (n_inner, n_outer) = (sizes.n_inner as usize, sizes.n_outer as usize);
        let (nodes, rest) = plan.numbers.split_at(n_inner);
        let (weights, rest) = rest.split_at(n_inner);
        let (outer_nodes, rest) = rest.split_at(n_outer);
        let outer_weights = &rest[..n_outer];
        let spread0 = l.div(l.f(1.0), l.sqrt(mode.curvature[0]));
        let spread1 = l.div(l.f(1.0), l.sqrt(last.left));
        let place0 = l.add(l.f(subject.mode_0), at[0]);
        let place1 = l.add(l.f(subject.mode_1), at[1]);
        // of w0 the centre moves by -ratio as w1 moves by 1
        let marker_turn = l.mul(m0, last.ratio);
        let hazard_turn = l.mul(h0, last.ratio);
        for (k, &node) in nodes.iter().enumerate() {
            let away = l.mul(spread0, l.f(node));
            scratch.hazard_tail[k] = exponential(l, l.mul(h0, away)).1;
            if poisson {
                scratch.mean_tail[k] = exponential(l, l.mul(m0, away)).1;
            }
        }
        // sums of normal markers, the same at each outer node
        let (mut sum, mut sum_along) = (l.f(0.0), l.f(0.0));
        let (mut bend_along, mut bend_both, mut bend) = (l.f(0.0), l.f(0.0), l.f(1.0));
        if !poisson {
            for (j, row) in self.visits.chunks_exact(self.visit_width).enumerate() {
                let along = l.sub(l.add(m1, l.mul(mt, l.f(row[0]))), marker_turn);
                let slope = l.mul(scratch.visit[j], point.inverse_scale);
                sum = l.add(sum, slope);
                sum_along = l.add(sum_along, l.mul(slope, along));
                let weighted = l.mul(point.inverse_scale, along);
                bend_along = l.add(bend_along, weighted);
                bend_both = l.add(bend_both, l.mul(weighted, along));
            }
            let scaled = l.mul(l.mul(m0, point.inverse_scale), m0);
            bend = l.add(bend, l.mul(scaled, l.f(subject.n_visits as f32)));
        }
        let end_along = l.sub(self.along_hazard_at_end(), hazard_turn);
        let halved_bend = l.mul(half, bend);
        let mut total = l.f(0.0);
        for (&outer_node, &outer_weight) in outer_nodes.iter().zip(outer_weights) {
            let x1 = l.mul(spread1, l.f(outer_node));
            let turned = l.mul(last.ratio, x1);
            // the density at the centre of w0, over that at the mode
            let mut centre = l.mul(place0, turned);
            centre = l.sub(centre, l.mul(place1, x1));
            let halved = l.mul(half, turned);
            centre = l.sub(centre, l.mul(halved, turned));
            let halved = l.mul(half, x1);
            centre = l.sub(centre, l.mul(halved, x1));
            let (mut slope, mut mean_sum) = (sum, l.f(0.0));
            if poisson {
                for (j, row) in self.visits.chunks_exact(self.visit_width).enumerate() {
                    let along = l.sub(l.add(m1, l.mul(mt, l.f(row[0]))), marker_turn);
                    let change = l.mul(along, x1);
                    let (exp, tail) = exponential(l, change);
                    let (residual, mean) = (scratch.visit[j], scratch.mean[j]);
                    centre = l.add(centre, l.mul(residual, change));
                    centre = l.sub(centre, l.mul(mean, tail));
                    slope = l.add(slope, residual);
                    slope = l.sub(slope, l.mul(mean, l.add(change, tail)));
                    mean_sum = l.add(mean_sum, l.mul(mean, exp));
                }
            } else {
                centre = l.add(centre, l.mul(sum_along, x1));
                let halved = l.mul(half, l.mul(bend_both, x1));
                centre = l.sub(centre, l.mul(halved, x1));
                slope = l.sub(slope, l.mul(bend_along, x1));
            }
            let mut hazard = l.f(0.0);
            for q in 0..self.n_masses {
                let along = l.add(h1, l.mul(ht, l.f(self.node(q)[0])));
                let change = l.mul(l.sub(along, hazard_turn), x1);
                let (exp, tail) = exponential(l, change);
                let mass = scratch.mass[q];
                centre = l.sub(centre, l.mul(mass, l.add(change, tail)));
                hazard = l.add(hazard, l.mul(mass, exp));
            }
            centre = l.add(centre, l.mul(event, l.mul(end_along, x1)));
            // the slope in w0 there
            let mut linear = l.sub(turned, place0);
            linear = l.add(linear, l.mul(m0, slope));
            linear = l.add(linear, l.mul(h0, l.sub(event, hazard)));
            let mut inner_sum = l.f(0.0);
            for (k, (&node, &weight)) in nodes.iter().zip(weights).enumerate() {
                let away = l.mul(spread0, l.f(node));
                let mut log_ratio = l.add(centre, l.mul(linear, away));
                let bent = l.mul(halved_bend, away);
                log_ratio = l.sub(log_ratio, l.mul(bent, away));
                log_ratio = l.sub(log_ratio, l.mul(hazard, scratch.hazard_tail[k]));
                if poisson {
                    log_ratio = l.sub(log_ratio, l.mul(mean_sum, scratch.mean_tail[k]));
                }
                inner_sum = l.add(inner_sum, l.mul(l.f(weight), exponential(l, log_ratio).0));
            }
            total = l.add(total, l.mul(l.f(outer_weight), inner_sum));
        }
        l.mul(l.mul(total, spread0), spread1)
    }
}
