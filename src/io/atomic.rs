//! Files that are either whole or not there.

use std::io::Write;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::Error;

/// Writes `bytes` to `path` so that a reader, or a crash, never sees half of it: a temporary file
/// in the same folder is written, flushed to the disk and renamed over `path`.
///
/// # Errors
/// An output error that names `path`: the folder is missing or read-only, the disk is full.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source: std::io::Error| {
        Error::output("writing a file").at(path.display().to_string()).caused_by(source)
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = temporary_file_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A hidden temporary file with the permissions an ordinary new file would get.
pub(super) fn temporary_file_in(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".herscope-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_no_temporary_file_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("summary.json");
        write_atomically(&path, b"old, and longer").expect("written");
        write_atomically(&path, b"new").expect("written again");
        assert_eq!(std::fs::read(&path).expect("readable"), b"new", "the new content alone");
        let n_entries = std::fs::read_dir(folder.path()).expect("readable").count();
        assert_eq!(n_entries, 1, "nothing else is left in the folder");
    }

    #[test]
    fn a_missing_folder_is_an_output_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("absent/summary.json");
        let error = write_atomically(&path, b"x").expect_err("no such folder");
        assert!(error.is_output() && error.to_string().contains("summary.json"), "{error}");
    }
}
