//! Samples as they lie on disk: which layout a path is, its frames, and reading them.
//!
//! Every layout has a file of its own and makes an [`Archive`]; this one decides which it is.

mod celltracks;
mod celltracks_channels;
mod celltracks_folder;
mod celltracks_xml;
mod celltracks_xp;
mod channel_files;
mod channel_names;
mod channel_pattern;
mod custom_channels;
mod dlm_table;
mod frame_source;
mod grid_choice;
mod ome_tiff;
mod ome_xml;
mod prior_events;
mod sample;
mod thumbnails;
mod vycap;

use std::path::{Path, PathBuf};

pub use celltracks::CELLTRACKS_PIXEL_SIZE;
pub use channel_pattern::ChannelPattern;
pub use frame_source::{FrameSource, PagePlace};
pub use grid_choice::{grid_of_frame_count, most_square_grid};
pub use prior_events::PriorEvent;

use crate::imaging::{
    Channel, Frame, FrameGrid, IntensityScale, Mask, Plane, RawPage, ScanOrder, StoredPlane,
    saturation_level,
};
use crate::io::tiff::{FrameRequest, MissingLimits};
use crate::units::MicronsPerPixel;
use crate::{Error, Warning};

/// Whether oddities of ACCEPT that are repaired by default come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compat {
    /// They are repaired: what cannot be read or is not known is refused.
    #[default]
    Repaired,
    /// An unreadable page and those after it are zeros; missing stretch limits are 0 and 1; a grid
    /// that nothing tells is guessed; of all rows only 2, 4 and 6 run from right to left.
    Accept,
}

/// How the files of a sample are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A CellTracks sample folder.
    CellTracks,
    /// Multi-page TIFF files, one a frame, in CellTracks page order or as `--channels` says.
    FrameFiles,
    /// OME-TIFF files.
    OmeTiff,
    /// A CellTracksXp sample folder: tables in place of an XML.
    CellTracksXp,
    /// One file a frame and channel, told by patterns.
    ChannelFiles,
    /// A VyCAP scan.
    Vycap,
    /// One file a frame and channel, told by a table or by names with APC.
    CustomChannels,
    /// One file an event, already cut out.
    Thumbnails,
}

impl Layout {
    /// The name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::CellTracks => "celltracks",
            Self::FrameFiles => "frame_files",
            Self::OmeTiff => "ome_tiff",
            Self::CellTracksXp => "celltracks_xp",
            Self::ChannelFiles => "channel_files",
            Self::Vycap => "vycap",
            Self::CustomChannels => "custom_channels",
            Self::Thumbnails => "thumbnails",
        }
    }
}

/// What the user says about an archive beside its path.
#[derive(Clone, Debug, Default)]
pub struct ArchiveOptions {
    /// Rows and columns of frames; wins over the XML and the frame count.
    pub grid: Option<FrameGrid>,
    /// In which order the frames were taken; wins over what the layout has.
    pub scan_order: Option<ScanOrder>,
    /// What each page shows, in the order of the file; wins over the layout's own names.
    pub channels: Option<Vec<Channel>>,
    /// Which files hold which channel, for folders of single-page files.
    pub channel_patterns: Vec<ChannelPattern>,
    /// Edge of a pixel; wins over the layout's.
    pub pixel_size: Option<MicronsPerPixel>,
    /// How stored values become intensities.
    pub scale: IntensityScale,
    /// Whether oddities of ACCEPT come back.
    pub compat: Compat,
}

/// A frame in analysis order, with what its pages say about saturation.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchiveFrame {
    /// The frame in camera units.
    pub frame: Frame,
    /// For each plane the intensity at and above which a pixel is saturated.
    pub saturation: Vec<Option<f32>>,
    /// For each plane the pixels that belong to the event, where a file says so.
    pub outlines: Option<Vec<Mask>>,
    /// What had to be made up to read it.
    pub warnings: Vec<String>,
}

/// One sample: its frames in scan order and how to read them. Opening it decodes no pixel.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Name of the sample: of its folder, or of its only file without the ending.
    pub sample_id: String,
    /// How its files are arranged.
    pub layout: Layout,
    /// Where the pages lie; frame `number` is `frames[number - 1]`.
    pub frames: Vec<FrameSource>,
    /// Files read beside the frames: an XML, tables.
    pub described_by: Vec<PathBuf>,
    /// How the frames lie in the cartridge.
    pub grid: FrameGrid,
    /// True where the frames are a whole cartridge, false for a single file.
    pub is_cartridge: bool,
    /// True where the chamber's edge is to be looked for.
    pub has_edge: bool,
    /// Channels in analysis order: CD45, DAPI, CK, HER2, further ones.
    pub channels: Vec<Channel>,
    /// `(rows, cols)` of every frame; `None` where each has its own.
    pub frame_size: Option<(usize, usize)>,
    /// Events of the original analysis.
    pub priors: Vec<PriorEvent>,
    /// Edge of a pixel, where it is known.
    pub pixel_size: Option<MicronsPerPixel>,
    /// How stored values become intensities.
    pub scale: IntensityScale,
    /// Whether oddities of ACCEPT come back.
    pub compat: Compat,
    /// What was skipped or guessed while opening.
    pub warnings: Vec<Warning>,
}

