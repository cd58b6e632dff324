//! The synthetic cartridge of 4 x 5 frames against the independent implementation.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use herscope::Error;
use herscope::compute::CpuEngine;
use herscope::imaging::{EventClass, Her2Cutoffs, LabelImage, ObjectProperties};
use herscope::io::archive::{Archive, ArchiveOptions};
use herscope::io::cell_table::CellRow;
use herscope::pipeline::segment::{
    Her2Measure, Her2Rule, SampleSegmentation, SegmentMode, SegmentSettings, ThresholdRule,
    run_segment,
};
use herscope::pipeline::segment_output::{FramePictures, SegmentSink};

use crate::data;
use crate::reference::{best_matches, number, numbers, read_json, read_labels, read_rows};

/// Keeps the label images.
#[derive(Default)]
struct KeepLabels(Mutex<BTreeMap<u32, LabelImage>>);

impl SegmentSink for KeepLabels {
    fn wants_overlays(&self) -> bool {
        false
    }

    fn wants_thumbnails(&self) -> bool {
        false
    }

    fn take(&self, pictures: &FramePictures<'_>) -> Result<(), Error> {
        let mut labels = self.0.lock().expect("no test panics while it holds the lock");
        labels.insert(pictures.number, pictures.labels.clone());
        Ok(())
    }
}

struct Run {
    sample: SampleSegmentation,
    labels: BTreeMap<u32, LabelImage>,
}

fn archive() -> Archive {
    Archive::open(&data("grid/900011.1.1"), &ArchiveOptions::default()).expect("a good archive")
}

fn run(settings: &SegmentSettings) -> Run {
    let sink = KeepLabels::default();
    let sample = run_segment(&archive(), settings, &CpuEngine::new(), &|_, _| Ok(()), &sink)
        .expect("readable frames");
    Run { sample, labels: sink.0.into_inner().expect("no test panics while it holds the lock") }
}

/// The cut-offs of `her2.json`, invented for these data.
fn settings(mode: SegmentMode, her2_measure: Her2Measure) -> SegmentSettings {
    let cutoffs = Her2Cutoffs::new(30.0, 200.0).expect("in order");
    let her2 = Her2Rule::Cutoffs(cutoffs);
    SegmentSettings { mode, her2, her2_measure, ..SegmentSettings::default() }
}

static FULL: LazyLock<Run> =
    LazyLock::new(|| run(&settings(SegmentMode::Full, Her2Measure::Union)));
static MARKER: LazyLock<Run> =
    LazyLock::new(|| run(&settings(SegmentMode::Marker, Her2Measure::Union)));

#[test]
fn the_nested_archive_is_found_and_told_by_its_xml() {
    let archive = archive();
    assert_eq!(archive.sample_id, "900011.1.1", "named after the folder");
    assert_eq!(archive.n_frames(), 20, "two folders below");
    assert_eq!((archive.grid.rows, archive.grid.cols), (4, 5), "from the XML");
    assert_eq!(archive.frame_size, Some((260, 300)), "rows, columns");
    let pages: Vec<usize> = archive.frames[7].pages.iter().map(|place| place.page).collect();
    assert_eq!(pages, [3, 0, 2, 1], "CD45, DAPI, CK and HER2 from pages 4, 1, 3 and 2");
    assert_eq!(archive.priors.len(), 25, "assigned events");
    assert_eq!(archive.warnings, [], "nothing to complain of");
}

