use crate::{Noise, gpu};
use herscope::kernels::her2_threshold::{self, Thresholded};

fn planes() -> Vec<(&'static str, Vec<f32>)> {
    let mut noise = Noise(5);
    let mut planes = vec![
        ("empty", vec![]),
        ("one pixel", vec![7.0]),
        ("constant", vec![100.0; 8_192]),
        ("ramp", (0..8_193).map(|i| i as f32 * 0.5).collect()),
        ("background only", vec![0.0; 257]),
        ("saturated", vec![65_535.0; 255]),
        ("beyond the last bin", vec![70_000.0; 40]),
        ("noise", (0..30_011).map(|_| (noise.next() * 4095.0) as f32).collect()),
    ];
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -3.0, 0.999, 1.0, -0.0, 65_534.996];
    planes.push(("odd values", odd.repeat(33)));
    planes
}

#[test]
fn masks_and_histograms_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("masks_and_histograms_are_equal_on_cpu_and_gpu") else { return };
    for (name, pixels) in planes() {
        for threshold in [0.0, 7.0, 99.5, 2_000.0, f32::INFINITY] {
            let cpu = her2_threshold::cpu(&pixels, threshold);
            let device = gpu.her2_threshold(&pixels, threshold).expect("the device works");
            assert!(cpu == device, "{name} at threshold {threshold}");
        }
    }
}

#[test]
fn one_changed_bit_is_noticed() {
    let done = her2_threshold::cpu(&[5.0; 100], 1.0);
    let mut other: Thresholded = done.clone();
    other.mask[2] ^= 1 << 3;
    assert!(done != other, "one changed bit of a mask is noticed");
}

#[test]
fn the_mask_is_the_pixels_above() {
    for (name, pixels) in planes() {
        let done = her2_threshold::cpu(&pixels, 99.5);
        let above = pixels.iter().filter(|v| v.is_finite() && **v > 99.5).count();
        assert_eq!(done.n_above as usize, above, "{name}");
        assert!((0..pixels.len()).filter(|&i| done.is_above(i)).count() == above, "{name}");
    }
}
