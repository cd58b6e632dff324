//! Checking group and stratum codes that come beside an outcome.

use super::Outcome;
use crate::Error;

/// The rows of each code `0..=max`, ascending; a code nobody has gets an empty list.
///
/// # Errors
/// A column of another length than the outcome.
pub(crate) fn rows_by_code(
    doing: &str,
    what: &str,
    outcome: &Outcome,
    codes: &[usize],
) -> Result<Vec<Vec<usize>>, Error> {
    if codes.len() != outcome.len() {
        return Err(Error::input(doing)
            .found(format!("{} {what} codes beside {} rows", codes.len(), outcome.len()))
            .expected("one code a row"));
    }
    let n_codes = codes.iter().max().map_or(0, |max| max + 1);
    let mut rows = vec![Vec::new(); n_codes];
    for (i, &code) in codes.iter().enumerate() {
        rows[code].push(i);
    }
    Ok(rows)
}
