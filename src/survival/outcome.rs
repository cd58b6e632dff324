//! Who was followed from when to when, and whether it ended in an event.

use std::sync::{Arc, OnceLock};

use super::row_order::{ascending_pairs, ascending_rows};
use crate::Error;

/// Right-censored, optionally left-truncated and weighted follow-up of `n` subjects (or of
/// `(entry, time]` rows), in the order given.
///
/// Times are finite and >= 0 in any one unit; `event` is true for an event. With `entry`, a row is
/// at risk in `(entry, time]`. Weights are finite and > 0. There are less than 2^32 rows.
///
/// A clone shares the columns, and the order of the times once it was asked for.
#[derive(Clone, Debug)]
pub struct Outcome {
    time: Arc<Vec<f64>>,
    event: Arc<Vec<bool>>,
    entry: Option<Arc<Vec<f64>>>,
    weight: Option<Arc<Vec<f64>>>,
    by_time: Arc<OnceLock<Vec<u32>>>,
}

impl PartialEq for Outcome {
    fn eq(&self, other: &Self) -> bool {
        self.time == other.time
            && self.event == other.event
            && self.entry == other.entry
            && self.weight == other.weight
    }
}

/// What to do with times that differ by rounding only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TieRepair {
    /// Merge them, as R's `timefix = TRUE` does.
    #[default]
    Merge,
    /// Take every time as it stands (simulated, truly continuous times).
    Keep,
}

/// Largest gap between distinct times that is taken for rounding error: the square root of the
/// `f64` machine epsilon, as R's `all.equal` and `survival::aeqSurv` use. Larger gaps stay apart.
const TIE_TOLERANCE: f64 = 1.490_116_119_384_765_6e-8;

impl Outcome {
    /// Right-censored follow-up: `time[i]` observed, `event[i]` true if it ended in an event.
    /// Times that differ by rounding only are merged ([`TieRepair::Merge`]).
    ///
    /// # Errors
    /// Lengths that differ; a time that is negative, infinite or NaN.
    pub fn right_censored(time: Vec<f64>, event: Vec<bool>) -> Result<Self, Error> {
        Self::new(time, event, None, None, TieRepair::Merge)
    }

