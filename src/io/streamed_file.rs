//! A file that is written piece by piece and appears at its place when it is whole.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::Error;

/// A file under construction, as a hidden temporary one beside its place; dropped, it is gone.
#[derive(Debug)]
pub struct StreamedFile {
    target: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl StreamedFile {
    /// Starts a file that will be `target`.
    ///
    /// # Errors
    /// An output error: the target exists and `force` is not given, or the folder refuses.
    pub fn create(target: &Path, force: bool) -> Result<Self, Error> {
        if target.exists() && !force {
            return Err(at(target).found("a file").expected("a new name (--force replaces it)"));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = super::atomic::temporary_file_in(folder.unwrap_or(Path::new(".")))
            .map_err(|source| at(target).caused_by(source))?;
        Ok(Self { target: target.to_owned(), file: BufWriter::new(file) })
    }

    /// Adds text.
    ///
    /// # Errors
    /// An output error: the disk refuses.
    pub fn write(&mut self, text: &str) -> Result<(), Error> {
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|source| at(&self.target).caused_by(source))
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    /// An output error: the disk refuses.
    pub fn finish(self) -> Result<(), Error> {
        let Self { target, file } = self;
        let failed = |source: std::io::Error| at(&target).caused_by(source);
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&target).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

fn at(path: &Path) -> Error {
    Error::output("writing a file").at(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streamed_file_appears_whole_and_replaces_only_by_force() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("replicates.csv");
        let mut file = StreamedFile::create(&path, false).expect("created");
        file.write("a\n").expect("written");
        assert!(!path.exists(), "not before it is whole");
        file.finish().expect("moved");
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "a\n", "what was written");
        assert!(StreamedFile::create(&path, false).expect_err("it exists").is_output(), "refused");
        drop(StreamedFile::create(&path, true).expect("by force"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing left");
    }
}
