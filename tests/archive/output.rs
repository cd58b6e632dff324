//! What a run leaves in its folder, and how it goes on without frames that cannot be read.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use herscope::Error;
use herscope::compute::CpuEngine;
use herscope::imaging::{FrameGrid, Her2Cutoffs};
use herscope::io::archive::{Archive, ArchiveOptions};
use herscope::io::output_folder::OutputFolder;
use herscope::pipeline::segment::{
    Her2Rule, SampleSegmentation, SegmentMode, SegmentSettings, ThresholdScope, run_segment,
};
use herscope::pipeline::segment_output::{FolderPictures, NoPictures, write_tables};

use crate::data;
use crate::reference::{best_matches, numbers, read_json, read_labels, read_rows};

fn write(
    target: &Path,
    archive: &Archive,
    settings: &SegmentSettings,
) -> Result<SampleSegmentation, Error> {
    let folder = OutputFolder::create(target, false)?;
    let pictures =
        FolderPictures { folder: &folder, overlays: true, thumbnails: true, label_tiff: false };
    let sample = run_segment(archive, settings, &CpuEngine::new(), &|_, _| Ok(()), &pictures)?;
    write_tables(&folder, std::slice::from_ref(&sample))?;
    folder.commit()?;
    Ok(sample)
}

#[test]
fn a_single_frame_has_its_own_threshold_and_no_edge() {
    let file = data("grid/900011.1.1/900011.1.1/processed/900011_008.tif");
    let archive = Archive::open(&file, &ArchiveOptions::default()).expect("a good frame");
    assert_eq!(archive.sample_id, "900011_008", "named after the file");
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("out");
    let sample = write(&target, &archive, &SegmentSettings::default()).expect("segmented");

    let expected = data("grid/expected-frame-008");
    let thresholds = numbers(&read_json(&expected.join("thresholds.json"))["thresholds"]);
    assert_eq!(sample.thresholds, Some(thresholds), "from its full histogram");
    assert_eq!(sample.edge_pixels, None, "no cartridge around it");
    let labels = read_labels(&target.join("labels/900011_008/001.png"));
    let reference = read_labels(&expected.join("labels/001.png"));
    for (label, (_, iou)) in best_matches(&reference, &labels) {
        assert!(iou >= 0.9, "object {label}: overlap {iou}");
    }
    assert_eq!(labels.n_labels, reference.n_labels, "no other object");
}

#[test]
fn the_tables_have_the_promised_columns_and_the_pictures_they_name() {
    let archive = Archive::open(&data("grid/900011.1.1"), &ArchiveOptions::default());
    let settings = SegmentSettings {
        mode: SegmentMode::Marker,
        her2: Her2Rule::Cutoffs(Her2Cutoffs::new(30.0, 200.0).expect("in order")),
        ..SegmentSettings::default()
    };
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("out");
    let sample = write(&target, &archive.expect("good"), &settings).expect("segmented");

    let header = |name: &str| {
        let text = std::fs::read_to_string(target.join(name)).expect("written");
        text.lines().next().unwrap_or_default().to_owned()
    };
    let cells = header("cells.csv");
    let identity = "sample_id,frame,label,thumbnail,row_centroid_px,col_centroid_px,bbox_row0,\
                    bbox_col0,bbox_row1,bbox_col1,";
    let channel = |name: &str| {
        let columns = [
            "mean",
            "max",
            "median",
            "sd",
            "mass",
            "area_px",
            "size_um2",
            "perimeter_px",
            "eccentricity",
            "p2a",
            "overlap_dapi",
            "union_mean",
        ];
        columns.map(|column| format!("{name}_{column},")).concat()
    };
    let channels = ["cd45", "dapi", "ck", "her2"].map(channel).concat();
    let classes = "event_class,her2_class,edge_touching,saturated_fraction,prior_match,\
                   excluded_because,border_distance_px,continues_in,her2_in_ck_mean,her2_mean_std_err,her2_class_distance,\
                   her2_class_distance_missing";
    assert_eq!(cells, format!("{identity}{channels}{classes}"), "cells.csv");
    assert_eq!(
        header("frames.csv"),
        "sample_id,frame,channel,threshold,mu0,mu1,iterations,background,n_objects,warnings",
        "frames.csv"
    );
    let rows = read_rows(&target.join("cells.csv"));
    assert_eq!(rows.len(), sample.cells.len(), "one row an object");
    for row in &rows {
        assert!(target.join(&row["thumbnail"]).is_file(), "{} is there", row["thumbnail"]);
    }
    let summary = &read_rows(&target.join("samples.csv"))[0];
    assert_eq!((&*summary["n_ctc"], &*summary["her2_n_high"]), ("25", "8"), "samples.csv");
    assert!(target.join("overlays/900011.1.1/012.png").is_file(), "an overlay a frame");
    assert!(target.join("labels/900011.1.1/012.png").is_file(), "a label image a frame");
}

