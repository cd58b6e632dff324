//! Pages of TIFF files: frames of a cartridge with one page a channel, masks, descriptions.
//!
//! Pages are 8 or 16 bits of unsigned gray in strips or tiles, uncompressed or LZW, PackBits or
//! Deflate, in either byte order; masks have 1 or 8 bits. The limits of each page's stretch are the
//! private tags 755 and 756. Anything else is refused by name, before a buffer is allocated for it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::tiff_decode::PageDecoder;
use super::tiff_directory::{Directory, Scanner, tag};
use super::tiff_layout::{PageLayout, Refused, read_layout, read_mask_layout};
use crate::Error;
use crate::imaging::{Mask, RawPage};

/// Pages a frame may have: DAPI, CK, CD45 and up to three further markers.
pub const MAX_PAGES: usize = 6;

/// Longest side of a page in pixels. CellTracks frames are 1384 x 1036; this leaves room for any
/// camera and for stitched images, and bounds a page to 268 million samples.
pub const MAX_SIDE_PX: u32 = 16_384;

/// Longest description of a page in bytes. OME-XML of a whole cartridge has below 1 MB.
const MAX_DESCRIPTION: u32 = 16 << 20;

/// What is done about a page without stretch limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingLimits {
    /// It is refused.
    #[default]
    Refuse,
    /// It is read without limits (for intensities as stored).
    Leave,
    /// The lower limit is 0 where it is missing, the upper one 1: what ACCEPT does.
    ZeroToOne,
}

/// What a frame must look like to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameRequest {
    /// `(rows, cols)` every page must have; without it, those of the first page.
    pub size: Option<(usize, usize)>,
    /// Number of pages; without it 1 to [`MAX_PAGES`].
    pub n_pages: Option<usize>,
    /// What to do where stretch limits are missing.
    pub missing_limits: MissingLimits,
}

/// All pages of one frame file, in the order of the file.
///
/// # Errors
/// Names the file and the page: a file that is no TIFF, is cut, or whose directories lead outside
/// it or in a circle; a page of another size, depth, colour or compression than a frame has;
/// stretch limits that are missing or crossed; data that cannot be decoded.
pub fn read_frame_pages(path: &Path, request: &FrameRequest) -> Result<Vec<RawPage>, Error> {
    let layouts = scan_all(path, request)?;
    let mut decoder = PageDecoder::open(path, layouts.iter())?;
    layouts.iter().enumerate().map(|(page, layout)| decoder.intensities(page, layout)).collect()
}

/// Some pages (0-based) of a file of any number of pages, in the order asked for.
///
/// # Errors
/// As [`read_frame_pages`], of the pages asked for; a page that is not there.
pub fn read_pages(
    path: &Path,
    pages: &[usize],
    request: &FrameRequest,
) -> Result<Vec<RawPage>, Error> {
    let layouts = scan_some(path, pages, request)?;
    let mut decoder = PageDecoder::open(path, layouts.iter())?;
    let numbered = pages.iter().zip(&layouts);
    numbered.map(|(&page, layout)| decoder.intensities(page, layout)).collect()
}

/// The pages of a frame that come before the first unreadable one.
#[derive(Debug)]
pub struct FramePrefix {
    /// Pages in the order of the file; fewer than asked for where one cannot be read.
    pub pages: Vec<RawPage>,
    /// Why there are not all of them, or why there are more in the file.
    pub shortened: Option<Error>,
}

/// The first `n_pages` pages of a frame file, as many as can be read one after the other: what
/// ACCEPT does. Further pages are not looked at.
///
/// # Errors
/// A file that cannot be opened or is no TIFF.
pub fn read_frame_prefix(
    path: &Path,
    n_pages: usize,
    request: &FrameRequest,
) -> Result<FramePrefix, Error> {
    let mut scan = Scan::open(path)?;
    let (mut layouts, mut shortened) = (Vec::new(), None);
    let mut size = request.size.map(|(rows, cols)| (rows as u64, cols as u64));
    while layouts.len() < n_pages {
        let of_page =
            scan.next(|scanner, directory| read_layout(scanner, directory, size, request));
        match of_page {
            Ok(Some(layout)) => {
                size.get_or_insert((u64::from(layout.rows), u64::from(layout.cols)));
                layouts.push(layout);
            }
            Ok(None) => {
                let found = format!("{} pages", layouts.len());
                shortened = Some(wrong_page_count(path, Some(n_pages), found));
                break;
            }
            Err(error) => {
                shortened = Some(error);
                break;
            }
        }
    }
    if shortened.is_none() && matches!(scan.scanner.next_directory(), Ok(Some(_))) {
        let found = format!("a page {} or more", n_pages + 1);
        shortened = Some(wrong_page_count(path, Some(n_pages), found));
    }
    let mut decoder = PageDecoder::open(path, layouts.iter())?;
    let mut pages = Vec::with_capacity(layouts.len());
    for (page, layout) in layouts.iter().enumerate() {
        match decoder.intensities(page, layout) {
            Ok(read) => pages.push(read),
            Err(error) => {
                shortened = Some(error);
                break;
            }
        }
    }
    Ok(FramePrefix { pages, shortened })
}

