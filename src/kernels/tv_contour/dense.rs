//! Iterations over every pixel, several in flight.

use super::super::lanes::{Eight, Octet};
use super::field::{Field, Flip, Row, SEGMENT, Step, Sums, note_flips};
use super::step::{Duals, Sizes, dual, primal, squared_units};

/// Does one iteration a step, all in one sweep down the image.
///
/// Iteration k works a row above iteration k - 1: it needs that one's rows r and r + 1 when it does
/// row r, and overwrites nothing that one still reads. The last one counts vectors that moved.
#[inline(always)]
pub(super) fn sweep<O: Octet>(o: O, field: &mut Field, steps: &[Step], sums: &mut [Sums]) {
    for front in 0..field.rows + steps.len() - 1 {
        for (trail, (&step, sums)) in steps.iter().zip(&mut *sums).enumerate() {
            if trail <= front && front - trail < field.rows {
                let row = field.row(front - trail);
                if trail + 1 == steps.len() {
                    sweep_row::<O, true>(o, row, trail, step, sums);
                } else {
                    sweep_row::<O, false>(o, row, trail, step, sums);
                }
            }
        }
    }
}

/// One iteration of one row, 64 pixels after the other: the dual step, then the primal step. Two short
/// loops keep more vectors in flight in the processor than one long one.
#[inline(always)]
fn sweep_row<O: Octet, const COUNT: bool>(
    o: O,
    row: Row<'_>,
    trail: usize,
    step: Step,
    sums: &mut Sums,
) {
    let width = row.indicator.len();
    let sizes = Sizes::of(o, step);
    let mut left = o.splat(0.0);
    let mut begin = 0;
    while begin < width {
        let end = width.min(begin + SEGMENT);
        let right = &mut row.right[begin..end];
        let down = &mut row.down[begin..end];
        let here = &row.extrapolated[begin..end];
        let after = o.load(row.extrapolated.get(end).unwrap_or(&here[0]));
        let edge = if end == width { o.load(row.edge) } else { o.load(&ALL) };
        dual_segment(o, right, down, here, &row.below[begin..end], (after, edge), sizes.sigma);
        let last = o.load(&right[right.len() - 1]);
        let segment = Segment {
            indicator: &mut row.indicator[begin..end],
            extrapolated: &mut row.extrapolated[begin..end],
            right,
            down,
            above: &row.above[begin..end],
            force: &row.force[begin..end],
        };
        let places = (trail, row.begin + begin);
        primal_segment::<O, COUNT>(o, segment, left, &sizes, sums, row.flips, places);
        (left, begin) = (last, end);
    }
}

/// All bits set.
const ALL: Eight = Eight([f32::from_bits(u32::MAX); 8]);

/// `ends`: the first vector after the segment, and which lanes of the last have a right neighbour.
#[inline(always)]
fn dual_segment<O: Octet>(
    o: O,
    right: &mut [Eight],
    down: &mut [Eight],
    here: &[Eight],
    below: &[Eight],
    ends: (O::F, O::F),
    sigma: O::F,
) {
    let n = here.len();
    let (right, down, below) = (&mut right[..n], &mut down[..n], &below[..n]);
    for j in 0..n {
        let at = o.load(&here[j]);
        let to_right = if j + 1 < n {
            o.sub(o.right_of(at, o.load(&here[j + 1])), at)
        } else {
            o.and(o.sub(o.right_of(at, ends.0), at), ends.1)
        };
        let downward = o.sub(o.load(&below[j]), at);
        let p = (o.load(&right[j]), o.load(&down[j]));
        let p = dual(o, p, (to_right, downward), sigma);
        o.store(p.0, &mut right[j]);
        o.store(p.1, &mut down[j]);
    }
}

/// 64 pixels of a row after their dual step; all slices are of one length.
struct Segment<'a> {
    indicator: &'a mut [Eight],
    extrapolated: &'a mut [Eight],
    right: &'a [Eight],
    down: &'a [Eight],
    above: &'a [Eight],
    force: &'a [Eight],
}

#[inline(always)]
fn primal_segment<O: Octet, const COUNT: bool>(
    o: O,
    segment: Segment<'_>,
    mut left: O::F,
    sizes: &Sizes<O>,
    sums: &mut Sums,
    flips: &mut Vec<Flip>,
    (trail, begin): (usize, usize),
) {
    let n = segment.indicator.len();
    let (indicator, extrapolated) = (segment.indicator, &mut segment.extrapolated[..n]);
    let (right, down) = (&segment.right[..n], &segment.down[..n]);
    let (above, force) = (&segment.above[..n], &segment.force[..n]);
    let (mut change, mut squared) = (o.splat(0.0), o.zero_i());
    let mut flipped = 0_u64;
    for j in 0..n {
        let p = o.load(&right[j]);
        let duals = Duals {
            left: o.left_of(left, p),
            right: p,
            down: o.load(&down[j]),
            above: o.load(&above[j]),
        };
        let u = o.load(&indicator[j]);
        let new = primal(o, u, &duals, o.load(&force[j]), sizes.tau);
        let moved = o.sub(new, u);
        o.store(new, &mut indicator[j]);
        o.store(o.add(new, o.mul(sizes.theta, moved)), &mut extrapolated[j]);
        change = o.add(change, o.mul(moved, moved));
        squared = o.add_i(squared, squared_units(o, u));
        if COUNT {
            sums.n_worked += usize::from(!o.is_zero(moved));
        }
        flipped |= u64::from(o.flips(u, new)) << (8 * j);
        left = p;
    }
    // a call inside the loop would keep the sums in memory
    if flipped != 0 {
        note_flips(flips, trail, begin, flipped);
    }
    sums.add_segment(o.sum(change), o.sum_i(squared));
}
