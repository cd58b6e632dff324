//! A frame is one field of view; its planes are its channels.

use std::fmt;

use super::levels::Levels;
use super::stored_plane::StoredPlane;

/// What a plane shows, in ACCEPT's analysis roles.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Leukocyte marker CD45 (APC), the exclusion marker; analysis channel 1.
    Cd45,
    /// Nucleus (DAPI); analysis channel 2.
    Dapi,
    /// Cytokeratin (PE), the inclusion marker; analysis channel 3.
    Cytokeratin,
    /// HER2 (FITC); analysis channel 4.
    Her2,
    /// A further marker, by its filter's name; analysis channel 5 and up.
    Other(String),
}

impl Channel {
    /// The name used in column names: `dapi`, `ck`, `cd45`, `her2`, or the filter's in lower case.
    pub fn column_name(&self) -> String {
        match self {
            Self::Cd45 => "cd45".into(),
            Self::Dapi => "dapi".into(),
            Self::Cytokeratin => "ck".into(),
            Self::Her2 => "her2".into(),
            Self::Other(name) => name
                .to_lowercase()
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect(),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cd45 => f.write_str("CD45"),
            Self::Dapi => f.write_str("DAPI"),
            Self::Cytokeratin => f.write_str("CK"),
            Self::Her2 => f.write_str("HER2"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// Intensities of one channel of one frame, `[rows x cols]` row-major, in the camera's units after
/// rescaling (0..4095 for a CellTracks camera; real-valued).
#[derive(Clone, Debug)]
pub struct Plane {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub cols: usize,
    /// `rows * cols` intensities; pixel (row, col) is at `row * cols + col`.
    pub pixels: Vec<f32>,
    /// The page they were made from.
    stored: Option<StoredPlane>,
}

impl Plane {
    /// A plane of `rows * cols` pixels.
    ///
    /// # Panics
    /// When `pixels` has another length: a reader must have checked it.
    pub fn new(rows: usize, cols: usize, pixels: Vec<f32>) -> Self {
        assert_eq!(pixels.len(), rows * cols, "a plane holds rows * cols pixels");
        Self { rows, cols, pixels, stored: None }
    }

    /// The intensities of a stored page, which the plane keeps.
    pub fn of_stored(stored: StoredPlane) -> Self {
        let plane = Self::new(stored.rows(), stored.cols(), stored.pixels());
        Self { stored: Some(stored), ..plane }
    }

    /// The page the pixels were made from. Nobody may have changed them since.
    pub fn stored(&self) -> Option<&StoredPlane> {
        self.stored.as_ref()
    }

    /// The page alone, if there is one.
    pub fn into_stored(self) -> Option<StoredPlane> {
        self.stored
    }

    /// The pixels as levels, where they come from an 8-bit page.
    pub(crate) fn levels(&self) -> Option<Levels<'_>> {
        self.stored.as_ref().and_then(Levels::of)
    }
}

/// Planes are equal when their pixels are; the page is where they come from.
impl PartialEq for Plane {
    fn eq(&self, other: &Self) -> bool {
        (self.rows, self.cols) == (other.rows, other.cols) && self.pixels == other.pixels
    }
}

/// A set of pixels, `[rows x cols]` row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub cols: usize,
    /// True where the pixel belongs to the set.
    pub pixels: Vec<bool>,
}

impl Mask {
    /// An empty set on a grid of `rows x cols`.
    pub fn empty(rows: usize, cols: usize) -> Self {
        Self { rows, cols, pixels: vec![false; rows * cols] }
    }

    /// Number of pixels in the set.
    pub fn count(&self) -> usize {
        self.pixels.iter().filter(|&&set| set).count()
    }
}

/// One number per pixel, `[rows x cols]` row-major: 0 is background, 1.. the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelImage {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub cols: usize,
    /// Label of each pixel.
    pub labels: Vec<u32>,
    /// Largest label, so the number of objects.
    pub n_labels: u32,
}

/// One field of view with all its channels, already rescaled to camera units.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Frame number in the cartridge, 1-based.
    pub number: u32,
    /// What each plane shows, in analysis order (CD45, DAPI, CK, HER2, further ones).
    pub channels: Vec<Channel>,
    /// One plane a channel, all of one size.
    pub planes: Vec<Plane>,
}
