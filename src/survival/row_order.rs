//! Sorted orders of rows: one way to sort rows by a column of numbers.

/// Rows by ascending value, equal values by ascending row. -0.0 counts as below 0.0.
///
/// # Panics
/// With more than 2^32 rows, which no [`Outcome`](super::Outcome) has.
pub(super) fn ascending_rows(values: &[f64]) -> Vec<u32> {
    if values.is_sorted_by(|a, b| a.total_cmp(b).is_le()) {
        return (0..values.len() as u32).collect();
    }
    ascending_pairs(values).into_iter().map(|pair| pair.row()).collect()
}

/// A value with its row, in an integer that orders by value and then by row: a comparison reads
/// nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ValueRow(u128);

impl ValueRow {
    fn new(value: f64, row: u32) -> Self {
        let bits = value.to_bits();
        // Negative numbers order backwards by their bits, and below the others.
        let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
        Self(u128::from(ordered) << 32 | u128::from(row))
    }

    pub(super) fn value(self) -> f64 {
        let ordered = (self.0 >> 32) as u64;
        f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
    }

    pub(super) fn row(self) -> u32 {
        self.0 as u32
    }
}

/// [`ascending_rows`] with their values.
pub(super) fn ascending_pairs(values: &[f64]) -> Vec<ValueRow> {
    let n = u32::try_from(values.len()).expect("an outcome has less than 2^32 rows");
    let mut pairs: Vec<ValueRow> =
        values.iter().zip(0..n).map(|(&value, row)| ValueRow::new(value, row)).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_by_value_and_equal_values_by_row() {
        let values = [2.0, -1.0, 0.0, -0.0, 2.0, f64::INFINITY, -1e300, 5e-324, -1.0];
        let mut expected: Vec<u32> = (0..values.len() as u32).collect();
        expected.sort_by(|&a, &b| values[a as usize].total_cmp(&values[b as usize]));
        assert_eq!(ascending_rows(&values), expected, "as a stable sort of the rows");
        for pair in ascending_pairs(&values) {
            let value = values[pair.row() as usize];
            assert_eq!(pair.value().to_bits(), value.to_bits(), "the value of its row");
        }
    }
}
