//! Where the pictures and tables of a `segment` run go.

use super::segment::SampleSegmentation;
use crate::Error;
use crate::imaging::{LabelImage, Picture};
use crate::io::cell_table::{CellTable, FrameTable};
use crate::io::frame_store::FrameStore;
use crate::io::label_tiff::encode_label_tiff;
use crate::io::output_folder::OutputFolder;
use crate::io::png::{encode_labels, encode_picture, write_picture};
use crate::io::sample_table::SampleTable;

/// The pictures of one segmented frame.
#[derive(Clone, Debug)]
pub struct FramePictures<'a> {
    /// Name of the sample.
    pub sample_id: &'a str,
    /// Frame number, 1-based.
    pub number: u32,
    /// Objects of the frame.
    pub labels: &'a LabelImage,
    /// The frame in colour with the objects' outlines, where it is asked for.
    pub overlay: Option<Picture>,
    /// Strips of the objects by label, where they are asked for.
    pub thumbnails: Vec<(u32, Picture)>,
}

/// Receives the pictures of a run, from several threads and in any order of frames.
pub trait SegmentSink: Sync {
    /// Whether overlays are to be made.
    fn wants_overlays(&self) -> bool;

    /// Whether thumbnails are to be made.
    fn wants_thumbnails(&self) -> bool;

    /// Takes the pictures of a frame.
    ///
    /// # Errors
    /// What keeps them from being stored; it ends the run.
    fn take(&self, pictures: &FramePictures<'_>) -> Result<(), Error>;

    /// Whether label images are written as TIFF too.
    fn wants_label_tiff(&self) -> bool {
        false
    }

    /// Where finished frames are kept for a run that goes on after an interrupt.
    fn store(&self) -> Option<&FrameStore> {
        None
    }
}

/// Drops all pictures.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPictures;

impl SegmentSink for NoPictures {
    fn wants_overlays(&self) -> bool {
        false
    }

    fn wants_thumbnails(&self) -> bool {
        false
    }

    fn take(&self, _: &FramePictures<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Writes `labels/SAMPLE/NNN.png`, `overlays/SAMPLE/NNN.png` and
/// `thumbnails/SAMPLE/NNN_LLLL.png` (frame and label) into an output folder.
#[derive(Clone, Copy, Debug)]
pub struct FolderPictures<'a> {
    /// The folder under construction.
    pub folder: &'a OutputFolder,
    /// Whether overlays are written.
    pub overlays: bool,
    /// Whether thumbnails are written.
    pub thumbnails: bool,
    /// Whether label images are written as TIFF too.
    pub label_tiff: bool,
}

impl FolderPictures<'_> {
    fn write(&self, relative: &str, bytes: &[u8]) -> Result<(), Error> {
        write_picture(&self.folder.path_of(relative)?, bytes)
    }
}

impl SegmentSink for FolderPictures<'_> {
    fn wants_overlays(&self) -> bool {
        self.overlays
    }

    fn wants_thumbnails(&self) -> bool {
        self.thumbnails
    }

    fn wants_label_tiff(&self) -> bool {
        self.label_tiff
    }

    fn take(&self, pictures: &FramePictures<'_>) -> Result<(), Error> {
        encode_pictures(pictures, self.label_tiff, |name, bytes| self.write(name, bytes))
    }
}

/// Encodes the pictures of a frame and hands them over with their paths in the output folder. With
/// TIFF beside them, label images of more objects than a PNG can number have no PNG.
pub(super) fn encode_pictures(
    pictures: &FramePictures<'_>,
    label_tiff: bool,
    write: impl Fn(&str, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let FramePictures { sample_id, number, .. } = *pictures;
    if label_tiff {
        let labels = encode_label_tiff(pictures.labels)?;
        write(&format!("labels/{sample_id}/{number:03}.tif"), &labels)?;
    }
    if !label_tiff || pictures.labels.n_labels <= u32::from(u16::MAX) {
        let labels = encode_labels(pictures.labels)?;
        write(&format!("labels/{sample_id}/{number:03}.png"), &labels)?;
    }
    if let Some(overlay) = &pictures.overlay {
        write(&format!("overlays/{sample_id}/{number:03}.png"), &encode_picture(overlay)?)?;
    }
    for (label, thumbnail) in &pictures.thumbnails {
        let name = thumbnail_name(sample_id, number, *label);
        write(&name, &encode_picture(thumbnail)?)?;
    }
    Ok(())
}

/// Writes `cells.csv`, `frames.csv` and `samples.csv` of a run.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_tables(folder: &OutputFolder, samples: &[SampleSegmentation]) -> Result<(), Error> {
    let mut channels: Vec<String> = Vec::new();
    for channel in samples.iter().flat_map(|sample| &sample.channels) {
        if !channels.contains(channel) {
            channels.push(channel.clone());
        }
    }
    let mut cells = CellTable::new(&channels)?;
    let mut frames = FrameTable::new()?;
    let mut summaries = SampleTable::new()?;
    for sample in samples {
        cells.push_sample(&sample.sample_id, &sample.channels, &sample.cells)?;
        frames.push_sample(&sample.sample_id, &sample.frames)?;
        summaries.push(&sample.sample_id, &sample.summary)?;
    }
    folder.write("cells.csv", cells.finish()?)?;
    folder.write("frames.csv", frames.finish()?)?;
    folder.write("samples.csv", summaries.finish()?)
}

/// The path of an object's thumbnail in the output folder.
pub(super) fn thumbnail_name(sample_id: &str, number: u32, label: u32) -> String {
    format!("thumbnails/{sample_id}/{number:03}_{label:04}.png")
}
