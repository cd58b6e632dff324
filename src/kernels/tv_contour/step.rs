//! The two steps of one iteration on a vector of eight pixels.

use super::super::lanes::Octet;
use super::SQUARED_UNIT;
use super::field::Step;

/// Step sizes in all lanes.
#[derive(Clone, Copy)]
pub(super) struct Sizes<O: Octet> {
    pub(super) sigma: O::F,
    pub(super) tau: O::F,
    pub(super) theta: O::F,
}

impl<O: Octet> Sizes<O> {
    #[inline(always)]
    pub(super) fn of(o: O, step: Step) -> Self {
        Self { sigma: o.splat(step.sigma), tau: o.splat(step.tau), theta: o.splat(step.theta) }
    }
}

/// The dual step `p = q / max(1, |q|)`, `q = p + sigma grad(ubar)`: right and down.
#[inline(always)]
pub(super) fn dual<O: Octet>(
    o: O,
    p: (O::F, O::F),
    grad: (O::F, O::F),
    sigma: O::F,
) -> (O::F, O::F) {
    let right = o.add(p.0, o.mul(sigma, grad.0));
    let down = o.add(p.1, o.mul(sigma, grad.1));
    let shrink = o.shrink(o.add(o.mul(right, right), o.mul(down, down)));
    (o.mul(right, shrink), o.mul(down, shrink))
}

/// Dual variables that a vector of the indicator depends on.
pub(super) struct Duals<F> {
    /// To the right, of the left neighbours.
    pub(super) left: F,
    /// To the right, of the pixels themselves.
    pub(super) right: F,
    /// Down, of the pixels themselves.
    pub(super) down: F,
    /// Down, of the pixels above.
    pub(super) above: F,
}

/// The indicator's step `u' = clamp(u + tau (div p - force))`.
#[inline(always)]
pub(super) fn primal<O: Octet>(o: O, u: O::F, duals: &Duals<O::F>, force: O::F, tau: O::F) -> O::F {
    let divergence = o.add(o.sub(duals.right, duals.left), o.sub(duals.down, duals.above));
    o.clamp_to_unit(o.add(u, o.mul(tau, o.sub(divergence, force))))
}

/// Squared indicators in units of 2^-24, truncated.
#[inline(always)]
pub(super) fn squared_units<O: Octet>(o: O, u: O::F) -> O::I {
    o.truncate(o.mul(o.mul(u, u), o.splat(SQUARED_UNIT)))
}
