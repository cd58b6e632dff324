//! A column of numbers, some of them missing.

/// Numbers by row. Nine bytes a row where one is missing, eight where none is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Zero where missing.
    values: Vec<f64>,
    /// Empty while nothing is missing.
    is_missing: Vec<bool>,
}

impl Numbers {
    /// Without rows yet, and with room for `n_rows`.
    pub fn with_capacity(n_rows: usize) -> Self {
        Self { values: Vec::with_capacity(n_rows), is_missing: Vec::new() }
    }

    /// Appends a row.
    pub fn push(&mut self, number: Option<f64>) {
        if number.is_none() && self.is_missing.is_empty() {
            self.is_missing = vec![false; self.values.len()];
        }
        if number.is_none() || !self.is_missing.is_empty() {
            self.is_missing.push(number.is_none());
        }
        self.values.push(number.unwrap_or(0.0));
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True without any row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The number of row `row`, `None` where it is missing.
    ///
    /// # Panics
    /// When `row` is not below [`len`](Self::len).
    pub fn get(&self, row: usize) -> Option<f64> {
        let value = self.values[row];
        (!self.is_missing.get(row).is_some_and(|missing| *missing)).then_some(value)
    }

    /// The numbers by row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<f64>> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Those at `rows`, repeats allowed.
    ///
    /// # Panics
    /// As [`get`](Self::get).
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        rows.iter().map(|&row| self.get(row)).collect()
    }
}

/// ```
/// use herscope::survival::Numbers;
/// let ages: Numbers = [Some(61.0), None].into_iter().collect();
/// assert_eq!((ages.get(0), ages.get(1)), (Some(61.0), None));
/// ```
impl FromIterator<Option<f64>> for Numbers {
    fn from_iter<I: IntoIterator<Item = Option<f64>>>(numbers: I) -> Self {
        let numbers = numbers.into_iter();
        let mut column = Self::with_capacity(numbers.size_hint().0);
        numbers.for_each(|number| column.push(number));
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_give_back_what_they_were_made_of() {
        let columns = [
            vec![],
            vec![Some(1.0), Some(0.0)],
            vec![None, Some(2.0)],
            vec![Some(3.0), None, None, Some(4.0), None],
        ];
        for column in columns {
            let numbers: Numbers = column.iter().copied().collect();
            assert_eq!(numbers.iter().collect::<Vec<_>>(), column, "by row");
        }
        let numbers: Numbers = [Some(1.0), None].into_iter().collect();
        let picked: Vec<Option<f64>> = numbers.select(&[1, 0, 0]).iter().collect();
        assert_eq!(picked, [None, Some(1.0), Some(1.0)], "rows 1, 0, 0");
    }
}
