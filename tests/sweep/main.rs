//! What a sweep of cut-offs claims: `docs/validation.md`, its part on maximally selected statistics.

mod docs_block;
mod maxstat;
mod null;

use std::path::PathBuf;

pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
