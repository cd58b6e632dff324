//! What a run leaves on disk while it goes: shards, replicates as a table, checkpoints.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::record::RunRecord;
use super::replicate::ReplicateValue;
use super::settings::BootstrapSettings;
use super::summary::Summary;
use crate::Error;
use crate::compute::DeviceInfo;
use crate::io::replicate_file::{ReplicateFile, ReplicateWriter};
use crate::io::state_file::{read_state, remove_state, write_state};
use crate::io::streamed_file::StreamedFile;

/// Time between two checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// Where a run writes beside its result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// File of the replicates of the range, for `merge`.
    pub shard_out: Option<PathBuf>,
    /// File of all replicates: a table where its name ends in `.csv`, else as a shard.
    pub replicates_out: Option<PathBuf>,
    /// Where the state of the run is kept, for a run that goes on after an interrupt.
    pub checkpoint: Option<PathBuf>,
    /// Go on where an interrupted run stopped.
    pub resume: bool,
    /// Replace existing files.
    pub force: bool,
}

/// Whether a file of replicates is written as a table.
fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "csv")
}

impl Storage {
    /// # Errors
    /// A binary file of replicates whose number is not known when its header is written.
    pub(super) fn check(&self, settings: &BootstrapSettings) -> Result<(), Error> {
        let binary = self.replicates_out.as_deref().filter(|path| !is_table(path));
        match binary {
            Some(path) if settings.until_mcse.is_some() => Err(Error::usage("writing replicates")
                .at(path.display().to_string())
                .found("a binary file beside --until-mcse")
                .expected("a name that ends in .csv: the number of replicates is not known yet")),
            _ => Ok(()),
        }
    }
}

/// The header of a shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ShardHeader {
    pub(super) record: RunRecord,
    /// First replicate.
    pub(super) first: u64,
    /// One past the last.
    pub(super) last: u64,
    pub(super) backend: String,
    pub(super) device: String,
}

impl ShardHeader {
    pub(super) fn new(record: &RunRecord, (first, last): (u64, u64), device: &DeviceInfo) -> Self {
        Self {
            record: record.clone(),
            first,
            last,
            backend: device.backend.to_owned(),
            device: device.name.clone(),
        }
    }

    /// The device in words.
    pub(super) fn device_info(&self) -> DeviceInfo {
        let backend = if self.backend == "gpu" { "gpu" } else { "cpu" };
        DeviceInfo { backend, name: self.device.clone() }
    }

    fn json(&self) -> Result<String, Error> {
        serde_json::to_string(self)
            .map_err(|source| Error::output("writing a shard").caused_by(source))
    }
}

/// The two words of a replicate: its value, and its standard error (0 where there is none).
fn words_of(replicate: &ReplicateValue) -> [u64; 2] {
    let std_err = match replicate {
        ReplicateValue::Finite { std_err, .. } => std_err.unwrap_or(0.0),
        _ => 0.0,
    };
    [replicate.to_bits(), std_err.to_bits()]
}

/// Words a replicate takes in a file.
const WORDS: usize = 2;

/// Replicates from their words.
///
/// # Errors
/// Words that no replicate has.
pub(super) fn replicates_of(words: &[u64], place: &str) -> Result<Vec<ReplicateValue>, Error> {
    let one = |pair: &[u64]| {
        let std_err = Some(f64::from_bits(pair[1])).filter(|std_err| *std_err > 0.0);
        ReplicateValue::from_bits(pair[0], std_err).ok_or_else(|| {
            Error::input("reading replicates")
                .at(place)
                .found(format!("the word {:016x}", pair[0]))
                .expected("a number, an infinity or a reason")
        })
    };
    words.chunks_exact(WORDS).map(one).collect()
}

/// A shard opened for reading.
pub(super) struct Shard {
    pub(super) header: ShardHeader,
    pub(super) path: PathBuf,
    file: ReplicateFile,
}

impl Shard {
    /// # Errors
    /// As [`ReplicateFile::open`]; a header of another program, or whose range does not fit.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = ReplicateFile::open(path)?;
        let bad = |found: String| {
            Error::input("reading a shard")
                .at(path.display().to_string())
                .found(found)
                .expected("a shard of this version")
        };
        let header: ShardHeader = serde_json::from_str(&file.header)
            .map_err(|source| bad("a header of another form".to_owned()).caused_by(source))?;
        let n = file.n_left() / WORDS as u64;
        if header.first >= header.last || n != header.last - header.first {
            return Err(bad(format!(
                "{n} replicates for the range {}..{}",
                header.first, header.last
            )));
        }
        Ok(Self { header, path: path.to_owned(), file })
    }

    /// The next replicates; none at the end.
    ///
    /// # Errors
    /// As [`replicates_of`].
    pub(super) fn next(&mut self, most: usize) -> Result<Vec<ReplicateValue>, Error> {
        replicates_of(&self.file.next_words(most * WORDS)?, &self.path.display().to_string())
    }
}

/// Files that replicates go into as they come.
pub(super) struct Sinks {
    binary: Vec<ReplicateWriter>,
    table: Option<Table>,
    /// Replicates that an earlier run left, to be taken before new ones.
    pub(super) earlier: Vec<ReplicateValue>,
}

struct Table {
    file: StreamedFile,
    /// Number of the next replicate.
    next: u64,
}

