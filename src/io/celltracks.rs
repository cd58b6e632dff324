//! CellTracks archives: a folder a sample, its frames, its XML, and where everything lies.

use std::path::{Path, PathBuf};

use super::celltracks_channels::{analysis_order, celltracks_channels};
use super::celltracks_folder::descend;
use super::celltracks_xml::{ArchiveXml, AssignedEvent, read_archive_xml};
use super::tiff::{FrameRequest, frame_shape, read_frame_pages};
use crate::imaging::{
    Channel, Frame, FrameGrid, IntensityScale, PixelBox, PriorLocation, RawPage, StoredPlane,
    prior_box, saturation_level,
};
use crate::units::MicronsPerPixel;
use crate::{Error, Warning};

/// Edge of a CellTracks pixel, as the ACCEPT loader has it.
pub const CELLTRACKS_PIXEL_SIZE: MicronsPerPixel = MicronsPerPixel(0.64);

/// What the user says about an archive beside its path.
#[derive(Clone, Debug, Default)]
pub struct ArchiveOptions {
    /// Rows and columns of frames; wins over the XML and the frame count.
    pub grid: Option<FrameGrid>,
    /// What each page shows, in the order of the file; wins over the CellTracks order.
    pub channels: Option<Vec<Channel>>,
    /// Edge of a pixel; wins over the CellTracks one.
    pub pixel_size: Option<MicronsPerPixel>,
    /// How stored values become intensities.
    pub scale: IntensityScale,
}

/// An event that the operator of the original analysis called a tumour cell.
#[derive(Clone, Debug, PartialEq)]
pub struct PriorEvent {
    /// The event's id in the XML.
    pub rid: String,
    /// Frame number, 1-based.
    pub frame: u32,
    /// Its box in that frame, widened by 10 pixels and cut to the frame.
    pub bbox: PixelBox,
}

/// A frame in analysis order, with what its pages say about saturation.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchiveFrame {
    /// The frame in camera units.
    pub frame: Frame,
    /// The pages its planes were made from, in their order.
    pub stored: Vec<StoredPlane>,
    /// For each plane the intensity at and above which a pixel is saturated.
    pub saturation: Vec<Option<f32>>,
}

/// One sample: its frames in scan order and how to read them. Opening it decodes no pixel.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Name of the sample: of its folder, or of its only file without the ending.
    pub sample_id: String,
    /// Frame files; frame `number` is `frames[number - 1]`.
    pub frames: Vec<PathBuf>,
    /// The XML read, if there is one.
    pub xml: Option<PathBuf>,
    /// How the frames lie in the cartridge.
    pub grid: FrameGrid,
    /// True where the frames are a whole cartridge, so that its edge can be looked for; false for
    /// a single file.
    pub is_cartridge: bool,
    /// Channels in analysis order: CD45, DAPI, CK, HER2, further ones.
    pub channels: Vec<Channel>,
    /// For each channel the page (0-based) of the file.
    pub pages: Vec<usize>,
    /// `(rows, cols)` of every frame.
    pub frame_size: (usize, usize),
    /// Events of the original analysis.
    pub priors: Vec<PriorEvent>,
    /// Edge of a pixel.
    pub pixel_size: MicronsPerPixel,
    /// How stored values become intensities.
    pub scale: IntensityScale,
    /// What was skipped or guessed while opening.
    pub warnings: Vec<Warning>,
}

pub(super) fn doing() -> &'static str {
    "opening the archive"
}

pub(super) fn refusal(path: &Path) -> Error {
    Error::input(doing()).at(path.display().to_string())
}

impl Archive {
    /// Opens a sample: a folder, or one multi-page TIFF.
    ///
    /// # Errors
    /// No frames; an XML that cannot be read; a grid that neither the options, the XML nor the
    /// number of frames give; frames with too few or too many pages.
    pub fn open(path: &Path, options: &ArchiveOptions) -> Result<Self, Error> {
        if path.is_dir() {
            return Self::open_folder(path, options);
        }
        if !path.exists() {
            return Err(refusal(path).found("no such file or folder"));
        }
        Self::of_frames(vec![path.to_owned()], options)
    }

