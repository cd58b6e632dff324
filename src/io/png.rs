//! Pictures: 16-bit label images and 8-bit colour.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, Rgb};

use crate::Error;
use crate::imaging::{LabelImage, Picture};

const DOING: &str = "writing a picture";

/// A label image as a 16-bit gray PNG: pixel value = label, 0 = background.
///
/// # Errors
/// An output error for more than 65535 objects, which 16 bits cannot number.
pub fn encode_labels(labels: &LabelImage) -> Result<Vec<u8>, Error> {
    let values: Option<Vec<u16>> =
        labels.labels.iter().map(|&label| u16::try_from(label).ok()).collect();
    let values = values.ok_or_else(|| {
        Error::output(DOING)
            .found(format!("{} objects in a frame", labels.n_labels))
            .expected("at most 65535, the labels of a 16-bit picture")
    })?;
    let (cols, rows) = size(labels.rows, labels.cols)?;
    let buffer: Option<ImageBuffer<Luma<u16>, _>> = ImageBuffer::from_raw(cols, rows, values);
    encode(buffer.map(DynamicImage::ImageLuma16))
}

/// A colour picture as an 8-bit RGB PNG.
///
/// # Errors
/// An output error for a picture without pixels.
pub fn encode_picture(picture: &Picture) -> Result<Vec<u8>, Error> {
    let (cols, rows) = size(picture.rows, picture.cols)?;
    let bytes = picture.pixels.as_flattened().to_vec();
    let buffer: Option<ImageBuffer<Rgb<u8>, _>> = ImageBuffer::from_raw(cols, rows, bytes);
    encode(buffer.map(DynamicImage::ImageRgb8))
}

/// Writes an encoded picture without flushing it to the disk, for folders that appear whole or not
/// at all: a cartridge has thousands of thumbnails.
///
/// # Errors
/// An output error that names the file.
pub fn write_picture(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|error| {
        Error::output(DOING)
            .at(path.display().to_string())
            .found(error.to_string())
            .caused_by(error)
    })
}

fn size(rows: usize, cols: usize) -> Result<(u32, u32), Error> {
    let side = |length| u32::try_from(length).ok().filter(|&length| length > 0);
    match (side(cols), side(rows)) {
        (Some(cols), Some(rows)) => Ok((cols, rows)),
        _ => Err(Error::output(DOING).found(format!("{rows} x {cols} pixels"))),
    }
}

fn encode(picture: Option<DynamicImage>) -> Result<Vec<u8>, Error> {
    let picture = picture.ok_or_else(|| Error::output(DOING).found("pixels missing"))?;
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| Error::output(DOING).found(error.to_string()).caused_by(error))?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back_from_the_file_as_they_were() {
        let labels = LabelImage {
            rows: 2,
            cols: 3,
            labels: vec![0, 1, 2, 300, 0, 65_535],
            n_labels: 65_535,
        };
        let bytes = encode_labels(&labels).expect("16 bits are enough");
        let decoded = image::load_from_memory(&bytes).expect("a PNG").to_luma16();
        assert_eq!(decoded.dimensions(), (3, 2), "width, height");
        let values: Vec<u32> = decoded.into_raw().into_iter().map(u32::from).collect();
        assert_eq!(values, labels.labels, "nothing is scaled");
    }

    #[test]
    fn too_many_objects_are_refused_instead_of_wrapped() {
        let labels = LabelImage { rows: 1, cols: 1, labels: vec![65_536], n_labels: 65_536 };
        let error = encode_labels(&labels).expect_err("does not fit 16 bits");
        assert!(error.is_output(), "{error:?}");
    }
}
