//! Concordance: how often the row at higher risk fails first.

use std::cmp::Ordering;
use std::ops::Range;

use super::outcome::Outcome;
use crate::Error;

/// Concordance of a risk order with the outcome, and its parts (sums of pair weights).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concordance {
    /// (concordant + tied_risk / 2) / (concordant + discordant + tied_risk); `None` without a
    /// comparable pair.
    pub estimate: Option<f64>,
    /// Infinitesimal jackknife standard error.
    pub std_err: Option<f64>,
    /// Pairs in which the higher risk fails first.
    pub concordant: f64,
    /// Pairs in which the lower risk fails first.
    pub discordant: f64,
    /// Comparable pairs of equal risk.
    pub tied_risk: f64,
    /// Pairs of events at one time with different risk.
    pub tied_time: f64,
    /// Pairs of events at one time with equal risk.
    pub tied_both: f64,
}

/// Concordance of `risk` (one value a row, higher fails sooner) with `outcome`.
///
/// A pair is comparable if one row has an event while the other is at risk and stays; rows of
/// different strata are not compared. A cluster's rows enter the standard error as one.
///
/// # Errors
/// A column whose length is not that of the outcome, or a risk that is NaN.
///
/// # Source
/// Harrell's C for censored, stratified and left-truncated data as R survival's `concordance`
/// counts it (`timewt = "n"`): a censoring at an event's time counts as later. The standard error
/// is the square root of the sum of squared influences (weight times the derivative of C by the
/// row's weight). Counts by binary indexed trees, O(n log n).
///
/// ```
/// use herscope::survival::{Outcome, concordance};
///
/// let outcome = Outcome::right_censored(vec![1.0, 2.0, 3.0], vec![true, true, false])?;
/// let c = concordance(&outcome, &[3.0, 1.0, 2.0], None, None)?;
/// // Pairs (1,2) and (1,3) agree, (2,3) does not.
/// assert_eq!(c.estimate, Some(2.0 / 3.0));
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn concordance(
    outcome: &Outcome,
    risk: &[f64],
    strata: Option<&[usize]>,
    cluster: Option<&[usize]>,
) -> Result<Concordance, Error> {
    let n = outcome.len();
    let lengths = [Some(risk.len()), strata.map(<[_]>::len), cluster.map(<[_]>::len)];
    if let Some(other) = lengths.into_iter().flatten().find(|&len| len != n) {
        return Err(Error::input("counting concordant pairs")
            .found(format!("{n} rows beside a column of {other}"))
            .expected("columns of one length"));
    }
    if let Some(row) = risk.iter().position(|value| value.is_nan()) {
        return Err(Error::input("counting concordant pairs")
            .at(format!("row {}", row + 1))
            .found("a risk that is not a number")
            .expected("a risk for every row"));
    }
    let stratum = |row: usize| strata.map_or(0, |strata| strata[row]);
    let mut rows: Vec<usize> = (0..n).collect();
    rows.sort_unstable_by_key(|&row| stratum(row));
    let mut count = PairCount {
        outcome,
        rank: dense_ranks(risk),
        concordant: vec![0.0; n],
        discordant: vec![0.0; n],
        tied_risk: vec![0.0; n],
        tied_time: 0.0,
        tied_both: 0.0,
    };
    for members in rows.chunk_by(|&a, &b| stratum(a) == stratum(b)) {
        count.add_stratum(members);
    }
    Ok(count.finish(cluster))
}

/// Pair weights by row: the sum over the row's partners of the partner's weight.
struct PairCount<'a> {
    outcome: &'a Outcome,
    rank: Vec<usize>,
    concordant: Vec<f64>,
    discordant: Vec<f64>,
    tied_risk: Vec<f64>,
    tied_time: f64,
    tied_both: f64,
}

