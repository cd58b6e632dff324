//! `segment` runs that may be interrupted: what a frame's result depends on, and finished frames.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::segment::FrameContext;
use super::segment_frames::FrameRows;
use super::segment_output::{FramePictures, SegmentSink, encode_pictures};
use crate::Error;
use crate::io::frame_store::FrameStore;
use crate::io::hash::sha256_of_file;

/// Keeps pictures and rows of each frame in a [`FrameStore`], and knows the finished ones.
#[derive(Debug)]
pub struct StoredFrames<'a> {
    /// Where they are kept.
    pub store: &'a FrameStore,
    /// Whether label images are written as TIFF too.
    pub label_tiff: bool,
}

impl SegmentSink for StoredFrames<'_> {
    fn wants_overlays(&self) -> bool {
        true
    }

    fn wants_thumbnails(&self) -> bool {
        true
    }

    fn wants_label_tiff(&self) -> bool {
        self.label_tiff
    }

    fn take(&self, pictures: &FramePictures<'_>) -> Result<(), Error> {
        encode_pictures(pictures, self.label_tiff, |name, bytes| {
            self.store.write_picture(name, bytes)
        })
    }

    fn store(&self) -> Option<&FrameStore> {
        Some(self.store)
    }
}

/// Opens the sample in the sink's store, if it has one.
pub(super) fn open_sample(context: &FrameContext<'_>) -> Result<(), Error> {
    let Some(store) = context.sink.store() else { return Ok(()) };
    store.open_sample(&context.archive.sample_id, &hash_of_run(context)?)
}

/// SHA-256 of the files of the sample and of everything else that its frames depend on. A file that
/// cannot be read counts as empty.
fn hash_of_run(context: &FrameContext<'_>) -> Result<String, Error> {
    let FrameContext { archive, settings, thresholds, edge, ranges, .. } = context;
    let files = archive.files();
    let hashes: Vec<String> =
        files.into_par_iter().map(|path| sha256_of_file(path).unwrap_or_default()).collect();
    let mut hash = Sha256::new();
    // of a field's value, Debug tells every bit
    let facts = format!(
        "{} {settings:?} {thresholds:?} {ranges:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        env!("CARGO_PKG_VERSION"),
        archive.grid,
        archive.channels,
        archive.scale,
        archive.compat,
        archive.frames,
        archive.pixel_size,
        archive.priors,
        context.sink.wants_label_tiff(),
        hashes,
    );
    hash.update(facts);
    if let Some(edge) = edge {
        let pixels: Vec<u8> = edge.overview().pixels.iter().map(|&set| u8::from(set)).collect();
        hash.update(pixels);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The result of a frame that an interrupted run finished.
pub(super) fn finished_frame(context: &FrameContext<'_>, number: u32) -> Option<FrameRows> {
    let rows = context.sink.store()?.rows(&context.archive.sample_id, number)?;
    // what cannot be read is done again
    serde_json::from_slice(&rows).ok()
}

/// Keeps the result of a frame whose pictures are written.
pub(super) fn keep_frame(
    context: &FrameContext<'_>,
    number: u32,
    frame: &FrameRows,
) -> Result<(), Error> {
    let Some(store) = context.sink.store() else { return Ok(()) };
    let rows = serde_json::to_vec(frame)
        .map_err(|source| Error::output("keeping a frame's rows").caused_by(source))?;
    store.keep_rows(&context.archive.sample_id, number, &rows)
}
