//! Concordance: how often the row at higher risk fails first.

use super::outcome::Outcome;
use super::row_order::ascending_rows;
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
    check_columns(outcome, risk.len(), strata, cluster)?;
    if let Some(row) = risk.iter().position(|value| value.is_nan()) {
        return Err(Error::input("counting concordant pairs")
            .at(format!("row {}", row + 1))
            .found("a risk that is not a number")
            .expected("a risk for every row"));
    }
    Ok(concordance_of_ranks(outcome, dense_ranks(risk), strata, cluster))
}

/// Checks that every column has a value a row.
pub(super) fn check_columns(
    outcome: &Outcome,
    n_risks: usize,
    strata: Option<&[usize]>,
    cluster: Option<&[usize]>,
) -> Result<(), Error> {
    let n = outcome.len();
    let lengths = [Some(n_risks), strata.map(<[_]>::len), cluster.map(<[_]>::len)];
    match lengths.into_iter().flatten().find(|&len| len != n) {
        Some(other) => Err(Error::input("counting concordant pairs")
            .found(format!("{n} rows beside a column of {other}"))
            .expected("columns of one length")),
        None => Ok(()),
    }
}

/// [`concordance`] of risks given by their rank among the distinct ones, from 0 without a gap.
/// Columns must have one length.
pub(super) fn concordance_of_ranks(
    outcome: &Outcome,
    rank: Vec<u32>,
    strata: Option<&[usize]>,
    cluster: Option<&[usize]>,
) -> Concordance {
    let n = outcome.len();
    let mut count = PairCount {
        outcome,
        rank,
        concordant: vec![0.0; n],
        discordant: vec![0.0; n],
        tied_risk: vec![0.0; n],
        tied_time: 0.0,
        tied_both: 0.0,
    };
    let by_time = outcome.rows_by_time();
    match strata {
        None => {
            let n_levels = count.rank.iter().max().map_or(0, |&rank| rank as usize + 1);
            count.add_stratum(by_time, n_levels);
        }
        Some(strata) => {
            let stratum = |row: u32| strata[row as usize];
            let mut rows = by_time.to_vec();
            rows.sort_by_key(|&row| stratum(row));
            for members in rows.chunk_by(|&a, &b| stratum(a) == stratum(b)) {
                let n_levels = count.rank_within(members);
                count.add_stratum(members, n_levels);
            }
        }
    }
    count.finish(cluster)
}

