//! A whole text file.

use std::io::Read;
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

/// Largest table or settings file of an instrument that is read.
const MAX_INSTRUMENT_BYTES: u64 = 64 << 20;

/// The bytes of a small file that an instrument wrote.
///
/// # Errors
/// An input error that names the file: it is not there, cannot be read, or is above 64 MiB.
pub fn read_instrument_bytes(path: &Path, doing: &str) -> Result<Vec<u8>, Error> {
    let at = || Error::input(doing).at(path.display().to_string());
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_INSTRUMENT_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| at().found(error.to_string()).caused_by(error))?;
    if bytes.len() as u64 > MAX_INSTRUMENT_BYTES {
        return Err(at().found(format!("more than {MAX_INSTRUMENT_BYTES} bytes")));
    }
    Ok(bytes)
}

/// The content of such a file: UTF-8 without a byte-order mark, else each byte a character
/// (Latin-1), as older software on Western Windows writes it.
///
/// # Errors
/// As [`read_instrument_bytes`].
pub fn read_instrument_text(path: &Path, doing: &str) -> Result<String, Error> {
    let bytes = read_instrument_bytes(path, doing)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned),
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    })
}
