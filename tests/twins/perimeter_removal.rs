use crate::images::{assert_same, masks};
use crate::pixel_kernels;
use herscope::imaging::without_perimeter;

#[test]
fn interiors_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("interiors_are_equal_on_cpu_and_gpu") else { return };
    for (name, mask) in masks() {
        let twin = without_perimeter(&mask);
        let device = gpu.perimeter_removal(&mask).expect("the device works");
        assert_same(&twin.pixels, &device.pixels, mask.cols, &name);
    }
}
