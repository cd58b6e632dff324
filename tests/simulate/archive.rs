//! What is written: the same for the same seed, read back to the same pixels.

use std::collections::BTreeMap;
use std::path::Path;

use herscope::compute::CpuEngine;
use herscope::imaging::{
    Channel, FrameGrid, Her2Cutoffs, IntensityScale, SIMULATED_CHANNELS, Simulator, draw_cells,
    rescale,
};
use herscope::io::output_folder::OutputFolder;
use herscope::pipeline::segment::{SegmentMode, SegmentSettings, run_segment};
use herscope::pipeline::segment_output::NoPictures;
use herscope::pipeline::simulate_cartridge::{CartridgeSettings, CellSource, simulate_cartridge};

use crate::scenario::{Scenario, Special, open, segment, write};
use crate::score::{match_cells, read_truth};

/// Six frames of 200 x 240 px.
fn small() -> CartridgeSettings {
    let usual = Scenario { brightness: 2.0, crowding: 0.0, noise: 1.0, special: Special::Nothing };
    let mut settings = usual.settings();
    settings.illumination.grid = FrameGrid::serpentine(2, 3);
    settings.illumination.frame_size = (200, 240);
    if let CellSource::Drawn(population) = &mut settings.source {
        (population.n_ctc, population.n_leukocytes, population.n_debris) = (18, 36, 9);
    }
    settings
}

fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for below in [folder.to_owned(), folder.join("processed")] {
        for entry in std::fs::read_dir(below).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_file() {
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                files.insert(name, std::fs::read(&path).expect("readable"));
            }
        }
    }
    files
}

#[test]
fn one_seed_gives_the_same_files_on_one_and_two_threads() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let made = |name: &str, threads: usize, settings: &CartridgeSettings| {
        let target = home.path().join(name).join("900012.1.1");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| write(settings, &target));
        files_of(&target)
    };
    let one = made("one", 1, &small());
    assert_eq!(one.len(), 9, "six frames, XML, truth, manifest: {:?}", one.keys());
    assert!(one == made("two", 2, &small()), "every byte of every file");
    let mut other = small();
    other.illumination.seed += 1;
    let other = made("other", 2, &other);
    assert_ne!(one["900012_001.tif"], other["900012_001.tif"], "another seed, other pixels");
}

#[test]
fn an_archive_is_read_back_with_the_pixels_rendered() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("900012.1.1");
    let settings = small();
    write(&settings, &target);
    let archive = open(&target);
    assert_eq!(archive.warnings, [], "nothing to complain of");
    assert_eq!((archive.grid.rows, archive.grid.cols), (2, 3), "from the XML");
    let CellSource::Drawn(population) = &settings.source else { panic!("drawn") };
    let light = &settings.illumination;
    let cells = draw_cells(population, light.grid, light.frame_size, light.chamber, light.seed);
    let simulator = Simulator::new(light.clone(), cells.expect("room")).expect("good");
    for number in 1..=6 {
        let read = archive.read_frame(number).expect("readable");
        let rendered = simulator.render(number);
        for (channel, plane) in archive.channels.iter().zip(&read.frame.planes) {
            let page = SIMULATED_CHANNELS.iter().position(|c| c == channel).expect("simulated");
            let expected = rescale(&rendered.pages[page], IntensityScale::PageMaximum);
            assert!(*plane == expected.expect("limits"), "frame {number}, {channel}");
        }
    }
}

#[test]
fn a_truth_table_renders_its_cartridge_again() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("900012.1.1");
    write(&small(), &target);
    let again = home.path().join("again/900012.1.1");
    let table = target.join("truth.csv");
    write(&CartridgeSettings { source: CellSource::Table(table), ..small() }, &again);
    let (first, second) = (files_of(&target), files_of(&again));
    for (name, bytes) in &first {
        assert!(name == "manifest.json" || second[name] == *bytes, "{name} differs");
    }
}

#[test]
fn assigned_events_are_where_the_tumour_cells_are() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("900012.1.1");
    write(&CartridgeSettings { assigned_share: 1.0, ..small() }, &target);
    let archive = open(&target);
    assert_eq!(archive.priors.len(), 18, "one a tumour cell");
    let truth = read_truth(&target);
    let whole = segment(&archive, Her2Cutoffs::new(60.0, 320.0).expect("in order"), false);
    let matched = match_cells(&truth, &whole);
    for (cell, matched) in truth.iter().zip(&matched).filter(|(cell, _)| cell.class == "ctc") {
        let found = matched.map(|index| &whole.cells[index]).expect("bright and apart");
        assert_eq!(found.prior_match.len(), 1, "the event of frame {}", cell.frame);
    }
    let settings = SegmentSettings { mode: SegmentMode::Marker, ..SegmentSettings::default() };
    let crops = run_segment(&archive, &settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures)
        .expect("crops");
    assert_eq!(crops.summary.n_prior_matched, 18, "an object in every crop");
}

#[test]
fn the_chamber_of_a_wide_cartridge_is_found_as_it_was_drawn() {
    // Background alone, 1200 x 1200 px with an edge of 100: the chamber is 125 overview pixels
    // wide, the disc of the edge step 101.
    let mut settings = small();
    settings.illumination.grid = FrameGrid::serpentine(3, 3);
    settings.illumination.frame_size = (400, 400);
    settings.illumination.chamber.edge_px = 100.0;
    if let CellSource::Drawn(population) = &mut settings.source {
        (population.n_ctc, population.n_leukocytes, population.n_debris) = (0, 0, 0);
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("900012.1.1");
    write(&settings, &target);
    let found = segment(&open(&target), Her2Cutoffs::new(60.0, 320.0).expect("in order"), false);
    let edge = found.edge_pixels.expect("a cartridge") as f64 * 64.0;
    // Outside: all but a square of 1000 px whose corners have a radius of 400.
    let corners = (4.0 - std::f64::consts::PI) * 400.0 * 400.0;
    let drawn = 1200.0 * 1200.0 - 1000.0 * 1000.0 + corners;
    // A border of 3300 px, soft over two overview pixels (of 8 px): one and a half either way.
    assert!((edge - drawn).abs() < 12.0 * 3_300.0, "{edge} px for {drawn:.0}");
    assert!(open(&target).channels.contains(&Channel::Her2), "four channels");
}

#[test]
fn a_run_that_is_stopped_leaves_nothing() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("900012.1.1");
    let folder = OutputFolder::create(&target, false).expect("a new folder");
    let error = simulate_cartridge(&small(), &folder, &|_, _| false).expect_err("stopped");
    assert!(error.is_interrupted(), "{error}");
    drop(folder);
    let n_left = std::fs::read_dir(home.path()).expect("readable").count();
    assert_eq!(n_left, 0, "no folder and no part of one");
}
