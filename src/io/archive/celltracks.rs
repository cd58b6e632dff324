//! CellTracks archives: a folder a sample, a multi-page TIFF a frame, an XML beside them; and frame
//! files by themselves.

use std::path::{Path, PathBuf};

use super::celltracks_channels::celltracks_channels;
use super::celltracks_folder::descend;
use super::celltracks_xml::{ArchiveXml, read_archive_xml};
use super::celltracks_xp::{XpTables, find_tables, read_tables, scan_order};
use super::grid_choice::Declared;
use super::ome_tiff::{self, is_ome_tiff};
use super::sample::{FoundSample, first_shape};
use super::{Archive, ArchiveOptions, FrameSource, Layout, folder_name, refusal};
use crate::imaging::ScanOrder;
use crate::io::tiff::frame_shape;
use crate::units::MicronsPerPixel;
use crate::{Error, Warning};

/// Edge of a CellTracks pixel, as the ACCEPT loader has it.
pub const CELLTRACKS_PIXEL_SIZE: MicronsPerPixel = MicronsPerPixel(0.64);

/// What is known of a sample beside its frames.
enum Told {
    Xml(ArchiveXml, PathBuf),
    Tables(XpTables),
    Nothing,
}

/// Opens a sample folder.
pub(super) fn open_folder(folder: &Path, options: &ArchiveOptions) -> Result<Archive, Error> {
    let sample_id = folder_name(folder)?;
    let levels = descend(folder)?;
    let stem = sample_id.split('.').next().unwrap_or(&sample_id);
    let xml_name = format!("{stem}.xml");
    let xml_path =
        levels.iter().map(|level| level.path.join(&xml_name)).find(|candidate| candidate.is_file());
    let tables = find_tables(&levels)?;
    let frames = levels.into_iter().rev().map(|level| level.frames).find(|f| !f.is_empty());
    let Some(frames) = frames else {
        return Err(refusal(folder)
            .found("no *.tif frames in the folder or the one sub-folder below it")
            .expected("a CellTracks sample folder"));
    };
    let told = match (xml_path, tables) {
        (Some(path), _) => Told::Xml(read_archive_xml(&path)?, path),
        (None, Some(tables)) => Told::Tables(read_tables(&tables)?),
        (None, None) if is_ome_tiff(&frames[0])? => {
            return ome_tiff::of_files(sample_id, frames, options);
        }
        (None, None) => Told::Nothing,
    };
    let layout = match &told {
        Told::Tables(_) => Layout::CellTracksXp,
        _ => Layout::CellTracks,
    };
    assemble(sample_id, layout, frames, told, options)
}

/// A sample of frame files in scan order.
pub(super) fn of_files(
    sample_id: String,
    frames: Vec<PathBuf>,
    options: &ArchiveOptions,
) -> Result<Archive, Error> {
    assemble(sample_id, Layout::FrameFiles, frames, Told::Nothing, options)
}

fn assemble(
    sample_id: String,
    layout: Layout,
    files: Vec<PathBuf>,
    told: Told,
    options: &ArchiveOptions,
) -> Result<Archive, Error> {
    let (mut xml, mut tables, described_by) = match told {
        Told::Xml(xml, path) => (xml, None, vec![path]),
        Told::Tables(mut tables) => {
            let filters = std::mem::take(&mut tables.filters);
            let files = std::mem::take(&mut tables.files);
            (ArchiveXml { filters, ..ArchiveXml::default() }, Some(tables), files)
        }
        Told::Nothing => (ArchiveXml::default(), None, Vec::new()),
    };
    let mut warnings = std::mem::take(&mut xml.warnings);
    let place = described_by.first().unwrap_or(&files[0]).clone();
    let is_cartridge = layout != Layout::FrameFiles || files.len() > 1;
    let order = match &tables {
        Some(_) => scan_order(files.len()),
        None => ScanOrder::Serpentine,
    };
    let mut frames: Vec<FrameSource> =
        files.into_iter().map(|file| FrameSource::whole_file(file, 1)).collect();
    let shape = first_shape(&frames, options.scale, options, |frame, request| {
        frame_shape(frame.file(), request)
    })?;
    if let Some(size) = xml.frame_size
        && size != (shape.rows as u64, shape.cols as u64)
    {
        warnings.push(Warning::new(
            "frame_size_differs",
            format!(
                "{}: frames of {} x {} pixels are declared, the files have {} x {}; \
                 the files are right",
                place.display(),
                size.0,
                size.1,
                shape.rows,
                shape.cols
            ),
        ));
    }
    let channels = match &options.channels {
        Some(channels) => channels.clone(),
        None => celltracks_channels(&place, &xml.filters, shape.n_pages, &mut warnings)?,
    };
    if channels.len() != shape.n_pages {
        return Err(refusal(frames[0].file())
            .found(format!("{} pages", shape.n_pages))
            .expected(format!("{}, one a channel named", channels.len())));
    }
    for frame in &mut frames {
        *frame = FrameSource::whole_file(frame.file().to_owned(), shape.n_pages);
    }
    let size = (shape.rows, shape.cols);
    let priors = tables.as_mut().map(|tables| tables.priors(frames.len(), size));
    warnings.extend(tables.into_iter().flat_map(|tables| tables.warnings));
    FoundSample {
        sample_id,
        layout,
        place,
        frames,
        described_by,
        grid: Declared { size: xml.grid, order },
        is_cartridge,
        has_edge: is_cartridge,
        channels,
        frame_size: Some(size),
        events: xml.events,
        priors: priors.unwrap_or_default(),
        pixel_size: Some(CELLTRACKS_PIXEL_SIZE),
        scale: options.scale,
        warnings,
    }
    .into_archive(options)
}
