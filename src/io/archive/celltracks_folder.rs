//! Where in a sample's folders its frames are.

use std::path::{Path, PathBuf};

use super::refusal;
use crate::Error;

/// Folders below the sample's that are searched for frames.
const MAX_DEPTH: usize = 10;

/// A folder with at least so many frames is taken without looking into its sub-folder.
const FULL_SCAN: usize = 100;

/// A folder on the way down to the frames.
pub(super) struct Level {
    pub(super) path: PathBuf,
    pub(super) frames: Vec<PathBuf>,
}

/// The sample folder and those below it, as long as each holds fewer than 100 frames and exactly
/// one sub-folder.
pub(super) fn descend(folder: &Path) -> Result<Vec<Level>, Error> {
    let mut levels = Vec::new();
    let mut current = folder.to_owned();
    loop {
        let (frames, sub_folders) = list(&current)?;
        let is_full = frames.len() >= FULL_SCAN;
        levels.push(Level { path: current, frames });
        match <[PathBuf; 1]>::try_from(sub_folders) {
            Ok([only]) if !is_full && levels.len() <= MAX_DEPTH => current = only,
            _ => return Ok(levels),
        }
    }
}

/// TIFF files in name order and sub-folders.
fn list(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let (mut frames, sub_folders) = entries(folder)?;
    frames.retain(|path| is_tiff(path));
    Ok((frames, sub_folders))
}

/// All files of a folder in name order.
pub(super) fn list_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(entries(folder)?.0)
}

/// Sub-folders in name order.
pub(super) fn list_folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(entries(folder)?.1)
}

/// Files and sub-folders in name order; names that begin with a dot are left out.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Error> {
    let failed = |error: std::io::Error| {
        refusal(folder).found(error.to_string()).expected("a readable folder").caused_by(error)
    };
    let (mut files, mut sub_folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            sub_folders.push(path);
        } else {
            files.push(path);
        }
    }
    files.sort();
    sub_folders.sort();
    Ok((files, sub_folders))
}

pub(super) fn is_tiff(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    matches!(ending.as_deref(), Some("tif" | "tiff"))
}
