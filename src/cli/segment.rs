//! `herscope segment`.

use super::args::{SegmentArgs, Shared};
use super::exit::ExitCode;
use super::output::{json, note, print_document, print_error, print_warnings};
use super::progress::{Progress, watch_interrupts};
use super::segment_archive::{archive_options, compat_warning, scale_name};
use super::segment_her2::{her2_rule, her2_source};
use crate::compute::{Backend, select};
use crate::imaging::Channel;
use crate::io::archive::{Archive, ArchiveOptions};
use crate::io::cell_table::{CellTable, FrameTable};
use crate::io::frame_store::FrameStore;
use crate::io::gate_file::read_gates;
use crate::io::output_folder::{OutputFile, OutputFolder};
use crate::io::sample_table::SampleTable;
#[cfg(feature = "parquet")]
use crate::io::{cell_table::column_type, parquet_table::encode_parquet};
use crate::pipeline::segment::{
    BorderObjects, Her2Measure, Her2Rule, SampleSegmentation, SegmentMode, SegmentSettings,
    ThresholdRule, ThresholdScope, run_segment,
};
use crate::pipeline::segment_resume::StoredFrames;
use crate::report::{Align, TextTable};
use crate::{Error, Warning};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What `segment --json` prints; also the settings part of the manifest.
#[derive(Serialize)]
struct SegmentDocument {
    schema_version: u32,
    command: &'static str,
    version: &'static str,
    warnings: Vec<Warning>,
    settings: SettingsBlock,
    samples: Vec<SampleBlock>,
    failures: Vec<FailureBlock>,
    outputs: Vec<OutputFile>,
}

#[derive(Serialize)]
struct SettingsBlock {
    mode: String,
    threshold: String,
    scope: String,
    lambda: Option<f32>,
    border_objects: String,
    split_touching: bool,
    no_edge_mask: bool,
    gates: String,
    her2_med: Option<f64>,
    her2_high: Option<f64>,
    her2_from: Option<String>,
    her2_measure: String,
    intensity_scale: String,
    compat: Option<String>,
    device: &'static str,
}

#[derive(Serialize)]
struct SampleBlock {
    sample_id: String,
    layout: &'static str,
    grid: [usize; 2],
    intensity_scale: &'static str,
    channels: Vec<String>,
    thresholds: Option<Vec<f64>>,
    pixel_size_um: Option<f64>,
    n_frames: usize,
    n_frames_failed: usize,
    n_events: usize,
    n_ctc: usize,
    n_wbc: usize,
    n_other: usize,
}

#[derive(Serialize)]
struct FailureBlock {
    path: String,
    message: String,
}

