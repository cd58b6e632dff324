//! Frames of a cartridge: multi-page TIFF files, one page a channel.
//!
//! Pages are 8 or 16 bits of unsigned gray in strips, uncompressed or LZW, PackBits or Deflate, in
//! either byte order. The limits of each page's stretch are the private tags 755 and 756. Anything
//! else is refused by name, before a buffer is allocated for it.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::tiff_directory::{Directory, Finding, Scanner, tag};
use crate::Error;
use crate::imaging::{RawPage, Samples, StretchLimits};

/// Pages a frame may have: DAPI, CK, CD45 and up to three further markers.
pub const MAX_PAGES: usize = 6;

/// Longest side of a page in pixels. CellTracks frames are 1384 x 1036; this leaves room for any
/// camera and for stitched images, and bounds a page to 268 million samples.
pub const MAX_SIDE_PX: u32 = 16_384;

/// What a frame must look like to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameRequest {
    /// `(rows, cols)` every page must have; without it, those of the first page.
    pub size: Option<(usize, usize)>,
    /// Number of pages; without it 1 to [`MAX_PAGES`].
    pub n_pages: Option<usize>,
    /// Take pages that have no stretch limits (for intensities as stored).
    pub limits_optional: bool,
}

/// All pages of one frame file, in the order of the file.
///
/// # Errors
/// Names the file and the page: a file that is no TIFF, is cut, or whose directories lead outside
/// it or in a circle; a page of another size, depth, colour or compression than a frame has;
/// stretch limits that are missing or crossed; data that cannot be decoded.
pub fn read_frame_pages(path: &Path, request: &FrameRequest) -> Result<Vec<RawPage>, Error> {
    let layouts = scan(path, request)?;
    decode(path, &layouts)
}

/// `(rows, cols, pages)` of a frame file, without decoding a pixel.
///
/// # Errors
/// As [`read_frame_pages`], as far as the directories tell.
pub fn frame_shape(path: &Path, request: &FrameRequest) -> Result<(usize, usize, usize), Error> {
    let layouts = scan(path, request)?;
    Ok((layouts[0].rows as usize, layouts[0].cols as usize, layouts.len()))
}

/// What the directory says about one page, all of it checked.
struct PageLayout {
    rows: u32,
    cols: u32,
    bits: u32,
    limits: Option<StretchLimits>,
}

impl PageLayout {
    fn n_bytes(&self) -> u64 {
        u64::from(self.rows) * u64::from(self.cols) * u64::from(self.bits / 8)
    }
}

/// A frame cannot be read: file and, where known, page (1-based).
fn refusal(path: &Path, page: Option<usize>) -> Error {
    let place = match page {
        Some(page) => format!("{}, page {page}", path.display()),
        None => path.display().to_string(),
    };
    Error::input("reading a frame").at(place)
}

fn open(path: &Path) -> Result<(BufReader<File>, u64), Error> {
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

/// Checks all directories of a file against the request.
fn scan(path: &Path, request: &FrameRequest) -> Result<Vec<PageLayout>, Error> {
    let (reader, file_len) = open(path)?;
    let mut scanner = Scanner::new(reader, file_len)
        .map_err(|found| refusal(path, None).found(found).expected("a multi-page TIFF frame"))?;
    let mut layouts: Vec<PageLayout> = Vec::new();
    let mut size = request.size.map(|(rows, cols)| (rows as u64, cols as u64));
    loop {
        let page = layouts.len() + 1;
        let directory = scanner.next_directory().map_err(|found| {
            refusal(path, Some(page)).found(found).expected("a directory inside the file")
        })?;
        let Some(directory) = directory else { break };
        if page > request.n_pages.unwrap_or(MAX_PAGES) {
            return Err(wrong_page_count(path, request, format!("a page {page} or more")));
        }
        let layout =
            read_layout(&mut scanner, &directory, file_len, size, request).map_err(|refused| {
                refusal(path, Some(page)).found(refused.found).expected(refused.expected)
            })?;
        size.get_or_insert((u64::from(layout.rows), u64::from(layout.cols)));
        layouts.push(layout);
    }
    if request.n_pages.is_some_and(|n| n != layouts.len()) {
        return Err(wrong_page_count(path, request, format!("{} pages", layouts.len())));
    }
    Ok(layouts)
}

fn wrong_page_count(path: &Path, request: &FrameRequest, found: String) -> Error {
    let expected = match request.n_pages {
        Some(n) => format!("{n} pages, one a channel"),
        None => format!("at most {MAX_PAGES} pages, one a channel"),
    };
    refusal(path, None).found(found).expected(expected)
}

/// Why a page is refused.
struct Refused {
    found: Finding,
    expected: String,
}

impl From<Finding> for Refused {
    fn from(found: Finding) -> Self {
        Self { found, expected: "a readable directory entry".into() }
    }
}

fn refuse<T>(found: impl Into<String>, expected: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { found: found.into(), expected: expected.into() })
}

