//! One replicate in `f64`.

use super::super::lanes::Scalar;
use super::super::scatter::unpack;
use super::{Plan, Status};

/// Solves one replicate in `f64`, for those the kernel hands back ([`Status::NeedsHost`](super::Status::NeedsHost)) and as
/// the reference its tolerance is held against. Returns `log HR` and its information.
pub fn solve_on_host(plan: &Plan, replicate: u64) -> (f64, f64) {
    solve_sample(plan, (0..plan.slots.len()).map(|slot| plan.draw(replicate, slot) as usize))
}

/// `log HR` and its information, in `f64`, of a sample of `units` (positions in
/// [`Plan::units`], repeats allowed). Only for samples with a finite estimate.
pub fn solve_sample(plan: &Plan, units: impl Iterator<Item = usize>) -> (f64, f64) {
    let sample = SampleTerms::new(plan, units);
    newton(&sample.terms, f64::from(sample.deaths_1))
}

/// Whether a sample of `units` has a finite estimate, and why not, by the exact integer rule of the
/// kernel.
pub fn status_of_sample(plan: &Plan, units: impl Iterator<Item = usize>) -> Status {
    let SampleTerms { terms, deaths_1, drawn } = SampleTerms::new(plan, units);
    // Terms are whole numbers less a share below 1 of as many: 0 exactly where nobody is left.
    let with_arm_1 = terms.iter().filter(|(arm_1, _)| *arm_1 > 0.0).count() as u32;
    let without_arm_0 = terms.iter().filter(|(_, arm_0)| *arm_0 <= 0.0).count() as u32;
    match (deaths_1 >= with_arm_1, deaths_1 <= without_arm_0) {
        _ if drawn.contains(&0) => Status::SingleGroup,
        (true, true) => Status::NoEvents,
        (true, false) => Status::MonotoneUp,
        (false, true) => Status::MonotoneDown,
        (false, false) => Status::Estimable,
    }
}

/// At risk in arm 1 and arm 0 at each death of a sample, what Efron's shares take off, and more.
struct SampleTerms {
    terms: Vec<(f64, f64)>,
    deaths_1: u32,
    /// Drawn of arm 0 and of arm 1.
    drawn: [u32; 2],
}

impl SampleTerms {
    fn new(plan: &Plan, units: impl Iterator<Item = usize>) -> Self {
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
        let [d0, d1, c0, c1] = unpack(Scalar, plan, &counts, 0);
        let drawn = [risk_0 + d0 + c0, risk_1 + d1 + c1];
        Self { terms, deaths_1, drawn }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Times 1 to 4; deaths at 1, 2 and 3. Units 0..4 are in arm 0, units 4..8 the same in arm 1.
    fn both_arms() -> Plan {
        let time = [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0];
        let event = [true, true, true, false, true, true, true, false];
        let arm = [false, false, false, false, true, true, true, true];
        Plan::new(&time, &event, &arm, None, 1.0, 1)
    }

    #[test]
    fn the_status_of_a_sample_is_told_by_its_risk_sets() {
        let plan = both_arms();
        let of = |units: &[usize]| status_of_sample(&plan, units.iter().copied());
        assert_eq!(of(&[0, 1, 2, 3]), Status::SingleGroup, "arm 0 alone");
        assert_eq!(of(&[4, 5, 6, 7]), Status::SingleGroup, "arm 1 alone");
        // arm 1 dies first while arm 0 is at risk; afterwards arm 1 is gone
        assert_eq!(of(&[4, 1, 2, 3]), Status::MonotoneUp, "every comparable death is in arm 1");
        assert_eq!(of(&[0, 1, 2, 7]), Status::MonotoneDown, "none is in arm 1");
        assert_eq!(of(&[3, 7]), Status::NoEvents, "nobody dies");
        // deaths: arm 0 at 1, arm 1 at 2, arm 0 at 3
        assert_eq!(of(&[0, 5, 2, 7]), Status::Estimable, "both");
    }

    #[test]
    fn the_sample_solved_by_hand_has_its_root() {
        let plan = both_arms();
        // At risk (arm 1, arm 0): (2, 2), (2, 1), (1, 1); one death of three in arm 1, so that
        // 1 = 2r/(2+2r) + 2r/(1+2r) + r/(1+r), that is 4 r^2 + r - 1 = 0.
        let root: f64 = (17.0_f64.sqrt() - 1.0) / 8.0;
        let (found, _) = solve_sample(&plan, [0, 5, 2, 7].into_iter());
        assert!((found - root.ln()).abs() < 1e-12, "{found} for {}", root.ln());
    }
}
