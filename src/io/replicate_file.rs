//! Replicates on disk: a header that says what they are, and eight bytes each.
//!
//! Layout, all little-endian: the magic `HERSREP1`; `u64` length of the header; the header, one JSON
//! object padded with spaces so that what follows starts at a multiple of 8; words of 8 bytes, one a
//! replicate (two with standard errors); 32 bytes SHA-256 of everything before them. R reads the words
//! with `readBin(file, "double", n, endian = "little")` after skipping the header.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Error;

const MAGIC: &[u8; 8] = b"HERSREP1";
const DOING: &str = "writing replicates";
const HASH_BYTES: u64 = 32;

/// Largest header that is read: ours has a few thousand bytes.
const MOST_HEADER_BYTES: u64 = 1 << 24;

/// A file of replicates under construction, beside its final place as `NAME.part`.
#[derive(Debug)]
pub struct ReplicateWriter {
    target: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    n_words: u64,
}

impl ReplicateWriter {
    /// Starts a file that will be `target`; an older part is dropped.
    ///
    /// # Errors
    /// An output error: the target exists and `force` is not given, or the folder refuses.
    pub fn create(target: &Path, header: &str, force: bool) -> Result<Self, Error> {
        if target.exists() && !force {
            return Err(Error::output(DOING)
                .at(target.display().to_string())
                .found("a file")
                .expected("a new name (--force replaces it)"));
        }
        let part = part_of(target);
        let file = File::create(&part).map_err(|source| failed(&part, source))?;
        let mut writer =
            Self { target: target.to_owned(), part, file: BufWriter::new(file), n_words: 0 };
        writer.write(&preamble(header))?;
        Ok(writer)
    }

    /// Goes on with the part of an interrupted run that has exactly this header; returns the words
    /// it holds, a multiple of `words_per_replicate` of them and those of `most_replicates` at most.
    /// `None` without such a part.
    ///
    /// # Errors
    /// A part that cannot be read or cut.
    pub fn resume(
        target: &Path,
        header: &str,
        words_per_replicate: usize,
        most_replicates: u64,
    ) -> Result<Option<(Self, Vec<u64>)>, Error> {
        let part = part_of(target);
        let preamble = preamble(header);
        let Ok(bytes) = std::fs::read(&part) else { return Ok(None) };
        let Some(payload) = bytes.strip_prefix(preamble.as_slice()) else { return Ok(None) };
        let size = 8 * words_per_replicate;
        // A run ended while it was sealing its file has left some of the hash behind the last word.
        let n = (payload.len() / size).min(usize::try_from(most_replicates).unwrap_or(usize::MAX));
        let whole = n * size;
        let words = words_of(&payload[..whole]);
        let cut = || {
            let mut file = OpenOptions::new().write(true).open(&part)?;
            file.set_len((preamble.len() + whole) as u64)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = cut().map_err(|source| failed(&part, source))?;
        let n_words = words.len() as u64;
        let target = target.to_owned();
        Ok(Some((Self { target, part, file: BufWriter::new(file), n_words }, words)))
    }

    /// Adds words.
    ///
    /// # Errors
    /// An output error: the disk refuses.
    pub fn append(&mut self, words: impl IntoIterator<Item = u64>) -> Result<(), Error> {
        for word in words {
            self.file
                .write_all(&word.to_le_bytes())
                .map_err(|source| failed(&self.part, source))?;
            self.n_words += 1;
        }
        self.file.flush().map_err(|source| failed(&self.part, source))
    }

    /// Adds the hash and moves the file to its place.
    ///
    /// # Errors
    /// An output error: the disk refuses.
    pub fn finish(self) -> Result<(), Error> {
        let Self { target, part, file, .. } = self;
        let seal = || {
            let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.write_all(&hash_of(&part)?)?;
            file.sync_all()?;
            std::fs::rename(&part, &target)
        };
        seal().map_err(|source| failed(&target, source))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|source| failed(&self.part, source))
    }
}

/// A whole file of replicates, its hash checked.
#[derive(Debug)]
pub struct ReplicateFile {
    /// The header, one JSON object.
    pub header: String,
    path: PathBuf,
    file: BufReader<File>,
    n_left: u64,
}

impl ReplicateFile {
    /// Opens `path` and checks its hash.
    ///
    /// # Errors
    /// An input error: no such file, not a file of replicates, cut short or changed.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let place = || path.display().to_string();
        let bad = |found: &str| {
            Error::input("reading replicates")
                .at(place())
                .found(found.to_owned())
                .expected("a whole file as --shard-out writes it")
        };
        let read = |source: std::io::Error| bad(&source.to_string()).caused_by(source);
        let mut file = BufReader::new(File::open(path).map_err(read)?);
        let n_bytes = file.get_ref().metadata().map_err(read)?.len();
        let mut start = [0; 16];
        file.read_exact(&mut start).map_err(|_| bad("fewer than 16 bytes"))?;
        let (magic, length) = start.split_at(8);
        let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
        if magic != MAGIC {
            return Err(bad("another kind of file"));
        }
        if length > MOST_HEADER_BYTES || 16 + length + HASH_BYTES > n_bytes {
            return Err(bad("a header that does not fit the file"));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(read)?;
        let header = String::from_utf8(header).map_err(|_| bad("a header that is no text"))?;
        let payload = n_bytes - 16 - length - HASH_BYTES;
        if !payload.is_multiple_of(8) {
            return Err(bad("a file that was cut short"));
        }
        check_hash(path, n_bytes).map_err(|source| match source {
            HashProblem::Read(source) => read(source),
            HashProblem::Changed => bad("content that does not fit its hash"),
        })?;
        Ok(Self {
            header: header.trim_end().to_owned(),
            path: path.to_owned(),
            file,
            n_left: payload / 8,
        })
    }

