//! One replicate in `f64`.

use super::super::lanes::Scalar;
use super::super::scatter::unpack;
use super::Plan;

/// Solves one replicate in `f64`, for those the kernel hands back ([`Status::NeedsHost`](super::Status::NeedsHost)) and as
/// the reference its tolerance is held against. Returns `log HR` and its information.
pub fn solve_on_host(plan: &Plan, replicate: u64) -> (f64, f64) {
    solve_sample(plan, (0..plan.slots.len()).map(|slot| plan.draw(replicate, slot) as usize))
}

/// `log HR` and its information, in `f64`, of a sample of `units` (positions in
/// [`Plan::units`], repeats allowed). Only for samples with a finite estimate.
pub fn solve_sample(plan: &Plan, units: impl Iterator<Item = usize>) -> (f64, f64) {
    let mut counts = vec![0_u32; plan.n_words()];
    for position in units {
        let unit = plan.units[position];
        counts[unit.word as usize] += unit.increment;
    }
    let mut terms = Vec::new();
    let (mut risk_0, mut risk_1, mut deaths_1) = (0_u32, 0_u32, 0_u32);
    for at in (1..=plan.n_times).rev() {
        let [d0, d1, c0, c1] = unpack(Scalar, plan, &counts, at);
        risk_0 += d0 + c0;
        risk_1 += d1 + c1;
        deaths_1 += d1;
        let d = d0 + d1;
        for l in 0..d {
            let share = f64::from(l) / f64::from(d);
            terms.push((
                f64::from(risk_1) - share * f64::from(d1),
                f64::from(risk_0) - share * f64::from(d0),
            ));
        }
    }
    newton(&terms, f64::from(deaths_1))
}

/// Maximum of a concave one-parameter log likelihood: Newton's steps, halved towards the bracket
/// whenever they leave it.
fn newton(terms: &[(f64, f64)], deaths_1: f64) -> (f64, f64) {
    let evaluate = |log_ratio: f64| {
        let ratio = log_ratio.exp();
        terms.iter().fold((deaths_1, 0.0), |(score, information), &(a, b)| {
            let p = a * ratio / (b + a * ratio);
            (score - p, information + p * (1.0 - p))
        })
    };
    let (mut lower, mut upper) = (-40.0, 40.0);
    let mut log_ratio = 0.0_f64;
    for _ in 0..200 {
        let (score, information) = evaluate(log_ratio);
        if score > 0.0 {
            lower = log_ratio;
        } else {
            upper = log_ratio;
        }
        let newton = log_ratio + score / information;
        let next = if newton > lower && newton < upper { newton } else { 0.5 * (lower + upper) };
        if (next - log_ratio).abs() <= 1e-14 * (1.0 + log_ratio.abs()) {
            return (next, evaluate(next).1);
        }
        log_ratio = next;
    }
    (log_ratio, evaluate(log_ratio).1)
}