impl PairCount<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.outcome.weight().map_or(1.0, |weight| weight[row])
    }

    fn add_stratum(&mut self, members: &[usize]) {
        let mut levels: Vec<usize> = members.iter().map(|&row| self.rank[row]).collect();
        levels.sort_unstable();
        levels.dedup();
        for &row in members {
            let within = levels.binary_search(&self.rank[row]);
            self.rank[row] = within.expect("every member's rank is a level");
        }
        self.count_later_partners(members, levels.len());
        self.count_earlier_partners(members, levels.len());
    }

    /// For each event: the rows at risk that stay. Walks descending times.
    fn count_later_partners(&mut self, members: &[usize], n_levels: usize) {
        let (time, event) = (self.outcome.time(), self.outcome.event());
        let mut order = members.to_vec();
        order.sort_unstable_by(|&a, &b| {
            time[b].total_cmp(&time[a]).then(event[a].cmp(&event[b])).then(a.cmp(&b))
        });
        let mut entries = members.to_vec();
        if let Some(entry) = self.outcome.entry() {
            entries.sort_unstable_by(|&a, &b| entry[b].total_cmp(&entry[a]));
        }
        let mut left = 0;
        let mut staying = IndexedSums::new(n_levels);
        for block in order.chunk_by(|&a, &b| time[a] == time[b]) {
            let n_censored = block.iter().filter(|&&row| !event[row]).count();
            for &row in &block[..n_censored] {
                staying.add(self.rank[row], self.weight(row));
            }
            if let Some(entry) = self.outcome.entry() {
                while left < entries.len() && entry[entries[left]] >= time[block[0]] {
                    let row = entries[left];
                    // A row of this very block that is an event has not come in yet, and its entry
                    // lies before its time.
                    staying.add(self.rank[row], -self.weight(row));
                    left += 1;
                }
            }
            let events = &block[n_censored..];
            for &row in events {
                let (below, equal, above) = staying.around(self.rank[row]);
                self.concordant[row] += below;
                self.tied_risk[row] += equal;
                self.discordant[row] += above;
            }
            self.count_tied_events(events);
            for &row in events {
                staying.add(self.rank[row], self.weight(row));
            }
        }
    }

    fn count_tied_events(&mut self, events: &[usize]) {
        if events.len() < 2 {
            return;
        }
        let pairs = |sum: f64, squares: f64| 0.5 * (sum * sum - squares);
        let mut order = events.to_vec();
        order.sort_unstable_by_key(|&row| self.rank[row]);
        let (mut all, mut all_squares) = (0.0, 0.0);
        let mut tied = 0.0;
        for group in order.chunk_by(|&a, &b| self.rank[a] == self.rank[b]) {
            let sum: f64 = group.iter().map(|&row| self.weight(row)).sum();
            let squares: f64 = group.iter().map(|&row| self.weight(row).powi(2)).sum();
            tied += pairs(sum, squares);
            all += sum;
            all_squares += squares;
        }
        self.tied_both += tied;
        self.tied_time += pairs(all, all_squares) - tied;
    }

    /// For each row: the events before it while it was at risk. Walks ascending moments; a row
    /// subtracts at its entry what had happened by then.
    fn count_earlier_partners(&mut self, members: &[usize], n_levels: usize) {
        let (time, event) = (self.outcome.time(), self.outcome.event());
        let mut moments: Vec<(f64, Moment, usize)> = Vec::with_capacity(3 * members.len());
        for &row in members {
            if event[row] {
                moments.push((time[row], Moment::LeavesByEvent, row));
                moments.push((time[row], Moment::IsEvent, row));
            } else {
                moments.push((time[row], Moment::LeavesCensored, row));
            }
            if let Some(entry) = self.outcome.entry() {
                moments.push((entry[row], Moment::Enters, row));
            }
        }
        moments.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut events = IndexedSums::new(n_levels);
        for (_, moment, row) in moments {
            if moment == Moment::IsEvent {
                events.add(self.rank[row], self.weight(row));
                continue;
            }
            let sign = if moment == Moment::Enters { -1.0 } else { 1.0 };
            let (below, equal, above) = events.around(self.rank[row]);
            // An earlier event at higher risk agrees.
            self.concordant[row] += sign * above;
            self.tied_risk[row] += sign * equal;
            self.discordant[row] += sign * below;
        }
    }

    fn finish(&self, cluster: Option<&[usize]>) -> Concordance {
        let n = self.outcome.len();
        // Every pair was counted from both of its rows.
        let total = |parts: &[f64]| {
            0.5 * parts.iter().enumerate().map(|(row, sum)| self.weight(row) * sum).sum::<f64>()
        };
        let (concordant, discordant, tied_risk) =
            (total(&self.concordant), total(&self.discordant), total(&self.tied_risk));
        let pairs = concordant + discordant + tied_risk;
        let estimate = (pairs > 0.0).then(|| (concordant + 0.5 * tied_risk) / pairs);
        let std_err = estimate.map(|estimate| {
            let influence = |row: usize| {
                let agreeing = self.concordant[row] + 0.5 * self.tied_risk[row];
                let all = self.concordant[row] + self.discordant[row] + self.tied_risk[row];
                self.weight(row) * (agreeing - estimate * all) / pairs
            };
            let mut rows: Vec<usize> = (0..n).collect();
            let label = |row: usize| cluster.map_or(row, |cluster| cluster[row]);
            rows.sort_unstable_by_key(|&row| label(row));
            let squares = rows
                .chunk_by(|&a, &b| label(a) == label(b))
                .map(|members| members.iter().map(|&row| influence(row)).sum::<f64>().powi(2));
            squares.sum::<f64>().sqrt()
        });
        Concordance {
            estimate,
            std_err,
            concordant,
            discordant,
            tied_risk,
            tied_time: self.tied_time,
            tied_both: self.tied_both,
        }
    }
}

