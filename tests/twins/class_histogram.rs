use crate::images::{assert_same, discs, pages, speckled};
use crate::pixel_kernels;
use herscope::imaging::Mask;
use herscope::imaging::{median_of_counts, range_of_counts};
use herscope::kernels::class_histogram::cpu;

#[test]
fn counts_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("counts_are_equal_on_cpu_and_gpu") else { return };
    for (name, page) in pages() {
        let (rows, cols) = (page.rows(), page.cols());
        let masks = [discs(rows, cols), speckled(rows, cols, 0.5, 7), Mask::empty(rows, cols)];
        for turn in 0..3 {
            let masks = [0, 1, 2].map(|place| &masks[(place + turn) % 3]);
            let twin = cpu(&page, masks);
            let device = gpu.class_histogram(&page, masks).expect("the device works");
            assert_eq!(twin.n_levels, device.n_levels, "{name}");
            assert_same(&twin.counts, &device.counts, twin.n_levels.max(1), &name);
        }
    }
}

#[test]
fn ranges_and_medians_are_those_of_the_pixels() {
    for (name, page) in pages() {
        let (rows, cols) = (page.rows(), page.cols());
        let (inside, empty) = (discs(rows, cols), Mask::empty(rows, cols));
        let outside = cpu(&page, [&inside, &empty, &empty]).over(|class| class & 1 == 0);
        let pixels = page.plane().pixels.into_iter().zip(&inside.pixels);
        let mut values: Vec<f32> = pixels.filter(|(_, set)| !**set).map(|(v, _)| v).collect();
        values.sort_by(f32::total_cmp);
        let median = values.len().checked_sub(1).map(|last| {
            let middle = [values[last / 2], values[values.len() / 2]].map(f64::from);
            f64::midpoint(middle[0], middle[1])
        });
        assert_eq!(median_of_counts(&outside, page.values()), median, "{name}: median by sorting");
        let range = range_of_counts(&outside).map(|(a, b)| (page.values()[a], page.values()[b]));
        assert_eq!(range, values.first().copied().zip(values.last().copied()), "{name}: range");
    }
}
