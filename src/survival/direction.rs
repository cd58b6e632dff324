//! Along which directions of the coefficients the partial likelihood rises for ever.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::cox::Ties;
use super::risk_set::RiskSets;

/// How a projection of the covariates orders each event against its risk set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DirectionKind {
    /// The likelihood does not depend on it.
    Flat,
    /// Every event is at the top of its risk set: the likelihood rises for ever.
    Rising,
    /// Every event is at the bottom of its risk set: it rises for ever the other way.
    Falling,
    /// Neither: along this line the likelihood has a maximum.
    Bounded,
}

impl RiskSets {
    /// Compares each event with its risk set on `projection` (one value a position).
    ///
    /// With [`Ties::Exact`] the events of a time need only be the top (bottom) set of their size.
    ///
    /// # Source
    /// The recession directions of the log partial likelihood (Jacobsen 1989; Bryson and Johnson
    /// 1981 for the monotone likelihood): the slope at infinity is the sum over the events of
    /// projection minus its largest value in the risk set, zero only in this case.
    pub(super) fn direction_kind(
        &self,
        projection: &[f64],
        tolerance: f64,
        ties: Ties,
    ) -> DirectionKind {
        let (mut flat, mut rising, mut falling) = (true, true, true);
        for stratum in &self.strata {
            let mut largest = RunningMaximum::default();
            let mut smallest = RunningMaximum::default();
            let mut start = stratum.start;
            while start < stratum.end && (flat || rising || falling) {
                let end = self.block_end(start, stratum.end);
                let time = self.time[start];
                let admit = |largest: &mut RunningMaximum, smallest: &mut RunningMaximum, event| {
                    for i in (start..end).filter(|&i| self.event[i] == event) {
                        let entry = self.entry.as_ref().map(|entry| entry[i]);
                        largest.push(projection[i], entry);
                        smallest.push(-projection[i], entry);
                    }
                };
                admit(&mut largest, &mut smallest, false);
                let rest = (largest.at(time), smallest.at(time).map(|v| -v));
                admit(&mut largest, &mut smallest, true);
                let all = (largest.at(time), smallest.at(time).map(|v| -v));
                let events = (start..end).filter(|&i| self.event[i]).map(|i| projection[i]);
                let (low, high) = events
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
                start = end;
                let (Some(top), Some(bottom)) = all else { continue };
                if low > high || top - bottom <= tolerance {
                    continue; // no event here, or nothing to compare
                }
                let (top, bottom) = match (ties, rest) {
                    (Ties::Exact, (Some(top), Some(bottom))) => (top, bottom),
                    (Ties::Exact, _) => continue, // everybody at risk fails
                    _ => (top, bottom),
                };
                flat = false;
                rising &= low >= top - tolerance;
                falling &= high <= bottom + tolerance;
            }
        }
        match (flat, rising, falling) {
            (true, ..) => DirectionKind::Flat,
            (_, true, _) => DirectionKind::Rising,
            (_, _, true) => DirectionKind::Falling,
            _ => DirectionKind::Bounded,
        }
    }
}

/// The largest value among rows that come one by one and leave at their entry time.
#[derive(Default)]
struct RunningMaximum {
    plain: Option<f64>,
    entered: BinaryHeap<Entered>,
}

#[derive(Clone, Copy, PartialEq)]
struct Entered {
    value: f64,
    entry: f64,
}

impl Eq for Entered {}

impl PartialOrd for Entered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then(self.entry.total_cmp(&other.entry))
    }
}

impl RunningMaximum {
    fn push(&mut self, value: f64, entry: Option<f64>) {
        match entry {
            None => self.plain = Some(self.plain.map_or(value, |largest| largest.max(value))),
            Some(entry) => self.entered.push(Entered { value, entry }),
        }
    }

    /// The largest among those at risk at `time`; times must not rise between calls.
    fn at(&mut self, time: f64) -> Option<f64> {
        while self.entered.peek().is_some_and(|top| top.entry >= time) {
            self.entered.pop();
        }
        self.entered.peek().map(|top| top.value).or(self.plain)
    }
}