fn doing() -> &'static str {
    "opening the archive"
}

fn refusal(path: &Path) -> Error {
    Error::input(doing()).at(path.display().to_string())
}

/// The name of a folder, also of `.`.
fn folder_name(folder: &Path) -> Result<String, Error> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().map(|name| name.to_string_lossy().into_owned());
    name.ok_or_else(|| refusal(folder).found("a folder without a name"))
}

/// What pages without stretch limits are to a scale.
fn missing_limits(scale: IntensityScale, compat: Compat) -> MissingLimits {
    match (scale, compat) {
        (IntensityScale::Stored, _) => MissingLimits::Leave,
        (_, Compat::Accept) => MissingLimits::ZeroToOne,
        (_, Compat::Repaired) => MissingLimits::Refuse,
    }
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

    fn open_folder(folder: &Path, options: &ArchiveOptions) -> Result<Self, Error> {
        if !options.channel_patterns.is_empty() {
            return channel_files::open_folder(folder, &options.channel_patterns, options);
        }
        if thumbnails::is_thumbnail_folder(folder) {
            return thumbnails::open_folder(folder, options);
        }
        if let Some(settings) = vycap::settings_file(folder) {
            return vycap::open_folder(folder, settings, options);
        }
        match custom_channels::kind_of(folder)? {
            Some(kind) => custom_channels::open_folder(folder, kind, options),
            None => celltracks::open_folder(folder, options),
        }
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
        if !options.channel_patterns.is_empty() {
            return Err(Error::usage(doing())
                .at(first.display().to_string())
                .found("channel patterns for a file")
                .expected("a folder of files, one a frame and channel"));
        }
        let folder = first.parent().and_then(Path::file_name).filter(|_| frames.len() > 1);
        let sample_id = match folder {
            Some(folder) => folder.to_string_lossy().into_owned(),
            None => ome_tiff::stem(first),
        };
        if ome_tiff::is_ome_tiff(first)? {
            return ome_tiff::of_files(sample_id, frames, options);
        }
        celltracks::of_files(sample_id, frames, options)
    }

    /// Number of frames.
    pub fn n_frames(&self) -> usize {
        self.frames.len()
    }

    /// Every file that the result depends on.
    pub fn files(&self) -> Vec<&Path> {
        let frames = self.frames.iter().flat_map(FrameSource::files);
        let mut files: Vec<&Path> = Vec::new();
        for file in frames.chain(self.described_by.iter().map(PathBuf::as_path)) {
            // the frames of one file follow each other
            if files.last() != Some(&file) {
                files.push(file);
            }
        }
        files
    }

    /// Reads frame `number` (1-based) and brings it into camera units and analysis order.
    ///
    /// # Errors
    /// Names the file and the page that cannot be read, or that differs from the other frames in
    /// size or number of pages. With [`Compat::Accept`] such a page is zeros, with a warning.
    pub fn read_frame(&self, number: u32) -> Result<ArchiveFrame, Error> {
        let index = (number as usize).checked_sub(1);
        let Some(source) = index.and_then(|index| self.frames.get(index)) else {
            return Err(Error::usage("reading a frame")
                .at(&*self.sample_id)
                .found(format!("frame {number}"))
                .expected(format!("1 to {}", self.frames.len())));
        };
        let request = FrameRequest {
            size: self.frame_size,
            n_pages: None,
            missing_limits: missing_limits(self.scale, self.compat),
        };
        let read = match self.compat {
            Compat::Repaired => source.read(&request)?,
            Compat::Accept => source.read_prefix(&request)?,
        };
        let first = read.pages.iter().flatten().next().map(|page| (page.rows, page.cols));
        let Some((rows, cols)) = first.or(self.frame_size) else {
            return Err(read.shortened.unwrap_or_else(|| refusal(source.file()).found("no page")));
        };
        let level =
            |page: &Option<RawPage>| page.as_ref().map(|page| saturation_level(page, self.scale));
        let saturation = read.pages.iter().map(level).collect();
        let n_zeros = read.pages.iter().filter(|page| page.is_none()).count();
        let plane = |page: Option<RawPage>| {
            let stored = match page {
                Some(page) => StoredPlane::new(page, self.scale),
                None => StoredPlane::new(RawPage::zeros(rows, cols), IntensityScale::Stored),
            };
            stored.map(Plane::of_stored)
        };
        let planes = read.pages.into_iter().map(plane).collect::<Result<_, _>>()?;
        let frame = Frame { number, channels: self.channels.clone(), planes };
        let zeros = read
            .shortened
            .map(|error| format!("{error}; {n_zeros} channels are zeros, as in ACCEPT"));
        let outlines = source.read_outlines((rows, cols))?;
        Ok(ArchiveFrame { frame, saturation, outlines, warnings: zeros.into_iter().collect() })
    }
}
