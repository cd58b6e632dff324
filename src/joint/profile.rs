//! Limits of an association by its profile likelihood.

use super::refit::Refitter;

/// Steps outwards before a side counts as open, each twice the last: about 120 standard errors.
const OUTWARD_STEPS: usize = 6;

/// After so many steps a side also counts as open where the quadrature gives out.
const FAR: usize = 3;

/// A limit is found when its log likelihood is right to this.
const LEVEL: f64 = 1e-4;

/// Halving and secant steps towards a limit.
const INWARD_STEPS: usize = 40;

/// Why a side of a profile likelihood has no limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OpenSide {
    /// The likelihood stays above the level out to here, many standard errors away: the data cannot
    /// exclude it.
    AboveTo(f64),
    /// The other parameters could not be fitted on the way.
    SearchFailed,
}

/// A point of the profile: the parameter's value, and twice the loss of log likelihood against the
/// maximum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProfilePoint {
    /// Value held.
    pub value: f64,
    /// 2 (maximum - profile).
    pub deviance: f64,
}

/// Profile likelihood of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct JointProfile {
    /// Lower and upper limit.
    pub limits: [Result<f64, OpenSide>; 2],
    /// What was computed on the way, ascending.
    pub points: Vec<ProfilePoint>,
}

/// Where twice the loss of log likelihood of parameter `place` reaches `quantile` (3.84 for 95 %) on
/// either side of the maximum `theta` with `log_likelihood`; `se` is a first length.
pub fn profile(
    refitter: &Refitter<'_>,
    place: usize,
    (theta, log_likelihood): (&[f64], f64),
    se: f64,
    quantile: f64,
) -> JointProfile {
    let mut points = vec![ProfilePoint { value: theta[place], deviance: 0.0 }];
    let limits = [-1.0, 1.0].map(|side| {
        let mut inner = (theta[place], -quantile);
        let mut start = theta.to_vec();
        let mut step = side * se * quantile.sqrt();
        let mut outer = None;
        for turn in 0..OUTWARD_STEPS {
            let value = inner.0 + step;
            let Some((deviance, at)) =
                deviance(refitter, place, value, &start, (log_likelihood, quantile))
            else {
                return Err(if turn < FAR {
                    OpenSide::SearchFailed
                } else {
                    OpenSide::AboveTo(inner.0)
                });
            };
            points.push(ProfilePoint { value, deviance });
            start = at;
            if deviance > quantile {
                outer = Some((value, deviance - quantile));
                break;
            }
            inner = (value, deviance - quantile);
            step *= 2.0;
        }
        let mut outer = outer.ok_or(OpenSide::AboveTo(inner.0))?;
        for turn in 0..INWARD_STEPS {
            let share = if turn % 3 == 2 { 0.5 } else { -inner.1 / (outer.1 - inner.1) };
            let value = inner.0 + share.clamp(0.02, 0.98) * (outer.0 - inner.0);
            let Some((deviance, at)) =
                deviance(refitter, place, value, &start, (log_likelihood, quantile))
            else {
                return Err(OpenSide::SearchFailed);
            };
            points.push(ProfilePoint { value, deviance });
            start = at;
            let off = deviance - quantile;
            if off.abs() < LEVEL {
                return Ok(value);
            }
            if off > 0.0 {
                outer = (value, off);
            } else {
                inner = (value, off);
            }
        }
        Ok(0.5 * (inner.0 + outer.0))
    });
    points.sort_by(|a, b| a.value.total_cmp(&b.value));
    JointProfile { limits, points }
}

/// Twice the loss of log likelihood with the parameter held, and where the others then are.
fn deviance(
    refitter: &Refitter<'_>,
    place: usize,
    value: f64,
    start: &[f64],
    (log_likelihood, level): (f64, f64),
) -> Option<(f64, Vec<f64>)> {
    let refit = refitter.held(place, value, start);
    let loss = (2.0 * (log_likelihood - refit.log_likelihood)).max(0.0);
    // a search that stopped short of the profile's maximum overstates the loss: below the level that
    // does no harm
    (loss.is_finite() && (refit.reached || loss <= level)).then_some((loss, refit.theta))
}