fn read_layout<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
    file_len: u64,
    size: Option<(u64, u64)>,
    request: &FrameRequest,
) -> Result<PageLayout, Refused> {
    let cols = scanner.value(directory, tag::IMAGE_WIDTH)?.unwrap_or(0);
    let rows = scanner.value(directory, tag::IMAGE_LENGTH)?.unwrap_or(0);
    if rows == 0 || cols == 0 || rows > MAX_SIDE_PX || cols > MAX_SIDE_PX {
        return refuse(
            format!("{rows} x {cols} pixels"),
            format!("1 to {MAX_SIDE_PX} rows and columns"),
        );
    }
    if let Some((expected_rows, expected_cols)) = size
        && (u64::from(rows), u64::from(cols)) != (expected_rows, expected_cols)
    {
        return refuse(
            format!("{rows} x {cols} pixels (rows x columns)"),
            format!("{expected_rows} x {expected_cols}, the size of the other pages"),
        );
    }
    let bits = check_depth(scanner, directory)?;
    let compression = check_compression(scanner, directory)?;
    let limits = read_limits(scanner, directory)?;
    if limits.is_none() && !request.limits_optional {
        return refuse(
            "no stretch limits (private tags 755 and 756)",
            "both, or the intensity scale \"stored\"",
        );
    }
    let layout = PageLayout { rows, cols, bits, limits };
    check_strips(scanner, directory, file_len, &layout, compression)?;
    Ok(layout)
}

/// 8 or 16 bits a sample of unsigned gray.
fn check_depth<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
) -> Result<u32, Refused> {
    let samples = scanner.value(directory, tag::SAMPLES_PER_PIXEL)?.unwrap_or(1);
    if samples != 1 {
        return refuse(format!("{samples} samples a pixel"), "1 (gray)");
    }
    match scanner.value(directory, tag::PHOTOMETRIC)? {
        Some(1) => {}
        Some(other) => {
            return refuse(format!("photometric interpretation {other}"), "1 (black is zero)");
        }
        None => return refuse("no photometric interpretation", "1 (black is zero)"),
    }
    match scanner.value(directory, tag::SAMPLE_FORMAT)?.unwrap_or(1) {
        1 => {}
        2 => return refuse("signed samples", "unsigned integers"),
        3 => return refuse("floating-point samples", "unsigned integers"),
        other => return refuse(format!("sample format {other}"), "unsigned integers"),
    }
    match scanner.value(directory, tag::BITS_PER_SAMPLE)?.unwrap_or(1) {
        bits @ (8 | 16) => Ok(bits),
        other => refuse(format!("{other} bits a sample"), "8 or 16"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Lzw,
    PackBits,
    Deflate,
}

impl Compression {
    /// Bytes that one compressed byte can stand for at most: the longest LZW string for 12 bits,
    /// 128 bytes for 2 in PackBits, 258 bytes for 2 bits in Deflate.
    fn largest_ratio(self) -> u64 {
        match self {
            Self::None => 1,
            Self::Lzw => 4_096,
            Self::PackBits => 64,
            Self::Deflate => 1_032,
        }
    }
}

fn check_compression<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
) -> Result<Compression, Refused> {
    let expected = "none, LZW, PackBits or Deflate";
    match scanner.value(directory, tag::PREDICTOR)?.unwrap_or(1) {
        1 | 2 => {}
        other => return refuse(format!("predictor {other}"), "1 (none) or 2 (horizontal)"),
    }
    match scanner.value(directory, tag::COMPRESSION)?.unwrap_or(1) {
        1 => Ok(Compression::None),
        5 => Ok(Compression::Lzw),
        8 | 32_946 => Ok(Compression::Deflate),
        32_773 => Ok(Compression::PackBits),
        2..=4 => refuse("CCITT compression", expected),
        6 | 7 => refuse("JPEG compression", expected),
        50_000 => refuse("Zstandard compression", expected),
        50_001 => refuse("WebP compression", expected),
        other => refuse(format!("compression {other}"), expected),
    }
}

/// Tags 755 and 756, SHORT or LONG, as one 16-bit value each.
fn read_limits<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
) -> Result<Option<StretchLimits>, Refused> {
    let mut limit = |number| match scanner.value(directory, number)? {
        None => Ok(None),
        Some(value) => match u16::try_from(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => refuse(format!("tag {number} = {value}"), "a 16-bit camera value"),
        },
    };
    match (limit(tag::STRETCH_LOW)?, limit(tag::STRETCH_HIGH)?) {
        (Some(low), Some(high)) if low > high => {
            refuse(format!("stretch limits {low} (tag 755) above {high} (tag 756)"), "low <= high")
        }
        (Some(low), Some(high)) => Ok(Some(StretchLimits { low, high })),
        (None, None) => Ok(None),
        (Some(_), None) => refuse("tag 755 without tag 756", "both stretch limits"),
        (None, Some(_)) => refuse("tag 756 without tag 755", "both stretch limits"),
    }
}

