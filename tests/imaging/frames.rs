//! Segmented frames: contours, objects, features.

use crate::reference::{
    Features, folder, read_features, read_frame, read_json, read_labels, read_masks,
};
use herscope::imaging::{
    ChannelProperties, Frame, FrameSegmentation, FrameSettings, Histogram, LabelImage, Mask,
    ObjectProperties, clear_border, otsu_threshold, segment_frame, triangle_threshold,
};
use herscope::units::MicronsPerPixel;
use std::path::Path;

pub(crate) fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn intersection_over_union(left: &Mask, right: &Mask) -> f64 {
    let pairs = || left.pixels.iter().zip(&right.pixels);
    let both = pairs().filter(|(l, r)| **l && **r).count();
    let any = pairs().filter(|(l, r)| **l || **r).count();
    if any == 0 { 1.0 } else { both as f64 / any as f64 }
}

/// Pixels of one object.
fn object_mask(labels: &LabelImage, label: u32) -> Mask {
    let pixels = labels.labels.iter().map(|&l| l == label).collect();
    Mask { rows: labels.rows, cols: labels.cols, pixels }
}

/// Compares with the columns of one channel: 1e-6 relative, the figure for equal pixels.
///
/// Intensities are differences of `f32` pixels of up to 4095, so they get half a unit in the last
/// place of a pixel more.
fn compare_channel(found: &ChannelProperties, expected: &Features, channel: usize) {
    let f32_rounding = 1.3e-4;
    let own = |name: &str| format!("ch_{channel}_{name}");
    let triples = [
        (own("MeanIntensity"), found.mean, f32_rounding),
        (own("MaxIntensity"), found.max, f32_rounding),
        (own("MedianIntensity"), found.median, f32_rounding),
        (own("Mass"), found.mass, f32_rounding * found.area_px as f64),
        (own("StandardDeviation"), found.sd, f32_rounding),
        (own("Area"), Some(found.area_px as f64), 0.0),
        (own("Size"), found.size_um2, 0.0),
        (own("Perimeter"), Some(found.perimeter_px), 0.0),
        (own("Eccentricity"), Some(found.eccentricity), 0.0),
        (own("P2A"), found.p2a, 0.0),
        (format!("ch_2_Overlay_ch_{channel}"), found.overlap_dapi, 0.0),
        (format!("union_ch_{channel}_Mean"), found.union_mean, f32_rounding),
    ];
    for (name, value, rounding) in triples {
        let expected = expected.get(&name).copied();
        assert_eq!(value.is_some(), expected.is_some(), "{name}: {value:?} for {expected:?}");
        if let (Some(value), Some(expected)) = (value, expected) {
            let difference = (value - expected).abs();
            assert!(
                difference <= 1e-6 * expected.abs() + rounding,
                "{name}: {value} for {expected}"
            );
        }
    }
}

fn compare_object(found: &ObjectProperties, expected: &Features) {
    for (channel, properties) in found.channels.iter().enumerate() {
        compare_channel(properties, expected, channel + 1);
    }
    let close = |value: f64, name: &str| {
        assert!((value - expected[name]).abs() < 1e-5, "{name}: {value} for {}", expected[name]);
    };
    close(found.col_centroid_px + 1.0, "centroid_x");
    close(found.row_centroid_px + 1.0, "centroid_y");
    let thumbnail = found.thumbnail_box.expect("a row of the table fits into the frame");
    close(thumbnail.col0 as f64 + 1.0, "xBottomLeft");
    close(thumbnail.row0 as f64 + 1.0, "yBottomLeft");
    close(thumbnail.col1 as f64, "xTopRight");
    close(thumbnail.row1 as f64, "yTopRight");
}

/// Matches every expected object by overlap and compares features where the pixels are the same.
/// Returns how many had the same pixels.
fn compare_objects(
    found: &FrameSegmentation,
    labels: &LabelImage,
    masks: &[Mask],
    features: &[Features],
) -> usize {
    assert_eq!(found.objects.len(), features.len(), "number of objects");
    let mut identical = 0;
    for expected in features {
        let pixels = object_mask(labels, expected["label"] as u32);
        let best = found
            .objects
            .iter()
            .max_by(|a, b| {
                let overlap = |o: &ObjectProperties| {
                    intersection_over_union(&object_mask(&found.labels, o.label), &pixels)
                };
                overlap(a).total_cmp(&overlap(b))
            })
            .expect("there is an object");
        let ours = object_mask(&found.labels, best.label);
        let overlap = intersection_over_union(&ours, &pixels);
        assert!(overlap >= 0.9, "object {}: overlap {overlap}", expected["label"]);
        let same_pixels = found.channels.iter().zip(masks).all(|(channel, mask)| {
            let indices = 0..pixels.pixels.len();
            ours == pixels
                && indices
                    .filter(|&i| pixels.pixels[i])
                    .all(|i| channel.mask.pixels[i] == mask.pixels[i])
        });
        if same_pixels {
            identical += 1;
            compare_object(best, expected);
        }
    }
    identical
}

/// The contours' numbers against `segmentation` of `thresholds.json`.
fn compare_contours(found: &FrameSegmentation, expected: &serde_json::Value) {
    for (channel, (ours, expected)) in
        found.channels.iter().zip(expected.as_array().expect("one a channel")).enumerate()
    {
        let outline = &ours.outline;
        for (name, value) in [("mu0", outline.mu0), ("mu1", outline.mu1)] {
            let reference = expected[name].as_f64().expect("a number");
            assert!(
                (value - reference).abs() < 1e-6,
                "channel {channel} {name}: {value} for {reference}"
            );
        }
        let iterations = expected["iterations"].as_u64().expect("a count");
        assert!(
            u64::from(outline.iterations).abs_diff(iterations) <= 1,
            "channel {channel}: {} iterations for {iterations}",
            outline.iterations
        );
        // the reference counts after objects at the border are cleared
        let mut cleared = outline.contour.clone();
        clear_border(&mut cleared);
        let on = expected["on_before_tidy"].as_u64().expect("a count");
        let difference = (cleared.count() as u64).abs_diff(on) as f64;
        assert!(difference <= 1e-4 * on as f64, "channel {channel}: {} for {on}", cleared.count());
    }
}

pub(crate) fn compare_frame(
    frame: &Frame,
    thresholds: Vec<f64>,
    edge_mask: Option<&Mask>,
    expected: &Path,
    segmentation: &serde_json::Value,
    number: u32,
) {
    let settings = FrameSettings {
        edge_mask,
        pixel_size: Some(MicronsPerPixel(0.64)),
        ..FrameSettings::full_detection(thresholds)
    };
    let found = segment_frame(frame, &settings).expect("a regular frame");
    compare_contours(&found, segmentation);
    let masks = read_masks(&expected.join(format!("segbits/{number:03}.png")));
    for (channel, (ours, mask)) in found.channels.iter().zip(&masks).enumerate() {
        let overlap = intersection_over_union(&ours.mask, mask);
        println!(
            "frame {number} channel {channel}: tidied overlap {overlap} {} {}",
            ours.mask.count(),
            mask.count()
        );
        assert!(overlap >= 0.99, "channel {channel} tidied: overlap {overlap}");
    }
    let labels = read_labels(&expected.join(format!("labels/{number:03}.png")));
    let features = read_features(&expected.join("features.csv"), number);
    let identical = compare_objects(&found, &labels, &masks, &features);
    println!("frame {number}: {identical} of {} identical", features.len());
    assert_eq!(identical, features.len(), "objects with the same pixels");
}

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
    compare_frame(&frame, triangle, None, &expected, &json["segmentation"], 1);
}
