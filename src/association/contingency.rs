//! Contingency tables and Pearson's chi-squared test.

use crate::Error;
use crate::survival::chi_squared_upper;

/// Counts of every pair of levels, `[rows x columns]`, without empty rows or columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contingency {
    pub(super) n_columns: usize,
    pub(super) counts: Vec<u64>,
}

impl Contingency {
    /// A table from its rows; rows and columns that are all zero are left out.
    ///
    /// # Errors
    /// Rows of different lengths, or no count at all.
    ///
    /// ```
    /// use herscope::association::Contingency;
    ///
    /// let table = Contingency::new(&[&[3, 0, 1], &[1, 0, 3]])?;
    /// assert_eq!((table.n_rows(), table.n_columns(), table.total()), (2, 2, 8));
    /// # Ok::<(), herscope::Error>(())
    /// ```
    pub fn new(rows: &[&[u64]]) -> Result<Self, Error> {
        let doing = "building a contingency table";
        let width = rows.first().map_or(0, |row| row.len());
        if let Some(i) = rows.iter().position(|row| row.len() != width) {
            return Err(Error::input(doing)
                .at(format!("row {}", i + 1))
                .found(format!("{} counts", rows[i].len()))
                .expected(format!("{width}, as in the first row")));
        }
        let kept: Vec<usize> = (0..width).filter(|&k| rows.iter().any(|row| row[k] > 0)).collect();
        if kept.is_empty() {
            return Err(Error::input(doing).found("no count").expected("at least one above zero"));
        }
        let counts = rows
            .iter()
            .filter(|row| row.iter().any(|&count| count > 0))
            .flat_map(|row| kept.iter().map(|&k| row[k]))
            .collect();
        Ok(Self { n_columns: kept.len(), counts })
    }

    /// Number of rows with a count.
    pub fn n_rows(&self) -> usize {
        self.counts.len() / self.n_columns
    }

    /// Number of columns with a count.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Sum of all counts.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum of each row.
    pub fn row_totals(&self) -> Vec<u64> {
        self.counts.chunks_exact(self.n_columns).map(|row| row.iter().sum()).collect()
    }

    /// Sum of each column.
    pub fn column_totals(&self) -> Vec<u64> {
        (0..self.n_columns)
            .map(|k| self.counts.iter().skip(k).step_by(self.n_columns).sum())
            .collect()
    }

    /// Expected counts under independence, row-major.
    pub fn expected(&self) -> Vec<f64> {
        let total = self.total() as f64;
        let columns = self.column_totals();
        self.row_totals()
            .iter()
            .flat_map(|&row| columns.iter().map(move |&c| row as f64 * c as f64 / total))
            .collect()
    }
}

/// Pearson's test that rows and columns are independent: (statistic, degrees of freedom, p);
/// `None` with one row or column.
///
/// `yates` subtracts one half from each distance (at most the distance) in a 2x2 table, and does
/// nothing in a larger one.
///
/// # Source
/// Pearson 1900; Yates 1934. As R's `chisq.test`.
///
/// ```
/// use herscope::association::{Contingency, pearson_chi_squared};
///
/// // Every expected count is 2, every distance 1.
/// let table = Contingency::new(&[&[3, 1], &[1, 3]])?;
/// let (statistic, df, _) = pearson_chi_squared(&table, false).expect("2x2");
/// assert_eq!((statistic, df), (2.0, 1));
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn pearson_chi_squared(table: &Contingency, yates: bool) -> Option<(f64, usize, f64)> {
    let df = (table.n_rows() - 1) * (table.n_columns() - 1);
    if df == 0 {
        return None;
    }
    let expected = table.expected();
    let distances = || table.counts.iter().zip(&expected).map(|(o, e)| (*o as f64 - e).abs());
    let correction = if yates && df == 1 { distances().fold(0.5, f64::min) } else { 0.0 };
    let statistic: f64 =
        distances().zip(&expected).map(|(d, e)| (d - correction).powi(2) / e).sum();
    Some((statistic, df, chi_squared_upper(statistic, df)))
}
