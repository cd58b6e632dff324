//! Small text files.

use crate::Error;
use std::path::Path;

/// Largest text file read whole: conditions and settings are small.
const MAX_BYTES: u64 = 1 << 20;

/// The text of the file at `path`.
///
/// # Errors
/// An input error: the file cannot be read, is larger than 1 MiB, or is not UTF-8.
pub fn read_text(path: &Path, doing: &str) -> Result<String, Error> {
    let refusal = || Error::input(doing).at(path.display().to_string());
    let size = std::fs::metadata(path)
        .map_err(|source| refusal().found(source.to_string()).caused_by(source))?
        .len();
    if size > MAX_BYTES {
        return Err(refusal().found(format!("{size} bytes")).expected("a text of at most 1 MiB"));
    }
    std::fs::read_to_string(path)
        .map_err(|source| refusal().found(source.to_string()).caused_by(source))
}