#[test]
fn thresholds_are_those_of_the_reference_bin_for_bin() {
    let expected = read_json(&data("grid/expected-full/thresholds.json"));
    let found = |run: &Run| run.sample.thresholds.clone().expect("one set for the cartridge");
    assert_eq!(found(&FULL), numbers(&expected["triangle_down"]), "whole frames, triangle");
    assert_eq!(found(&MARKER), numbers(&expected["triangle_full"]), "crops, triangle");
    let otsu = |mode| SegmentSettings {
        threshold: ThresholdRule::Otsu,
        ..settings(mode, Her2Measure::Union)
    };
    let full = run(&otsu(SegmentMode::Full));
    assert_eq!(found(&full), numbers(&expected["otsu_down"]), "whole frames, Otsu");
    let marker = run(&otsu(SegmentMode::Marker));
    assert_eq!(found(&marker), numbers(&expected["otsu_full"]), "crops, Otsu");
    let edge_pixels = expected["edge_mask_pixels"].as_u64().map(|n| n as usize);
    assert_eq!(FULL.sample.edge_pixels, edge_pixels, "pixels outside the chamber");
}

#[test]
fn class_means_and_iterations_are_those_of_the_reference() {
    let expected = read_json(&data("grid/expected-full/thresholds.json"));
    for row in &FULL.sample.frames {
        let channel = FULL.sample.channels.iter().position(|name| *name == row.channel);
        let channel = channel.expect("a channel of the archive");
        let of_frame = &expected["segmentation"][row.frame.to_string()][channel];
        let place = format!("frame {}, {}", row.frame, row.channel);
        for (name, found) in [("mu0", row.mu0), ("mu1", row.mu1)] {
            let (found, expected) = (found.expect("read"), of_frame[name].as_f64().expect("mean"));
            assert!((found - expected).abs() < 1e-6, "{place}: {name} {found} for {expected}");
        }
        let iterations = i64::from(row.iterations.expect("read"));
        let of_reference = of_frame["iterations"].as_i64().expect("a count");
        assert!(
            (iterations - of_reference).abs() <= 1,
            "{place}: {iterations} iterations for {of_reference}"
        );
    }
}

#[test]
fn every_object_of_whole_frames_is_found_and_no_other() {
    let mut n_objects = 0;
    for (number, found) in &FULL.labels {
        let expected = read_labels(&data(&format!("grid/expected-full/labels/{number:03}.png")));
        for (left, right, side) in [(&expected, found, "missed"), (found, &expected, "invented")] {
            for (label, (_, iou)) in best_matches(left, right) {
                n_objects += 1;
                assert!(iou >= 0.9, "frame {number}: object {label} {side}, overlap {iou}");
            }
        }
    }
    assert_eq!(n_objects, 2 * 121, "objects of the reference's table, both ways");
}

/// Columns of an object in the reference's table, by analysis channel.
fn features(object: &ObjectProperties) -> Vec<(String, Option<f64>)> {
    let mut columns = Vec::new();
    for (channel, found) in (1..).zip(&object.channels) {
        let own = |name: &str| format!("ch_{channel}_{name}");
        columns.extend([
            (own("MeanIntensity"), found.mean),
            (own("MaxIntensity"), found.max),
            (own("MedianIntensity"), found.median),
            (own("Mass"), found.mass),
            (own("StandardDeviation"), found.sd),
            (own("Area"), Some(found.area_px as f64)),
            (own("Size"), found.size_um2),
            (own("Perimeter"), Some(found.perimeter_px)),
            (own("Eccentricity"), Some(found.eccentricity)),
            (own("P2A"), found.p2a),
            (format!("union_ch_{channel}_Mean"), found.union_mean),
        ]);
        if channel != 2 {
            columns.push((format!("ch_2_Overlay_ch_{channel}"), found.overlap_dapi));
        }
    }
    columns
}

/// Compares an object with a row: 1e-4 relative (the data's own tolerance for equal pixels), or
/// half a unit in the last place of a 12-bit `f32` intensity.
fn compare_features(place: &str, object: &ObjectProperties, row: &BTreeMap<String, String>) {
    for (column, found) in features(object) {
        let expected = number(row, &column);
        assert_eq!(found.is_some(), expected.is_some(), "{place}, {column}: {found:?}");
        if let (Some(found), Some(expected)) = (found, expected) {
            let allowed = 1e-4 * expected.abs() + 2e-4;
            let difference = (found - expected).abs();
            assert!(difference <= allowed, "{place}, {column}: {found} for {expected}");
        }
    }
}