/// All pages of a file of masks, `[rows x cols]`; a pixel belongs to the set where its sample is
/// not 0.
///
/// # Errors
/// As [`read_frame_pages`]; samples of other than 1 or 8 bits.
pub fn read_masks(path: &Path, size: (usize, usize)) -> Result<Vec<Mask>, Error> {
    let mut scan = Scan::open(path)?;
    let size = Some((size.0 as u64, size.1 as u64));
    let mut layouts = Vec::new();
    while let Some(layout) = scan.next(|scanner, found| read_mask_layout(scanner, found, size))? {
        layouts.push(layout);
        if layouts.len() > MAX_PAGES {
            return Err(wrong_page_count(path, None, format!("a page {} or more", MAX_PAGES + 1)));
        }
    }
    let mut decoder = PageDecoder::open(path, layouts.iter())?;
    layouts.iter().enumerate().map(|(page, layout)| decoder.mask(page, layout)).collect()
}

/// Size and number of the pages of a file, without decoding a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub cols: usize,
    /// Number of pages.
    pub n_pages: usize,
    /// Whether every page has its stretch limits.
    pub has_limits: bool,
}

/// The shape of a frame file.
///
/// # Errors
/// As [`read_frame_pages`], as far as the directories tell.
pub fn frame_shape(path: &Path, request: &FrameRequest) -> Result<FrameShape, Error> {
    Ok(shape(&scan_all(path, request)?))
}

/// The shape of some pages (0-based) of a file.
///
/// # Errors
/// As [`read_pages`], as far as the directories tell.
pub fn pages_shape(
    path: &Path,
    pages: &[usize],
    request: &FrameRequest,
) -> Result<FrameShape, Error> {
    Ok(shape(&scan_some(path, pages, request)?))
}

fn shape(layouts: &[PageLayout]) -> FrameShape {
    let (rows, cols) = layouts.first().map_or((0, 0), |first| (first.rows, first.cols));
    FrameShape {
        rows: rows as usize,
        cols: cols as usize,
        n_pages: layouts.len(),
        has_limits: layouts.iter().all(|layout| layout.limits.is_some()),
    }
}

/// The description (tag 270) of the first page, up to its first zero byte, and whether the file is
/// a TIFF that has one.
///
/// # Errors
/// A file that cannot be opened, is no TIFF, or whose description lies outside it or is too long.
pub fn image_description(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut scan = Scan::open(path)?;
    let text = scan.next(|scanner, directory| {
        Ok(scanner.bytes(directory, tag::IMAGE_DESCRIPTION, MAX_DESCRIPTION)?)
    })?;
    Ok(text.flatten())
}

/// Number of pages of a file of any number of pages.
///
/// # Errors
/// Directories that lead outside the file or in a circle.
pub fn count_pages(path: &Path) -> Result<usize, Error> {
    let mut scan = Scan::open(path)?;
    let mut n_pages = 0;
    while scan.next(|_, _| Ok(()))?.is_some() {
        n_pages += 1;
    }
    Ok(n_pages)
}

/// A frame cannot be read: file and, where known, page (1-based).
pub(super) fn refusal(path: &Path, page: Option<usize>) -> Error {
    let place = match page {
        Some(page) => format!("{}, page {page}", path.display()),
        None => path.display().to_string(),
    };
    Error::input("reading a frame").at(place)
}

