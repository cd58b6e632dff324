//! Real fluorescence, where the reference data lie beside the repository.

use crate::compare::{Expected, compare_frame};
use crate::reference::{numbers, read_frame, read_json};
use herscope::imaging::{Histogram, otsu_threshold, triangle_threshold};
use std::path::Path;

#[test]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn a_crowded_real_frame_gives_the_reference_objects() {
    let frames =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/imaging/real/frames");
    if !frames.exists() {
        eprintln!("skipped: no {}", frames.display());
        return;
    }
    let expected = frames.join("expected-human");
    let frame = read_frame(&frames.join("human_4page.tif"), 1);
    let json = read_json(&expected.join("thresholds.json"));
    let histograms: Vec<Histogram> = frame.planes.iter().map(Histogram::of_plane).collect();
    let triangle: Vec<f64> = histograms.iter().map(triangle_threshold).collect();
    assert_eq!(triangle, numbers(&json["triangle"]), "triangle thresholds");
    let otsu: Vec<f64> = histograms.iter().map(otsu_threshold).collect();
    assert_eq!(otsu, numbers(&json["otsu"]), "Otsu thresholds");
    let contours = &json["segmentation"];
    compare_frame(&frame, triangle, None, &Expected { folder: &expected, number: 1, contours });
}