fn cell(run: &Run, frame: u32, label: u32) -> &CellRow {
    let of_label = |cell: &&CellRow| cell.frame == frame && cell.object.label == label;
    run.sample.cells.iter().find(of_label).expect("every label has a row")
}

#[test]
fn features_and_classes_of_whole_frames_are_those_of_the_reference() {
    let rows = read_rows(&data("grid/expected-full/features.csv"));
    let mut n_equal = 0;
    for row in &rows {
        let frame = number(row, "frameNr").expect("a frame") as u32;
        let label = number(row, "label").expect("a label") as u32;
        let expected = read_labels(&data(&format!("grid/expected-full/labels/{frame:03}.png")));
        let (found, iou) = best_matches(&expected, &FULL.labels[&frame])[&label];
        let place = format!("frame {frame}, object {label}");
        let cell = cell(&FULL, frame, found);
        if iou == 1.0 {
            compare_features(&place, &cell.object, row);
            n_equal += 1;
        }
        let is_true = |column: &str| number(row, column) == Some(1.0);
        let class = match (is_true("CTC_breast"), is_true("WBC")) {
            (true, _) => EventClass::Ctc,
            (false, true) => EventClass::Wbc,
            (false, false) => EventClass::Other,
        };
        assert_eq!(cell.event_class, class, "{place}");
        assert_eq!(cell.excluded_because.is_some(), is_true("dropped"), "{place}");
    }
    assert_eq!((rows.len(), n_equal), (121, 121), "objects, and those of equal pixels");
}

#[test]
fn prior_events_find_the_objects_of_the_reference() {
    let rows = read_rows(&data("grid/expected-full/prior_matches.csv"));
    assert_eq!(FULL.sample.prior_matches.len(), rows.len(), "events");
    for (found, row) in FULL.sample.prior_matches.iter().zip(&rows) {
        let frame = number(row, "frameNr").expect("a frame") as u32;
        let expected = number(row, "matched_label").filter(|label| *label > 0.0);
        assert_eq!((&found.rid, found.frame), (&row["rid"], frame), "in the XML's order");
        let label = expected.map(|label| {
            let path = format!("grid/expected-full/labels/{frame:03}.png");
            best_matches(&read_labels(&data(&path)), &FULL.labels[&frame])[&(label as u32)].0
        });
        assert_eq!(found.label, label, "event {}", found.rid);
        if let Some(label) = label {
            assert!(cell(&FULL, frame, label).prior_match.contains(&found.rid), "in the table");
        }
    }
}

#[test]
fn crops_hold_the_events_of_the_reference() {
    let rows = read_rows(&data("grid/expected-marker/features.csv"));
    let events: Vec<&CellRow> =
        MARKER.sample.cells.iter().filter(|cell| cell.excluded_because.is_none()).collect();
    assert_eq!(events.len(), rows.len(), "one object an event");
    for row in &rows {
        let rid = &row["rid"];
        let cell = events.iter().find(|cell| cell.prior_match.contains(rid));
        let cell = cell.unwrap_or_else(|| panic!("event {rid} has no object"));
        compare_features(&format!("event {rid}"), &cell.object, row);
        let corner = |name: &str| number(row, name).expect("a place") - 1.0;
        let col = cell.object.col_centroid_px - corner("xBottomLeft") + 1.0;
        let row_in_crop = cell.object.row_centroid_px - corner("yBottomLeft") + 1.0;
        let place = (number(row, "centroid_x"), number(row, "centroid_y"));
        let (x, y) = (place.0.expect("x"), place.1.expect("y"));
        assert!((col - x).abs() < 1e-5 && (row_in_crop - y).abs() < 1e-5, "event {rid}: place");
    }
}

