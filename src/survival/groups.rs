//! Checking group and stratum codes that come beside an outcome.

use super::Outcome;
use crate::Error;

/// The number of codes `0..=max`.
///
/// # Errors
/// A column of another length than the outcome.
pub(crate) fn count_codes(
    doing: &str,
    what: &str,
    outcome: &Outcome,
    codes: &[usize],
) -> Result<usize, Error> {
    if codes.len() != outcome.len() {
        return Err(Error::input(doing)
            .found(format!("{} {what} codes beside {} rows", codes.len(), outcome.len()))
            .expected("one code a row"));
    }
    Ok(codes.iter().max().map_or(0, |max| max + 1))
}

/// Those of `rows` that have each code below `n_codes`, in their order; a code nobody has gets an
/// empty list.
pub(crate) fn rows_by_code(
    codes: &[usize],
    n_codes: usize,
    rows: impl IntoIterator<Item = u32>,
) -> Vec<Vec<u32>> {
    let mut by_code = vec![Vec::new(); n_codes];
    for row in rows {
        by_code[codes[row as usize]].push(row);
    }
    by_code
}
