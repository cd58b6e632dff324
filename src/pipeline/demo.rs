//! `demo`: the embedded study, written out to be run and looked at.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::io::output_folder::OutputFolder;

/// The study file of the demo, below the folder that [`write_demo`] fills.
pub const DEMO_STUDY: &str = "study.toml";

/// The demo's input files: path below its folder, and content.
const FILES: &[(&str, &[u8])] = &[
    ("README.md", include_bytes!("../../demo/README.md")),
    ("study.toml", include_bytes!("../../demo/study.toml")),
    ("patients.csv", include_bytes!("../../demo/patients.csv")),
    ("samples.csv", include_bytes!("../../demo/samples.csv")),
    ("cells.csv", include_bytes!("../../demo/cells.csv")),
];

/// Writes the demo's inputs to the folder `target`, whole or not at all, and returns the path of
/// its study file.
///
/// # Errors
/// An output error: `target` has files in it and `force` is false, or cannot be written.
pub fn write_demo(target: &Path, force: bool) -> Result<PathBuf, Error> {
    let folder = OutputFolder::create(target, force)?;
    for (path, content) in FILES {
        folder.write(path, content)?;
    }
    Ok(folder.commit()?.join(DEMO_STUDY))
}