fn compare_her2(place: &str, sample: &SampleSegmentation, expected: &serde_json::Value) {
    let her2 = sample.summary.her2.as_ref().expect("a HER2 channel");
    let figure = |name: &str| expected[name].as_f64();
    assert_eq!(Some(her2.n as f64), figure("n_ctc"), "{place}: cells");
    let figures = [
        ("mean", her2.mean),
        ("sd", her2.sd),
        ("median", her2.median),
        ("min", her2.min),
        ("max", her2.max),
        ("q25", her2.q25),
        ("q75", her2.q75),
        ("cv", her2.cv),
        ("gini", her2.gini),
    ];
    for (name, found) in figures {
        let (found, expected) = (found.expect("several cells"), figure(name).expect("a figure"));
        let allowed = 1e-6 * expected.abs() + 2e-4;
        assert!((found - expected).abs() <= allowed, "{place}, {name}: {found} for {expected}");
    }
}

fn compare_her2_classes(place: &str, sample: &SampleSegmentation, expected: &serde_json::Value) {
    let her2 = sample.summary.her2.as_ref().expect("a HER2 channel");
    for (class, name) in ["neg", "med", "high"].into_iter().enumerate() {
        let count = expected[name].as_u64().map(|count| count as usize);
        assert_eq!(Some(her2.class_counts[class]), count, "{place}: {name}");
    }
    let (found, expected) = (her2.entropy_bits, expected["entropy_bits"].as_f64());
    let difference = found.zip(expected).map(|(found, expected)| (found - expected).abs());
    assert!(difference.is_some_and(|difference| difference < 1e-9), "{place}: {found:?}");
}

#[test]
fn her2_of_the_tumour_cells_is_that_of_the_reference() {
    let full = read_json(&data("grid/expected-full/her2.json"));
    let marker = read_json(&data("grid/expected-marker/her2.json"));
    let of_outline = run(&settings(SegmentMode::Marker, Her2Measure::Channel));
    for (place, found, expected) in [
        ("full, union", &FULL.sample, &full["union_ch_4_Mean"]),
        ("marker, union", &MARKER.sample, &marker["union_ch_4_Mean"]),
        ("marker, channel", &of_outline.sample, &marker["ch_4_MeanIntensity"]),
    ] {
        compare_her2(place, found, expected);
        compare_her2_classes(place, found, expected);
    }
}

#[test]
fn a_cutoff_from_leukocytes_is_their_quantile() {
    let expected = &read_json(&data("grid/expected-full/her2.json"))["ch_4_MeanIntensity"];
    let found = run(&SegmentSettings {
        her2: Her2Rule::Leukocytes(0.99),
        her2_measure: Her2Measure::Channel,
        ..SegmentSettings::default()
    });
    compare_her2("full, channel", &found.sample, expected);
    let summary = &found.sample.summary;
    let cutoffs = summary.her2_cutoffs.expect("71 leukocytes");
    let threshold = expected["leukocyte_threshold"].as_f64().expect("a threshold");
    assert!((cutoffs.high - threshold).abs() < 2e-4, "{} for {threshold}", cutoffs.high);
    assert_eq!(Some(summary.n_wbc as u64), expected["n_leukocytes"].as_u64(), "leukocytes");
    let positive = summary.her2.as_ref().and_then(|her2| her2.positive).expect("17 cells");
    assert_eq!(Some(positive.fraction), expected["fraction_positive"].as_f64(), "positive cells");
}

#[test]
fn without_cutoffs_no_cell_has_a_class_and_a_warning_says_so() {
    let settings = SegmentSettings { mode: SegmentMode::Marker, ..SegmentSettings::default() };
    let found = run(&settings).sample;
    assert!(found.cells.iter().all(|cell| cell.her2_class.is_none()), "no class is invented");
    assert_eq!(found.summary.her2_cutoffs, None, "no cut-off is invented");
    let codes: Vec<&str> = found.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["no_her2_cutoffs"], "and nothing else");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let found = alone.install(|| run(&settings(SegmentMode::Marker, Her2Measure::Union)));
    assert_eq!(found.sample, MARKER.sample, "one thread and rayon's default");
    assert_eq!(found.labels, MARKER.labels, "label images too");
}
