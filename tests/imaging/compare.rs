//! Comparing a segmentation with expected tables.

use crate::reference::{Features, read_features, read_labels, read_masks};
use herscope::imaging::{
    ChannelProperties, Contour, ContourInput, ContourSettings, Frame, FrameSegmentation,
    FrameSettings, LabelImage, Mask, ObjectProperties, clear_border, segment_frame,
};
use herscope::kernels::{InstructionSet, tv_contour};
use herscope::units::MicronsPerPixel;
use std::collections::BTreeMap;
use std::path::Path;

/// Compares with the columns of one channel: 1e-6 relative, the figure for equal pixels.
///
/// Intensities are differences of `f32` pixels of up to 4095, so they get half a unit in the last
/// place of a pixel more.
pub(crate) fn compare_channel(found: &ChannelProperties, expected: &Features, channel: usize) {
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
/// Returns how many had the same pixels in every channel.
fn compare_objects(
    found: &FrameSegmentation,
    labels: &LabelImage,
    masks: &[Mask],
    features: &[Features],
) -> usize {
    assert_eq!(found.objects.len(), features.len(), "number of objects");
    let mut identical = 0;
    for expected in features {
        let pixels = pixels_of(labels, expected["label"] as u32);
        let label = most_frequent(pixels.iter().map(|&pixel| found.labels.labels[pixel]));
        let object = found.objects.iter().find(|object| object.label == label);
        let object = object.unwrap_or_else(|| panic!("object {} is lost", expected["label"]));
        let ours = pixels_of(&found.labels, label);
        let both = pixels.iter().filter(|&&pixel| found.labels.labels[pixel] == label).count();
        let overlap = both as f64 / (pixels.len() + ours.len() - both) as f64;
        assert!(overlap >= 0.9, "object {}: overlap {overlap}", expected["label"]);
        let same_in_channels = found.channels.iter().zip(masks).all(|(channel, mask)| {
            pixels.iter().all(|&pixel| channel.mask.pixels[pixel] == mask.pixels[pixel])
        });
        if ours == pixels && same_in_channels {
            identical += 1;
            compare_object(object, expected);
        }
    }
    identical
}

fn pixels_of(labels: &LabelImage, label: u32) -> Vec<usize> {
    (0..labels.labels.len()).filter(|&pixel| labels.labels[pixel] == label).collect()
}

fn most_frequent(labels: impl Iterator<Item = u32>) -> u32 {
    let mut counts = BTreeMap::new();
    for label in labels {
        *counts.entry(label).or_insert(0) += 1;
    }
    counts.into_iter().max_by_key(|&(_, count)| count).map_or(0, |(label, _)| label)
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

/// An expected segmentation: a folder, the frame's number in it, contour numbers of its channels.
pub(crate) struct Expected<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) number: u32,
    pub(crate) contours: &'a serde_json::Value,
}

/// Segments a whole frame and compares everything: all objects must have the very same pixels.
pub(crate) fn compare_frame(
    frame: &Frame,
    thresholds: Vec<f64>,
    edge_mask: Option<&Mask>,
    expected: &Expected<'_>,
) {
    let settings = FrameSettings {
        edge_mask,
        pixel_size: Some(MicronsPerPixel(0.64)),
        ..FrameSettings::full_detection(thresholds)
    };
    let found = segment_frame(frame, &settings, &contour).expect("a regular frame");
    compare_contours(&found, expected.contours);
    let Expected { folder, number, .. } = expected;
    let masks = read_masks(&folder.join(format!("segbits/{number:03}.png")));
    for (channel, (ours, mask)) in found.channels.iter().zip(&masks).enumerate() {
        assert_eq!(ours.mask.count(), mask.count(), "channel {channel}: pixels after tidying");
    }
    let labels = read_labels(&folder.join(format!("labels/{number:03}.png")));
    let features = read_features(&folder.join("features.csv"), *number);
    let identical = compare_objects(&found, &labels, &masks, &features);
    assert_eq!(identical, features.len(), "objects with the same pixels");
}

/// The contour of the CPU engine.
pub(crate) fn contour(
    input: &ContourInput,
    settings: ContourSettings,
) -> Result<Contour, herscope::Error> {
    Ok(tv_contour::cpu(input, settings, InstructionSet::best()).contour)
}
