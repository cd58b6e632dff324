//! Iterations over the vectors that can change; the others are known to stay as they are.
//!
//! - The indicator of a vector rests once a step left it as it was, until a dual variable it depends
//!   on changes: for a fixed `r = div p - force` the step is monotone in tau, does nothing at tau = 0,
//!   and tau only falls.
//! - A dual variable rests once a step left it as it was where the gradient is exactly 0, until
//!   `ubar` changes at its ends: then `q = p` for every sigma.
//! - `|div p| <= 2 + sqrt 2`. Where `|force| > 3.5` the sign of `r` does not depend on p, so an
//!   indicator at its bound stays there for good, and a dual variable that only such pixels read is
//!   not needed any more.
//!
//! What is skipped would have added exactly 0 to the sums. One bit a vector, 64 vectors a word.

use super::super::lanes::Octet;
use super::field::{Field, Row, Step, Sums, note_flips};
use super::step::{Duals, Sizes, dual, primal, squared_units};

/// Above this the sign of `div p - force` is that of `-force`.
const HARD: f32 = 3.5;

/// Smallest tau at which a hard pixel inside 0..1 surely moves: `tau (3.5 - 2 - sqrt 2)` must exceed
/// half a unit in the last place of 1, 6e-8.
const SMALLEST_FREEZING_TAU: f32 = 1e-5;

/// Which vectors have something to do, `[rows x words]` each.
pub(super) struct Activity {
    words: usize,
    width: usize,
    rows: usize,
    /// Dual variables that do not rest.
    dual: Vec<u64>,
    /// Indicators that moved in their last step.
    primal: Vec<u64>,
    /// Vectors whose `ubar` changed in the last iteration.
    extrapolated: Vec<u64>,
    /// Vectors whose dual variables changed in the iteration under way.
    dual_changed: Vec<u64>,
    /// Vectors of hard pixels only.
    hard: Vec<u64>,
    /// Hard vectors that stay at their bounds.
    frozen: Vec<u64>,
}

impl Activity {
    /// Nothing is active on a grid of `rows x width` vectors; then [`Activity::see`] each.
    pub(super) fn none(rows: usize, width: usize) -> Self {
        let words = width.div_ceil(64);
        let zeros = vec![0; rows * words];
        Self {
            words,
            width,
            rows,
            dual: zeros.clone(),
            primal: zeros.clone(),
            extrapolated: zeros.clone(),
            dual_changed: zeros.clone(),
            hard: zeros.clone(),
            frozen: zeros,
        }
    }

    /// Notes whether the indicator of a vector can move while `p = 0`, from its first guess and
    /// force.
    #[inline(always)]
    pub(super) fn see<O: Octet>(
        &mut self,
        o: O,
        (row, vector): (usize, usize),
        initial: u8,
        force: O::F,
    ) {
        let at = row * self.words + vector / 64;
        let zero = o.splat(0.0);
        let stays = initial & o.at_least(zero, force) | !initial & o.at_least(force, zero);
        let hard = o.at_least(force, o.splat(HARD)) | o.at_least(o.splat(-HARD), force);
        let (rests, is_hard) = (stays == u8::MAX, hard == u8::MAX);
        self.primal[at] |= u64::from(!rests) << (vector % 64);
        self.hard[at] |= u64::from(is_hard) << (vector % 64);
        self.frozen[at] |= u64::from(rests && is_hard) << (vector % 64);
    }

    /// Notes where the gradient of the first guess is not 0, after every vector was seen.
    pub(super) fn see_edges(&mut self, field: &Field) {
        let (width, guess) = (self.width, &field.foreground);
        let lanes_with_neighbour = (1_u8 << ((field.cols + 7) % 8)).wrapping_sub(1);
        for row in 0..self.rows {
            let (begin, below) = (row * width, (row + 1).min(self.rows - 1) * width);
            for vector in 0..width {
                let here = guess[begin + vector];
                let to_right = if vector + 1 < width {
                    here ^ (here >> 1 | guess[begin + vector + 1] << 7)
                } else {
                    (here ^ here >> 1) & lanes_with_neighbour
                };
                let is_edge = to_right | here ^ guess[below + vector] != 0;
                self.dual[row * self.words + vector / 64] |= u64::from(is_edge) << (vector % 64);
            }
        }
    }