    /// Follow-up with everything: optional left truncation and case weights.
    ///
    /// # Errors
    /// Lengths that differ; a time that is negative, infinite or NaN; an entry at or after its
    /// time; a weight that is not finite and positive.
    pub fn new(
        time: Vec<f64>,
        event: Vec<bool>,
        entry: Option<Vec<f64>>,
        weight: Option<Vec<f64>>,
        ties: TieRepair,
    ) -> Result<Self, Error> {
        let doing = "building the survival outcome";
        let n = time.len();
        let lengths =
            [Some(event.len()), entry.as_ref().map(Vec::len), weight.as_ref().map(Vec::len)];
        if let Some(other) = lengths.into_iter().flatten().find(|&len| len != n) {
            return Err(Error::input(doing)
                .found(format!("{n} times beside a column of {other} values"))
                .expected("columns of one length"));
        }
        if u32::try_from(n).is_err() {
            return Err(Error::input(doing).found(format!("{n} rows")).expected("less than 2^32"));
        }
        let bad = |i: usize, what: &str, value: f64, right: &str| {
            Error::input(doing)
                .at(format!("row {}", i + 1))
                .found(format!("{what} {value}"))
                .expected(right.to_owned())
        };
        if let Some(i) = time.iter().position(|t| !t.is_finite() || *t < 0.0) {
            return Err(bad(i, "time", time[i], "a finite time >= 0"));
        }
        if let Some(weight) = &weight
            && let Some(i) = weight.iter().position(|w| !w.is_finite() || *w <= 0.0)
        {
            return Err(bad(i, "weight", weight[i], "a finite weight > 0"));
        }
        // -0.0 + 0.0 is 0.0: a time of "-0" must sort and compare as zero.
        let positive_zero = |column: Vec<f64>| column.into_iter().map(|t| t + 0.0).collect();
        let (time, entry): (Vec<f64>, _) = (positive_zero(time), entry.map(positive_zero));
        let (time, entry, by_time) = match ties {
            TieRepair::Keep => (time, entry, OnceLock::new()),
            TieRepair::Merge => merge_rounded_times(time, entry),
        };
        if let Some(entry) = &entry
            && let Some(i) = (0..n).find(|&i| !entry[i].is_finite() || entry[i] >= time[i])
        {
            return Err(bad(i, "entry", entry[i], "a finite entry before the row's time"));
        }
        Ok(Self {
            time: Arc::new(time),
            event: Arc::new(event),
            entry: entry.map(Arc::new),
            weight: weight.map(Arc::new),
            by_time: Arc::new(by_time),
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// True without any row.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// Number of rows that end in an event.
    pub fn n_events(&self) -> usize {
        self.event.iter().filter(|&&event| event).count()
    }

    /// Follow-up times `[n]`, after tie repair.
    pub fn time(&self) -> &[f64] {
        &self.time
    }

    /// Event flags `[n]`.
    pub fn event(&self) -> &[bool] {
        &self.event
    }

    /// Entry times `[n]` of left-truncated rows.
    pub fn entry(&self) -> Option<&[f64]> {
        self.entry.as_ref().map(|entry| entry.as_slice())
    }

    /// Case weights `[n]`.
    pub fn weight(&self) -> Option<&[f64]> {
        self.weight.as_ref().map(|weight| weight.as_slice())
    }

    /// Rows by ascending time, rows of one time in their order; sorted at the first call.
    pub(crate) fn rows_by_time(&self) -> &[u32] {
        self.by_time.get_or_init(|| ascending_rows(&self.time))
    }

    /// Number of distinct times.
    pub(crate) fn n_distinct_times(&self) -> usize {
        let time = |row: u32| self.time[row as usize];
        self.rows_by_time().chunk_by(|&a, &b| time(a) == time(b)).count()
    }

    /// The rows that are wanted, by ascending time, those of one time in their order.
    pub(crate) fn rows_in_time_order(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut rows = Vec::with_capacity(self.len());
        rows.extend(
            self.rows_by_time().iter().map(|&row| row as usize).filter(|&row| is_wanted(row)),
        );
        rows
    }

    /// Sum of the case weights of rows that end in an event (their number without weights).
    pub fn weighted_events(&self) -> f64 {
        (0..self.len()).filter(|&i| self.event[i]).map(|i| self.weight_of(i)).sum()
    }

    /// Case weight of row `i`, 1 without weights.
    ///
    /// # Panics
    /// When `i` is not below [`len`](Self::len).
    pub fn weight_of(&self, i: usize) -> f64 {
        self.weight.as_ref().map_or(1.0, |weight| weight[i])
    }

    /// Weighted number at risk just before `time`: rows with `entry < time <= their time`.
    ///
    /// ```
    /// use herscope::survival::Outcome;
    /// let outcome = Outcome::right_censored(vec![2.0, 3.0, 4.0], vec![true, true, false])?;
    /// assert_eq!(outcome.n_at_risk(3.0), 2.0);
    /// # Ok::<(), herscope::Error>(())
    /// ```
    pub fn n_at_risk(&self, time: f64) -> f64 {
        let inside = |i: &usize| {
            self.time[*i] >= time && self.entry.as_ref().is_none_or(|entry| entry[*i] < time)
        };
        (0..self.len()).filter(inside).map(|i| self.weight_of(i)).sum()
    }

    /// The largest follow-up time, `None` without rows.
    pub fn last_time(&self) -> Option<f64> {
        self.time.iter().copied().reduce(f64::max)
    }

    /// The same rows with events and censorings exchanged: reverse Kaplan-Meier follow-up.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let event = self.event.iter().map(|event| !event).collect();
        Self { event: Arc::new(event), ..self.clone() }
    }

    /// The rows at `rows`, in that order; repeats allowed. Times are not repaired again.
    ///
    /// # Panics
    /// When an index is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        if rows.len() == self.len() && rows.iter().enumerate().all(|(at, &row)| at == row) {
            return self.clone();
        }
        let pick =
            |column: &Arc<Vec<f64>>| Arc::new(rows.iter().map(|&i| column[i]).collect::<Vec<_>>());
        Self {
            time: pick(&self.time),
            event: Arc::new(rows.iter().map(|&i| self.event[i]).collect()),
            entry: self.entry.as_ref().map(pick),
            weight: self.weight.as_ref().map(pick),
            by_time: Arc::default(),
        }
    }
}

