//! `herscope study` and `herscope demo`.

use super::args::{DemoArgs, Shared, StudyArgs};
use super::exit::ExitCode;
use super::output::{note, print_json, print_result, print_warnings};
use super::progress::{Progress, watch_interrupts};
use crate::Error;
use crate::compute::select;
use crate::io::output_folder::OutputFolder;
use crate::pipeline::demo::{DemoCells, write_demo};
use crate::pipeline::study::summary_text;
use crate::pipeline::study::{StudySettings, run_study};
use std::path::{Path, PathBuf};

/// Seed of the demo's cartridges and, by its study file, of its bootstrap.
const DEMO_SEED: u64 = 1;

/// Writes the demo's inputs and runs its study.
pub(super) fn demo(args: &DemoArgs, shared: &Shared) -> Result<ExitCode, Error> {
    watch_interrupts();
    let cells = match args.quick {
        true => DemoCells::Table,
        false => DemoCells::Pixels { seed: shared.seed.unwrap_or(DEMO_SEED) },
    };
    let demo = {
        let progress = Progress::new(shared.quiet, "rendering cartridges");
        write_demo(&args.folder, shared.force, cells, &|done, total| progress.at(done, total))?
    };
    if let Some(made) = demo.cartridges {
        note(
            shared.quiet,
            &format!(
                "rendered {} cartridges, {} frames: {} CTCs of the table, {} leukocytes, {} specks; \
                 {} samples without a cartridge",
                made.n_cartridges,
                made.n_frames,
                made.n_ctc,
                made.n_leukocytes,
                made.n_debris,
                made.n_without
            ),
        );
    }
    let target = shared.out.clone().unwrap_or_else(|| args.folder.join("results"));
    run(&demo.study, &target, args.replicates, shared)
}

/// Runs the study a file describes; results go beside it unless `--out` says otherwise.
pub(super) fn study(args: &StudyArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let target = shared.out.clone().unwrap_or_else(|| beside(&args.study));
    run(&args.study, &target, args.replicates, shared)
}

/// `STUDY-results` in the folder of `STUDY.toml`.
fn beside(study: &Path) -> PathBuf {
    let stem = study.file_stem().map_or_else(|| "study".into(), |stem| stem.to_string_lossy());
    study.with_file_name(format!("{stem}-results"))
}

fn run(
    study: &Path,
    target: &Path,
    replicates: Option<u64>,
    shared: &Shared,
) -> Result<ExitCode, Error> {
    let out = OutputFolder::create(target, shared.force)?;
    let Ok(request) = shared.device.parse();
    let selection = select(&request)?;
    let device = selection.backend.device();
    note(shared.quiet, &format!("device: {} ({})", device.name, selection.reason));
    watch_interrupts();
    let settings = StudySettings {
        replicates,
        seed: shared.seed,
        conf_level: shared.conf_level,
        command: Some(std::env::args().collect::<Vec<_>>().join(" ")),
        date: None,
    };
    let summary = {
        let progress = Progress::new(shared.quiet, "study");
        let report = |stage: &str, done: u64, total: u64| {
            progress.say(stage);
            progress.at(done, total)
        };
        run_study(study, &settings, selection.backend.as_ref(), &report, &out)?
    };
    let folder = out.commit()?;
    print_warnings(&summary.warnings);
    if shared.json {
        print_json(&summary)?;
    } else {
        let report = folder.join("report.html");
        print_result(&format!("{}\nReport: {}\n", summary_text(&summary), report.display()))?;
    }
    Ok(if summary.is_partial() { ExitCode::Partial } else { ExitCode::Done })
}
