use crate::images::{assert_same, masks};
use crate::pixel_kernels;
use herscope::imaging::{clear_border, open_area};

#[test]
fn openings_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("openings_are_equal_on_cpu_and_gpu") else { return };
    for (name, mask) in masks() {
        for min_area_px in [0, 2, 10, 1_000] {
            for clears in [false, true] {
                let mut twin = mask.clone();
                if clears {
                    clear_border(&mut twin);
                }
                open_area(&mut twin, min_area_px);
                let device =
                    gpu.attribute_opening(&mask, min_area_px, clears).expect("the device works");
                let what = format!("{name}, {min_area_px} px, border cleared: {clears}");
                assert_same(&twin.pixels, &device.pixels, mask.cols, &what);
            }
        }
    }
}
