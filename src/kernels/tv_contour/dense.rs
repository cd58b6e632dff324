//! Iterations over every pixel: both steps of a row in one pass, several iterations in flight.

use super::super::lanes::Octet;
use super::field::{Field, Row, SEGMENT, Step, Sums};
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

#[inline(always)]
fn sweep_row<O: Octet, const COUNT: bool>(
    o: O,
    mut row: Row<'_>,
    trail: usize,
    step: Step,
    sums: &mut Sums,
) {
    let width = row.indicator.len();
    let sizes = Sizes::of(o, step);
    let zero = o.splat(0.0);
    let mut left = zero;
    let mut here = o.load(&row.extrapolated[0]);
    let mut begin = 0;
    while begin < width {
        let end = width.min(begin + SEGMENT);
        let (mut change, mut squared) = (zero, o.zero_i());
        for j in begin..end {
            let is_last = j + 1 == width;
            let next = if is_last { here } else { o.load(&row.extrapolated[j + 1]) };
            let mut to_right = o.sub(o.right_of(here, next), here);
            if is_last {
                to_right = o.and(to_right, o.load(row.edge));
            }
            let downward = o.sub(o.load(&row.below[j]), here);
            let p = (o.load(&row.right[j]), o.load(&row.down[j]));
            let (right, down) = dual(o, p, (to_right, downward), sizes.sigma);
            o.store(right, &mut row.right[j]);
            o.store(down, &mut row.down[j]);
            let above = o.load(&row.above[j]);
            let duals = Duals { left: o.left_of(left, right), right, down, above };
            let u = o.load(&row.indicator[j]);
            let new = primal(o, u, &duals, o.load(&row.force[j]), sizes.tau);
            let moved = o.sub(new, u);
            o.store(new, &mut row.indicator[j]);
            o.store(o.add(new, o.mul(sizes.theta, moved)), &mut row.extrapolated[j]);
            change = o.add(change, o.mul(moved, moved));
            squared = o.add_i(squared, squared_units(o, u));
            if COUNT {
                sums.n_worked += usize::from(!o.is_zero(moved));
            }
            let flips = o.flips(u, new);
            if flips != 0 {
                row.note_flip(trail, j, flips);
            }
            (left, here) = (right, next);
        }
        sums.add_segment(o.sum(change), o.sum_i(squared));
        begin = end;
    }
}
