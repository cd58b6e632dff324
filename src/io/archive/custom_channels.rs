//! Folders of single-page files that a table, or names with APC in them, tell the channels of.

use std::path::{Path, PathBuf};

use super::celltracks_folder::list_files;
use super::channel_files::{ChannelFiles, assemble};
use super::channel_names::channel_of_name;
use super::channel_pattern::ChannelPattern;
use super::grid_choice::Declared;
use super::vycap::NAMES;
use super::{Archive, ArchiveOptions, Layout, refusal};
use crate::Error;
use crate::imaging::Channel;
use crate::io::text::read_instrument_text;

/// The table's name.
const TABLE: &str = "customChannels.csv";

/// A folder without a table needs more files than this with APC in their names.
const MANY: usize = 50;

/// Whether a folder is of this kind, and its table, if there is one.
pub(super) enum Kind {
    Table(PathBuf),
    NamedFiles,
}

/// Tells whether a folder is of this kind.
pub(super) fn kind_of(folder: &Path) -> Result<Option<Kind>, Error> {
    let table = folder.join(TABLE);
    if table.is_file() {
        return Ok(Some(Kind::Table(table)));
    }
    let has_apc = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().contains("APC"))
    };
    let n_apc = list_files(folder)?.iter().filter(|path| has_apc(path)).count();
    Ok((n_apc > MANY).then_some(Kind::NamedFiles))
}

/// Opens such a folder.
///
/// # Source
/// Behaviour of ACCEPT's default loader, as far as it is known: a table `Type;channelUsed` in analysis
/// order, whose second column is taken here as the part of the file name that tells the channel.
pub(super) fn open_folder(
    folder: &Path,
    kind: Kind,
    options: &ArchiveOptions,
) -> Result<Archive, Error> {
    let (channels, described_by) = match kind {
        Kind::Table(table) => (read_table(&table)?, vec![table]),
        Kind::NamedFiles => {
            let names = NAMES.iter();
            let present: Vec<(Channel, String)> = names
                .map(|(name, channel)| (channel.clone(), (*name).to_owned()))
                .filter(|(_, name)| any_file(folder, name))
                .collect();
            (present, Vec::new())
        }
    };
    let ending = if any_file(folder, ".tiff") { "tiff" } else { "tif" };
    let patterns = channels
        .into_iter()
        .map(|(channel, part)| ChannelPattern::new(channel, &format!("*{part}*.{ending}")))
        .collect::<Result<Vec<_>, _>>()?;
    let files = ChannelFiles {
        layout: Layout::CustomChannels,
        described_by,
        grid: Declared::default(),
        has_edge: true,
        pixel_size: None,
    };
    assemble(folder, &patterns, files, options)
}

fn any_file(folder: &Path, part: &str) -> bool {
    let files = list_files(folder).unwrap_or_default();
    files
        .iter()
        .any(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(part)))
}

/// Channel and part of the file name of each row.
fn read_table(table: &Path) -> Result<Vec<(Channel, String)>, Error> {
    let text = read_instrument_text(table, "reading the channels")?;
    let text = text.trim_start_matches('\u{feff}');
    let mut rows = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let fields = |line: &str| -> Option<(String, String)> {
        let (kind, used) = line.split_once(';')?;
        let clean = |text: &str| text.trim().trim_matches('"').trim().to_owned();
        Some((clean(kind), clean(used)))
    };
    let wrong = |line: &str, number: usize, right: &str| {
        refusal(table).found(format!("line {number}: {line:?}")).expected(right.to_owned())
    };
    let header = rows.next().unwrap_or(("", 1));
    let is_header = fields(header.0).is_some_and(|(kind, used)| {
        kind.eq_ignore_ascii_case("type") && used.eq_ignore_ascii_case("channelused")
    });
    if !is_header {
        return Err(wrong(header.0, header.1, "Type;channelUsed"));
    }
    let mut channels: Vec<(Channel, String)> = Vec::new();
    for (line, number) in rows {
        let row = fields(line).filter(|(kind, used)| {
            !kind.is_empty() && !used.is_empty() && !used.contains(['*', '/', '\\', ';'])
        });
        let Some((kind, used)) = row else {
            return Err(wrong(line, number, "a channel; the part of its files' names"));
        };
        channels.push((channel_of_name(&kind), used));
    }
    if channels.is_empty() {
        return Err(refusal(table).found("no channel").expected("a row a channel"));
    }
    Ok(channels)
}
