//! Thumbnails as inline SVG: the PNG inside a data URI, the outline drawn over it.

use std::fmt::Write;

use super::base64;
use super::model::Mask;
use super::svg::escape;

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// A PNG larger than this is not a thumbnail; it would make the report unusable.
const MAX_EDGE: u32 = 2048;

/// Width and height in the header of a PNG; `None` where it is not a PNG or no thumbnail.
fn png_size(png: &[u8]) -> Option<(u32, u32)> {
    let header = png.strip_prefix(PNG_SIGNATURE)?;
    if header.get(4..8)? != b"IHDR" {
        return None;
    }
    let edge = |at: usize| -> Option<u32> {
        let bytes: [u8; 4] = header.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes)).filter(|edge| (1..=MAX_EDGE).contains(edge))
    };
    Some((edge(8)?, edge(12)?))
}

/// The outline of `mask` along pixel edges as SVG path data, in pixels; empty where the mask has
/// no pixel inside or not `width * height` values.
///
/// ```
/// use herscope::report::{Mask, outline_path};
///
/// let mask = Mask { width: 3, height: 1, inside: vec![false, true, false] };
/// assert_eq!(outline_path(&mask), "M1 0h1M1 1h1M1 0v1M2 0v1");
/// ```
pub fn outline_path(mask: &Mask) -> String {
    let mut data = String::new();
    if mask.width.checked_mul(mask.height) != Some(mask.inside.len()) {
        return data;
    }
    let inside = |row: usize, col: usize| {
        row < mask.height && col < mask.width && mask.inside[row * mask.width + col]
    };
    // An edge between a pixel and its upper (left) neighbour is drawn where only one is inside.
    let above = |row: usize, col: usize| row > 0 && inside(row - 1, col);
    let before = |row: usize, col: usize| col > 0 && inside(row, col - 1);
    for row in 0..=mask.height {
        for (start, length) in runs(mask.width, |col| inside(row, col) != above(row, col)) {
            let _ = write!(data, "M{start} {row}h{length}");
        }
    }
    for col in 0..=mask.width {
        for (start, length) in runs(mask.height, |row| inside(row, col) != before(row, col)) {
            let _ = write!(data, "M{col} {start}v{length}");
        }
    }
    data
}

/// Start and length of each run of true values of `is_edge` over `0..n`.
fn runs(n: usize, is_edge: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for index in (0..n).filter(|&index| is_edge(index)) {
        match runs.last_mut() {
            Some((start, length)) if *start + *length == index => *length += 1,
            _ => runs.push((index, 1)),
        }
    }
    runs
}

/// One thumbnail with its outline; `None` where the bytes are not a PNG of thumbnail size. An
/// outline of another size than the image is left out.
pub(crate) fn thumbnail(png: &[u8], mask: Option<&Mask>, name: &str) -> Option<String> {
    let (width, height) = png_size(png)?;
    let fits = |mask: &&Mask| (mask.width, mask.height) == (width as usize, height as usize);
    let outline = mask.filter(fits).map(outline_path).filter(|path| !path.is_empty());
    let outline = outline.map_or_else(String::new, |path| {
        format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"#ffd23f\" stroke-width=\"1.5\" \
             vector-effect=\"non-scaling-stroke\"/>"
        )
    });
    Some(format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\"><title>{}</title><image \
         href=\"data:image/png;base64,{}\" width=\"{width}\" height=\"{height}\" \
         style=\"image-rendering:pixelated\"/>{outline}</svg>",
        escape(name),
        base64::encode(png)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_has_an_outer_and_an_inner_outline() {
        let mut inside = vec![true; 9];
        inside[4] = false;
        let path = outline_path(&Mask { width: 3, height: 3, inside });
        assert_eq!(path, "M0 0h3M1 1h1M1 2h1M0 3h3M0 0v3M1 1v1M2 1v1M3 0v3", "by hand");
    }

    #[test]
    fn a_mask_of_the_wrong_size_draws_nothing() {
        let mask = Mask { width: 3, height: 3, inside: vec![true; 8] };
        assert_eq!(outline_path(&mask), "", "8 values for 9 pixels");
    }

    #[test]
    fn bytes_that_are_not_a_png_thumbnail_are_refused() {
        let mut huge = PNG_SIGNATURE.to_vec();
        huge.extend(b"\0\0\0\rIHDR\xff\xff\xff\xff\0\0\0\x01");
        for bytes in [&b""[..], b"GIF89a", PNG_SIGNATURE, &huge] {
            assert!(thumbnail(bytes, None, "cell").is_none(), "{bytes:?}");
        }
    }
}
