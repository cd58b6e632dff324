//! Segmented frames: thresholds, contours, objects, features.

use crate::compare::{Expected, compare_frame};
use crate::reference::{folder, numbers, read_edge_mask, read_frame, read_json};
use herscope::imaging::{Histogram, otsu_threshold, triangle_threshold};

#[test]
fn a_frame_with_its_own_histogram_gives_the_reference_objects() {
    let expected = folder("grid-008");
    let frame = read_frame(&expected.join("900011_008.tif"), 8);
    let json = read_json(&expected.join("thresholds.json"));
    let histograms: Vec<Histogram> = frame.planes.iter().map(Histogram::of_plane).collect();
    let triangle: Vec<f64> = histograms.iter().map(triangle_threshold).collect();
    assert_eq!(triangle, numbers(&json["triangle"]), "triangle thresholds");
    let otsu: Vec<f64> = histograms.iter().map(otsu_threshold).collect();
    assert_eq!(otsu, numbers(&json["otsu"]), "Otsu thresholds");
    let contours = &json["segmentation"];
    compare_frame(&frame, triangle, None, &Expected { folder: &expected, number: 1, contours });
}

fn compare_frame_of_cartridge(number: u32) {
    let expected = folder("grid");
    let frame = read_frame(&expected.join(format!("900011_{number:03}.tif")), number);
    let json = read_json(&expected.join("thresholds.json"));
    let plane = &frame.planes[0];
    let edge = read_edge_mask(&expected).of_frame(number, plane.rows, plane.cols);
    let contours = &json["segmentation"][number.to_string()];
    let expected = Expected { folder: &expected, number, contours };
    compare_frame(&frame, numbers(&json["triangle_down"]), edge.as_ref(), &expected);
}

#[test]
fn an_interior_frame_of_a_cartridge_gives_the_reference_objects() {
    compare_frame_of_cartridge(12);
}

#[test]
fn a_frame_at_the_cartridge_border_gives_the_reference_objects_inside_the_edge() {
    compare_frame_of_cartridge(2);
}