    /// A sample made of frame files in scan order. One file is a frame by itself, without a
    /// cartridge around it; several need a grid that the options or their number give.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn of_frames(frames: Vec<PathBuf>, options: &ArchiveOptions) -> Result<Self, Error> {
        let Some(first) = frames.first() else {
            return Err(Error::usage(doing()).found("no frame files"));
        };
        let named_after = match (&frames[..], first.parent()) {
            ([_], _) => first.file_stem(),
            (_, Some(folder)) => folder.file_name().or(first.file_stem()),
            (_, None) => first.file_stem(),
        };
        let sample_id = named_after.map_or("sample".into(), |name| name.to_string_lossy());
        let is_cartridge = frames.len() > 1;
        Self::assemble(sample_id.into_owned(), frames.clone(), None, is_cartridge, options)
    }

    fn open_folder(folder: &Path, options: &ArchiveOptions) -> Result<Self, Error> {
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let sample_id = absolute
            .file_name()
            .ok_or_else(|| refusal(folder).found("a folder without a name"))?
            .to_string_lossy()
            .into_owned();
        let levels = descend(folder)?;
        let stem = sample_id.split('.').next().unwrap_or(&sample_id);
        let xml_name = format!("{stem}.xml");
        let xml_path = levels
            .iter()
            .map(|level| level.path.join(&xml_name))
            .find(|candidate| candidate.is_file());
        let frames = levels.into_iter().rev().map(|level| level.frames).find(|f| !f.is_empty());
        let Some(frames) = frames else {
            return Err(refusal(folder)
                .found("no *.tif frames in the folder or the one sub-folder below it")
                .expected("a CellTracks sample folder"));
        };
        let xml = match xml_path {
            Some(path) => Some((read_archive_xml(&path)?, path)),
            None => None,
        };
        Self::assemble(sample_id, frames, xml, true, options)
    }

    fn assemble(
        sample_id: String,
        frames: Vec<PathBuf>,
        xml: Option<(ArchiveXml, PathBuf)>,
        is_cartridge: bool,
        options: &ArchiveOptions,
    ) -> Result<Self, Error> {
        let (mut xml, xml_path) = match xml {
            Some((xml, path)) => (xml, Some(path)),
            None => (ArchiveXml::default(), None),
        };
        let mut warnings = std::mem::take(&mut xml.warnings);
        let place = xml_path.as_deref().unwrap_or(&frames[0]);
        let grid = choose_grid(place, &xml, frames.len(), options.grid, &mut warnings)?;
        let (rows, cols, n_pages) = first_shape(&frames, options.scale)?;
        if let Some(size) = xml.frame_size
            && size != (rows as u64, cols as u64)
        {
            warnings.push(Warning::new(
                "frame_size_differs",
                format!(
                    "{}: frames of {} x {} pixels are declared, the files have {rows} x {cols}; \
                     the files are right",
                    place.display(),
                    size.0,
                    size.1
                ),
            ));
        }
        let page_channels = match &options.channels {
            Some(channels) => channels.clone(),
            None => celltracks_channels(place, &xml.filters, n_pages, &mut warnings)?,
        };
        if page_channels.len() != n_pages {
            return Err(refusal(&frames[0])
                .found(format!("{n_pages} pages"))
                .expected(format!("{}, one a channel named", page_channels.len())));
        }
        let (channels, pages) = analysis_order(page_channels)?;
        let priors = prior_locations(place, &xml.events, grid, (rows, cols), &mut warnings);
        Ok(Self {
            sample_id,
            frames,
            xml: xml_path,
            grid,
            is_cartridge,
            channels,
            pages,
            frame_size: (rows, cols),
            priors,
            pixel_size: options.pixel_size.unwrap_or(CELLTRACKS_PIXEL_SIZE),
            scale: options.scale,
            warnings,
        })
    }

    /// Number of frames.
    pub fn n_frames(&self) -> usize {
        self.frames.len()
    }

    /// Reads frame `number` (1-based) and brings it into camera units and analysis order.
    ///
    /// # Errors
    /// Names the file and the page that cannot be read, or that differs from the other frames in
    /// size or number of pages.
    pub fn read_frame(&self, number: u32) -> Result<ArchiveFrame, Error> {
        let index = (number as usize).checked_sub(1);
        let Some(path) = index.and_then(|index| self.frames.get(index)) else {
            return Err(Error::usage("reading a frame")
                .at(&*self.sample_id)
                .found(format!("frame {number}"))
                .expected(format!("1 to {}", self.frames.len())));
        };
        let request = FrameRequest {
            size: Some(self.frame_size),
            n_pages: Some(self.pages.len()),
            limits_optional: self.scale == IntensityScale::Stored,
        };
        let mut raw: Vec<Option<RawPage>> =
            read_frame_pages(path, &request)?.into_iter().map(Some).collect();
        let mut stored = Vec::with_capacity(self.pages.len());
        let mut saturation = Vec::with_capacity(self.pages.len());
        for &page in &self.pages {
            let page = raw[page].take().expect("each page shows one channel");
            saturation.push(Some(saturation_level(&page, self.scale)));
            stored.push(StoredPlane::new(page, self.scale)?);
        }
        let planes = stored.iter().map(StoredPlane::plane).collect();
        let frame = Frame { number, channels: self.channels.clone(), planes };
        Ok(ArchiveFrame { frame, stored, saturation })
    }
}

