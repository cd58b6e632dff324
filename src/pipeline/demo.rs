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
    ("archives/900011.9.1/900011.xml", include_bytes!("../../demo/archives/900011.9.1/900011.xml")),
    (
        "archives/900011.9.1/processed/900011_001.tif",
        include_bytes!("../../demo/archives/900011.9.1/processed/900011_001.tif"),
    ),
    (
        "archives/900011.9.1/processed/900011_002.tif",
        include_bytes!("../../demo/archives/900011.9.1/processed/900011_002.tif"),
    ),
    (
        "archives/900011.9.1/processed/900011_003.tif",
        include_bytes!("../../demo/archives/900011.9.1/processed/900011_003.tif"),
    ),
    (
        "archives/900011.9.1/processed/900011_004.tif",
        include_bytes!("../../demo/archives/900011.9.1/processed/900011_004.tif"),
    ),
    (
        "archives/900011.9.1/processed/900011_005.tif",
        include_bytes!("../../demo/archives/900011.9.1/processed/900011_005.tif"),
    ),
    (
        "archives/900011.9.1/processed/900011_006.tif",
        include_bytes!("../../demo/archives/900011.9.1/processed/900011_006.tif"),
    ),
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
