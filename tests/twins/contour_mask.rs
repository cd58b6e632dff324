use crate::images::{SIZES, assert_same};
use crate::{Noise, pixel_kernels};
use herscope::imaging::Plane;

#[test]
fn foregrounds_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("foregrounds_are_equal_on_cpu_and_gpu") else { return };
    for (rows, cols) in SIZES {
        let mut noise = Noise(3);
        let just_below = 0.5_f32.next_down();
        let values = (0..rows * cols).map(|index| match index % 5 {
            0 => 0.5,
            1 => just_below,
            _ => noise.next() as f32,
        });
        let indicator = Plane::new(rows, cols, values.collect());
        let twin: Vec<bool> = indicator.pixels.iter().map(|&u| u >= 0.5).collect();
        let device = gpu.contour_mask(&indicator).expect("the device works");
        assert_same(&twin, &device.pixels, cols, &format!("{rows} x {cols}"));
    }
}
