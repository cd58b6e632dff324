//! The reference cartridge over the device: tables and labels are those of the CPU, byte for byte.

use crate::gpu;
use herscope::compute::{Backend, CpuEngine};
use herscope::imaging::Her2Cutoffs;
use herscope::io::celltracks::{Archive, ArchiveOptions};
use herscope::io::output_folder::OutputFolder;
use herscope::pipeline::segment::{Her2Rule, SegmentMode, SegmentSettings, run_segment};
use herscope::pipeline::segment_output::{FolderPictures, write_tables};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Contents of all files of a run, by their paths in its folder.
fn files_of_run(backend: &dyn Backend, mode: SegmentMode) -> BTreeMap<PathBuf, Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imaging/grid/900011.1.1");
    let archive = Archive::open(&path, &ArchiveOptions::default()).expect("a good archive");
    let cutoffs = Her2Cutoffs::new(30.0, 200.0).expect("in order");
    let settings =
        SegmentSettings { mode, her2: Her2Rule::Cutoffs(cutoffs), ..SegmentSettings::default() };
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("out");
    let folder = OutputFolder::create(&target, false).expect("created");
    let pictures = FolderPictures { folder: &folder, overlays: false, thumbnails: false };
    let sample = run_segment(&archive, &settings, backend, &|_, _| Ok(()), &pictures)
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

fn assert_equal_files(gpu: &dyn Backend, mode: SegmentMode) {
    let on_cpu = files_of_run(&CpuEngine::new(), mode);
    let on_device = files_of_run(gpu, mode);
    for name in ["cells.csv", "frames.csv", "samples.csv"] {
        assert!(on_cpu.contains_key(Path::new(name)), "{name} is written");
    }
    let lines = |files: &BTreeMap<PathBuf, Vec<u8>>| {
        files[Path::new("cells.csv")].iter().filter(|&&byte| byte == b'\n').count()
    };
    assert!(lines(&on_cpu) > 20, "a row a cell: {}", lines(&on_cpu));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&on_cpu), names(&on_device), "{mode:?}: files");
    for (name, bytes) in &on_cpu {
        assert!(*bytes == on_device[name], "{mode:?}: {} differs on the device", name.display());
    }
}

#[test]
fn whole_frames_of_the_cartridge_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("whole_frames_of_the_cartridge_are_equal_on_cpu_and_gpu") else { return };
    assert_equal_files(gpu.as_ref(), SegmentMode::Full);
}

#[test]
fn crops_of_the_cartridge_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("crops_of_the_cartridge_are_equal_on_cpu_and_gpu") else { return };
    assert_equal_files(gpu.as_ref(), SegmentMode::Marker);
}
