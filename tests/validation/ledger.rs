//! Collects comparisons by quantity and data set.

use std::collections::BTreeMap;

use crate::quantities::{ALL, Kind, Quantity};
use crate::reference::{Place, Reference};

/// The values of one quantity in one data set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Values compared.
    pub(crate) n: usize,
    /// Largest absolute difference.
    pub(crate) absolute: f64,
    /// Largest relative difference; none where R has no number or both are zero.
    pub(crate) relative: f64,
    /// R's value and ours where the relative difference is largest.
    pub(crate) worst: Option<(f64, f64)>,
}

/// All comparisons.
#[derive(Default)]
pub(crate) struct Ledger {
    /// By place of the quantity on the page and name of the set.
    rows: BTreeMap<(usize, String), Row>,
    failures: Vec<String>,
    forgotten: Vec<String>,
    /// Values left out, by reason.
    left_out: BTreeMap<&'static str, usize>,
}

/// Relative differences are shown by order of magnitude; below this one they are not told apart.
/// R's values have 12 significant digits: half a unit of the last is up to 5e-12 of the value.
pub(crate) const ROUNDING_OF_R: f64 = 1e-11;

/// The power of ten at or above `difference`, `least` at least.
pub(crate) fn bucket(difference: f64, least: f64) -> f64 {
    let mut bucket = least;
    while difference > bucket {
        bucket *= 10.0;
    }
    bucket
}

impl Ledger {
    /// Compares our value with R's at `place`. Where R has none (null, infinity), neither have we.
    pub(crate) fn value(
        &mut self,
        quantity: &'static Quantity,
        place: &Place<'_>,
        ours: Option<f64>,
    ) {
        let expected = place.take();
        self.compare(quantity, place, ours, expected);
    }

    /// As [`value`](Self::value), for a number we have to derive R's form of.
    pub(crate) fn compare(
        &mut self,
        quantity: &'static Quantity,
        place: &Place<'_>,
        ours: Option<f64>,
        expected: Option<f64>,
    ) {
        let rank = ALL.iter().position(|other| std::ptr::eq(*other, quantity));
        let key = (rank.expect("every quantity is listed"), place.set().to_owned());
        let row = self.rows.entry(key).or_default();
        row.n += 1;
        let (Some(ours), Some(expected)) = (ours, expected) else {
            if ours.is_some() || expected.is_some() {
                self.failures.push(format!("{}: {ours:?} beside R's {expected:?}", place.what()));
            }
            return;
        };
        let absolute = (ours - expected).abs();
        let relative = match (absolute <= quantity.floor, expected == 0.0) {
            (true, _) => absolute.min(absolute / expected.abs().max(1.0)),
            (false, true) => f64::INFINITY,
            (false, false) => absolute / expected.abs(),
        };
        if relative.is_nan() || relative > quantity.relative {
            let what = place.what();
            self.failures.push(format!("{what}: {ours:e} beside R's {expected:e}: {relative:.1e}"));
        }
        row.absolute = row.absolute.max(absolute);
        // The first of an order of magnitude is kept: last bits do not change what the page shows.
        let shown = |relative| bucket(relative, ROUNDING_OF_R);
        if row.worst.is_none() || shown(relative) > shown(row.relative) {
            row.worst = Some((expected, ours));
        }
        row.relative = row.relative.max(relative);
    }

    /// Records the leaves of `reference` that nothing looked at; `left_out` gives the reason why a
    /// pointer is none of ours.
    pub(crate) fn close(
        &mut self,
        reference: &Reference,
        left_out: impl Fn(&str) -> Option<&'static str>,
    ) {
        for pointer in reference.unvisited() {
            match left_out(&pointer) {
                Some(reason) => *self.left_out.entry(reason).or_default() += 1,
                None => self.forgotten.push(format!("{}{pointer}", reference.set)),
            }
        }
    }

    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    pub(crate) fn forgotten(&self) -> &[String] {
        &self.forgotten
    }

    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.left_out.iter().map(|(reason, n)| (*reason, *n))
    }

    /// Rows in the order of the page.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static Quantity, &str, &Row)> {
        self.rows.iter().map(|((rank, set), row)| (ALL[*rank], set.as_str(), row))
    }

    /// Number of values and largest relative difference over all rows that `keep` takes.
    pub(crate) fn total(&self, keep: impl Fn(&Quantity) -> bool) -> (usize, f64) {
        let kept = self.rows().filter(|(quantity, ..)| keep(quantity));
        kept.fold((0, 0.0), |(n, largest), (.., row)| (n + row.n, row.relative.max(largest)))
    }

    /// The kinds in the order of the page.
    pub(crate) fn kinds() -> [Kind; 2] {
        [Kind::ClosedForm, Kind::Converged]
    }
}
