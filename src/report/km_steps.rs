//! What a Kaplan-Meier figure reads off a curve: counts at a tick, corners of line and band.

use super::survive_document::CurvePoint;

/// Number at risk just before `time` and censored and events strictly before it, so that for
/// subjects who all enter at zero the three add up to the group's size at every tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RiskRow {
    pub(crate) n_at_risk: u64,
    pub(crate) n_censored: u64,
    pub(crate) n_events: u64,
}

pub(crate) fn risk_row(points: &[CurvePoint], time: f64) -> RiskRow {
    // Ticks are multiples of a step: a difference in the last digits is not a later time.
    let tolerance = 1e-9 * time.abs().max(1.0);
    let split = points.partition_point(|point| point.time < time - tolerance);
    let (before, from) = points.split_at(split);
    RiskRow {
        n_at_risk: whole(from.first().map_or(0.0, |point| point.n_at_risk)),
        n_censored: whole(before.iter().map(|point| point.n_censored).sum()),
        n_events: whole(before.iter().map(|point| point.n_events).sum()),
    }
}

/// A sum of case weights as a figure prints it.
pub(crate) fn whole(weights: f64) -> u64 {
    weights.round() as u64
}

/// The corners of the band as (time, lower, upper) steps. It starts closed at 100 %, stays closed
/// while survival is 1, and ends where the limits no longer exist.
pub(crate) fn band_steps(points: &[CurvePoint], max_time: f64) -> Vec<(f64, f64, f64)> {
    let mut steps = vec![(0.0, 1.0, 1.0)];
    let mut limits = (1.0, 1.0);
    for point in drawable(points) {
        let time = point.time.min(max_time);
        steps.push((time, limits.0, limits.1));
        if point.time > max_time {
            break;
        }
        match (point.lower, point.upper) {
            (Some(lower), Some(upper)) => limits = (lower, upper),
            _ if point.survival >= 1.0 => {}
            _ => break,
        }
        steps.push((time, limits.0, limits.1));
    }
    steps
}

pub(crate) fn drawable(points: &[CurvePoint]) -> impl Iterator<Item = &CurvePoint> {
    points.iter().filter(|point| point.time.is_finite() && point.survival.is_finite())
}

/// Corners of a curve as (time, survival).
pub(crate) type Steps = Vec<(f64, f64)>;

/// The curve from (0, 1) in two parts: up to where few remain at risk, and after.
pub(crate) fn curve_parts(
    points: &[CurvePoint],
    few_at_risk: u64,
    max_time: f64,
) -> (Steps, Steps) {
    let mut parts = (vec![(0.0, 1.0)], Vec::new());
    let mut survival = 1.0;
    for point in drawable(points) {
        let part = if parts.1.is_empty() { &mut parts.0 } else { &mut parts.1 };
        part.push((point.time.min(max_time), survival));
        if point.time > max_time {
            break;
        }
        if point.survival < survival {
            part.push((point.time, point.survival));
        }
        survival = point.survival;
        let remaining = point.n_at_risk - (point.n_events + point.n_censored);
        if parts.1.is_empty() && remaining < few_at_risk as f64 {
            parts.1.push((point.time, survival));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six subjects: events at 2, 3, 6, 7; censored at 4, 9.
    fn six_subjects() -> Vec<CurvePoint> {
        let rows = [
            (2., 6., 1., 0.),
            (3., 5., 1., 0.),
            (4., 4., 0., 1.),
            (6., 3., 1., 0.),
            (7., 2., 1., 0.),
        ];
        let mut survival = 1.0;
        let mut points: Vec<CurvePoint> = rows
            .into_iter()
            .map(|(time, n_at_risk, n_events, n_censored)| {
                survival *= 1.0 - n_events / n_at_risk;
                CurvePoint {
                    time,
                    n_at_risk,
                    n_events,
                    n_censored,
                    survival,
                    ..CurvePoint::default()
                }
            })
            .collect();
        points.push(CurvePoint {
            time: 9.,
            n_at_risk: 1.0,
            n_censored: 1.0,
            survival,
            ..CurvePoint::default()
        });
        points
    }

    #[test]
    fn at_risk_censored_and_events_add_up_to_the_group_at_any_time() {
        let points = six_subjects();
        for time in [0.0, 1.0, 2.0, 3.5, 4.0, 6.0, 8.0, 9.0, 12.0] {
            let row = risk_row(&points, time);
            assert_eq!(row.n_at_risk + row.n_censored + row.n_events, 6, "time {time}: {row:?}");
        }
        assert_eq!(risk_row(&points, 4.0).n_at_risk, 4, "the one censored at 4 is at risk at 4");
    }

    #[test]
    fn the_curve_turns_pale_where_fewer_than_asked_remain() {
        let (firm, pale) = curve_parts(&six_subjects(), 3, 10.0);
        // After the event at 6 two remain.
        assert_eq!(firm.last().map(|p| p.0), Some(6.0), "firm until 6");
        assert_eq!(pale.first(), firm.last(), "the parts join");
        assert_eq!(pale.last().map(|p| p.0), Some(9.0), "pale to the end of follow-up");
        let (_, never) = curve_parts(&six_subjects(), 0, 10.0);
        assert!(never.is_empty(), "never pale when asked for 0");
    }
}
