//! Mid-ranks and what ties do to variances.

/// Values with their mid-ranks.
pub(super) struct MidRanks {
    /// Twice the rank of each value, in the order given: whole even with ties.
    pub(super) doubled: Vec<u64>,
    /// Sizes of the runs of equal values, ascending by value.
    pub(super) runs: Vec<u64>,
}

impl MidRanks {
    pub(super) fn of(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut doubled = vec![0; values.len()];
        let mut runs = Vec::new();
        let mut before = 0_u64;
        for run in order.chunk_by(|&a, &b| values[a] == values[b]) {
            let length = run.len() as u64;
            for &i in run {
                doubled[i] = 2 * before + length + 1;
            }
            runs.push(length);
            before += length;
        }
        Self { doubled, runs }
    }

    pub(super) fn has_ties(&self) -> bool {
        self.runs.iter().any(|&run| run > 1)
    }

    /// Ranks in the order given.
    pub(super) fn ranks(&self) -> Vec<f64> {
        self.doubled.iter().map(|&rank| rank as f64 / 2.0).collect()
    }

    /// Sum of t^3 - t over the runs of equal values.
    pub(super) fn tie_sum(&self) -> f64 {
        self.runs.iter().map(|&run| run as f64).map(|t| t * (t * t - 1.0)).sum()
    }
}
