//! A whole text file.

use std::path::Path;

use crate::Error;

/// The content of a UTF-8 file, without a byte-order mark. `doing` opens the error message:
/// "reading the study".
///
/// # Errors
/// An input error that names the file: it is not there, cannot be read, or is not UTF-8.
pub fn read_text(path: &Path, doing: &str) -> Result<String, Error> {
    let at = || Error::input(doing).at(path.display().to_string());
    let bytes =
        std::fs::read(path).map_err(|error| at().found(error.to_string()).caused_by(error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        at().found("bytes that are not UTF-8").expected("text").caused_by(error)
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}
