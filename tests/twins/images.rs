//! Masks and pages that every imaging kernel is tried on.

use crate::Noise;
use herscope::imaging::{IntensityScale, Mask, RawPage, Samples, StoredPlane, StretchLimits};

/// Sizes around a word (32), a segment of a row (256) and a workgroup's words; primes; one line.
pub(crate) const SIZES: [(usize, usize); 12] = [
    (0, 0),
    (1, 1),
    (1, 300),
    (270, 1),
    (2, 2),
    (7, 31),
    (7, 32),
    (7, 33),
    (37, 255),
    (37, 256),
    (41, 257),
    (101, 97),
];

/// A mask of `rows x cols` by a rule for (row, column).
pub(crate) fn mask(rows: usize, cols: usize, rule: impl Fn(usize, usize) -> bool) -> Mask {
    let pixels = (0..rows * cols).map(|index| rule(index / cols, index % cols)).collect();
    Mask { rows, cols, pixels }
}

/// Pixels set with this probability.
pub(crate) fn speckled(rows: usize, cols: usize, share: f64, seed: u64) -> Mask {
    let mut noise = Noise(seed << 32);
    let pixels = (0..rows * cols).map(|_| noise.next() < share).collect();
    Mask { rows, cols, pixels }
}

/// Discs, (row, column, radius), which lie at the border and inside.
pub(crate) fn discs(rows: usize, cols: usize) -> Mask {
    let (height, width) = (rows as f64, cols as f64);
    let places = [
        (0.1 * height, 0.1 * width, 6.5),
        (0.5 * height, 0.4 * width, 9.0),
        (0.5 * height + 3.0, 0.4 * width + 20.0, 8.0),
        (0.9 * height, 0.95 * width, 7.0),
        (0.3 * height, 0.8 * width, 1.9),
    ];
    mask(rows, cols, |row, col| {
        places.iter().any(|&(y, x, r)| (row as f64 - y).hypot(col as f64 - x) < r)
    })
}

/// Named masks of every kind in every size.
pub(crate) fn masks() -> Vec<(String, Mask)> {
    let mut all = Vec::new();
    for (rows, cols) in SIZES {
        let mut add = |name: &str, mask: Mask| all.push((format!("{name}, {rows} x {cols}"), mask));
        add("empty", Mask::empty(rows, cols));
        add("full", mask(rows, cols, |_, _| true));
        add("checkerboard", mask(rows, cols, |row, col| (row + col) % 2 == 0));
        add("discs", discs(rows, cols));
        add("lone pixels", speckled(rows, cols, 0.03, 1));
        add("thin", speckled(rows, cols, 0.3, 2));
        add("half", speckled(rows, cols, 0.5, 3));
        add("dense", speckled(rows, cols, 0.8, 4));
        add("comb", mask(rows, cols, |row, col| col % 2 == 0 || row + 1 == rows));
        // one path through the whole image: the longest chain of joins
        let turns = |row: usize, col: usize| match row / 2 % 2 {
            0 => col + 1 == cols,
            _ => col == 0,
        };
        add("snake", mask(rows, cols, |row, col| row % 2 == 0 || turns(row, col)));
    }
    all
}

/// A page of stored values from 0 to `greatest` of 8 or 16 bits, with limits 30 and 2085.
pub(crate) fn page(rows: usize, cols: usize, greatest: u16, seed: u64) -> StoredPlane {
    let mut noise = Noise(seed << 32);
    let values: Vec<u16> =
        (0..rows * cols).map(|_| (noise.next() * f64::from(greatest + 1)) as u16).collect();
    let samples = match u8::try_from(greatest) {
        Ok(_) => Samples::U8(values.into_iter().map(|value| value as u8).collect()),
        Err(_) => Samples::U16(values),
    };
    let limits = Some(StretchLimits { low: 30, high: 2_085 });
    let page = RawPage { rows, cols, samples, limits };
    StoredPlane::new(page, IntensityScale::PageMaximum).expect("limits are given")
}

/// Named pages of both depths in every size.
pub(crate) fn pages() -> Vec<(String, StoredPlane)> {
    let sizes = SIZES
        .iter()
        .flat_map(|&(rows, cols)| [0, 1, 255, 256, 40_000].map(|greatest| (rows, cols, greatest)));
    sizes
        .map(|(rows, cols, greatest)| {
            let name = format!("values to {greatest}, {rows} x {cols}");
            (name, page(rows, cols, greatest, 9))
        })
        .collect()
}

/// Fails with the first place at which two images of one width differ.
pub(crate) fn assert_same<T: PartialEq + std::fmt::Debug>(
    cpu: &[T],
    device: &[T],
    cols: usize,
    what: &str,
) {
    assert_eq!(cpu.len(), device.len(), "{what}: length");
    if let Some(place) = (0..cpu.len()).find(|&place| cpu[place] != device[place]) {
        let n = cpu.iter().zip(device).filter(|(a, b)| a != b).count();
        panic!(
            "{what}: {n} differ, the first at row {}, column {}: {:?} on the CPU, {:?} on the device",
            place / cols,
            place % cols,
            cpu[place],
            device[place]
        );
    }
}

/// The comparison must notice one pixel.
#[test]
fn one_changed_pixel_is_noticed() {
    let drawn = discs(37, 256);
    let mut other = drawn.clone();
    other.pixels[5 * 256 + 3] ^= true;
    let compared = std::panic::catch_unwind(|| {
        assert_same(&drawn.pixels, &other.pixels, 256, "planted");
    });
    let message = compared.expect_err("one pixel differs");
    let text = message.downcast_ref::<String>().expect("a formatted message");
    assert!(text.contains("1 differ, the first at row 5, column 3"), "{text}");
}

#[test]
fn packed_masks_are_unpacked_to_themselves() {
    use herscope::kernels::packing::{packed_mask, unpacked_mask};
    for (name, mask) in masks() {
        let words = packed_mask(&mask);
        assert_eq!(unpacked_mask(mask.rows, mask.cols, &words), mask, "{name}");
        let set: u32 = words.iter().map(|word| word.count_ones()).sum();
        assert_eq!(set as usize, mask.count(), "{name}: no bit beyond a row");
    }
}
