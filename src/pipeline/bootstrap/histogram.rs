//! Counts of the replicates for the figure, gathered while they pass.

use serde::{Deserialize, Serialize};

/// Edges on the scale of the replicates, one more than counts, and how many lie outside.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicateHistogram {
    /// Ascending edges.
    pub log_edges: Vec<f64>,
    /// Values in each bin.
    pub counts: Vec<u64>,
    /// Finite values below the first edge.
    pub n_below: u64,
    /// Finite values at or above the last edge.
    pub n_above: u64,
}

/// Bins of the figure, within four standard deviations of the mean.
const N_BINS: usize = 40;

/// Finite values that choose the edges: the first ones, so that the edges do not depend on how the
/// replicates arrive.
const FIRST_VALUES: usize = 1 << 16;

/// Counts values into bins whose edges the first values choose.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct HistogramCounter {
    first: Vec<f64>,
    bins: Option<Bins>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bins {
    low: f64,
    width: f64,
    /// One bin below and one above those shown.
    counts: Vec<u64>,
}

impl HistogramCounter {
    pub(super) fn push(&mut self, values: &[f64]) {
        let mut values = values;
        if self.bins.is_none() {
            let (now, later) = values.split_at(values.len().min(FIRST_VALUES - self.first.len()));
            self.first.extend_from_slice(now);
            values = later;
            if self.first.len() < FIRST_VALUES {
                return;
            }
            self.bins = Bins::of(&self.first);
            self.first = Vec::new();
        }
        if let Some(bins) = &mut self.bins {
            bins.count(values);
        }
    }

    /// The histogram; `None` where the values do not differ.
    pub(super) fn finish(&self) -> Option<ReplicateHistogram> {
        let of_first = Bins::of(&self.first);
        let bins = self.bins.as_ref().or(of_first.as_ref())?;
        Some(ReplicateHistogram {
            log_edges: (0..=N_BINS).map(|i| bins.low + bins.width * i as f64).collect(),
            counts: bins.counts[1..=N_BINS].to_vec(),
            n_below: bins.counts[0],
            n_above: bins.counts[N_BINS + 1],
        })
    }
}

impl Bins {
    fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let spread = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        if spread.is_nan() || spread <= 0.0 {
            return None;
        }
        let width = 8.0 * spread / N_BINS as f64;
        let mut bins = Self { low: mean - 4.0 * spread, width, counts: vec![0; N_BINS + 2] };
        bins.count(values);
        Some(bins)
    }

    fn count(&mut self, values: &[f64]) {
        for value in values {
            let bin = ((value - self.low) / self.width + 1.0).floor();
            self.counts[bin.clamp(0.0, (N_BINS + 1) as f64) as usize] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once_however_they_arrive() {
        let values: Vec<f64> =
            (0..70_000_u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761)) / 1e9).collect();
        let mut whole = HistogramCounter::default();
        whole.push(&values);
        let mut pieces = HistogramCounter::default();
        values.chunks(999).for_each(|chunk| pieces.push(chunk));
        let histogram = whole.finish().expect("the values differ");
        assert_eq!(Some(&histogram), pieces.finish().as_ref(), "in pieces as at once");
        let n = histogram.counts.iter().sum::<u64>() + histogram.n_below + histogram.n_above;
        assert_eq!(n, 70_000, "all of them");
        let mut constant = HistogramCounter::default();
        constant.push(&[1.0; 5]);
        assert_eq!(constant.finish(), None, "nothing to draw");
    }
}
