//! VyCAP scans: settings beside one folder a channel, frames row by row from the left.

use std::path::{Path, PathBuf};

use super::celltracks_folder::list_files;
use super::channel_files::{ChannelFiles, assemble};
use super::channel_pattern::ChannelPattern;
use super::grid_choice::Declared;
use super::{Archive, ArchiveOptions, Layout, refusal};
use crate::Error;
use crate::imaging::{Channel, ScanOrder};
use crate::io::text::read_instrument_text;
use crate::units::MicronsPerPixel;

/// Folder of the settings.
const SCAN_FOLDER: &str = "Scan";

/// Channels in analysis order, by the name in their folders and files.
pub(super) const NAMES: [(&str, Channel); 4] = [
    ("APC", Channel::Cd45),
    ("DAPI", Channel::Dapi),
    ("PE", Channel::Cytokeratin),
    ("FITC", Channel::Her2),
];

/// Further channels of the same kind.
const FURTHER: [&str; 2] = ["Reflection", "Marker2"];

/// Lines of the settings, 1-based, and the factor of the pixel size.
const COLS_LINE: usize = 6;
const ROWS_LINE: usize = 7;
const PIXEL_LINE: usize = 19;
const PIXEL_FACTOR: f64 = 0.1;

/// The settings of a sample folder, if it has any.
pub(super) fn settings_file(folder: &Path) -> Option<PathBuf> {
    let files = list_files(&folder.join(SCAN_FOLDER)).ok()?;
    let is_settings = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with("Scan settings.txt")
    };
    files.into_iter().find(is_settings)
}

/// Opens a sample folder.
///
/// # Source
/// Behaviour of ACCEPT's VyCAP loader: folders named channel and `1`, files `*CHANNEL.tif`, no edge.
/// Where the folders lie is not known: beside `Scan` or in it.
pub(super) fn open_folder(
    folder: &Path,
    settings: PathBuf,
    options: &ArchiveOptions,
) -> Result<Archive, Error> {
    let text = read_instrument_text(&settings, "reading the scan settings")?;
    let line = |number: usize, what: &str| {
        let line = text.lines().nth(number - 1).unwrap_or_default();
        last_number(line).filter(|value| *value > 0.0).ok_or_else(|| {
            refusal(&settings)
                .found(format!("line {number}: {line:?}"))
                .expected(format!("a number above 0, the {what}"))
        })
    };
    let whole = |number: usize, what: &str| {
        let value = line(number, what)?;
        // counts of frames are far below 2^32
        match value.fract() == 0.0 && value <= f64::from(u32::MAX) {
            true => Ok(value as u64),
            false => Err(refusal(&settings)
                .found(format!("line {number}: {value} {what}"))
                .expected("a whole number")),
        }
    };
    let (cols, rows) =
        (whole(COLS_LINE, "columns of frames")?, whole(ROWS_LINE, "rows of frames")?);
    let pixel_size = MicronsPerPixel(line(PIXEL_LINE, "size of a pixel")? * PIXEL_FACTOR);
    let names = NAMES.iter().cloned();
    let further = FURTHER.iter().map(|&name| (name, Channel::Other(name.to_owned())));
    let mut patterns = Vec::new();
    for (name, channel) in names.chain(further) {
        let below = ["", "Scan/"].map(|prefix| format!("{prefix}{name}1"));
        if let Some(channel_folder) = below.iter().find(|below| folder.join(below).is_dir()) {
            let pattern = format!("{channel_folder}/*{name}.tif");
            patterns.push(ChannelPattern::new(channel, &pattern)?);
        }
    }
    if patterns.is_empty() {
        return Err(refusal(folder)
            .found("scan settings and no folder of a channel")
            .expected("folders such as DAPI1, beside Scan or in it"));
    }
    let files = ChannelFiles {
        layout: Layout::Vycap,
        described_by: vec![settings],
        grid: Declared { size: Some((rows, cols)), order: ScanOrder::Raster },
        has_edge: false,
        pixel_size: Some(pixel_size),
    };
    assemble(folder, &patterns, files, options)
}

/// The last number of a line, with a decimal point or comma.
fn last_number(line: &str) -> Option<f64> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let end = line.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = line[..end]
        .rfind(|c: char| !is_part(c))
        .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    line[start..end].trim_start_matches([',', '.']).replace(',', ".").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_a_line_with_point_or_comma() {
        for (line, number) in [
            ("12", Some(12.0)),
            ("Columns: 12 ", Some(12.0)),
            ("Pixel size (0.1 um)\t6,45", Some(6.45)),
            ("\u{b5}m 6.45", Some(6.45)),
            ("none", None),
            ("", None),
            ("1.2.3", None),
        ] {
            assert_eq!(last_number(line), number, "{line:?}");
        }
    }
}
