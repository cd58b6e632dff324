//! The reference cartridge over the device: tables and labels are those of the CPU, byte for byte.

use crate::gpu;
use herscope::compute::{Backend, CpuEngine};
use herscope::imaging::Her2Cutoffs;
use herscope::io::archive::{Archive, ArchiveOptions};
use herscope::io::output_folder::OutputFolder;
use herscope::pipeline::segment::{Her2Rule, SegmentMode, SegmentSettings, run_segment};
use herscope::pipeline::segment_output::{FolderPictures, write_tables};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Contents of all files of a run, by their paths in its folder.
fn files_of_run(
    backend: &dyn Backend,
    path: &str,
    settings: &SegmentSettings,
) -> BTreeMap<PathBuf, Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imaging/grid").join(path);
    let archive = Archive::open(&path, &ArchiveOptions::default()).expect("a good archive");
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("out");
    let folder = OutputFolder::create(&target, false).expect("created");
    let pictures =
        FolderPictures { folder: &folder, overlays: false, thumbnails: false, label_tiff: false };
    let sample = run_segment(&archive, settings, backend, &|_, _| Ok(()), &pictures)
        .expect("readable frames");
    write_tables(&folder, std::slice::from_ref(&sample)).expect("written");
    folder.commit().expect("moved into place");
    let mut files = BTreeMap::new();
    let mut folders = vec![target.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&target).expect("below it").to_owned();
                files.insert(name, std::fs::read(&path).expect("readable"));
            }
        }
    }
    files
}

fn assert_equal_files(gpu: &dyn Backend, path: &str, settings: SegmentSettings, n_cells: usize) {
    let cutoffs = Her2Cutoffs::new(30.0, 200.0).expect("in order");
    let settings = SegmentSettings { her2: Her2Rule::Cutoffs(cutoffs), ..settings };
    let on_cpu = files_of_run(&CpuEngine::new(), path, &settings);
    let on_device = files_of_run(gpu, path, &settings);
    for name in ["cells.csv", "frames.csv", "samples.csv"] {
        assert!(on_cpu.contains_key(Path::new(name)), "{path}: {name} is written");
    }
    let cells = &on_cpu[Path::new("cells.csv")];
    let lines = cells.iter().filter(|&&byte| byte == b'\n').count();
    assert!(lines > n_cells, "{path}: a row a cell: {lines}");
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&on_cpu), names(&on_device), "{path}: files");
    for (name, bytes) in &on_cpu {
        assert!(*bytes == on_device[name], "{path}: {} differs on the device", name.display());
    }
}

/// A smaller lambda than the mode's ends contours after a third of the iterations: a software
/// adapter takes a minute instead of three. With the mode's own there is the frame below.
#[test]
fn whole_frames_of_the_cartridge_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("whole_frames_of_the_cartridge_are_equal_on_cpu_and_gpu") else { return };
    let settings = SegmentSettings { lambda: Some(0.0005), ..SegmentSettings::default() };
    assert_equal_files(gpu.as_ref(), "900011.1.1", settings, 100);
}

#[test]
fn a_frame_of_the_cartridge_is_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("a_frame_of_the_cartridge_is_equal_on_cpu_and_gpu") else { return };
    let frame = "900011.1.1/900011.1.1/processed/900011_008.tif";
    assert_equal_files(gpu.as_ref(), frame, SegmentSettings::default(), 3);
}

#[test]
fn crops_of_the_cartridge_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("crops_of_the_cartridge_are_equal_on_cpu_and_gpu") else { return };
    let settings = SegmentSettings { mode: SegmentMode::Marker, ..SegmentSettings::default() };
    assert_equal_files(gpu.as_ref(), "900011.1.1", settings, 20);
}
