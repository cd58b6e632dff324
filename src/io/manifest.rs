//! `manifest.json`: what a run read, wrote and was told.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::hash::sha256_of_file;
use super::output_folder::OutputFolder;
use crate::{Error, Warning};

/// The manifest's name in an output folder.
pub const MANIFEST_NAME: &str = "manifest.json";

/// A file with its size and hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Path: of an input as the user named it, of an output inside the folder.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

impl ManifestFile {
    /// Describes an input file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of_input(path: &Path) -> Result<Self, Error> {
        let sha256 = sha256_of_file(path)?;
        let failed = |source: std::io::Error| {
            Error::input("hashing a file").at(path.display().to_string()).caused_by(source)
        };
        let bytes = std::fs::metadata(path).map_err(failed)?.len();
        Ok(Self { path: path.display().to_string(), bytes, sha256 })
    }

    /// Describes input files. Standard input (`-`) is left out: once read there is nothing that could
    /// be hashed again.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of_inputs<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Vec<Self>, Error> {
        let named = paths.into_iter().filter(|path| *path != Path::new("-"));
        named.map(Self::of_input).collect()
    }
}

/// Everything needed to say what made a folder, and to check that it is still the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Manifest {
    /// Version of this document's shape.
    pub schema_version: u32,
    /// The command that ran: `study`.
    pub command: String,
    /// Program and version.
    pub software: String,
    /// Every setting as used, defaults included.
    pub settings: serde_json::Value,
    /// Where kernels ran; `None` if none did.
    pub device: Option<crate::compute::DeviceInfo>,
    /// Seed of the resampling, if any.
    pub seed: Option<u64>,
    /// Files read.
    pub inputs: Vec<ManifestFile>,
    /// Files written, the manifest itself left out.
    pub outputs: Vec<ManifestFile>,
    /// What the reader must know although the results stand.
    pub warnings: Vec<Warning>,
}

/// Version of the shape of documents and manifests.
const SCHEMA_VERSION: u32 = 1;

/// Program and version.
pub(crate) fn software() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

impl Manifest {
    /// The manifest of a run that so far has read and written nothing.
    pub fn of(command: &str, settings: serde_json::Value) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            command: command.to_owned(),
            software: software(),
            settings,
            device: None,
            seed: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Lists the files of `folder` as outputs and writes the manifest beside them. The last step
    /// before the folder is committed.
    ///
    /// # Errors
    /// An output error: a file that cannot be read back or written.
    pub fn write(mut self, folder: &OutputFolder) -> Result<(), Error> {
        let described = |file: super::output_folder::OutputFile| ManifestFile {
            path: file.path,
            bytes: file.bytes,
            sha256: file.sha256,
        };
        let outputs = folder.files()?.into_iter().filter(|file| file.path != MANIFEST_NAME);
        self.outputs = outputs.map(described).collect();
        folder.write(MANIFEST_NAME, json_bytes(&self)?)
    }
}

/// A document as indented JSON with a final line feed.
///
/// # Errors
/// An output error when a value has no JSON form.
pub fn json_bytes(document: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .map_err(|error| Error::output("writing a document as JSON").caused_by(error))?;
    bytes.push(b'\n');
    Ok(bytes)
}
