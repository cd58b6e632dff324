//! Gates by name or from a file.

use std::path::Path;

use super::text::read_text;
use crate::imaging::{Channel, GateSet};
use crate::{Error, Warning};

/// The gates that `name` means: a built-in set, or the file of that name below `folder`.
///
/// # Errors
/// A file that cannot be read or is of another form.
pub fn read_gates(
    name: &str,
    folder: &Path,
    channels: &[Channel],
) -> Result<(GateSet, Vec<Warning>), Error> {
    match GateSet::named(name) {
        Some(gates) => Ok((gates, Vec::new())),
        None => GateSet::parse(&read_text(&folder.join(name), "reading the gates")?, channels),
    }
}
