//! What the directory of one page says, all of it checked before a pixel is decoded.

use std::io::{Read, Seek};

use super::tiff::{FrameRequest, MAX_SIDE_PX, MissingLimits};
use super::tiff_directory::{Directory, Finding, Scanner, tag};
use crate::imaging::StretchLimits;

/// Size, depth and stretch of a page whose directory is sound.
pub(super) struct PageLayout {
    pub(super) rows: u32,
    pub(super) cols: u32,
    pub(super) bits: u32,
    pub(super) limits: Option<StretchLimits>,
}

impl PageLayout {
    /// Bytes of its samples; rows of 1-bit samples end at a byte.
    pub(super) fn n_bytes(&self) -> u64 {
        u64::from(self.rows) * row_bytes(self.cols, self.bits)
    }
}

fn row_bytes(cols: u32, bits: u32) -> u64 {
    (u64::from(cols) * u64::from(bits)).div_ceil(8)
}

/// Why a page is refused.
pub(super) struct Refused {
    pub(super) found: Finding,
    pub(super) expected: String,
}

impl From<Finding> for Refused {
    fn from(found: Finding) -> Self {
        Self { found, expected: "a readable directory entry".into() }
    }
}

fn refuse<T>(found: impl Into<String>, expected: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { found: found.into(), expected: expected.into() })
}

/// Checks a page of intensities against the request; `size` is that of the pages before.
pub(super) fn read_layout<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
    size: Option<(u64, u64)>,
    request: &FrameRequest,
) -> Result<PageLayout, Refused> {
    let (rows, cols) = check_size(scanner, directory, size)?;
    let bits = match check_depth(scanner, directory)? {
        bits @ (8 | 16) => bits,
        other => return refuse(format!("{other} bits a sample"), "8 or 16"),
    };
    let compression = check_compression(scanner, directory)?;
    let limits = read_limits(scanner, directory, request.missing_limits)?;
    if limits.is_none() && request.missing_limits == MissingLimits::Refuse {
        return refuse(
            "no stretch limits (private tags 755 and 756)",
            "both, or the intensity scale \"stored\"",
        );
    }
    let layout = PageLayout { rows, cols, bits, limits };
    check_pieces(scanner, directory, &layout, compression)?;
    Ok(layout)
}

/// Checks a page that says of each pixel whether it belongs to a set: 1 or 8 bits.
pub(super) fn read_mask_layout<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
    size: Option<(u64, u64)>,
) -> Result<PageLayout, Refused> {
    let (rows, cols) = check_size(scanner, directory, size)?;
    let bits = match check_depth(scanner, directory)? {
        bits @ (1 | 8) => bits,
        other => return refuse(format!("{other} bits a sample"), "1 or 8"),
    };
    let compression = check_compression(scanner, directory)?;
    let layout = PageLayout { rows, cols, bits, limits: None };
    check_pieces(scanner, directory, &layout, compression)?;
    Ok(layout)
}

fn check_size<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
    size: Option<(u64, u64)>,
) -> Result<(u32, u32), Refused> {
    let cols = scanner.value(directory, tag::IMAGE_WIDTH)?.unwrap_or(0);
    let rows = scanner.value(directory, tag::IMAGE_LENGTH)?.unwrap_or(0);
    if rows == 0 || cols == 0 || rows > MAX_SIDE_PX || cols > MAX_SIDE_PX {
        return refuse(
            format!("{rows} x {cols} pixels"),
            format!("1 to {MAX_SIDE_PX} rows and columns"),
        );
    }
    match size {
        Some(size) if (u64::from(rows), u64::from(cols)) != size => refuse(
            format!("{rows} x {cols} pixels (rows x columns)"),
            format!("{} x {}, the size of the other pages", size.0, size.1),
        ),
        _ => Ok((rows, cols)),
    }
}

/// Unsigned gray; returns the bits a sample.
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
    Ok(scanner.value(directory, tag::BITS_PER_SAMPLE)?.unwrap_or(1))
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
    missing: MissingLimits,
) -> Result<Option<StretchLimits>, Refused> {
    let mut limit = |number| match scanner.value(directory, number)? {
        None => Ok(None),
        Some(value) => match u16::try_from(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => refuse(format!("tag {number} = {value}"), "a 16-bit camera value"),
        },
    };
    let (mut low, mut high) = (limit(tag::STRETCH_LOW)?, limit(tag::STRETCH_HIGH)?);
    if missing == MissingLimits::ZeroToOne {
        (low, high) = (low.or(Some(0)), high.or(Some(1)));
    }
    match (low, high) {
        (Some(low), Some(high)) if low > high => {
            refuse(format!("stretch limits {low} (tag 755) above {high} (tag 756)"), "low <= high")
        }
        (Some(low), Some(high)) => Ok(Some(StretchLimits { low, high })),
        (None, None) => Ok(None),
        (Some(_), None) => refuse("tag 755 without tag 756", "both stretch limits"),
        (None, Some(_)) => refuse("tag 756 without tag 755", "both stretch limits"),
    }
}