/// Frame counts of CellTracks scans with their rows and columns.
const KNOWN_GRIDS: [(usize, usize, usize); 6] =
    [(210, 6, 35), (180, 5, 36), (175, 5, 35), (170, 5, 34), (144, 4, 36), (140, 4, 35)];

/// The grid that a CellTracks scan of this many frames has; a single frame is 1 x 1.
///
/// # Source
/// Table in the ACCEPT loader for archives without XML.
pub fn grid_of_frame_count(n_frames: usize) -> Option<FrameGrid> {
    if n_frames == 1 {
        return Some(FrameGrid { rows: 1, cols: 1 });
    }
    let known = KNOWN_GRIDS.iter().find(|(n, _, _)| *n == n_frames);
    known.map(|&(_, rows, cols)| FrameGrid { rows, cols })
}

/// The grid of the options, else of the XML, else of the frame count. It must hold as many frames
/// as there are files: with a file missing, no frame after it would be in its place.
fn choose_grid(
    place: &Path,
    xml: &ArchiveXml,
    n_frames: usize,
    given: Option<FrameGrid>,
    warnings: &mut Vec<Warning>,
) -> Result<FrameGrid, Error> {
    let of_xml = xml.grid.filter(|&(rows, cols)| rows > 0 && cols > 0);
    if let (Some((rows, cols)), None) = (xml.grid, of_xml) {
        let message = format!("{}: {rows} x {cols} frames are declared", place.display());
        warnings.push(Warning::new("grid_ignored", message));
    }
    let given = given.map(|grid| (grid.rows as u64, grid.cols as u64));
    let by_count = grid_of_frame_count(n_frames);
    match given.or(of_xml) {
        Some((rows, cols)) if rows.checked_mul(cols) == Some(n_frames as u64) => {
            Ok(FrameGrid { rows: rows as usize, cols: cols as usize })
        }
        Some((rows, cols)) => Err(refusal(place)
            .found(format!("{n_frames} frames for a grid of {rows} x {cols}"))
            .expected("one file a frame of the grid, or another --grid ROWSxCOLS")),
        None => by_count.ok_or_else(|| {
            refusal(place)
                .found(format!("{n_frames} frames and nothing that says how they lie"))
                .expected("--grid ROWSxCOLS, or an XML with numrows and numcols")
        }),
    }
}

