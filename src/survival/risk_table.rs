//! Who is at risk, has an event or is censored at each distinct time, by group: the table that
//! Kaplan-Meier, Nelson-Aalen and log-rank all read.

use super::Outcome;

/// One distinct follow-up time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RiskRow {
    /// The time.
    pub(crate) time: f64,
    /// Counts of each group, `[n_groups]`.
    pub(crate) groups: Vec<RiskCounts>,
}

/// Counts of one group at one time. The first three are sums of case weights, the last two count
/// rows, so that "everybody at risk has the event" stays exact whatever the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RiskCounts {
    pub(crate) at_risk: f64,
    pub(crate) events: f64,
    pub(crate) censored: f64,
    pub(crate) rows_at_risk: usize,
    pub(crate) event_rows: usize,
}

impl RiskRow {
    /// The counts of all groups together.
    pub(crate) fn total(&self) -> RiskCounts {
        self.groups.iter().fold(RiskCounts::default(), |sum, group| RiskCounts {
            at_risk: sum.at_risk + group.at_risk,
            events: sum.events + group.events,
            censored: sum.censored + group.censored,
            rows_at_risk: sum.rows_at_risk + group.rows_at_risk,
            event_rows: sum.event_rows + group.event_rows,
        })
    }
}

/// Every distinct follow-up time of the rows `rows`, ascending, with the counts of `n_groups`
/// groups; `group_of(row)` is below `n_groups`. A row is at risk at t when entry < t <= time, so
/// a subject censored at t is still at risk for the events at t.
///
/// Costs a sort and one sweep from the last time to the first.
pub(crate) fn risk_table(
    outcome: &Outcome,
    rows: &[usize],
    n_groups: usize,
    group_of: impl Fn(usize) -> usize,
) -> Vec<RiskRow> {
    let (time, event) = (outcome.time(), outcome.event());
    let mut by_time = rows.to_vec();
    by_time.sort_by(|&a, &b| time[b].total_cmp(&time[a]));
    let mut by_entry: Vec<(f64, usize)> = outcome
        .entry()
        .map_or_else(Vec::new, |entry| rows.iter().map(|&i| (entry[i], i)).collect());
    by_entry.sort_by(|a, b| b.0.total_cmp(&a.0));

    let mut at_risk = vec![(0.0, 0_usize); n_groups];
    let mut table = Vec::new();
    let mut not_yet_entered = by_entry.into_iter().peekable();
    for same_time in by_time.chunk_by(|&a, &b| time[a] == time[b]) {
        let t = time[same_time[0]];
        while let Some((_, i)) = not_yet_entered.next_if(|(entry, _)| *entry >= t) {
            let (weight, count) = &mut at_risk[group_of(i)];
            *weight -= outcome.weight_of(i);
            *count -= 1;
        }
        let mut groups = vec![RiskCounts::default(); n_groups];
        for &i in same_time {
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
        table.push(RiskRow { time: t, groups });
    }
    table.reverse();
    table
}