/// Pair weights by row: the sum over the row's partners of the partner's weight.
struct PairCount<'a> {
    outcome: &'a Outcome,
    rank: Vec<u32>,
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

    /// Replaces the ranks of `members` by those among themselves, and counts these.
    fn rank_within(&mut self, members: &[u32]) -> usize {
        let mut levels: Vec<u32> = members.iter().map(|&row| self.rank[row as usize]).collect();
        levels.sort_unstable();
        levels.dedup();
        for &row in members {
            let rank = &mut self.rank[row as usize];
            let within = levels.binary_search(rank).expect("every member's rank is a level");
            *rank = within as u32;
        }
        levels.len()
    }

    /// `members` come by ascending time.
    fn add_stratum(&mut self, members: &[u32], n_levels: usize) {
        let mut by_entry: Vec<u32> = Vec::new();
        if let Some(entry) = self.outcome.entry() {
            by_entry.extend_from_slice(members);
            by_entry.sort_unstable_by(|&a, &b| {
                entry[a as usize].total_cmp(&entry[b as usize]).then(b.cmp(&a))
            });
        }
        let mut sums = IndexedSums::new(n_levels);
        self.count_later_partners(members, &by_entry, &mut sums);
        sums.clear();
        self.count_earlier_partners(members, &by_entry, &mut sums);
    }

    /// For each event: the rows at risk that stay. Walks descending times.
    fn count_later_partners(
        &mut self,
        members: &[u32],
        by_entry: &[u32],
        staying: &mut IndexedSums,
    ) {
        let (time, event) = (self.outcome.time(), self.outcome.event());
        let entry = self.outcome.entry().unwrap_or_default();
        let mut to_leave = by_entry.iter().rev().map(|&row| row as usize).peekable();
        let mut events: Vec<usize> = Vec::new();
        for block in blocks(members, time).rev() {
            events.clear();
            for row in block.iter().map(|&row| row as usize) {
                if event[row] {
                    events.push(row);
                } else {
                    staying.add(self.rank[row], self.weight(row));
                }
            }
            let now = time[block[0] as usize];
            // A row of this very block that is an event has not come in yet, and its entry lies
            // before its time.
            while let Some(row) = to_leave.next_if(|&row| entry[row] >= now) {
                staying.add(self.rank[row], -self.weight(row));
            }
            for &row in &events {
                let (below, equal, above) = staying.around(self.rank[row]);
                self.concordant[row] += below;
                self.tied_risk[row] += equal;
                self.discordant[row] += above;
            }
            self.count_tied_events(&events);
            for &row in &events {
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

    /// For each row: the events before it while it was at risk. Walks ascending times; a row
    /// subtracts at its entry what had happened by then. At one time an event precedes the
    /// entries, events are not compared, and a censoring follows the events.
    fn count_earlier_partners(
        &mut self,
        members: &[u32],
        by_entry: &[u32],
        past: &mut IndexedSums,
    ) {
        let (time, event) = (self.outcome.time(), self.outcome.event());
        let entry = self.outcome.entry().unwrap_or_default();
        let mut to_enter = by_entry.iter().map(|&row| row as usize).peekable();
        for block in blocks(members, time) {
            let now = time[block[0] as usize];
            while let Some(row) = to_enter.next_if(|&row| entry[row] < now) {
                self.count_past(row, past, -1.0);
            }
            let rows = || block.iter().map(|&row| row as usize);
            for row in rows().filter(|&row| event[row]) {
                self.count_past(row, past, 1.0);
            }
            for row in rows().filter(|&row| event[row]) {
                past.add(self.rank[row], self.weight(row));
            }
            while let Some(row) = to_enter.next_if(|&row| entry[row] == now) {
                self.count_past(row, past, -1.0);
            }
            for row in rows().filter(|&row| !event[row]) {
                self.count_past(row, past, 1.0);
            }
        }
    }

    /// An earlier event at higher risk agrees.
    fn count_past(&mut self, row: usize, past: &IndexedSums, sign: f64) {
        let (below, equal, above) = past.around(self.rank[row]);
        self.concordant[row] += sign * above;
        self.tied_risk[row] += sign * equal;
        self.discordant[row] += sign * below;
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
            let Some(cluster) = cluster else {
                return (0..n).map(|row| influence(row).powi(2)).sum::<f64>().sqrt();
            };
            let label = |row: u32| cluster[row as usize];
            let mut rows: Vec<u32> = (0..n as u32).collect();
            rows.sort_by_key(|&row| label(row));
            let members = rows.chunk_by(|&a, &b| label(a) == label(b));
            let sum = |rows: &[u32]| rows.iter().map(|&row| influence(row as usize)).sum::<f64>();
            members.map(|rows| sum(rows).powi(2)).sum::<f64>().sqrt()
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

/// The runs of one time in rows sorted by time.
fn blocks<'a>(rows: &'a [u32], time: &'a [f64]) -> impl DoubleEndedIterator<Item = &'a [u32]> + 'a {
    rows.chunk_by(|&a, &b| time[a as usize] == time[b as usize])
}

fn dense_ranks(risk: &[f64]) -> Vec<u32> {
    let mut rank = vec![0; risk.len()];
    for pair in ascending_rows(risk).windows(2) {
        let (lower, upper) = (pair[0] as usize, pair[1] as usize);
        // 0.0 and -0.0 are one risk, whatever their total order.
        rank[upper] = rank[lower] + u32::from(risk[upper] > risk[lower]);
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

    fn clear(&mut self) {
        self.tree.fill(0.0);
        self.own.fill(0.0);
        self.total = 0.0;
    }

    fn add(&mut self, level: u32, value: f64) {
        let level = level as usize;
        self.own[level] += value;
        self.total += value;
        let mut node = level + 1;
        while node < self.tree.len() {
            self.tree[node] += value;
            node += node & node.wrapping_neg();
        }
    }

    /// Sums below, at and above `level`.
    fn around(&self, level: u32) -> (f64, f64, f64) {
        let mut below = 0.0;
        let mut node = level as usize;
        while node > 0 {
            below += self.tree[node];
            node -= node & node.wrapping_neg();
        }
        let own = self.own[level as usize];
        (below, own, self.total - below - own)
    }
}