/// Strips or tiles: where they are, how many there must be, and the bytes of pixels in each.
struct Pieces {
    name: &'static str,
    offsets: Vec<u32>,
    counts: Vec<u32>,
    n_expected: u64,
    /// Rows of a strip or tile, and bytes of each of its rows.
    rows: u32,
    row_bytes: u64,
    /// Whether the last one ends with the image; tiles are always whole.
    ends_with_image: bool,
}

/// As many strips or tiles as the size asks for, each inside the file and large enough.
fn check_pieces<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
    layout: &PageLayout,
    compression: Compression,
) -> Result<(), Refused> {
    let pieces = match scanner.values(directory, tag::TILE_OFFSETS)? {
        Some(offsets) => tiles(scanner, directory, layout, offsets)?,
        None => strips(scanner, directory, layout)?,
    };
    let Pieces { name, offsets, counts, n_expected, .. } = &pieces;
    if *n_expected == 0 || [offsets, counts].iter().any(|values| values.len() as u64 != *n_expected)
    {
        return refuse(
            format!("{} {name} offsets and {} {name} lengths", offsets.len(), counts.len()),
            format!("{n_expected} of each"),
        );
    }
    let file_len = scanner.file_len();
    for (index, (&offset, &count)) in offsets.iter().zip(counts).enumerate() {
        let (offset, count) = (u64::from(offset), u64::from(count));
        if offset + count > file_len {
            return refuse(
                format!("{name} {} at bytes {offset}..{}", index + 1, offset + count),
                format!("inside the {file_len} bytes of the file"),
            );
        }
        let whole = u64::from(pieces.rows);
        let rows = if pieces.ends_with_image {
            whole.min(u64::from(layout.rows) - index as u64 * whole)
        } else {
            whole
        };
        if count * compression.largest_ratio() < rows * pieces.row_bytes {
            return refuse(
                format!("{name} {} of {count} bytes", index + 1),
                format!("enough for {} bytes of pixels", rows * pieces.row_bytes),
            );
        }
    }
    Ok(())
}

fn strips<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
    layout: &PageLayout,
) -> Result<Pieces, Refused> {
    let Some(offsets) = scanner.values(directory, tag::STRIP_OFFSETS)? else {
        return refuse("neither strips nor tiles", "a page stored in strips or tiles");
    };
    let counts = scanner.values(directory, tag::STRIP_BYTE_COUNTS)?.unwrap_or_default();
    let rows = scanner.value(directory, tag::ROWS_PER_STRIP)?.unwrap_or(layout.rows);
    let rows = rows.min(layout.rows);
    let n_expected = if rows == 0 { 0 } else { u64::from(layout.rows.div_ceil(rows)) };
    let row_bytes = row_bytes(layout.cols, layout.bits);
    Ok(Pieces {
        name: "strip",
        offsets,
        counts,
        n_expected,
        rows,
        row_bytes,
        ends_with_image: true,
    })
}

fn tiles<R: Read + Seek>(
    scanner: &mut Scanner<R>,
    directory: &Directory,
    layout: &PageLayout,
    offsets: Vec<u32>,
) -> Result<Pieces, Refused> {
    let counts = scanner.values(directory, tag::TILE_BYTE_COUNTS)?.unwrap_or_default();
    let cols = scanner.value(directory, tag::TILE_WIDTH)?.unwrap_or(0);
    let rows = scanner.value(directory, tag::TILE_LENGTH)?.unwrap_or(0);
    if cols == 0 || rows == 0 || cols > MAX_SIDE_PX || rows > MAX_SIDE_PX {
        return refuse(
            format!("tiles of {rows} x {cols} pixels"),
            format!("1 to {MAX_SIDE_PX} rows and columns"),
        );
    }
    let n_expected = u64::from(layout.rows.div_ceil(rows)) * u64::from(layout.cols.div_ceil(cols));
    let row_bytes = row_bytes(cols, layout.bits);
    let name = "tile";
    Ok(Pieces { name, offsets, counts, n_expected, rows, row_bytes, ends_with_image: false })
}
