//! Masks and label images drawn in tests.

/// Draws a mask: `#` is set, every other character is not.
macro_rules! mask {
    ($($row:literal)*) => {{
        let drawn: Vec<&str> = vec![$($row),*];
        $crate::imaging::Mask {
            rows: drawn.len(),
            cols: drawn[0].len(),
            pixels: drawn.iter().flat_map(|row| row.bytes()).map(|b| b == b'#').collect(),
        }
    }};
}

/// Draws a label image: digits are labels, every other character is background.
macro_rules! label_image {
    ($($row:literal)*) => {{
        let drawn: Vec<&str> = vec![$($row),*];
        let labels: Vec<u32> = drawn
            .iter()
            .flat_map(|row| row.chars())
            .map(|c| c.to_digit(10).unwrap_or(0))
            .collect();
        $crate::imaging::LabelImage {
            rows: drawn.len(),
            cols: drawn[0].len(),
            n_labels: labels.iter().copied().max().unwrap_or(0),
            labels,
        }
    }};
}

pub(crate) use {label_image, mask};
