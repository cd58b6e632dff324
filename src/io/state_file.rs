//! The state of a run that may be interrupted, as one JSON file that is whole or not there.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::atomic::write_atomically;
use crate::Error;

/// Reads the state at `path`; `None` where there is no file.
///
/// # Errors
/// An input error: a file that cannot be read, or holds something else.
pub fn read_state<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let bad =
        || Error::input("reading the state of an interrupted run").at(path.display().to_string());
    let bytes = std::fs::read(path).map_err(|source| bad().caused_by(source))?;
    serde_json::from_slice(&bytes).map(Some).map_err(|source| {
        bad().found("another kind of file").expected("a file that --resume wrote").caused_by(source)
    })
}

/// Writes `state` to `path`, replacing an older one.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_state(path: &Path, state: &impl Serialize) -> Result<(), Error> {
    let bytes = serde_json::to_vec(state)
        .map_err(|source| Error::output("writing the state of the run").caused_by(source))?;
    write_atomically(path, &bytes)
}

/// Removes the state of a run that is done. One that cannot be removed does no harm: the next run
/// refuses it as another's, or goes on from its end.
pub fn remove_state(path: &Path) {
    let _ = std::fs::remove_file(path);
}
