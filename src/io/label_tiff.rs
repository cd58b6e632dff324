//! Label images as TIFF, for programs that take no 16-bit PNG or have more objects than it can number.

use std::io::Cursor;

use tiff::TiffError;
use tiff::encoder::colortype::{Gray16, Gray32};
use tiff::encoder::{Compression, TiffEncoder};

use crate::Error;
use crate::imaging::LabelImage;

/// A label image as a gray TIFF, LZW: pixel value = label, 0 = background; 16 bits, or 32 where
/// there are more than 65535 objects.
///
/// # Errors
/// An output error: a size that TIFF cannot hold.
pub fn encode_label_tiff(labels: &LabelImage) -> Result<Vec<u8>, Error> {
    encode(labels).map_err(|error| {
        Error::output("writing a label image").found(error.to_string()).caused_by(error)
    })
}

fn encode(labels: &LabelImage) -> Result<Vec<u8>, TiffError> {
    let mut bytes = Cursor::new(Vec::new());
    let (cols, rows) = (u32::try_from(labels.cols)?, u32::try_from(labels.rows)?);
    let mut encoder = TiffEncoder::new(&mut bytes)?.with_compression(Compression::Lzw);
    let narrow: Result<Vec<u16>, _> =
        labels.labels.iter().map(|&label| u16::try_from(label)).collect();
    match narrow {
        Ok(narrow) => encoder.write_image::<Gray16>(cols, rows, &narrow)?,
        Err(_) => encoder.write_image::<Gray32>(cols, rows, &labels.labels)?,
    }
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiff::decoder::{Decoder, DecodingResult};

    fn decoded(last: u32) -> DecodingResult {
        let labels = vec![0, 1, 2, 300, 0, last];
        let labels = LabelImage { rows: 2, cols: 3, labels, n_labels: last };
        let bytes = encode_label_tiff(&labels).expect("a small image");
        let mut decoder = Decoder::new(Cursor::new(bytes)).expect("a TIFF");
        assert_eq!(decoder.dimensions().expect("a size"), (3, 2), "width, height");
        decoder.read_image().expect("pixels")
    }

    #[test]
    fn labels_take_sixteen_bits_or_thirty_two() {
        let DecodingResult::U16(values) = decoded(65_535) else { panic!("16 bits are enough") };
        assert_eq!(values, [0, 1, 2, 300, 0, 65_535], "nothing is scaled");
        let DecodingResult::U32(values) = decoded(65_536) else { panic!("16 bits are too few") };
        assert_eq!(values, [0, 1, 2, 300, 0, 65_536], "nor wrapped");
    }
}
