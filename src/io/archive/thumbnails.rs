//! Folders of thumbnails: each file an event, cut out by ACCEPT or another program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::celltracks_folder::{is_tiff, list_files};
use super::grid_choice::Declared;
use super::sample::{FoundSample, first_shape};
use super::{Archive, ArchiveOptions, FrameSource, Layout, doing, folder_name, refusal};
use crate::Error;
use crate::imaging::{Channel, IntensityScale, ScanOrder};
use crate::io::tiff::{MAX_PAGES, frame_shape};

/// The empty file that marks such a folder.
const MARKER: &str = "ACCEPTThumbnails.txt";

/// What the name of a file of outlines ends in, before `.tif`.
const OUTLINES: &str = "_segm";

/// Whether a folder is of this kind.
pub(super) fn is_thumbnail_folder(folder: &Path) -> bool {
    folder.join(MARKER).is_file()
}

/// Opens such a folder: every TIFF is an event, with `NAME_segm.tif` as its outlines if that is
/// there. Pages are in analysis order and hold intensities; the size of a pixel is not known.
///
/// # Source
/// Behaviour of ACCEPT's loader for thumbnails.
pub(super) fn open_folder(folder: &Path, options: &ArchiveOptions) -> Result<Archive, Error> {
    if options.grid.is_some() || options.scan_order.is_some() {
        return Err(Error::usage(doing())
            .at(folder.display().to_string())
            .found("a grid for thumbnails")
            .expected("neither --grid nor --scan: a thumbnail has no place"));
    }
    let tiffs: Vec<PathBuf> =
        list_files(folder)?.into_iter().filter(|path| is_tiff(path)).collect();
    let known: BTreeSet<&PathBuf> = tiffs.iter().collect();
    let outlines_of = |path: &Path| -> Option<PathBuf> {
        let stem = path.file_stem()?.to_string_lossy().into_owned();
        let endings = ["tif", "tiff", "TIF", "TIFF"];
        let mut candidates =
            endings.iter().map(|ending| path.with_file_name(format!("{stem}{OUTLINES}.{ending}")));
        candidates.find(|candidate| known.contains(candidate))
    };
    let taken: BTreeSet<PathBuf> = tiffs.iter().filter_map(|path| outlines_of(path)).collect();
    let events: Vec<&PathBuf> = tiffs.iter().filter(|path| !taken.contains(*path)).collect();
    let is_outlines = |path: &&&PathBuf| {
        path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(OUTLINES))
    };
    if let Some(orphan) = events.iter().find(is_outlines) {
        return Err(refusal(orphan)
            .found("outlines without the thumbnail they belong to")
            .expected(format!("a TIFF of the same name without {OUTLINES}")));
    }
    if events.is_empty() {
        return Err(refusal(folder).found(format!("{MARKER} and no TIFF")).expected("thumbnails"));
    }
    let mut frames: Vec<FrameSource> =
        events.iter().map(|path| FrameSource::whole_file((*path).clone(), 1)).collect();
    let shape = first_shape(&frames, IntensityScale::Stored, options, |frame, request| {
        frame_shape(frame.file(), request)
    })?;
    for frame in &mut frames {
        let file = frame.file().to_owned();
        let outlines = outlines_of(&file);
        *frame = FrameSource { outlines, ..FrameSource::whole_file(file, shape.n_pages) };
    }
    let channels = match &options.channels {
        Some(channels) if channels.len() != shape.n_pages => {
            return Err(refusal(frames[0].file())
                .found(format!("{} pages", shape.n_pages))
                .expected(format!("{}, one a channel named", channels.len())));
        }
        Some(channels) => channels.clone(),
        None => analysis_channels(shape.n_pages),
    };
    let n_frames = frames.len() as u64;
    FoundSample {
        sample_id: folder_name(folder)?,
        layout: Layout::Thumbnails,
        place: folder.to_owned(),
        frames,
        described_by: Vec::new(),
        grid: Declared { size: Some((1, n_frames)), order: ScanOrder::Raster },
        is_cartridge: false,
        has_edge: false,
        channels,
        frame_size: None,
        events: Vec::new(),
        priors: Vec::new(),
        pixel_size: None,
        scale: IntensityScale::Stored,
        warnings: Vec::new(),
    }
    .into_archive(options)
}

/// Channels in analysis order.
fn analysis_channels(n_pages: usize) -> Vec<Channel> {
    let further = (1..).map(|n: usize| Channel::Other(format!("marker{}", n + 1)));
    let usual = [Channel::Cd45, Channel::Dapi, Channel::Cytokeratin, Channel::Her2];
    usual.into_iter().chain(further).take(n_pages.min(MAX_PAGES)).collect()
}
