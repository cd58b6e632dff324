use crate::images::{assert_same, discs, page, pages, speckled};
use crate::pixel_kernels;
use herscope::imaging::{
    Connectivity, IntensityScale, LabelImage, RawPage, Samples, StoredPlane, StretchLimits,
    label_components, region_sums,
};

#[test]
fn sums_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("sums_are_equal_on_cpu_and_gpu") else { return };
    for (name, page) in pages() {
        let (rows, cols) = (page.rows(), page.cols());
        let plane = page.plane();
        for objects in [discs(rows, cols), speckled(rows, cols, 0.6, 2)] {
            let labels = label_components(&objects, Connectivity::Four);
            let (own, shared) = (speckled(rows, cols, 0.7, 5), speckled(rows, cols, 0.5, 6));
            let twin = region_sums(&plane, Some(&own), Some(&shared), &labels);
            let device = gpu.region_sums(&page, &own, &shared, &labels).expect("the device works");
            assert_same(&twin, &device, 1, &name);
        }
    }
}

/// Labels that touch, as after a split: runs end where the label changes.
#[test]
fn touching_objects_are_told_apart() {
    let Some(gpu) = pixel_kernels("touching_objects_are_told_apart") else { return };
    let (rows, cols) = (40, 300);
    let page = page(rows, cols, 255, 3);
    let labels: Vec<u32> =
        (0..rows * cols).map(|index| (index % cols / 7 + index / cols / 9) as u32 % 12).collect();
    let labels = LabelImage { rows, cols, labels, n_labels: 11 };
    let (own, shared) = (speckled(rows, cols, 0.9, 5), discs(rows, cols));
    let twin = region_sums(&page.plane(), Some(&own), Some(&shared), &labels);
    let device = gpu.region_sums(&page, &own, &shared, &labels).expect("the device works");
    assert_same(&twin, &device, 1, "stripes");
}

/// Sums beyond 32 bits, negative intensities (after the 2^15 offset), large rows and columns.
#[test]
fn sums_of_two_words_are_exact() {
    let Some(gpu) = pixel_kernels("sums_of_two_words_are_exact") else { return };
    for (rows, cols) in [(90, 3_000), (1, 65_000), (65_000, 1)] {
        let samples =
            Samples::U16((0..rows * cols).map(|i| 65_535 - (i * 31 % 60_000) as u16).collect());
        let limits = Some(StretchLimits { low: 0, high: 65_535 });
        let raw = RawPage { rows, cols, samples, limits };
        let page = StoredPlane::new(raw, IntensityScale::PageMaximum).expect("limits are given");
        let labels = LabelImage { rows, cols, labels: vec![1; rows * cols], n_labels: 1 };
        let (own, shared) = (speckled(rows, cols, 0.9, 5), speckled(rows, cols, 0.9, 6));
        let twin = region_sums(&page.plane(), Some(&own), Some(&shared), &labels);
        let device = gpu.region_sums(&page, &own, &shared, &labels).expect("the device works");
        assert!(twin[0].sum.unsigned_abs() > 1 << 44, "{rows} x {cols}: more than one word");
        assert!(twin[0].second_moments.iter().any(|&m| m > 1 << 32), "{rows} x {cols}: moments");
        assert_same(&twin, &device, 1, &format!("{rows} x {cols}"));
    }
}
