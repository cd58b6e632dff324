use crate::images::{assert_same, mask, masks};
use crate::pixel_kernels;
use herscope::imaging::thicken;

#[test]
fn grown_objects_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("grown_objects_are_equal_on_cpu_and_gpu") else { return };
    for (name, mask) in masks() {
        let twin = thicken(&mask);
        let device = gpu.thicken(&mask).expect("the device works");
        assert_same(&twin.pixels, &device.pixels, mask.cols, &name);
    }
}

/// The shader's logic against the twin's tables: every neighbourhood of a pixel, side by side.
#[test]
fn every_neighbourhood_is_thickened_alike() {
    let Some(gpu) = pixel_kernels("every_neighbourhood_is_thickened_alike") else { return };
    let (tile, tiles) = (6, 16);
    let drawn = |centre: bool| {
        mask(tile * tiles, tile * tiles, move |row, col| {
            let pattern = row / tile * tiles + col / tile;
            let (y, x) = (row % tile, col % tile);
            let place = (y.wrapping_sub(1), x.wrapping_sub(1));
            match place {
                (1, 1) => centre,
                (y, x) if y < 3 && x < 3 => {
                    let around = 3 * y + x;
                    pattern >> (around - usize::from(around > 4)) & 1 == 1
                }
                _ => false,
            }
        })
    };
    for drawn in [drawn(false), drawn(true)] {
        let twin = thicken(&drawn);
        let device = gpu.thicken(&drawn).expect("the device works");
        assert_same(&twin.pixels, &device.pixels, drawn.cols, "256 neighbourhoods");
        let inverted = mask(drawn.rows, drawn.cols, |y, x| !drawn.pixels[y * drawn.cols + x]);
        let device = gpu.thicken(&inverted).expect("the device works");
        let twin = thicken(&inverted);
        assert_same(&twin.pixels, &device.pixels, drawn.cols, "256 holes");
    }
}
