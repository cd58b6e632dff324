use crate::images::{assert_same, discs, mask, pages};
use crate::pixel_kernels;
use herscope::imaging::{ContourInput, initial_mask, open_area};
use herscope::kernels::contour_start::force_table;
use herscope::kernels::tv_contour::forces;

#[test]
fn forces_and_first_guesses_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("forces_and_first_guesses_are_equal_on_cpu_and_gpu") else {
        return;
    };
    for (name, page) in pages() {
        let plane = page.plane();
        let (rows, cols) = (plane.rows, plane.cols);
        let bits = |values: &[f32]| values.iter().map(|f| f.to_bits()).collect::<Vec<u32>>();
        let edges =
            [mask(rows, cols, |_, _| false), discs(rows, cols), mask(rows, cols, |_, _| true)];
        for edge in edges {
            let input = ContourInput::prepare(&plane, 900.0, Some(&edge));
            let (outside, all) = (edge.count() < rows * cols, 0..plane.pixels.len());
            let counts = all.filter(|&index| !outside || !edge.pixels[index]);
            let range = counts
                .map(|index| plane.pixels[index])
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(least, greatest), value| {
                    (least.min(value), greatest.max(value))
                });
            let mut initial = initial_mask(&plane, 900.0);
            open_area(&mut initial, 10);
            if range.0 >= range.1 {
                initial = mask(rows, cols, |_, _| false);
            }
            let table = force_table(&page, range, (input.mu0, input.mu1), 0.01);
            let [force, indicator] =
                gpu.contour_start(&page, &table, &edge, &initial).expect("the device works");
            let what = format!("{name}, {} edge pixels", edge.count());
            assert_same(&bits(&forces(&input, 0.01)), &bits(&force), cols, &what);
            let guess: Vec<f32> =
                input.initial.pixels.iter().map(|&set| f32::from(u8::from(set))).collect();
            assert_same(&bits(&guess), &bits(&indicator), cols, &what);
        }
    }
}
