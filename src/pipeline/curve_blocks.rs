//! The curve blocks of the `survive` document, from fitted curves.

use super::survive::{Curves, Level, SurviveSettings, TestRows};
use crate::report::{
    Curve, Group, HazardStep, Median, PairwiseTest, Quantile, Rmst as RmstBlock, RmstDifference,
    RmstRatio, SurvivalAtTime,
};
use crate::survival::{
    KaplanMeier, Outcome, QuantileEstimate, Rmst, fit_pairwise_logrank, nelson_aalen,
};
use crate::{Error, Warning};

pub(super) fn median_block(median: QuantileEstimate) -> Median {
    Median { median: median.estimate, lower: median.lower, upper: median.upper }
}

/// The curve of one group and what is read off it.
pub(super) fn group_block(level: Level, settings: &SurviveSettings) -> Result<Group, Error> {
    let Level { name, outcome, curve } = level;
    let rmst = settings.rmst_tau.map(|tau| Rmst::fit(&curve, tau)).transpose()?;
    Ok(Group {
        level: name,
        n: outcome.len() as u64,
        n_events: outcome.n_events() as u64,
        median: median_block(curve.median(settings.confidence)),
        rmst: rmst.map(|rmst| RmstBlock {
            tau: rmst.tau,
            estimate: Some(rmst.estimate),
            std_err: Some(rmst.std_err),
        }),
        quantiles: quantiles(&curve, settings)?,
        survival_at: survival_at(&curve, &outcome, settings)?,
        cumulative_hazard: settings.nelson_aalen.then(|| cumulative_hazard(&outcome)),
        curve: Curve::new(curve, settings.confidence),
    })
}

fn quantiles(
    curve: &KaplanMeier,
    settings: &SurviveSettings,
) -> Result<Option<Vec<Quantile>>, Error> {
    if settings.quantiles.is_empty() {
        return Ok(None);
    }
    let quantile = |&probability: &f64| {
        let found = curve.quantile(probability, settings.confidence)?;
        let QuantileEstimate { estimate: time, lower, upper } = found;
        Ok(Quantile { probability, time, lower, upper })
    };
    settings.quantiles.iter().map(quantile).collect::<Result<_, _>>().map(Some)
}

fn survival_at(
    curve: &KaplanMeier,
    outcome: &Outcome,
    settings: &SurviveSettings,
) -> Result<Option<Vec<SurvivalAtTime>>, Error> {
    if settings.times.is_empty() {
        return Ok(None);
    }
    if let Some(time) = settings.times.iter().find(|time| !time.is_finite() || **time < 0.0) {
        return Err(Error::usage("reading survival at a time")
            .found(time.to_string())
            .expected("a finite time >= 0"));
    }
    let rows = curve.survival_at(&settings.times, settings.confidence);
    let at = rows.into_iter().map(|row| SurvivalAtTime {
        time: row.time,
        n_at_risk: outcome.n_at_risk(row.time),
        survival: row.survival,
        std_err: row.std_err,
        lower: row.lower,
        upper: row.upper,
    });
    Ok(Some(at.collect()))
}

fn cumulative_hazard(outcome: &Outcome) -> Vec<HazardStep> {
    let steps = nelson_aalen(outcome).into_iter().map(|row| HazardStep {
        time: row.time,
        cumulative_hazard: row.cumulative_hazard,
        std_err: row.std_err,
    });
    steps.collect()
}

/// Each pair of groups by itself, in the order of the levels.
pub(super) fn pairwise_tests(
    test: &TestRows,
    curves: &Curves,
    settings: &SurviveSettings,
) -> Result<Vec<PairwiseTest>, Error> {
    let strata = test.strata.as_deref();
    let pairs = fit_pairwise_logrank(&test.outcome, &test.groups, strata, settings.rho)?;
    let level = |code: usize| curves.levels[code].name.clone();
    let block = pairs.into_iter().map(|pair| PairwiseTest {
        levels: [level(pair.first), level(pair.second)],
        chisq: pair.test.chisq,
        df: pair.test.df,
        p: pair.test.p,
        p_holm: pair.p_holm,
    });
    Ok(block.collect())
}

/// Second level minus, and over, the reference; warns of groups whose last step was carried on to
/// the horizon.
pub(super) fn rmst_contrasts(
    curves: &Curves,
    settings: &SurviveSettings,
    warnings: &mut Vec<Warning>,
) -> Result<(Option<RmstDifference>, Option<RmstRatio>), Error> {
    let Some(tau) = settings.rmst_tau else { return Ok((None, None)) };
    let means = curves
        .levels
        .iter()
        .map(|level| Rmst::fit(&level.curve, tau))
        .collect::<Result<Vec<_>, _>>()?;
    for (level, rmst) in curves.levels.iter().zip(&means) {
        if rmst.extrapolated {
            let message = format!(
                "group {}: the restricted mean up to {tau} carries the curve on beyond the last \
                 follow-up at {}",
                level.name,
                level.outcome.last_time().unwrap_or(0.0)
            );
            warnings.push(Warning::new("rmst_beyond_follow_up", message));
        }
    }
    let [reference, second, ..] = means.as_slice() else { return Ok((None, None)) };
    let conf_level = settings.confidence.level;
    let difference = second.difference(reference, conf_level);
    let ratio = second.ratio(reference, conf_level).map(|ratio| RmstRatio {
        tau,
        estimate: ratio.estimate,
        std_err_log: ratio.std_err,
        lower: ratio.lower,
        upper: ratio.upper,
        p: ratio.p,
    });
    let difference = RmstDifference {
        tau,
        estimate: Some(difference.estimate),
        std_err: Some(difference.std_err),
        lower: Some(difference.lower),
        upper: Some(difference.upper),
        p: difference.p,
    };
    Ok((Some(difference), ratio.filter(|_| settings.rmst_ratio)))
}