/// As many strips as the rows ask for, each inside the file and large enough for its rows.
fn check_strips<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
    file_len: u64,
    layout: &PageLayout,
    compression: Compression,
) -> Result<(), Refused> {
    let Some(offsets) = scanner.values(directory, tag::STRIP_OFFSETS)? else {
        return refuse("no strips", "a page stored in strips");
    };
    let counts = scanner.values(directory, tag::STRIP_BYTE_COUNTS)?.unwrap_or_default();
    let rows_per_strip =
        scanner.value(directory, tag::ROWS_PER_STRIP)?.unwrap_or(layout.rows).min(layout.rows);
    let n_strips = if rows_per_strip == 0 { 0 } else { layout.rows.div_ceil(rows_per_strip) };
    if n_strips == 0 || offsets.len() != n_strips as usize || counts.len() != n_strips as usize {
        return refuse(
            format!("{} strip offsets and {} strip lengths", offsets.len(), counts.len()),
            format!("{n_strips} of each ({} rows by {rows_per_strip})", layout.rows),
        );
    }
    let row_bytes = u64::from(layout.cols) * u64::from(layout.bits / 8);
    for (strip, (&offset, &count)) in offsets.iter().zip(&counts).enumerate() {
        let (offset, count) = (u64::from(offset), u64::from(count));
        if offset + count > file_len {
            return refuse(
                format!("strip {} at bytes {offset}..{}", strip + 1, offset + count),
                format!("inside the {file_len} bytes of the file"),
            );
        }
        let first_row = strip as u64 * u64::from(rows_per_strip);
        let strip_rows = u64::from(rows_per_strip).min(u64::from(layout.rows) - first_row);
        if count * compression.largest_ratio() < strip_rows * row_bytes {
            return refuse(
                format!("strip {} of {count} bytes", strip + 1),
                format!("enough for {} bytes of pixels", strip_rows * row_bytes),
            );
        }
    }
    Ok(())
}

/// Decodes pages whose layout was checked; buffers are bounded by it.
fn decode(path: &Path, layouts: &[PageLayout]) -> Result<Vec<RawPage>, Error> {
    let (reader, file_len) = open(path)?;
    let largest_page = layouts.iter().map(PageLayout::n_bytes).max().unwrap_or(0);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(largest_page).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = usize::try_from(file_len).unwrap_or(usize::MAX);
    let undecodable = |page: usize, error: tiff::TiffError| {
        refusal(path, Some(page))
            .found(format!("data that cannot be decoded ({error})"))
            .expected("a readable page")
            .caused_by(error)
    };
    let mut decoder = Decoder::new(reader).map_err(|error| undecodable(1, error))?;
    decoder = decoder.with_limits(limits);
    let mut pages = Vec::with_capacity(layouts.len());
    for (index, layout) in layouts.iter().enumerate() {
        let page = index + 1;
        if index > 0 {
            decoder.next_image().map_err(|error| undecodable(page, error))?;
        }
        let samples = match decoder.read_image().map_err(|error| undecodable(page, error))? {
            DecodingResult::U8(values) => Samples::U8(values),
            DecodingResult::U16(values) => Samples::U16(values),
            _ => return Err(refusal(path, Some(page)).found("samples of another depth")),
        };
        let (rows, cols) = (layout.rows as usize, layout.cols as usize);
        if samples.len() != rows * cols {
            return Err(refusal(path, Some(page))
                .found(format!("{} samples", samples.len()))
                .expected(format!("{} ({rows} x {cols})", rows * cols)));
        }
        pages.push(RawPage { rows, cols, samples, limits: layout.limits });
    }
    Ok(pages)
}