#[test]
fn a_frame_that_cannot_be_read_is_listed_and_the_others_are_segmented() {
    let malformed = data("malformed");
    let files = ["good.tif", "truncated_data.tif", "bits16.tif", "lzw_garbage.tif"];
    let options =
        ArchiveOptions { grid: Some(FrameGrid::serpentine(2, 2)), ..ArchiveOptions::default() };
    let archive = Archive::of_frames(files.map(|name| malformed.join(name)).to_vec(), &options)
        .expect("two good frames");
    let settings = SegmentSettings { scope: ThresholdScope::Frame, ..SegmentSettings::default() };
    let sample = run_segment(&archive, &settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures)
        .expect("goes on");
    let failed: Vec<u32> = sample.failed_frames.iter().map(|frame| frame.number).collect();
    assert_eq!(failed, [2, 4], "the cut and the garbled frame");
    assert!(sample.failed_frames[0].message.contains("truncated_data.tif"), "named");
    assert_eq!(sample.summary.n_frames_failed, 2, "in the summary too");
    assert_eq!(sample.frames.len(), 16, "a row a frame and channel, read or not");
    assert!(sample.frames[4].threshold.is_none(), "nothing is known of frame 2");
    assert!(sample.warnings.iter().any(|warning| warning.code == "frame_not_read"), "warned");
}

#[test]
fn a_sample_without_any_readable_frame_is_an_error() {
    let options = ArchiveOptions::default();
    let file = data("malformed/lzw_garbage.tif");
    let archive = Archive::open(&file, &options).expect("its directories are sound");
    let error = run_segment(
        &archive,
        &SegmentSettings::default(),
        &CpuEngine::new(),
        &|_, _| Ok(()),
        &NoPictures,
    )
    .expect_err("no frame");
    assert!(error.is_input(), "{error:?}");
}

#[test]
fn progress_counts_to_its_total_and_can_stop_the_run() {
    let file = data("malformed/good.tif");
    let archive = Archive::open(&file, &ArchiveOptions::default()).expect("a good frame");
    let last = AtomicUsize::new(0);
    let count = |done: usize, total: usize| {
        last.fetch_max(done, Ordering::Relaxed);
        assert_eq!(total, 2, "one frame, two passes");
        Ok(())
    };
    let settings = SegmentSettings::default();
    run_segment(&archive, &settings, &CpuEngine::new(), &count, &NoPictures).expect("segmented");
    assert_eq!(last.into_inner(), 2, "all steps are told of");
    let stop = |_: usize, _: usize| Err(Error::interrupted("segmenting a sample"));
    let error = run_segment(&archive, &settings, &CpuEngine::new(), &stop, &NoPictures)
        .expect_err("stopped");
    assert!(error.is_interrupted(), "{error:?}");
}

#[test]
fn crops_without_events_are_a_usage_error() {
    let file = data("malformed/good.tif");
    let archive = Archive::open(&file, &ArchiveOptions::default()).expect("a good frame");
    let settings = SegmentSettings { mode: SegmentMode::Marker, ..SegmentSettings::default() };
    let error = run_segment(&archive, &settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures)
        .expect_err("no XML, no events");
    assert!(error.is_usage(), "{error:?}");
}
