//! From the terms of a likelihood to its maximum.

use super::super::lanes::Lanes;
use super::terms::{Term, Totals};
use super::{Replicate, SWAPPED, Status};

/// Estimates beyond these leave the singles; the host solves them.
pub(super) const MIN_RATIO: f32 = 1.0 / 65_536.0;
pub(super) const MAX_RATIO: f32 = 65_536.0;
/// Longest step on the log scale; `(2 + x) / (2 - x)` stands for `exp(x)` and has its pole at 2.
const MAX_STEP: f32 = 1.5;
/// A step this short is the last in singles: the next error is about 0.3 of its cube, 1e-5.
const LAST_STEP: f32 = 0.031_25;
const MAX_ITERATIONS: u32 = 16;
/// The longest step the integer stage may take: 0.3 of its cube is under [`TOLERANCE`].
const MAX_POLISH: f32 = 0.001;
/// Below this information the singles have lost the answer.
const MIN_INFORMATION: f32 = 1e-4;
/// Terms whose sums are gathered before they join the total: keeps singles accurate.
const SUM_BLOCK: usize = 32;
/// 2^24, the unit of the integer quotients.
const QUOTIENT_UNIT: f32 = 16_777_216.0;

/// Sums of `p`, `p^2` and `p^3`.
#[derive(Clone, Copy)]
struct Moments<L: Lanes> {
    first: L::F,
    second: L::F,
    third: L::F,
}

impl<L: Lanes> Moments<L> {
    #[inline(always)]
    fn none(l: L) -> Self {
        let zero = l.f(0.0);
        Self { first: zero, second: zero, third: zero }
    }

    #[inline(always)]
    fn add(&mut self, l: L, p: L::F) {
        let square = l.mul(p, p);
        self.first = l.add(self.first, p);
        self.second = l.add(self.second, square);
        self.third = l.add(self.third, l.mul(square, p));
    }

    #[inline(always)]
    fn join(&mut self, l: L, block: &Self) {
        self.first = l.add(self.first, block.first);
        self.second = l.add(self.second, block.second);
        self.third = l.add(self.third, block.third);
    }
}

/// Halley's step on the log scale, unclamped, and the information.
#[inline(always)]
fn halley<L: Lanes>(l: L, score: L::F, sums: &Moments<L>) -> (L::F, L::F) {
    let information = l.sub(sums.first, sums.second);
    let skew = l.add(l.sub(sums.first, l.mul(l.f(3.0), sums.second)), l.mul(l.f(2.0), sums.third));
    let square = l.mul(information, information);
    let denominator = l.add(l.mul(l.f(2.0), square), l.mul(score, skew));
    let denominator = l.max(l.max(denominator, square), l.f(1e-20));
    let step = l.div(l.mul(l.f(2.0), l.mul(score, information)), denominator);
    (step, information)
}

/// From terms to the words of each replicate.
#[inline(always)]
pub(super) fn solve<L: Lanes>(
    l: L,
    start: f32,
    terms: &[Term<L>],
    totals: &Totals<L>,
    out: &mut [Replicate],
) {
    let status = classify(l, totals);
    let finite = l.eq_u(status, l.u(Status::Estimable as u32));
    let (ratio, settled) = iterate(l, start, terms, totals, finite);
    let [mantissa, code, step, information] = polish(l, terms, totals, ratio, settled);
    let code = l.pick_u(finite, code, status);
    let mut columns = [[0_u32; 16]; 4];
    l.store(l.pick_u(finite, mantissa, l.u(0)), &mut columns[0]);
    l.store(code, &mut columns[1]);
    l.store(l.pick_u(finite, step, l.u(0)), &mut columns[2]);
    l.store(l.pick_u(finite, information, l.u(0)), &mut columns[3]);
    for (lane, replicate) in out.iter_mut().enumerate() {
        let [mantissa, code, step, information] = [0, 1, 2, 3].map(|column| columns[column][lane]);
        *replicate = Replicate { mantissa, code, step, information };
    }
}

/// The exact integer rule: which replicates have a finite estimate, and why the others have not.
#[inline(always)]
fn classify<L: Lanes>(l: L, t: &Totals<L>) -> L::U {
    let one = l.u(1);
    // D1 >= #{A > 0} and D1 <= #{B = 0}; counts are far below 2^31.
    let up = l.lt_u(t.with_arm_1, l.add_u(t.deaths_1, one));
    let down = l.lt_u(t.deaths_1, l.add_u(t.without_arm_0, one));
    let single = l.or_m(l.eq_u(t.drawn[0], l.u(0)), l.eq_u(t.drawn[1], l.u(0)));
    let mut status = l.u(Status::Estimable as u32);
    status = l.pick_u(down, l.u(Status::MonotoneDown as u32), status);
    status = l.pick_u(up, l.u(Status::MonotoneUp as u32), status);
    status = l.pick_u(l.and_m(up, down), l.u(Status::NoEvents as u32), status);
    l.pick_u(single, l.u(Status::SingleGroup as u32), status)
}

