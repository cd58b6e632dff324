//! One single-page TIFF a frame and channel, in one folder or one a channel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::celltracks_folder::list_files;
use super::channel_pattern::{ChannelPattern, by_name};
use super::grid_choice::Declared;
use super::sample::{FoundSample, first_shape};
use super::{
    Archive, ArchiveOptions, Compat, FrameSource, Layout, PagePlace, doing, folder_name, refusal,
};
use crate::imaging::{Channel, IntensityScale};
use crate::units::MicronsPerPixel;
use crate::{Error, Warning};

/// What a layout of this kind says beside its patterns.
pub(super) struct ChannelFiles {
    pub(super) layout: Layout,
    pub(super) described_by: Vec<PathBuf>,
    pub(super) grid: Declared,
    pub(super) has_edge: bool,
    pub(super) pixel_size: Option<MicronsPerPixel>,
}

/// Opens a folder whose channels lie as `--channel-pattern` says.
pub(super) fn open_folder(
    folder: &Path,
    patterns: &[ChannelPattern],
    options: &ArchiveOptions,
) -> Result<Archive, Error> {
    let usage = || Error::usage(doing()).at(folder.display().to_string());
    if options.compat == Compat::Accept {
        return Err(usage()
            .found("channel patterns, which ACCEPT does not have")
            .expected("no --compat accept"));
    }
    if options.channels.is_some() {
        return Err(usage().found("channel patterns and channel names").expected("one of them"));
    }
    let files = ChannelFiles {
        layout: Layout::ChannelFiles,
        described_by: Vec::new(),
        grid: Declared::default(),
        has_edge: true,
        pixel_size: None,
    };
    assemble(folder, patterns, files, options)
}

/// A sample of frames whose channels are the files that `patterns` match.
pub(super) fn assemble(
    folder: &Path,
    patterns: &[ChannelPattern],
    files: ChannelFiles,
    options: &ArchiveOptions,
) -> Result<Archive, Error> {
    let sample_id = folder_name(folder)?;
    let channels: Vec<Channel> = match &options.channels {
        Some(channels) if channels.len() == patterns.len() => channels.clone(),
        Some(channels) => {
            let found: Vec<String> = patterns.iter().map(|p| p.channel.to_string()).collect();
            return Err(refusal(folder)
                .found(format!("channels {}", found.join(", ")))
                .expected(format!("{}, one for each name of --channels", channels.len())));
        }
        None => patterns.iter().map(|pattern| pattern.channel.clone()).collect(),
    };
    let frames = group(folder, patterns)?;
    // the stretch of the first frame tells that of all
    let shape = first_shape(&frames, IntensityScale::Stored, options, FrameSource::shape)?;
    let mut warnings = Vec::new();
    let is_stretched = shape.has_limits || options.compat == Compat::Accept;
    let scale = if is_stretched { options.scale } else { IntensityScale::Stored };
    if scale == IntensityScale::Stored && options.scale != IntensityScale::Stored {
        let message = format!(
            "{sample_id}: the files have no stretch limits (tags 755 and 756); the stored values are \
             the intensities"
        );
        warnings.push(Warning::new("stored_intensities", message));
    }
    let is_cartridge = frames.len() > 1;
    FoundSample {
        sample_id,
        layout: files.layout,
        place: folder.to_owned(),
        frames,
        described_by: files.described_by,
        grid: files.grid,
        is_cartridge,
        has_edge: is_cartridge && files.has_edge,
        channels,
        frame_size: Some((shape.rows, shape.cols)),
        events: Vec::new(),
        priors: Vec::new(),
        pixel_size: files.pixel_size,
        scale,
        warnings,
    }
    .into_archive(options)
}

/// Frames in name order; one without a file for each channel is refused when it is read.
fn group(folder: &Path, patterns: &[ChannelPattern]) -> Result<Vec<FrameSource>, Error> {
    if let Some(odd) = patterns.iter().find(|other| other.n_stars() != patterns[0].n_stars()) {
        return Err(Error::usage(doing())
            .found(format!("{} stars in the pattern for {}", odd.n_stars(), odd.channel))
            .expected(format!("{}, as in the first pattern", patterns[0].n_stars())));
    }
    let mut owner: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut frames: BTreeSet<String> = BTreeSet::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let mut is_found = false;
        for path in list_files(&folder.join(&pattern.folder))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(frame) = pattern.matched(&name) else { continue };
            is_found = true;
            if let Some(other) = owner.get(&path) {
                return Err(Error::input(doing())
                    .at(path.display().to_string())
                    .found(format!(
                        "a file of both {} and {}",
                        patterns[*other].channel, pattern.channel
                    ))
                    .expected("patterns that no file matches twice"));
            }
            frames.insert(frame);
            owner.insert(path, index);
        }
        if !is_found {
            return Err(refusal(folder)
                .found(format!("no file {} for {}", pattern.text(), pattern.channel))
                .expected("a file a frame and channel"));
        }
    }
    let mut frames: Vec<String> = frames.into_iter().collect();
    frames.sort_by(|a, b| by_name(a, b));
    let source = |frame: &String| {
        let names = patterns.iter().map(|pattern| pattern.name_of(frame));
        let files: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
        let missing: Vec<String> = patterns
            .iter()
            .zip(&files)
            .filter(|(_, file)| !owner.contains_key(*file))
            .map(|(pattern, _)| format!("{} ({})", pattern.name_of(frame), pattern.channel))
            .collect();
        let pages = files.into_iter().map(|file| PagePlace { file, page: 0 }).collect();
        let refused = (!missing.is_empty()).then(|| format!("no file {}", missing.join(", ")));
        FrameSource { n_pages: Some(1), refused, ..FrameSource::of_pages(pages) }
    };
    Ok(frames.iter().map(source).collect())
}
