//! A segmentation killed at any moment goes on to the very outputs of a run in one go.

use crate::{herscope, run};
use assert_cmd::cargo::CommandCargoExt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

fn arguments(out: &Path) -> Vec<String> {
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/imaging/grid/900011.1.1");
    let fixed = ["segment", archive, "--her2-med", "30", "--her2-high", "200", "--device", "cpu"];
    let out = out.display().to_string();
    let last = ["--threads", "1", "--json", "--out", &*out];
    fixed.into_iter().chain(last).map(str::to_owned).collect()
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let inside = path.strip_prefix(folder).expect("inside").to_owned();
                found.insert(inside, std::fs::read(&path).expect("readable"));
            }
        }
    }
    found
}

fn state_of(out: &Path) -> PathBuf {
    out.with_extension("resume")
}

/// Frames that a run has kept so far. The run goes on meanwhile, so what is listed may be gone.
fn n_kept(out: &Path) -> usize {
    let entries = |folder: &Path| {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
    };
    let is_frame = |path: &PathBuf| {
        path.extension().is_some_and(|ending| ending == "json") && !path.ends_with("sample.json")
    };
    entries(&state_of(out).join("rows"))
        .flat_map(|sample| entries(&sample).collect::<Vec<_>>())
        .filter(is_frame)
        .count()
}

/// Starts a run and kills it once it kept so many frames; false if it was done before.
fn killed_after(n_frames: usize, out: &Path, flags: &[&str]) -> bool {
    let mut command = std::process::Command::cargo_bin("herscope").expect("the binary is built");
    command.args(arguments(out)).args(flags).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the binary starts");
    loop {
        if child.try_wait().expect("a status").is_some() {
            return false;
        }
        if n_kept(out) >= n_frames {
            child.kill().expect("killed or gone");
            child.wait().expect("a status");
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_run_killed_at_any_moment_goes_on_to_the_same_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = folder.path().join("whole");
    let (code, document, err) = run(herscope().args(arguments(&whole)));
    assert_eq!(code, 0, "{err}");
    assert!(!state_of(&whole).exists(), "a run that is done leaves no state");
    let whole = files(&whole);
    let mut n_killed = 0;
    for n_frames in [0, 1, 4, 11, 19] {
        let out = folder.path().join(format!("run{n_frames}"));
        n_killed += usize::from(killed_after(n_frames, &out, &[]));
        // killed once more while it goes on
        killed_after(n_frames + 1, &out, &["--resume"]);
        let (code, found, err) =
            run(herscope().args(arguments(&out)).args(["--resume", "--force"]));
        assert_eq!(code, 0, "{err}");
        assert_eq!(found, document, "killed after {n_frames} frames");
        assert!(files(&out) == whole, "killed after {n_frames} frames: the same files");
        assert!(!state_of(&out).exists(), "no state is left");
    }
    assert!(n_killed >= 3, "{n_killed} runs were still going when they were to be killed");
}

#[test]
fn finished_frames_are_taken_and_those_of_other_settings_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    assert!(killed_after(3, &out, &[]), "a run of 20 frames is killed after the third");
    let labels = |out: &Path| {
        let name = state_of(out).join("rows/900011.1.1/001.json");
        std::fs::metadata(name).and_then(|file| file.modified()).expect("kept")
    };
    let before = labels(&out);
    let (code, _, err) =
        run(herscope().args(arguments(&out)).args(["--resume", "--lambda", "0.02"]));
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("other settings"), "it says why: {err}");
    killed_after(5, &out, &["--resume"]);
    if n_kept(&out) > 0 {
        assert_eq!(labels(&out), before, "the first frame was not done again");
    }
    std::fs::create_dir_all(state_of(&out)).expect("made");
    std::fs::write(state_of(&out).join("mine.txt"), "keep").expect("written");
    let (code, _, err) = run(herscope().args(arguments(&out)).arg("--force"));
    assert_ne!(code, 0, "a folder with other files is not removed: {err}");
}