fn wrong_page_count(path: &Path, n_pages: Option<usize>, found: String) -> Error {
    let expected = match n_pages {
        Some(n) => format!("{n} pages, one a channel"),
        None => format!("at most {MAX_PAGES} pages, one a channel"),
    };
    refusal(path, None).found(found).expected(expected)
}

pub(super) fn open(path: &Path) -> Result<(BufReader<File>, u64), Error> {
    let opened = File::open(path).and_then(|file| {
        let file_len = file.metadata()?.len();
        Ok((BufReader::new(file), file_len))
    });
    opened.map_err(|error| {
        refusal(path, None)
            .found(error.to_string())
            .expected("a file that can be opened")
            .caused_by(error)
    })
}

/// The directories of a file, one after the other, with its name for messages.
struct Scan<'a> {
    path: &'a Path,
    scanner: Scanner<BufReader<File>>,
    n_seen: usize,
}

impl<'a> Scan<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let (reader, file_len) = open(path)?;
        let scanner = Scanner::new(reader, file_len).map_err(|found| {
            refusal(path, None).found(found).expected("a multi-page TIFF frame")
        })?;
        Ok(Self { path, scanner, n_seen: 0 })
    }

    /// What `check` makes of the next page; `None` after the last.
    fn next<T>(
        &mut self,
        check: impl FnOnce(&mut Scanner<BufReader<File>>, &Directory) -> Result<T, Refused>,
    ) -> Result<Option<T>, Error> {
        let page = self.n_seen + 1;
        let directory = self.scanner.next_directory().map_err(|found| {
            refusal(self.path, Some(page)).found(found).expected("a directory inside the file")
        })?;
        let Some(directory) = directory else { return Ok(None) };
        self.n_seen = page;
        let checked = check(&mut self.scanner, &directory).map_err(|refused| {
            refusal(self.path, Some(page)).found(refused.found).expected(refused.expected)
        })?;
        Ok(Some(checked))
    }
}

/// Checks all directories of a frame file against the request.
fn scan_all(path: &Path, request: &FrameRequest) -> Result<Vec<PageLayout>, Error> {
    let most = request.n_pages.unwrap_or(MAX_PAGES);
    let mut scan = Scan::open(path)?;
    let mut layouts: Vec<PageLayout> = Vec::new();
    let mut size = request.size.map(|(rows, cols)| (rows as u64, cols as u64));
    loop {
        let is_more = layouts.len() >= most;
        let layout = scan.next(|scanner, directory| match is_more {
            true => Ok(None),
            false => read_layout(scanner, directory, size, request).map(Some),
        })?;
        match layout {
            None => break,
            Some(None) => {
                let found = format!("a page {} or more", most + 1);
                return Err(wrong_page_count(path, request.n_pages, found));
            }
            Some(Some(layout)) => {
                size.get_or_insert((u64::from(layout.rows), u64::from(layout.cols)));
                layouts.push(layout);
            }
        }
    }
    if request.n_pages.is_some_and(|n| n != layouts.len()) {
        return Err(wrong_page_count(path, request.n_pages, format!("{} pages", layouts.len())));
    }
    Ok(layouts)
}

/// Checks the directories of some pages, in the order asked for.
fn scan_some(
    path: &Path,
    pages: &[usize],
    request: &FrameRequest,
) -> Result<Vec<PageLayout>, Error> {
    let mut scan = Scan::open(path)?;
    let mut size = request.size.map(|(rows, cols)| (rows as u64, cols as u64));
    let mut layouts: Vec<Option<PageLayout>> = pages.iter().map(|_| None).collect();
    let n_needed = pages.iter().max().map_or(0, |&last| last + 1);
    for page in 0..n_needed {
        let place = pages.iter().position(|&wanted| wanted == page);
        let layout = scan.next(|scanner, directory| match place {
            Some(_) => read_layout(scanner, directory, size, request).map(Some),
            None => Ok(None),
        })?;
        let Some(layout) = layout else {
            let found = format!("{page} pages");
            return Err(refusal(path, None).found(found).expected(format!("{n_needed} or more")));
        };
        if let (Some(place), Some(layout)) = (place, layout) {
            size.get_or_insert((u64::from(layout.rows), u64::from(layout.cols)));
            layouts[place] = Some(layout);
        }
    }
    layouts.into_iter().collect::<Option<_>>().ok_or_else(|| {
        refusal(path, None).found("a page asked for twice").expected("each page for one channel")
    })
}
