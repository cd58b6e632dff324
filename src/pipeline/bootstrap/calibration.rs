//! The bootstrap of the bootstrap: at which levels percentile limits have the coverage they claim.

use super::document::CalibrationBlock;
use super::settings::Calibration;
use super::source::ReplicateSource;
use crate::Error;

/// Outer replicates taken between two looks at the progress.
const OUTER_PER_STEP: usize = 512;

/// The levels at which the two limits of an interval at `conf_level` are read off, from `size`.
///
/// Of each outer resample, the share `u` of its own resamples below the estimate of the data as
/// given says at which level its percentile limit would have been right. The levels of the
/// interval are the quantiles of `u` at its two tails. Infinite resamples count on their side; an
/// outer resample none of whose resamples has a value does not.
///
/// `None` without a finite estimate, or with fewer than two usable outer resamples.
///
/// # Errors
/// As the source; an interrupt.
///
/// # Source
/// Beran 1987, Biometrika 74:457 (prepivoting); Davison and Hinkley 1997, section 5.6.
pub(super) fn calibrate(
    source: &dyn ReplicateSource,
    size: Calibration,
    conf_level: f64,
    progress: &(dyn Fn(u64, u64) -> bool + Sync),
) -> Result<Option<CalibrationBlock>, Error> {
    let Some(estimate) = source.facts().estimate else { return Ok(None) };
    let mut shares = vec![None; usize::try_from(size.outer).unwrap_or(usize::MAX)];
    let mut done = 0;
    for step in shares.chunks_mut(OUTER_PER_STEP) {
        source.inner_shares(done, size.inner, estimate, step)?;
        done += step.len() as u64;
        if !progress(done, size.outer) {
            return Err(Error::interrupted("calibrating the interval")
                .found(format!("an interrupt after {done} of {} resamples", size.outer)));
        }
    }
    let mut used: Vec<f64> = shares.into_iter().flatten().collect();
    if used.len() < 2 {
        return Ok(None);
    }
    used.sort_unstable_by(f64::total_cmp);
    let tail = 0.5 * (1.0 - conf_level);
    Ok(Some(CalibrationBlock {
        outer: size.outer,
        inner: size.inner,
        outer_used: used.len() as u64,
        lower_level: quantile(&used, tail),
        upper_level: quantile(&used, 1.0 - tail),
    }))
}

/// The quantile of sorted values at `share`, linear between order statistics `(n + 1) share`; kept
/// off 0 and 1, where no percentile exists.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let n = sorted.len();
    let position = ((n + 1) as f64 * share).clamp(1.0, n as f64);
    let below = position.floor() as usize;
    let (low, high) = (sorted[below - 1], sorted[below.min(n - 1)]);
    let value = low + (position - below as f64) * (high - low);
    value.clamp(EDGE, 1.0 - EDGE)
}

/// Smallest level that a calibrated limit is read off at.
const EDGE: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_of_shares_interpolate_and_stay_inside() {
        let shares: Vec<f64> = (1..=9).map(|i| f64::from(i) / 10.0).collect();
        assert!((quantile(&shares, 0.25) - 0.25).abs() < 1e-12, "between 0.2 and 0.3");
        assert_eq!(quantile(&[0.0, 0.0, 1.0], 0.01), 1e-6, "off zero");
    }
}
