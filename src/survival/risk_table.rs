//! Who is at risk, has an event or is censored at each distinct time, by group: the table that
//! Kaplan-Meier, Nelson-Aalen and log-rank all read.

use super::Outcome;

/// Counts of one group at one time. The first three are sums of case weights, the last two count
/// rows, so that "everybody at risk has the event" stays exact whatever the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RiskCounts {
    pub(crate) at_risk: f64,
    pub(crate) events: f64,
    pub(crate) censored: f64,
    pub(crate) rows_at_risk: u32,
    pub(crate) event_rows: u32,
}

impl RiskCounts {
    /// The counts of all groups together.
    pub(crate) fn total(groups: &[Self]) -> Self {
        groups.iter().fold(Self::default(), |sum, group| Self {
            at_risk: sum.at_risk + group.at_risk,
            events: sum.events + group.events,
            censored: sum.censored + group.censored,
            rows_at_risk: sum.rows_at_risk + group.rows_at_risk,
            event_rows: sum.event_rows + group.event_rows,
        })
    }
}

/// Calls `visit` at every distinct follow-up time of the rows `by_time`, from the last to the
/// first, with the time and the counts of `n_groups` groups; `group_of(row)` is below `n_groups`.
/// A row is at risk at t when entry < t <= time, so a subject censored at t is still at risk for
/// the events at t.
///
/// `by_time` holds rows by ascending time, as [`Outcome::rows_by_time`] does.
pub(crate) fn visit_risk_times(
    outcome: &Outcome,
    by_time: &[u32],
    n_groups: usize,
    group_of: impl Fn(usize) -> usize,
    mut visit: impl FnMut(f64, &[RiskCounts]),
) {
    let (time, event) = (outcome.time(), outcome.event());
    let mut by_entry: Vec<u32> = Vec::new();
    let entry = outcome.entry().unwrap_or_default();
    if !entry.is_empty() {
        by_entry.extend(by_time);
        by_entry.sort_unstable_by(|&a, &b| {
            entry[b as usize].total_cmp(&entry[a as usize]).then(a.cmp(&b))
        });
    }
    let mut not_yet_entered = by_entry.into_iter().map(|row| row as usize).peekable();
    let mut at_risk = vec![(0.0, 0_u32); n_groups];
    let mut groups = vec![RiskCounts::default(); n_groups];
    for same_time in by_time.chunk_by(|&a, &b| time[a as usize] == time[b as usize]).rev() {
        let t = time[same_time[0] as usize];
        while let Some(i) = not_yet_entered.next_if(|&i| entry[i] >= t) {
            let (weight, count) = &mut at_risk[group_of(i)];
            *weight -= outcome.weight_of(i);
            *count -= 1;
        }
        groups.fill(RiskCounts::default());
        for i in same_time.iter().map(|&i| i as usize) {
            let (g, w) = (group_of(i), outcome.weight_of(i));
            at_risk[g].0 += w;
            at_risk[g].1 += 1;
            if event[i] {
                groups[g].events += w;
                groups[g].event_rows += 1;
            } else {
                groups[g].censored += w;
            }
        }
        for (counts, &(weight, rows)) in groups.iter_mut().zip(&at_risk) {
            // Subtracting weights may leave a rounding residue where nobody is left.
            counts.at_risk = if rows == 0 { 0.0 } else { weight };
            counts.rows_at_risk = rows;
        }
        visit(t, &groups);
    }
}