    /// Everything is active again, as after a sweep that kept no account; the frozen stay so.
    pub(super) fn wake(&mut self) {
        self.extrapolated.fill(0);
        for row in 0..self.rows {
            for word in 0..self.words {
                let valid = self.valid(word);
                self.dual[row * self.words + word] = valid;
                self.primal[row * self.words + word] = valid;
            }
        }
    }

    /// Vectors with something to do.
    pub(super) fn count(&self) -> usize {
        let active = self.dual.iter().zip(&self.primal).map(|(dual, primal)| dual | primal);
        active.map(|word| word.count_ones() as usize).sum()
    }

    /// Bits of a word that belong to vectors of the row.
    #[inline(always)]
    fn valid(&self, word: usize) -> u64 {
        let left = self.width - word * 64;
        if left >= 64 { u64::MAX } else { (1 << left) - 1 }
    }
}

/// Does one iteration a step over what is active; rows trail as in the dense sweep.
#[inline(always)]
pub(super) fn sweep<O: Octet>(
    o: O,
    field: &mut Field,
    activity: &mut Activity,
    steps: &[Step],
    sums: &mut [Sums],
) {
    for front in 0..field.rows + steps.len() - 1 {
        for (trail, (&step, sums)) in steps.iter().zip(&mut *sums).enumerate() {
            if trail <= front && front - trail < field.rows {
                sweep_row(o, field, activity, front - trail, trail, step, sums);
            }
        }
    }
}

/// One iteration of one row, word by word: the dual variables, then the indicator.
#[inline(always)]
fn sweep_row<O: Octet>(
    o: O,
    field: &mut Field,
    activity: &mut Activity,
    row: usize,
    trail: usize,
    step: Step,
    sums: &mut Sums,
) {
    let words = activity.words;
    let (begin, below) = (row * words, (row + 1) * words);
    let has_below = row + 1 < field.rows;
    let is_quiet = |list: &[u64]| list.iter().fold(0, |all, word| all | word) == 0;
    if is_quiet(&activity.dual[begin..below])
        && is_quiet(&activity.primal[begin..below])
        && is_quiet(&activity.extrapolated[begin..below])
        && (!has_below || is_quiet(&activity.extrapolated[below..below + words]))
        && (row == 0 || is_quiet(&activity.dual_changed[begin - words..begin]))
    {
        activity.dual_changed[begin..below].fill(0);
        return;
    }
    let sizes = Sizes::of(o, step);
    let mut fields = field.row(row);
    let mut changed_before = 0_u64;
    for word in 0..words {
        let at = begin + word;
        let valid = activity.valid(word);
        let has_next = word + 1 < words;
        let here = activity.extrapolated[at];
        let next = if has_next { activity.extrapolated[at + 1] << 63 } else { 0 };
        let under = if has_below { activity.extrapolated[at + words] } else { 0 };
        let frozen = activity.frozen[at];
        let next_frozen = if has_next { activity.frozen[at + 1] << 63 } else { 0 };
        let right_frozen = frozen >> 1 | next_frozen | !(valid >> 1) & !(u64::from(has_next) << 63);
        let under_frozen = if has_below { activity.frozen[at + words] } else { u64::MAX };
        let unread = frozen & right_frozen & under_frozen;
        let duals = (activity.dual[at] | here | here >> 1 | next | under) & valid & !unread;
        let (mut changed, mut awake) = (0_u64, 0_u64);
        let mut left = duals;
        while left != 0 {
            let bit = left.trailing_zeros() as usize;
            left &= left - 1;
            let done = dual_vector(o, &mut fields, word * 64 + bit, sizes.sigma);
            changed |= u64::from(done.changed) << bit;
            awake |= u64::from(done.awake) << bit;
        }
        activity.dual[at] = awake;
        activity.dual_changed[at] = changed;
        let above = if row > 0 { activity.dual_changed[at - words] } else { 0 };
        let touched = changed | changed << 1 | changed_before | above;
        changed_before = changed >> 63;
        let primals = (activity.primal[at] | touched) & valid & !frozen;
        sums.n_worked += (duals | primals).count_ones() as usize;
        let mut moves = Moves { moved: 0, extrapolated: 0 };
        if primals != 0 {
            primal_word(o, &mut fields, word, primals, &sizes, trail, sums, &mut moves);
        }
        activity.primal[at] = moves.moved;
        activity.extrapolated[at] = moves.extrapolated;
        if step.tau > SMALLEST_FREEZING_TAU {
            activity.frozen[at] |= primals & !moves.moved & activity.hard[at];
        }
    }
}

