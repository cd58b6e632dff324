//! Pictures read back from files.

use std::path::Path;

use image::DynamicImage;

use crate::Error;
use crate::imaging::{LabelImage, Picture};

const DOING: &str = "reading a picture";

/// A colour picture; gray ones become colour.
///
/// # Errors
/// An input error that names the file: it is not there or is no PNG.
pub fn read_picture(path: &Path) -> Result<Picture, Error> {
    let picture = open(path)?.into_rgb8();
    Ok(Picture {
        rows: picture.height() as usize,
        cols: picture.width() as usize,
        pixels: picture.pixels().map(|pixel| pixel.0).collect(),
    })
}

/// A label image: pixel value = label.
///
/// # Errors
/// As [`read_picture`].
pub fn read_labels(path: &Path) -> Result<LabelImage, Error> {
    let picture = open(path)?.into_luma16();
    let labels: Vec<u32> = picture.pixels().map(|pixel| u32::from(pixel.0[0])).collect();
    Ok(LabelImage {
        rows: picture.height() as usize,
        cols: picture.width() as usize,
        n_labels: labels.iter().copied().max().unwrap_or(0),
        labels,
    })
}

fn open(path: &Path) -> Result<DynamicImage, Error> {
    image::open(path).map_err(|error| {
        Error::input(DOING)
            .at(path.display().to_string())
            .found(error.to_string())
            .expected("a PNG picture")
            .caused_by(error)
    })
}