/// Halley's method in singles: the ratio, and where it settled.
#[inline(always)]
fn iterate<L: Lanes>(
    l: L,
    start: f32,
    terms: &[Term<L>],
    totals: &Totals<L>,
    finite: L::M,
) -> (L::F, L::M) {
    let deaths_1 = l.to_f(totals.deaths_1);
    let mut ratio = l.f(start);
    let infinite = l.eq_u(l.pick_u(finite, l.u(1), l.u(0)), l.u(0));
    let mut settled = infinite;
    for _ in 0..MAX_ITERATIONS {
        let mut sums = Moments::none(l);
        for block in terms.chunks(SUM_BLOCK) {
            let mut moments = Moments::none(l);
            for term in block {
                let num = l.mul(term.a, ratio);
                moments.add(l, l.div(num, l.add(term.b, num)));
            }
            sums.join(l, &moments);
        }
        let (step, _) = halley(l, l.sub(deaths_1, sums.first), &sums);
        let step = l.min(l.max(step, l.f(-MAX_STEP)), l.f(MAX_STEP));
        let next = l.div(l.mul(ratio, l.add(l.f(2.0), step)), l.sub(l.f(2.0), step));
        let next = l.min(l.max(next, l.f(MIN_RATIO)), l.f(MAX_RATIO));
        ratio = l.pick(settled, ratio, next);
        let short = l.and_m(l.le(step, l.f(LAST_STEP)), l.le(l.f(-LAST_STEP), step));
        settled = l.or_m(settled, short);
        if l.all(settled) {
            break;
        }
    }
    (ratio, settled)
}

/// One Halley step whose score is exact: `p` as `floor(2^24 num / den)` and its remainder.
#[inline(always)]
fn polish<L: Lanes>(
    l: L,
    terms: &[Term<L>],
    t: &Totals<L>,
    ratio: L::F,
    settled: L::M,
) -> [L::U; 4] {
    // The arms are exchanged where the ratio is below 1: then its integer form is always fine.
    let swapped = l.lt_u(l.bits(ratio), l.bits(l.f(1.0)));
    let ratio = l.pick(swapped, l.div(l.f(1.0), ratio), ratio);
    let (risk_0, risk_1) = (l.to_f(t.at_risk[0]), l.to_f(t.at_risk[1]));
    let own = l.pick(swapped, risk_0, risk_1);
    let other = l.pick(swapped, risk_1, risk_0);
    let deaths = l.pick_u(swapped, l.sub_u(t.deaths, t.deaths_1), t.deaths_1);
    // den <= factor (other + own ratio) 2^shift < 2^28 by the choice of the shift.
    let widest = l.mul(l.to_f(t.factor), l.add(other, l.mul(own, ratio)));
    let exponent = l.sub_u(l.shr(l.bits(widest), 23), l.u(127));
    let ratio_exponent = l.sub_u(l.shr(l.bits(ratio), 23), l.u(127));
    let room = l.lt_u(exponent, l.u(27));
    let shift = l.pick_u(room, l.sub_u(l.u(27), exponent), l.u(0));
    let shift = l.pick_u(l.lt_u(shift, l.u(20)), shift, l.u(20));
    // The integer ratio keeps at least ten bits, so its rounding is a step below 2^-11.
    let fine = l.lt_u(l.u(9), l.add_u(shift, ratio_exponent));
    let scale = l.of_bits(l.shl(l.add_u(shift, l.u(127)), l.u(23)));
    let mantissa = l.to_u(l.add(l.mul(ratio, scale), l.f(0.5)));

    let mut quotients = l.u(0);
    let mut remainders = l.f(0.0);
    let mut sums = Moments::none(l);
    for block in terms.chunks(SUM_BLOCK) {
        let (mut moments, mut rests) = (Moments::none(l), l.f(0.0));
        for &term in block {
            let (num, den) = fraction(l, term, swapped, mantissa, shift);
            let inverse = l.div(l.f(1.0), l.to_f(den));
            let p = l.mul(l.to_f(num), inverse);
            let quotient = l.to_u(l.mul(p, l.f(QUOTIENT_UNIT)));
            let rest = l.sub_u(l.shl(num, l.u(24)), l.mul_u(quotient, den));
            quotients = l.add_u(quotients, quotient);
            rests = l.add(rests, l.mul(l.signed_to_f(rest), inverse));
            moments.add(l, p);
        }
        sums.join(l, &moments);
        remainders = l.add(remainders, rests);
    }
    // Near the root the difference is small, so it is right modulo 2^32.
    let whole = l.signed_to_f(l.sub_u(l.shl(deaths, l.u(24)), quotients));
    let score = l.mul(l.sub(whole, remainders), l.f(1.0 / QUOTIENT_UNIT));
    let (step, information) = halley(l, score, &sums);
    let short = l.and_m(l.le(step, l.f(MAX_POLISH)), l.le(l.f(-MAX_POLISH), step));
    let sound = l.and_m(l.le(l.f(MIN_INFORMATION), information), short);
    let done = l.and_m(l.and_m(settled, sound), l.and_m(fine, room));
    let code = l.add_u(l.shl(shift, l.u(16)), l.pick_u(swapped, l.u(SWAPPED), l.u(0)));
    let zero = l.u(0);
    [
        l.pick_u(done, mantissa, zero),
        l.pick_u(done, code, l.u(Status::NeedsHost as u32)),
        l.pick_u(done, l.bits(step), zero),
        l.pick_u(done, l.bits(information), zero),
    ]
}

/// Numerator and denominator of a term as integers; a term that is not there is 0 / 2^shift.
#[inline(always)]
fn fraction<L: Lanes>(
    l: L,
    Term { a, b }: Term<L>,
    swapped: L::M,
    mantissa: L::U,
    shift: L::U,
) -> (L::U, L::U) {
    let absent = l.eq_u(l.bits(a), l.u(0x8000_0000));
    let own = l.pick_u(absent, l.u(0), l.to_u(l.pick(swapped, b, a)));
    let other = l.pick_u(absent, l.u(1), l.to_u(l.pick(swapped, a, b)));
    let num = l.mul_u(own, mantissa);
    (num, l.add_u(l.shl(other, shift), num))
}