/// The repaired columns, and the rows by ascending time.
fn merge_rounded_times(
    mut time: Vec<f64>,
    mut entry: Option<Vec<f64>>,
) -> (Vec<f64>, Option<Vec<f64>>, OnceLock<Vec<u32>>) {
    let pairs = ascending_pairs(&time);
    let mut by_time: Vec<u32> = pairs.iter().map(|pair| pair.row()).collect();
    let runs = match &entry {
        None => TimeRuns::of_sorted(pairs.iter().map(|pair| pair.value())),
        Some(entry) => TimeRuns::of(time.iter().chain(entry).copied()),
    };
    drop(pairs);
    if !runs.is_clean() {
        time.iter_mut().chain(entry.iter_mut().flatten()).for_each(|t| *t = runs.repaired(*t));
        by_time
            .chunk_by_mut(|&a, &b| time[a as usize] == time[b as usize])
            .for_each(<[u32]>::sort_unstable);
    }
    (time, entry, OnceLock::from(by_time))
}

/// Times that differ by rounding only, and the one value each of them stands for: the smallest of
/// its run.
///
/// # Source
/// Behaviour of R survival's `aeqSurv` (`timefix`): over the sorted distinct times (entry and end
/// together), a neighbour is the same time when the gap is at most [`TIE_TOLERANCE`], as it stands
/// or divided by the mean of the distinct times.
pub(super) struct TimeRuns {
    /// Each time that changes with what it becomes, ascending. They are few, so that most searches
    /// are short.
    moved: Vec<(f64, f64)>,
}

impl TimeRuns {
    pub(super) fn of(times: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = times.filter(|t| t.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self::of_sorted(sorted.into_iter())
    }

    fn of_sorted(sorted: impl Iterator<Item = f64> + Clone) -> Self {
        let mut previous = None;
        let distinct = sorted.filter(move |&time| previous.replace(time) != Some(time));
        let (n, sum) = distinct.clone().fold((0_usize, 0.0), |(n, sum), t| (n + 1, sum + t));
        let mean = sum / n.max(1) as f64;
        let same = |gap: f64| gap <= TIE_TOLERANCE || gap / mean <= TIE_TOLERANCE;
        let mut moved: Vec<(f64, f64)> = Vec::new();
        let neighbours = distinct.clone().zip(distinct.skip(1));
        for (before, time) in neighbours.filter(|(before, time)| same(time - before)) {
            let smallest = match moved.last() {
                Some(&(last, smallest)) if last == before => smallest,
                _ => before,
            };
            moved.push((time, smallest));
        }
        Self { moved }
    }

    /// Whether no two times differ by rounding only.
    pub(super) fn is_clean(&self) -> bool {
        self.moved.is_empty()
    }

    /// The value `time` stands for; `time` itself if it is none of the times seen.
    pub(super) fn repaired(&self, time: f64) -> f64 {
        let found = self.moved.binary_search_by(|(from, _)| from.total_cmp(&time));
        found.map_or(time, |i| self.moved[i].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_differ_by_rounding_are_one_time() {
        let outcome =
            Outcome::right_censored(vec![0.1 + 0.2, 0.3, 0.4], vec![true; 3]).expect("valid rows");
        assert_eq!(outcome.time()[0], outcome.time()[1], "0.1 + 0.2 and 0.3 are one time");
        let kept = Outcome::new(vec![0.1 + 0.2, 0.3], vec![true; 2], None, None, TieRepair::Keep)
            .expect("valid rows");
        assert_ne!(kept.time()[0], kept.time()[1], "Keep takes times as they stand");
    }

    #[test]
    fn negative_zero_is_the_same_time_as_zero() {
        let outcome = Outcome::new(vec![-0.0, 0.0], vec![true; 2], None, None, TieRepair::Keep)
            .expect("zero is a valid time");
        assert!(outcome.time().iter().all(|t| t.is_sign_positive()), "-0.0 becomes 0.0");
    }

    #[test]
    fn a_negative_time_is_refused_with_its_row() {
        let error = Outcome::right_censored(vec![1.0, -2.0], vec![true, true])
            .expect_err("a negative time is bad data");
        assert!(error.is_input() && error.to_string().contains("row 2"), "{error}");
    }
}
