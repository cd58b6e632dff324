//! Small pages for archives that tests write themselves.

use std::io::Cursor;
use std::path::Path;

use herscope::imaging::{RawPage, Samples, StretchLimits};
use tiff::encoder::TiffEncoder;
use tiff::encoder::colortype::{Gray8, Gray16};
use tiff::tags::Tag;

/// Rows and columns of a page.
pub(crate) const SIZE: (usize, usize) = (60, 80);

/// A page of 16 bits with a cell of half-axes 9 and 7 at the middle: `level` on a ground of about
/// a tenth of it. Its stretch limits make intensities of the stored values.
pub(crate) fn cell_page(level: u16) -> RawPage {
    let (rows, cols) = SIZE;
    let value = |index: usize| {
        let (row, col) = ((index / cols) as f64, (index % cols) as f64);
        let inside = ((row - 30.0) / 9.0).hypot((col - 40.0) / 7.0) < 1.0;
        let ground = level / 10 + (index * 7_919 % 11) as u16;
        if inside { level - (index * 31 % 5) as u16 } else { ground }
    };
    let values: Vec<u16> = (0..rows * cols).map(value).collect();
    let high = values.iter().copied().max();
    let limits = high.map(|high| StretchLimits { low: 0, high });
    RawPage { rows, cols, samples: Samples::U16(values), limits }
}

/// The same page without stretch limits.
pub(crate) fn bare(page: RawPage) -> RawPage {
    RawPage { limits: None, ..page }
}

/// Writes pages as they are stored, the first with a description.
pub(crate) fn write_described(path: &Path, pages: &[RawPage], description: &str) {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a TIFF");
    for (index, page) in pages.iter().enumerate() {
        let (cols, rows) = (page.cols as u32, page.rows as u32);
        macro_rules! page_of {
            ($color:ty, $values:expr) => {{
                let mut image = encoder.new_image::<$color>(cols, rows).expect("a page");
                if index == 0 && !description.is_empty() {
                    let text = description.as_bytes();
                    image.encoder().write_tag(Tag::ImageDescription, text).expect("a tag");
                }
                image.write_data($values).expect("written");
            }};
        }
        match &page.samples {
            Samples::U8(values) => page_of!(Gray8, values),
            Samples::U16(values) => page_of!(Gray16, values),
        }
    }
    std::fs::write(path, bytes.into_inner()).expect("written");
}