/// What a dual step did.
struct Done {
    /// A bit of p changed.
    changed: bool,
    /// It must be done again in the next iteration.
    awake: bool,
}

#[inline(always)]
fn dual_vector<O: Octet>(o: O, row: &mut Row<'_>, j: usize, sigma: O::F) -> Done {
    let is_last = j + 1 == row.extrapolated.len();
    let here = o.load(&row.extrapolated[j]);
    let next = if is_last { here } else { o.load(&row.extrapolated[j + 1]) };
    let mut to_right = o.sub(o.right_of(here, next), here);
    if is_last {
        to_right = o.and(to_right, o.load(row.edge));
    }
    let downward = o.sub(o.load(&row.below[j]), here);
    let p = (o.load(&row.right[j]), o.load(&row.down[j]));
    let (right, down) = dual(o, p, (to_right, downward), sigma);
    o.store(right, &mut row.right[j]);
    o.store(down, &mut row.down[j]);
    let difference = o.or(o.xor(right, p.0), o.xor(down, p.1));
    let changed = !o.is_zero(difference);
    let awake = !o.is_zero(o.or(difference, o.or(to_right, downward)));
    Done { changed, awake }
}

/// What the primal steps of a word did.
struct Moves {
    moved: u64,
    extrapolated: u64,
}

/// The indicator's steps of the vectors `which` of a word, with the sums of every 64 pixels.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "inlined part of a row's loop")]
fn primal_word<O: Octet>(
    o: O,
    row: &mut Row<'_>,
    word: usize,
    which: u64,
    sizes: &Sizes<O>,
    trail: usize,
    sums: &mut Sums,
    moves: &mut Moves,
) {
    let zero = o.splat(0.0);
    let (mut change, mut squared) = (zero, o.zero_i());
    let mut flipped = 0_u64;
    let mut left = which;
    while left != 0 {
        let bit = left.trailing_zeros() as usize;
        left &= left - 1;
        let j = word * 64 + bit;
        let right = o.load(&row.right[j]);
        let before = if j > 0 { o.load(&row.right[j - 1]) } else { zero };
        let duals = Duals {
            left: o.left_of(before, right),
            right,
            down: o.load(&row.down[j]),
            above: o.load(&row.above[j]),
        };
        let u = o.load(&row.indicator[j]);
        let new = primal(o, u, &duals, o.load(&row.force[j]), sizes.tau);
        let moved = o.sub(new, u);
        let extrapolated = o.add(new, o.mul(sizes.theta, moved));
        let extrapolated_before = o.load(&row.extrapolated[j]);
        o.store(new, &mut row.indicator[j]);
        o.store(extrapolated, &mut row.extrapolated[j]);
        change = o.add(change, o.mul(moved, moved));
        let difference = o.sub_i(squared_units(o, new), squared_units(o, u));
        squared = o.add_i(squared, difference);
        moves.moved |= u64::from(!o.is_zero(moved)) << bit;
        let differs = !o.is_zero(o.xor(extrapolated, extrapolated_before));
        moves.extrapolated |= u64::from(differs) << bit;
        flipped |= u64::from(o.flips(u, new)) << (8 * (bit % 8));
        if left == 0 || left.trailing_zeros() as usize / 8 != bit / 8 {
            sums.add_segment(o.sum(change), o.sum_i(squared));
            (change, squared) = (zero, o.zero_i());
            if flipped != 0 {
                note_flips(row.flips, trail, row.begin + j - bit % 8, flipped);
                flipped = 0;
            }
        }
    }
}