impl Sinks {
    /// Opens the files of `storage`. `Err` in the inner result is a whole shard that is there
    /// already and may be taken as it is.
    ///
    /// # Errors
    /// A file that exists without `force`, or a folder that refuses.
    pub(super) fn open(
        storage: &Storage,
        header: &ShardHeader,
    ) -> Result<Result<Self, Shard>, Error> {
        let mut sinks = Self { binary: Vec::new(), table: None, earlier: Vec::new() };
        let table = storage.replicates_out.as_deref().filter(|path| is_table(path));
        let binary: Vec<&Path> = (storage.shard_out.iter().chain(&storage.replicates_out))
            .map(PathBuf::as_path)
            .filter(|path| !is_table(path))
            .collect();
        if storage.resume && (table.is_some() || binary.len() > 1) {
            return Err(Error::usage("resuming the bootstrap")
                .found("a table or two files of replicates")
                .expected("--resume with one file that is no table"));
        }
        let json = header.json()?;
        for path in binary {
            if storage.resume && path.exists() {
                let shard = Shard::open(path)?;
                if shard.header == *header {
                    return Ok(Err(shard));
                }
            }
            let part = if storage.resume {
                ReplicateWriter::resume(path, &json, WORDS, header.last - header.first)?
            } else {
                None
            };
            sinks.binary.push(match part {
                Some((writer, words)) => {
                    sinks.earlier = replicates_of(&words, &path.display().to_string())?;
                    writer
                }
                None => ReplicateWriter::create(path, &json, storage.force)?,
            });
        }
        if let Some(path) = table {
            sinks.table = Some(Table::create(path, header.first, storage.force)?);
        }
        Ok(Ok(sinks))
    }

    /// # Errors
    /// The disk refuses.
    pub(super) fn push(&mut self, replicates: &[ReplicateValue]) -> Result<(), Error> {
        for writer in &mut self.binary {
            writer.append(replicates.iter().flat_map(words_of))?;
        }
        match &mut self.table {
            Some(table) => table.push(replicates),
            None => Ok(()),
        }
    }

    /// Moves everything to its place.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn finish(self) -> Result<(), Error> {
        self.binary.into_iter().try_for_each(ReplicateWriter::finish)?;
        self.table.map_or(Ok(()), |table| table.file.finish())
    }
}

impl Table {
    fn create(target: &Path, first: u64, force: bool) -> Result<Self, Error> {
        let mut file = StreamedFile::create(target, force)?;
        file.write("replicate,value,std_err,status\n")?;
        Ok(Self { file, next: first })
    }

    fn push(&mut self, replicates: &[ReplicateValue]) -> Result<(), Error> {
        for replicate in replicates {
            let number = self.next;
            let row = match replicate {
                ReplicateValue::Finite { value, std_err } => {
                    let std_err = std_err.map_or_else(String::new, |error| error.to_string());
                    format!("{number},{value},{std_err},estimable\n")
                }
                ReplicateValue::MinusInfinity => format!("{number},-Inf,,monotone_likelihood\n"),
                ReplicateValue::PlusInfinity => format!("{number},Inf,,monotone_likelihood\n"),
                ReplicateValue::Lost(reason) => format!("{number},,,{}\n", reason.name()),
            };
            self.file.write(&row)?;
            self.next += 1;
        }
        Ok(())
    }
}

/// The state of a run, written now and then.
pub(super) struct Checkpoint<'a> {
    path: Option<&'a Path>,
    written: Instant,
}

#[derive(Serialize, Deserialize)]
struct State {
    record: RunRecord,
    first: u64,
    summary: Summary,
}

impl<'a> Checkpoint<'a> {
    pub(super) fn new(path: Option<&'a Path>) -> Self {
        Self { path, written: Instant::now() }
    }

    /// What an interrupted run of this record and first replicate left.
    ///
    /// # Errors
    /// A checkpoint of another run: it is not silently dropped.
    pub(super) fn read(&self, record: &RunRecord, first: u64) -> Result<Option<Summary>, Error> {
        let Some(path) = self.path else { return Ok(None) };
        let Some(state) = read_state::<State>(path)? else { return Ok(None) };
        let bad = |found: String| {
            Error::input("resuming the bootstrap")
                .at(path.display().to_string())
                .found(found)
                .expected("the checkpoint of this very run; without --resume the run starts anew")
        };
        if let Some((name, found, wanted)) = state.record.difference(record) {
            return Err(bad(format!("{name} {found}, and {wanted} is asked for")));
        }
        if state.first != first {
            return Err(bad(format!("a run from replicate {}", state.first)));
        }
        Ok(Some(state.summary))
    }

    /// Writes the state if it is time, or if `now`.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn write(
        &mut self,
        record: &RunRecord,
        first: u64,
        summary: &Summary,
        now: bool,
    ) -> Result<(), Error> {
        let Some(path) = self.path else { return Ok(()) };
        if !now && self.written.elapsed() < CHECKPOINT_EVERY {
            return Ok(());
        }
        let state = State { record: record.clone(), first, summary: summary.clone() };
        write_state(path, &state)?;
        self.written = Instant::now();
        Ok(())
    }

    /// Removes the state of a run that is done.
    pub(super) fn remove(&self) {
        if let Some(path) = self.path {
            remove_state(path);
        }
    }

    /// Where the state lies.
    pub(super) fn place(&self) -> Option<String> {
        self.path.map(|path| path.display().to_string())
    }
}
