//! Archives as they lie on disk: synthetic cartridges with known answers, and broken files.

mod border;
mod celltracks_xp;
mod channel_files;
mod compat;
mod grid;
mod malformed;
mod memory;
mod ome;
mod output;
mod pages;
mod reference;
mod thumbnails;

use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

/// A file or folder of the test data.
fn data(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/imaging").join(path)
}
