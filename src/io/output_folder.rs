//! A result folder that appears whole or not at all.

use std::fs;
use std::path::{Component, Path, PathBuf};

use tempfile::{Builder, TempDir};

use super::atomic::write_atomically;
use super::hash::sha256_of_file;
use crate::Error;

const DOING: &str = "writing the output folder";

/// The file that marks a folder as an earlier output, so that `force` may replace all of it.
const MANIFEST: &str = "manifest.json";

/// An output folder under construction.
///
/// Files are built in a hidden temporary folder beside the target (inside it where the target
/// exists already, since it may be a mount point) and moved into place by
/// [`commit`](Self::commit). Dropped without commit, nothing is left and an older result stays.
#[derive(Debug)]
pub struct OutputFolder {
    target: PathBuf,
    target_exists: bool,
    staging: TempDir,
}

/// A file of an [`OutputFolder`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct OutputFile {
    /// Path inside the folder, with `/` between its parts.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

impl OutputFolder {
    /// Starts an output folder at `target`, whose parents are made as needed.
    ///
    /// A target with files in it is refused unless `force`. With `force`, an earlier output (it
    /// holds a `manifest.json`) is replaced as a whole; in any other folder only the entries
    /// that bear a new entry's name are, and foreign files stay.
    ///
    /// # Errors
    /// An output error: the target is a file, is not empty, or cannot be written to.
    pub fn create(target: &Path, force: bool) -> Result<Self, Error> {
        if target.as_os_str().is_empty() {
            return Err(Error::output(DOING).found("an empty name").expected("a folder"));
        }
        if target.exists() && !target.is_dir() {
            return Err(at(target).found("a file").expected("a folder, or a new name"));
        }
        let target_exists = target.is_dir();
        if target_exists && !force {
            let mut entries = fs::read_dir(target).map_err(|source| failed(target, source))?;
            if entries.next().is_some() {
                return Err(at(target)
                    .found("a folder that is not empty")
                    .expected("an empty or a new one (--force replaces it)"));
            }
        }
        let beside = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let home = if target_exists { target } else { beside };
        fs::create_dir_all(home).map_err(|source| failed(home, source))?;
        let staging = hidden_folder_in(home).map_err(|source| failed(home, source))?;
        Ok(Self { target: target.to_owned(), target_exists, staging })
    }

