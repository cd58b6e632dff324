//! Finished frames of a `segment` run that may be interrupted: their rows and their pictures.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::output_folder::OutputFolder;
use super::png::write_picture;
use super::state_file::{read_state, write_state};
use crate::Error;

const DOING: &str = "keeping the state of the run";

/// The folders of a store. Labels come first: a frame counts as finished while its label image is
/// there, so the other pictures must not leave before it.
const ROWS: &str = "rows";
const PICTURES: &str = "pictures";
const KINDS: [&str; 3] = ["labels", "overlays", "thumbnails"];

/// A folder `OUT.resume` beside the output folder `OUT`.
///
/// Pictures are written first and a frame's rows last, as one file that is whole or not there, so
/// that a run may end at any moment. Files are not flushed to the disk: after a loss of power the
/// run should be started anew.
#[derive(Debug)]
pub struct FrameStore {
    folder: PathBuf,
}

/// What the frames of a sample depend on.
#[derive(Serialize, Deserialize)]
struct SampleState {
    sha256: String,
}

impl FrameStore {
    /// The store beside `out`. Nothing is made before a frame is kept. Without `resume`, what an
    /// interrupted run left there is removed.
    ///
    /// # Errors
    /// An output error: a file or folder of that name that no run left, or that cannot be removed.
    pub fn beside(out: &Path, resume: bool) -> Result<Self, Error> {
        let mut name = out.as_os_str().to_owned();
        name.push(".resume");
        let store = Self { folder: name.into() };
        if store.folder.exists() {
            store.check_is_ours()?;
            if !resume {
                store.remove()?;
            }
        }
        Ok(store)
    }

    fn check_is_ours(&self) -> Result<(), Error> {
        let entries = fs::read_dir(&self.folder).map_err(|source| failed(&self.folder, source))?;
        let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
        if names.into_iter().all(|name| name == ROWS || name == PICTURES) {
            return Ok(());
        }
        Err(Error::output(DOING)
            .at(self.folder.display().to_string())
            .found("a folder with other files")
            .expected("the state of an interrupted run, or nothing"))
    }

    /// Where the store lies.
    pub fn place(&self) -> &Path {
        &self.folder
    }

    fn rows_file(&self, sample_id: &str, number: u32) -> PathBuf {
        self.folder.join(ROWS).join(sample_id).join(format!("{number:03}.json"))
    }

    fn picture_file(&self, relative: &str) -> PathBuf {
        self.folder.join(PICTURES).join(relative)
    }

    /// Opens a sample; `sha256` stands for everything its frames depend on.
    ///
    /// # Errors
    /// An input error: kept frames of other settings or files. They are not silently dropped.
    pub fn open_sample(&self, sample_id: &str, sha256: &str) -> Result<(), Error> {
        let path = self.folder.join(ROWS).join(sample_id).join("sample.json");
        match read_state::<SampleState>(&path)? {
            Some(state) if state.sha256 == sha256 => Ok(()),
            Some(_) => Err(Error::input("resuming the segmentation")
                .at(self.folder.display().to_string())
                .found(format!("frames of {sample_id} with other settings or from other files"))
                .expected("the state of this very run; without --resume the run starts anew")),
            None => {
                make_parent(&path)?;
                write_state(&path, &SampleState { sha256: sha256.to_owned() })
            }
        }
    }

    /// Rows of a frame that was finished; `None` where there is none.
    pub fn rows(&self, sample_id: &str, number: u32) -> Option<Vec<u8>> {
        let labels = self.picture_file(&format!("labels/{sample_id}/{number:03}.png"));
        labels.is_file().then(|| fs::read(self.rows_file(sample_id, number)).ok())?
    }

    /// Keeps a frame whose pictures are written.
    ///
    /// # Errors
    /// An output error: the disk refuses.
    pub fn keep_rows(&self, sample_id: &str, number: u32, rows: &[u8]) -> Result<(), Error> {
        let path = self.rows_file(sample_id, number);
        make_parent(&path)?;
        write_atomically(&path, rows)
    }

    /// Writes a picture, such as `labels/SAMPLE/001.png`.
    ///
    /// # Errors
    /// An output error: the disk refuses.
    pub fn write_picture(&self, relative: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.picture_file(relative);
        make_parent(&path)?;
        write_picture(&path, bytes)
    }

    /// Moves all pictures into an output folder.
    ///
    /// # Errors
    /// An output error: the disk refuses.
    pub fn move_pictures(&self, out: &OutputFolder) -> Result<(), Error> {
        for kind in KINDS {
            let from = self.picture_file(kind);
            if from.is_dir() {
                out.take_folder(&from, kind)?;
            }
        }
        Ok(())
    }

    /// Removes the store of a run that is done or starts anew.
    ///
    /// # Errors
    /// An output error: a folder that cannot be removed.
    pub fn remove(&self) -> Result<(), Error> {
        match fs::remove_dir_all(&self.folder) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(failed(&self.folder, source))
            }
            _ => Ok(()),
        }
    }
}

fn make_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|source| failed(parent, source)),
        None => Ok(()),
    }
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::output(DOING).at(path.display().to_string()).found(source.to_string()).caused_by(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_once_its_rows_and_labels_are_there() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let out = home.path().join("out");
        let store = FrameStore::beside(&out, true).expect("nothing there");
        store.open_sample("s", "one").expect("new");
        store.write_picture("labels/s/001.png", b"labels").expect("written");
        assert_eq!(store.rows("s", 1), None, "only pictures");
        store.keep_rows("s", 1, b"rows").expect("written");
        store.keep_rows("s", 2, b"rows").expect("written");
        let again = FrameStore::beside(&out, true).expect("ours");
        assert_eq!(again.rows("s", 1).as_deref(), Some(&b"rows"[..]), "finished");
        assert_eq!(again.rows("s", 2), None, "without its labels");
        let folder = OutputFolder::create(&out, false).expect("new");
        again.move_pictures(&folder).expect("moved");
        assert_eq!(again.rows("s", 1), None, "its labels have left");
        assert_eq!(folder.files().expect("readable").len(), 1, "the label image");
    }

    #[test]
    fn other_settings_and_foreign_folders_are_refused() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let out = home.path().join("out");
        let store = FrameStore::beside(&out, false).expect("nothing there");
        store.open_sample("s", "one").expect("new");
        let error = store.open_sample("s", "two").expect_err("of other settings");
        assert!(error.is_input() && error.to_string().contains("--resume"), "{error}");
        assert!(FrameStore::beside(&out, false).is_ok(), "starts anew");
        assert!(!store.place().exists(), "and removes the old state");
        fs::create_dir(store.place()).expect("made");
        fs::write(store.place().join("mine.txt"), "keep").expect("written");
        assert!(FrameStore::beside(&out, false).is_err(), "not ours to remove");
    }
}