/// Runs the command.
pub(super) fn segment(args: &SegmentArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let Some(target) = &shared.out else {
        return Err(Error::usage("segmenting")
            .found("no --out")
            .expected("--out DIR for the tables"));
    };
    if args.parquet && !cfg!(feature = "parquet") {
        return Err(Error::usage("segmenting")
            .found("--parquet in a build without the feature parquet")
            .expected("cells.csv, or a build with --features parquet"));
    }
    let options = archive_options(args)?;
    let her2 = her2_rule(args)?;
    let Ok(request) = shared.device.parse();
    let selection = select(&request)?;
    let backend = selection.backend.as_ref();
    note(shared.quiet, &format!("device: {} ({})", backend.device().name, selection.reason));
    let out = OutputFolder::create(target, shared.force)?;
    let store = FrameStore::beside(target, shared.resume)?;
    watch_interrupts();
    let mut run = Run::new(args, her2)?;
    let mut first_error = None;
    for input in inputs(&args.archives) {
        let progress = Progress::new(shared.quiet, "segmenting");
        match run.sample(input, args, &options, backend, &store, &progress) {
            Ok(()) => {}
            Err(error) if error.is_input() => {
                drop(progress);
                print_error(&error);
                run.failures.push(FailureBlock {
                    path: input[0].display().to_string(),
                    message: error.to_string(),
                });
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match first_error {
        Some(error) if run.samples.is_empty() => Err(error),
        _ => run.finish(args, shared, backend, (out, &store)),
    }
}

/// One sample an archive; several frame files together are one sample.
fn inputs(paths: &[PathBuf]) -> Vec<&[PathBuf]> {
    if paths.iter().all(|path| !path.is_dir()) { vec![paths] } else { paths.chunks(1).collect() }
}

/// Tables that grow sample by sample.
struct Run {
    her2: Her2Rule,
    cells: Option<(Vec<String>, CellTable)>,
    frames: FrameTable,
    table: SampleTable,
    samples: Vec<SampleBlock>,
    failures: Vec<FailureBlock>,
    warnings: Vec<Warning>,
}

impl Run {
    fn new(args: &SegmentArgs, her2: Her2Rule) -> Result<Self, Error> {
        let mut warnings = Vec::new();
        if her2 == Her2Rule::Unclassified {
            let message = "no HER2 cut-offs were given, so cells have no HER2 class; no published cut-off exists for this scale";
            warnings.push(Warning::new("no_her2_cutoffs", message));
        }
        warnings.extend(compat_warning(args));
        Ok(Self {
            her2,
            cells: None,
            frames: FrameTable::new()?,
            table: SampleTable::new()?,
            samples: Vec::new(),
            failures: Vec::new(),
            warnings,
        })
    }

    fn sample(
        &mut self,
        input: &[PathBuf],
        args: &SegmentArgs,
        options: &ArchiveOptions,
        backend: &dyn Backend,
        store: &FrameStore,
        progress: &Progress,
    ) -> Result<(), Error> {
        let archive = match input {
            [path] => Archive::open(path, options)?,
            frames => Archive::of_frames(frames.to_vec(), options)?,
        };
        if self.samples.iter().any(|sample| sample.sample_id == archive.sample_id) {
            return Err(Error::input("collecting the samples")
                .at(input[0].display().to_string())
                .found(format!("a second sample {}", archive.sample_id))
                .expected("samples with different names"));
        }
        let (settings, gate_warnings) = settings(args, self.her2, &archive.channels)?;
        let sink = StoredFrames { store, label_tiff: args.label_tiff };
        let report = |done: usize, total: usize| {
            if progress.at(done as u64, total as u64) {
                Ok(())
            } else {
                Err(Error::interrupted("segmenting")
                    .found(format!("an interrupt after {done} of {total} steps"))
                    .expected(format!(
                        "the same command with --resume goes on from {}",
                        store.place().display()
                    )))
            }
        };
        let done = run_segment(&archive, &settings, backend, &report, &sink)?;
        self.warnings.extend(gate_warnings);
        self.add(&archive, done)
    }

    fn add(&mut self, archive: &Archive, done: SampleSegmentation) -> Result<(), Error> {
        if self.cells.is_none() {
            self.cells = Some((done.channels.clone(), CellTable::new(&done.channels)?));
        }
        if let Some((channels, cells)) = &mut self.cells {
            if *channels != done.channels {
                return Err(Error::input("collecting the cells of all samples")
                    .at(done.sample_id)
                    .found(format!("channels {}", done.channels.join(", ")))
                    .expected(format!("those of the first sample: {}", channels.join(", "))));
            }
            cells.push_sample(&done.sample_id, &done.channels, &done.cells)?;
        }
        self.frames.push_sample(&done.sample_id, &done.frames)?;
        self.table.push(&done.sample_id, &done.summary)?;
        for frame in &done.failed_frames {
            self.failures.push(FailureBlock {
                path: frame.path.display().to_string(),
                message: frame.message.clone(),
            });
        }
        self.warnings.extend(done.warnings);
        self.samples.push(SampleBlock {
            sample_id: done.sample_id,
            layout: archive.layout.name(),
            grid: [archive.grid.rows, archive.grid.cols],
            intensity_scale: scale_name(archive.scale),
            channels: done.channels,
            thresholds: done.thresholds,
            pixel_size_um: archive.pixel_size.map(|size| size.0),
            n_frames: done.summary.n_frames,
            n_frames_failed: done.summary.n_frames_failed,
            n_events: done.summary.n_events,
            n_ctc: done.summary.n_ctc,
            n_wbc: done.summary.n_wbc,
            n_other: done.summary.n_other,
        });
        Ok(())
    }

    fn finish(
        mut self,
        args: &SegmentArgs,
        shared: &Shared,
        backend: &dyn Backend,
        (out, store): (OutputFolder, &FrameStore),
    ) -> Result<ExitCode, Error> {
        store.move_pictures(&out)?;
        if let Some((_, cells)) = self.cells {
            let cells = cells.finish()?;
            #[cfg(feature = "parquet")]
            if args.parquet {
                out.write("cells.parquet", encode_parquet(&cells, column_type)?)?;
            }
            out.write("cells.csv", cells)?;
        }
        out.write("frames.csv", self.frames.finish()?)?;
        out.write("samples.csv", self.table.finish()?)?;
        self.warnings.extend(backend.warnings());
        let document = SegmentDocument {
            schema_version: 1,
            command: "segment",
            version: env!("CARGO_PKG_VERSION"),
            warnings: self.warnings,
            settings: settings_block(args, backend),
            samples: self.samples,
            failures: self.failures,
            outputs: out.files()?,
        };
        out.write("manifest.json", json(&document)?)?;
        let folder = out.commit()?;
        store.remove()?;
        for failure in &document.failures {
            print_warnings(&[Warning::new("refused", failure.message.clone())]);
        }
        print_document(shared, &document.warnings, &document, &text(&document, &folder))?;
        Ok(if document.failures.is_empty() { ExitCode::Done } else { ExitCode::Partial })
    }
}

fn text(document: &SegmentDocument, folder: &Path) -> String {
    let mut table = TextTable::new([
        ("sample", Align::Left),
        ("frames", Align::Right),
        ("refused", Align::Right),
        ("events", Align::Right),
        ("CTC", Align::Right),
        ("WBC", Align::Right),
        ("other", Align::Right),
    ]);
    for s in &document.samples {
        let counts = [s.n_frames, s.n_frames_failed, s.n_events, s.n_ctc, s.n_wbc, s.n_other];
        table.row(std::iter::once(s.sample_id.clone()).chain(counts.map(|n| n.to_string())));
    }
    format!("{}Tables and pictures are in {}\n", table.render(), folder.display())
}

fn settings_block(args: &SegmentArgs, backend: &dyn Backend) -> SettingsBlock {
    SettingsBlock {
        mode: args.mode.clone(),
        threshold: args.threshold.clone(),
        scope: args.scope.clone(),
        lambda: args.lambda,
        border_objects: args.border_objects.clone(),
        split_touching: args.split_touching,
        no_edge_mask: args.no_edge_mask,
        gates: args.gates.clone().unwrap_or_else(|| match args.mode.as_str() {
            "marker" => "none: every event is a CTC, as the operator said".into(),
            _ => "breast".into(),
        }),
        her2_med: args.her2_med,
        her2_high: args.her2_high,
        her2_from: her2_source(args),
        her2_measure: args.her2_measure.clone(),
        intensity_scale: args.intensity_scale.clone(),
        compat: args.compat.clone(),
        device: backend.device().backend,
    }
}

fn settings(
    args: &SegmentArgs,
    her2: Her2Rule,
    channels: &[Channel],
) -> Result<(SegmentSettings, Vec<Warning>), Error> {
    let usage = |flag: &str, found: &str, right: &str| {
        Error::usage(format!("reading {flag}"))
            .found(format!("{found:?}"))
            .expected(right.to_owned())
    };
    let threshold = match args.threshold.as_str() {
        "triangle" => ThresholdRule::Triangle,
        "otsu" => ThresholdRule::Otsu,
        value => ThresholdRule::Value(
            value
                .parse()
                .map_err(|_| usage("--threshold", value, "triangle, otsu or an intensity"))?,
        ),
    };
    let (gates, warnings) = match args.gates.as_deref() {
        None => (None, Vec::new()),
        Some(name) => {
            let (gates, warnings) = read_gates(name, Path::new(""), channels)?;
            (Some(gates), warnings)
        }
    };
    let settings = SegmentSettings {
        mode: if args.mode == "marker" { SegmentMode::Marker } else { SegmentMode::Full },
        threshold,
        scope: if args.scope == "frame" {
            ThresholdScope::Frame
        } else {
            ThresholdScope::Cartridge
        },
        lambda: args.lambda,
        border_objects: if args.border_objects == "flagged" {
            BorderObjects::Flagged
        } else {
            BorderObjects::Cleared
        },
        split_touching: args.split_touching,
        no_edge_mask: args.no_edge_mask,
        gates,
        her2,
        her2_measure: if args.her2_measure == "channel" {
            Her2Measure::Channel
        } else {
            Her2Measure::Union
        },
    };
    Ok((settings, warnings))
}