    /// Where the folder will be after [`commit`](Self::commit).
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The place of `relative` while the folder is built, for writers that need a path; the
    /// folders above it are made.
    ///
    /// # Errors
    /// A path that leaves the folder; a folder that cannot be made.
    pub fn path_of(&self, relative: &str) -> Result<PathBuf, Error> {
        let inside = Path::new(relative);
        let plain = inside.components().all(|part| matches!(part, Component::Normal(_)));
        if relative.is_empty() || !plain {
            return Err(Error::output(DOING)
                .found(format!("the name {relative:?}"))
                .expected("a path inside the output folder"));
        }
        let path = self.staging.path().join(inside);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| failed(inside, source))?;
        }
        Ok(path)
    }

    /// Writes `bytes` as the file `relative`, such as `tables/cox.csv`.
    ///
    /// # Errors
    /// As [`path_of`](Self::path_of), and a disk that refuses.
    pub fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        write_atomically(&self.path_of(relative)?, bytes.as_ref())
    }

    /// Moves a folder of finished files in as `relative`; from another file system it is copied.
    ///
    /// # Errors
    /// As [`path_of`](Self::path_of), and a disk that refuses.
    pub fn take_folder(&self, from: &Path, relative: &str) -> Result<(), Error> {
        let to = self.path_of(relative)?;
        match fs::rename(from, &to) {
            Ok(()) => Ok(()),
            Err(_) => copy_folder(from, &to).map_err(|source| failed(from, source)),
        }
    }

    /// Every file written so far with size and hash, sorted by path.
    ///
    /// # Errors
    /// A file that cannot be read back.
    pub fn files(&self) -> Result<Vec<OutputFile>, Error> {
        let mut files = Vec::new();
        let mut folders = vec![self.staging.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for path in entries_of(&folder)? {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(self.describe(&path)?);
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn describe(&self, path: &Path) -> Result<OutputFile, Error> {
        let inside = path.strip_prefix(self.staging.path()).unwrap_or(path);
        let parts: Vec<_> =
            inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let metadata = fs::metadata(path).map_err(|source| failed(path, source))?;
        Ok(OutputFile {
            path: parts.join("/"),
            bytes: metadata.len(),
            sha256: sha256_of_file(path)?,
        })
    }

    /// Moves everything into place and returns the folder's path. If a move fails, what was
    /// there before is put back.
    ///
    /// # Errors
    /// A disk that refuses; a target that another program made meanwhile.
    pub fn commit(self) -> Result<PathBuf, Error> {
        if !self.target_exists {
            fs::rename(self.staging.path(), &self.target)
                .map_err(|source| failed(&self.target, source))?;
            // Moved away: there is nothing left to delete.
            let _ = self.staging.keep();
            return Ok(self.target);
        }
        let old = hidden_folder_in(&self.target).map_err(|source| failed(&self.target, source))?;
        let replaces_all = self.target.join(MANIFEST).is_file();
        let new_entries = entries_of(self.staging.path())?;
        // by name: the paths of temporary folders are absolute, the target's may be relative
        let ours = [self.staging.path().file_name(), old.path().file_name()];
        let is_hidden_by_us = |path: &PathBuf| ours.contains(&path.file_name());
        let is_replaced = |path: &PathBuf| {
            replaces_all || new_entries.iter().any(|new| new.file_name() == path.file_name())
        };
        let old_entries: Vec<PathBuf> = entries_of(&self.target)?
            .into_iter()
            .filter(|path| !is_hidden_by_us(path) && is_replaced(path))
            .collect();
        let moves = old_entries
            .iter()
            .map(|path| (path, old.path()))
            .chain(new_entries.iter().map(|path| (path, self.target.as_path())));
        move_all(moves)?;
        Ok(self.target)
    }
}

/// Moves each path into a folder, in order; puts back what was moved when one fails.
fn move_all<'a>(moves: impl Iterator<Item = (&'a PathBuf, &'a Path)>) -> Result<(), Error> {
    let mut done: Vec<(PathBuf, &Path)> = Vec::new();
    for (from, folder) in moves {
        let Some(name) = from.file_name() else { continue };
        let to = folder.join(name);
        if let Err(source) = fs::rename(from, &to) {
            for (to, from) in done.iter().rev() {
                // The first failure is the one to report.
                let _ = fs::rename(to, from);
            }
            return Err(failed(&to, source));
        }
        done.push((to, from));
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn hidden_folder_in(folder: &Path) -> std::io::Result<TempDir> {
    let mut builder = Builder::new();
    builder.prefix(".herscope-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(folder)
}

/// The entries of a folder, sorted.
fn entries_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut entries = read().map_err(|source| failed(folder, source))?;
    entries.sort();
    Ok(entries)
}

fn at(path: &Path) -> Error {
    Error::output(DOING).at(path.display().to_string())
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    at(path).found(source.to_string()).caused_by(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = entries_of(folder).expect("readable");
        let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into());
        entries.iter().filter_map(name).collect()
    }

    #[test]
    fn nothing_is_left_of_a_folder_that_was_not_committed() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let output = OutputFolder::create(&home.path().join("out"), false).expect("a new folder");
        output.write("tables/cox.csv", "a,b\n").expect("written");
        drop(output);
        assert!(names_in(home.path()).is_empty(), "neither target nor temporary folder");
    }

    #[test]
    fn a_committed_folder_holds_its_files_and_knows_their_hashes() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let target = home.path().join("deep/out");
        let output = OutputFolder::create(&target, false).expect("a new folder");
        output.write("tables/cox.csv", "a,b\n").expect("written");
        output.write("a.txt", "abc").expect("written");
        let files = output.files().expect("readable");
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a.txt", "tables/cox.csv"], "sorted, with forward slashes");
        assert!(files[0].sha256.starts_with("ba7816bf"), "SHA-256 of abc: {}", files[0].sha256);
        output.commit().expect("moved into place");
        assert_eq!(names_in(&target), ["a.txt", "tables"], "the files and nothing hidden");
    }

    #[test]
    fn a_folder_with_files_is_refused_without_force_and_kept_on_a_dropped_force() {
        let home = tempfile::tempdir().expect("a temporary folder");
        fs::write(home.path().join("mine.txt"), "keep").expect("written");
        let error = OutputFolder::create(home.path(), false).expect_err("not empty");
        assert!(error.is_output(), "{error}");
        let output = OutputFolder::create(home.path(), true).expect("forced");
        output.write("a.txt", "abc").expect("written");
        drop(output);
        assert_eq!(names_in(home.path()), ["mine.txt"], "as before");
    }

    #[test]
    fn force_replaces_an_earlier_output_but_spares_foreign_files() {
        let home = tempfile::tempdir().expect("a temporary folder");
        fs::write(home.path().join("mine.txt"), "keep").expect("written");
        let write = |names: &[&str]| {
            let output = OutputFolder::create(home.path(), true).expect("forced");
            for name in names {
                output.write(name, "x").expect("written");
            }
            output.commit().expect("moved into place");
        };
        write(&["old.csv"]);
        assert_eq!(names_in(home.path()), ["mine.txt", "old.csv"], "no manifest: files are added");
        fs::remove_file(home.path().join("mine.txt")).expect("removed");
        write(&["manifest.json"]);
        write(&["manifest.json", "new.csv"]);
        assert_eq!(
            names_in(home.path()),
            ["manifest.json", "new.csv"],
            "an output goes as a whole"
        );
    }

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let output = OutputFolder::create(&home.path().join("out"), false).expect("a new folder");
        for name in ["../x", "/etc/x", "", "a/../../x"] {
            assert!(output.write(name, "x").is_err(), "{name:?} is not inside");
        }
    }
}
