//! The interval to trust by default.
//!
//! Of a hazard ratio it is Firth's penalised profile: with 7 subjects against 53 it covers near its
//! level, is always finite and exists for every study, which no bootstrap interval does
//! (`herscope coverage`; the table is in `docs/methods.md`, 2.7). Everywhere else it is BCa where
//! it exists, then the percentile interval.

use super::document::IntervalBlock;
use super::intervals::{IntervalKind, IntervalLimits};
use crate::Error;
use crate::survival::{CoxData, FirthTerm, Ties, fit_firth};

/// Its kind in documents, where it is the penalised profile.
const FIRTH_PROFILE: &str = "firth_profile";

/// Limits of the log hazard ratio of `term` by Firth's penalised profile likelihood, unbounded ones
/// infinite; or why there are none.
///
/// # Errors
/// As [`fit_firth`].
pub(crate) fn firth_interval(
    data: &CoxData,
    term: usize,
    ties: Ties,
    conf_level: f64,
) -> Result<IntervalLimits, Error> {
    Ok(match fit_firth(data, ties, conf_level)? {
        None => Err("not_identified"),
        Some(fit) if !fit.converged => Err("not_converged"),
        Some(fit) => {
            let FirthTerm { lower, upper, .. } = fit.terms[term];
            Ok([lower.unwrap_or(f64::NEG_INFINITY), upper.unwrap_or(f64::INFINITY)])
        }
    })
}

/// The same where both limits are finite and the rows are unweighted: `None` elsewhere.
pub(super) fn firth_limits(
    data: &CoxData,
    term: usize,
    ties: Ties,
    conf_level: f64,
) -> Option<[f64; 2]> {
    if data.outcome.weight().is_some() {
        return None;
    }
    let limits = firth_interval(data, term, ties, conf_level).ok()?.ok()?;
    limits.iter().all(|limit| limit.is_finite()).then_some(limits)
}

/// The interval to trust among those there are; `None` where none has both limits.
pub(super) fn default_interval(
    firth: Option<[f64; 2]>,
    intervals: &[IntervalBlock],
) -> Option<IntervalBlock> {
    if let Some([lower, upper]) = firth {
        return Some(IntervalBlock {
            kind: FIRTH_PROFILE,
            lower: Some(lower.exp()),
            upper: Some(upper.exp()),
            mcse_lower: None,
            mcse_upper: None,
            log_lower: Some(lower),
            log_upper: Some(upper),
            reason: None,
        });
    }
    let whole = |block: &&IntervalBlock| block.lower.is_some() && block.upper.is_some();
    let of = |kind: IntervalKind| intervals.iter().find(|block| block.kind == kind.name());
    of(IntervalKind::Bca)
        .filter(whole)
        .or_else(|| of(IntervalKind::Percentile).filter(whole))
        .or_else(|| intervals.iter().find(whole))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(kind: IntervalKind, lower: Option<f64>) -> IntervalBlock {
        IntervalBlock {
            kind: kind.name(),
            lower,
            upper: Some(2.0),
            mcse_lower: None,
            mcse_upper: None,
            log_lower: None,
            log_upper: None,
            reason: None,
        }
    }

    #[test]
    fn the_profile_comes_first_then_bca_then_percentile() {
        let percentile = block(IntervalKind::Percentile, Some(0.5));
        let of = |firth, bca| {
            let blocks = [percentile.clone(), block(IntervalKind::Bca, bca)];
            default_interval(firth, &blocks).map(|block| block.kind)
        };
        assert_eq!(of(Some([-1.0, 1.0]), Some(0.4)), Some("firth_profile"));
        assert_eq!(of(None, Some(0.4)), Some("bca"));
        assert_eq!(of(None, None), Some("percentile"), "a BCa interval without a limit");
        assert_eq!(default_interval(None, &[]), None, "nothing asked for");
    }
}
