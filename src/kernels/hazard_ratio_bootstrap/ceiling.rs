//! The bootstrap without its fit: the rate that no fit can exceed.

use super::super::lanes::{InstructionSet, LaneWork, Lanes, run_with};
use super::super::scatter::Drawer;
use super::terms::Count;
use super::{Plan, Stream};

/// Draws and counts `n_replicates` of a plan that is not nested, exactly as
/// [`cpu`](super::cpu) does, and fits nothing. Returns a digest of the counts, so that no compiler
/// leaves the work out. For benches: the rate is the ceiling of the kernel's.
pub fn draw_only(plan: &Plan, set: InstructionSet, n_replicates: usize) -> u64 {
    run_with(set, Draws { plan, n_replicates })
}

struct Draws<'a> {
    plan: &'a Plan,
    n_replicates: usize,
}

impl LaneWork for Draws<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> u64 {
        if self.plan.slots.len() <= 255 {
            self.counting::<L, u8>(lanes)
        } else {
            self.counting::<L, u16>(lanes)
        }
    }
}

impl Draws<'_> {
    #[inline(always)]
    fn counting<L: Lanes, C: Count>(self, l: L) -> u64 {
        let drawer = Drawer::new(l, self.plan, Stream::Resample);
        let mut counts = vec![C::default(); self.plan.units.len() * L::N];
        let mut digest = l.u(0);
        for first in (0..self.n_replicates).step_by(L::N) {
            counts.fill(C::default());
            let copies = &mut counts[..];
            drawer.draw(l, first as u64, move |_, lane, unit| {
                copies[unit as usize * L::N + lane].increase();
            });
            digest = l.add_u(l.shl(digest, l.u(1)), C::load(l, &counts));
        }
        let mut words = [0; 16];
        l.store(digest, &mut words);
        words.iter().map(|&word| u64::from(word)).sum()
    }
}