    /// Number of words not yet read.
    pub fn n_left(&self) -> u64 {
        self.n_left
    }

    /// The next words, at most `most` of them; none at the end.
    ///
    /// # Errors
    /// A file that can no longer be read.
    pub fn next_words(&mut self, most: usize) -> Result<Vec<u64>, Error> {
        let n = self.n_left.min(most as u64);
        let mut bytes = vec![0; 8 * n as usize];
        self.file.read_exact(&mut bytes).map_err(|source| {
            Error::input("reading replicates").at(self.path.display().to_string()).caused_by(source)
        })?;
        self.n_left -= n;
        Ok(words_of(&bytes))
    }
}

fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::output(DOING).at(path.display().to_string()).caused_by(source)
}

/// Magic, length and header, padded to a multiple of 8.
fn preamble(header: &str) -> Vec<u8> {
    let mut text = header.as_bytes().to_vec();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = MAGIC.to_vec();
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text);
    bytes
}

fn words_of(bytes: &[u8]) -> Vec<u64> {
    let word = |chunk: &[u8]| u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
    bytes.chunks_exact(8).map(word).collect()
}

fn hash_of(path: &Path) -> std::io::Result<[u8; 32]> {
    hash_prefix(path, u64::MAX)
}

/// SHA-256 of the first `n_bytes` of a file.
fn hash_prefix(path: &Path, n_bytes: u64) -> std::io::Result<[u8; 32]> {
    let mut file = File::open(path)?.take(n_bytes);
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hasher.finalize().into()),
            n => hasher.update(&block[..n]),
        }
    }
}

enum HashProblem {
    Read(std::io::Error),
    Changed,
}

fn check_hash(path: &Path, n_bytes: u64) -> Result<(), HashProblem> {
    let stored = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(n_bytes - HASH_BYTES))?;
        let mut stored = [0; 32];
        file.read_exact(&mut stored)?;
        Ok(stored)
    };
    let stored: [u8; 32] = stored().map_err(HashProblem::Read)?;
    let found = hash_prefix(path, n_bytes - HASH_BYTES).map_err(HashProblem::Read)?;
    if stored == found { Ok(()) } else { Err(HashProblem::Changed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_a_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("shard");
        let mut writer = ReplicateWriter::create(&path, "{\"a\":1}", false).expect("created");
        writer.append([1, 2, u64::MAX]).expect("written");
        assert!(!path.exists(), "nothing at its place before it is whole");
        writer.finish().expect("moved");
        let mut file = ReplicateFile::open(&path).expect("whole");
        assert_eq!((file.header.as_str(), file.n_left()), ("{\"a\":1}", 3), "header and size");
        assert_eq!(file.next_words(2).expect("readable"), [1, 2], "in order");
        assert_eq!(file.next_words(9).expect("readable"), [u64::MAX], "to the end");
        let mut bytes = std::fs::read(&path).expect("readable");
        let at = bytes.len() - 40;
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).expect("written");
        let error = ReplicateFile::open(&path).expect_err("changed");
        assert!(error.is_input() && error.to_string().contains("hash"), "{error}");
        std::fs::write(&path, &bytes[..bytes.len() - 3]).expect("written");
        assert!(ReplicateFile::open(&path).is_err(), "cut short");
        std::fs::write(&path, b"PK\x03\x04 something else").expect("written");
        assert!(ReplicateFile::open(&path).is_err(), "another kind of file");
    }

    #[test]
    fn an_interrupted_file_goes_on_where_it_has_whole_replicates() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("shard");
        let mut writer = ReplicateWriter::create(&path, "{}", false).expect("created");
        writer.append([1, 2, 3]).expect("written");
        drop(writer);
        let resume = |header| ReplicateWriter::resume(&path, header, 2, 9).expect("readable");
        assert!(resume("{\"other\":1}").is_none(), "another run's part is not taken");
        let (mut writer, words) = resume("{}").expect("this run's part");
        assert_eq!(words, [1, 2], "the half replicate is dropped");
        writer.append([3, 4]).expect("written");
        writer.finish().expect("moved");
        let mut file = ReplicateFile::open(&path).expect("whole");
        assert_eq!(file.next_words(9).expect("readable"), [1, 2, 3, 4], "as written at once");
    }

    #[test]
    fn a_hash_without_its_rename_is_not_taken_for_replicates() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("shard");
        let mut writer = ReplicateWriter::create(&path, "{}", false).expect("created");
        writer.append([1, 2, 3, 4]).expect("written");
        writer.finish().expect("moved");
        // As if the run had been ended between the last byte and the rename.
        std::fs::rename(&path, part_of(&path)).expect("moved back");
        let resumed = ReplicateWriter::resume(&path, "{}", 2, 2).expect("readable");
        let (writer, words) = resumed.expect("this run's part");
        assert_eq!(words, [1, 2, 3, 4], "the 32 bytes of the hash are no replicates");
        writer.finish().expect("moved");
        let mut file = ReplicateFile::open(&path).expect("whole");
        assert_eq!(file.next_words(9).expect("readable"), [1, 2, 3, 4], "sealed once");
    }
}