/// `(rows, cols, pages)` of the first frame whose directories are sound.
fn first_shape(frames: &[PathBuf], scale: IntensityScale) -> Result<(usize, usize, usize), Error> {
    let request = FrameRequest {
        limits_optional: scale == IntensityScale::Stored,
        ..FrameRequest::default()
    };
    let mut first_error = None;
    for path in frames {
        match frame_shape(path, &request) {
            Ok(shape) => return Ok(shape),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| Error::input(doing()).found("no frames")))
}

/// Boxes of the events in their frames; events outside the cartridge or their frame are left out
/// with a warning.
fn prior_locations(
    place: &Path,
    events: &[AssignedEvent],
    grid: FrameGrid,
    frame_size: (usize, usize),
    warnings: &mut Vec<Warning>,
) -> Vec<PriorEvent> {
    let mut priors = Vec::new();
    for event in events {
        let mut skip = |why: String| {
            let message = format!("{}: event {} {why}; it is left out", place.display(), event.rid);
            warnings.push(Warning::new("event_skipped", message));
        };
        let number = u32::try_from(event.frame).ok();
        let Some((number, position)) = number.and_then(|n| Some((n, grid.place(n)?))) else {
            skip(format!("is in frame {} of 1 to {}", event.frame, grid.n_frames()));
            continue;
        };
        match event_box(event, position, frame_size) {
            Some(bbox) => {
                priors.push(PriorEvent { rid: event.rid.clone(), frame: number, bbox });
            }
            None => skip(format!("lies outside frame {number}")),
        }
    }
    priors
}

/// The event's box in its frame with a margin; `None` when its corners are crossed or no pixel of
/// it lies there.
fn event_box(
    event: &AssignedEvent,
    place: (usize, usize),
    (rows, cols): (usize, usize),
) -> Option<PixelBox> {
    if event.near.0 > event.far.0 || event.near.1 > event.far.1 {
        return None;
    }
    // saturates for numbers far beyond any cartridge
    let whole = |value: f64| value.round() as i64;
    let location = PriorLocation {
        far_x: whole(event.far.0),
        far_y: whole(event.far.1),
        near_x: whole(event.near.0),
        near_y: whole(event.near.1),
    };
    prior_box(location, place, rows, cols)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(far: (f64, f64), near: (f64, f64)) -> AssignedEvent {
        AssignedEvent { rid: "1".into(), frame: 1, far, near }
    }

    #[test]
    fn a_prior_box_is_widened_and_cut_to_its_frame() {
        // frame 12 of a 4 x 5 grid of 260 x 300 pixels is row 2, column 1:
        // x 572 - 300 - 10 = 262 to min(600 - 300 + 10, 300), y 604 - 520 - 10 = 74 to 123
        let found = event_box(&event((600.0, 633.0), (572.0, 604.0)), (2, 1), (260, 300));
        let expected = PixelBox { row0: 73, col0: 261, row1: 123, col1: 300 };
        assert_eq!(found, Some(expected), "from pixels counted from 1");
    }

    #[test]
    fn boxes_outside_or_inverted_are_none() {
        let outside = event((720.0, 504.0), (640.0, 448.0));
        assert_eq!(event_box(&outside, (0, 0), (56, 80)), None, "beyond the frame");
        let negative = event((-40.0, -30.0), (-90.0, -80.0));
        assert_eq!(event_box(&negative, (0, 0), (56, 80)), None, "before the frame");
        let inverted = event((10.0, 10.0), (30.0, 30.0));
        assert_eq!(event_box(&inverted, (0, 0), (56, 80)), None, "near beyond far");
        let huge = event((1e300, 1e300), (-1e300, -1e300));
        let whole = PixelBox { row0: 0, col0: 0, row1: 56, col1: 80 };
        assert_eq!(event_box(&huge, (0, 0), (56, 80)), Some(whole), "the whole frame");
    }
}
