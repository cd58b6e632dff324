//! Frames of a cartridge written as CellTracks writes them: multi-page TIFF with stretch limits.

use std::io::Cursor;
use std::path::Path;

use tiff::TiffError;
use tiff::encoder::colortype::{ColorType, Gray8, Gray16};
use tiff::encoder::{Compression, TiffEncoder, TiffValue};
use tiff::tags::Tag;

use super::tiff_directory::tag;
use crate::Error;
use crate::imaging::{RawPage, Samples};

/// How the strips of a page are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameCompression {
    /// Lempel-Ziv-Welch, what CellTracks archives are met with.
    #[default]
    Lzw,
    /// None.
    None,
}

/// Rows of a strip, so that a reader can take a part of a page.
const ROWS_PER_STRIP: u32 = 64;

/// A private tag before the limits: ACCEPT takes the second and third unknown tag of a page for
/// them, whatever their numbers.
const FIRST_PRIVATE: u16 = 754;

/// The file of a frame, pages in order, readable by [`read_frame_pages`](super::tiff::read_frame_pages)
/// to the same values.
///
/// # Errors
/// An output error: a page that TIFF cannot hold.
pub fn encode_frame(pages: &[RawPage], compression: FrameCompression) -> Result<Vec<u8>, Error> {
    let mut bytes = Cursor::new(Vec::new());
    let failed = |error: TiffError| {
        Error::output("writing a frame").found(error.to_string()).caused_by(error)
    };
    let mut encoder = TiffEncoder::new(&mut bytes).map_err(failed)?;
    encoder = encoder.with_compression(match compression {
        FrameCompression::Lzw => Compression::Lzw,
        FrameCompression::None => Compression::Uncompressed,
    });
    for page in pages {
        match &page.samples {
            Samples::U8(values) => write_page::<Gray8>(&mut encoder, page, values),
            Samples::U16(values) => write_page::<Gray16>(&mut encoder, page, values),
        }
        .map_err(failed)?;
    }
    Ok(bytes.into_inner())
}

/// Writes an encoded frame without flushing it to the disk, for folders that appear whole or not at
/// all.
///
/// # Errors
/// An output error that names the file.
pub fn write_frame(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|error| {
        Error::output("writing a frame")
            .at(path.display().to_string())
            .found(error.to_string())
            .caused_by(error)
    })
}

fn write_page<C: ColorType>(
    encoder: &mut TiffEncoder<&mut Cursor<Vec<u8>>>,
    page: &RawPage,
    values: &[C::Inner],
) -> Result<(), TiffError>
where
    [C::Inner]: TiffValue,
{
    let (cols, rows) = (u32::try_from(page.cols)?, u32::try_from(page.rows)?);
    let mut image = encoder.new_image::<C>(cols, rows)?;
    image.rows_per_strip(ROWS_PER_STRIP)?;
    if let Some(limits) = page.limits {
        let directory = image.encoder();
        directory.write_tag(Tag::Unknown(FIRST_PRIVATE), 1_u16)?;
        directory.write_tag(Tag::Unknown(tag::STRETCH_LOW), limits.low)?;
        directory.write_tag(Tag::Unknown(tag::STRETCH_HIGH), limits.high)?;
    }
    image.write_data(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::StretchLimits;
    use crate::io::tiff::{FrameRequest, read_frame_pages};

    #[test]
    fn pages_come_back_as_they_were_written() {
        let (rows, cols) = (150, 70);
        let limits = Some(StretchLimits { low: 40, high: 2_000 });
        let value = |i: usize| (i * 2_654_435_761) >> 7;
        let eight = Samples::U8((0..rows * cols).map(|i| value(i) as u8).collect());
        let sixteen = Samples::U16((0..rows * cols).map(|i| value(i) as u16).collect());
        let folder = tempfile::tempdir().expect("a temporary folder");
        for compression in [FrameCompression::Lzw, FrameCompression::None] {
            for samples in [&eight, &sixteen] {
                let page = RawPage { rows, cols, samples: samples.clone(), limits };
                let pages = vec![page.clone(), page];
                let bytes = encode_frame(&pages, compression).expect("encoded");
                let path = folder.path().join("a.tif");
                std::fs::write(&path, bytes).expect("written");
                let read = read_frame_pages(&path, &FrameRequest::default()).expect("readable");
                assert!(read == pages, "{compression:?}: values and limits");
            }
        }
    }
}
