use crate::images::{SIZES, assert_same, discs, mask, speckled};
use crate::pixel_kernels;
use herscope::imaging::label_union;

#[test]
fn unions_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("unions_are_equal_on_cpu_and_gpu") else { return };
    for (rows, cols) in SIZES {
        let (one, other) = (discs(rows, cols), speckled(rows, cols, 0.2, 5));
        let objects = label_union(&[&one, &other]);
        let twin = mask(rows, cols, |row, col| objects.labels[row * cols + col] > 0);
        let device = gpu.mask_union(&one, &other).expect("the device works");
        assert_same(&twin.pixels, &device.pixels, cols, &format!("{rows} x {cols}"));
    }
}