/// What happens to a row at one time, in the order in which it counts: an event at the moment of
/// entry precedes it, events at one time are not compared, a censoring follows the events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    LeavesByEvent,
    IsEvent,
    Enters,
    LeavesCensored,
}

fn dense_ranks(risk: &[f64]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..risk.len()).collect();
    rows.sort_unstable_by(|&a, &b| risk[a].total_cmp(&risk[b]));
    let mut rank = vec![0; risk.len()];
    for pair in rows.windows(2) {
        // 0.0 and -0.0 are one risk, whatever their total order.
        let higher = risk[pair[1]].partial_cmp(&risk[pair[0]]) == Some(Ordering::Greater);
        rank[pair[1]] = rank[pair[0]] + usize::from(higher);
    }
    rank
}

/// Sums by level with prefix queries in O(log levels).
///
/// # Source
/// Fenwick 1994, "A new data structure for cumulative frequency tables".
struct IndexedSums {
    tree: Vec<f64>,
    own: Vec<f64>,
    total: f64,
}

impl IndexedSums {
    fn new(n_levels: usize) -> Self {
        Self { tree: vec![0.0; n_levels + 1], own: vec![0.0; n_levels], total: 0.0 }
    }

    fn add(&mut self, level: usize, value: f64) {
        self.own[level] += value;
        self.total += value;
        let mut node = level + 1;
        while node < self.tree.len() {
            self.tree[node] += value;
            node += node & node.wrapping_neg();
        }
    }

    fn sum(&self, levels: Range<usize>) -> f64 {
        let prefix = |mut node: usize| {
            let mut sum = 0.0;
            while node > 0 {
                sum += self.tree[node];
                node -= node & node.wrapping_neg();
            }
            sum
        };
        prefix(levels.end) - prefix(levels.start)
    }

    /// Sums below, at and above `level`.
    fn around(&self, level: usize) -> (f64, f64, f64) {
        let (below, own) = (self.sum(0..level), self.own[level]);
        (below, own, self.total - below - own)
    }
}
