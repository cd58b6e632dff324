use crate::images::{assert_same, pages};
use crate::pixel_kernels;
use herscope::imaging::initial_mask;

#[test]
fn pixels_above_a_threshold_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("pixels_above_a_threshold_are_equal_on_cpu_and_gpu") else {
        return;
    };
    for (name, page) in pages() {
        let plane = page.plane();
        for threshold in [-1.0, 30.0, 37.9, 1_000.0, 2_085.0, 9_999.0] {
            let twin = initial_mask(&plane, threshold);
            let level = page.level_above(threshold);
            let device = gpu.stored_threshold(&page, level).expect("the device works");
            let what = format!("{name} above {threshold}");
            assert_same(&twin.pixels, &device.pixels, plane.cols, &what);
        }
    }
}

#[test]
fn levels_are_thresholds() {
    for (name, page) in pages() {
        for threshold in [29.5, 30.0, 1_000.25, 2_085.0] {
            let (above, at) = (page.level_above(threshold), page.level_at(threshold as f32));
            for (level, &value) in (0..).zip(page.values()) {
                let value = f64::from(value);
                assert_eq!(value > threshold, level >= above, "{name}: {level} is {value}");
                assert_eq!(value >= threshold, level >= at, "{name}: {level} is {value}");
            }
        }
    }
}
