//! Archives of a study: segmented, their tumour cells taken, the first of them as pictures.

use std::collections::BTreeMap;
use std::path::Path;

use super::segment::{Her2Rule, SampleSegmentation, SegmentMode, SegmentSettings, run_segment};
use super::segment_output::FolderPictures;
use super::study::{StudyFailure, StudyProgress, stopped};
use super::study_data::{CellPlace, StudyCell, StudySample, unmeasured_warning};
use super::study_file::{SegmentMode as StudyMode, StudyFile};
use crate::compute::Backend;
use crate::imaging::{Channel, EventClass, Her2Cutoffs, LabelImage, Picture, PixelBox};
use crate::io::archive::{Archive, ArchiveOptions};
use crate::io::cell_table::CellRow;
use crate::io::gate_file::read_gates;
use crate::io::manifest::ManifestFile;
use crate::io::output_folder::OutputFolder;
use crate::io::picture_file::{read_labels, read_picture};
use crate::io::png::encode_picture;
use crate::report::{GalleryCell, Mask, Panel};
use crate::{Error, Warning};

/// Cells shown in the report; all of them are in `cells.csv` and `thumbnails/`.
const MAX_GALLERY: usize = 48;

/// What the archives of a study gave, beside the cells, which are in the samples.
#[derive(Debug, Default)]
pub(crate) struct Cartridges {
    pub(crate) failures: Vec<StudyFailure>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) inputs: Vec<ManifestFile>,
    pub(crate) gallery: Vec<GalleryCell>,
    /// Tumour cells that are not in the gallery.
    pub(crate) n_not_shown: u64,
}

/// What measuring a study's archives needs.
pub(crate) struct Measuring<'a> {
    pub(crate) study: &'a StudyFile,
    /// Folder of the study file.
    pub(crate) folder: &'a Path,
    pub(crate) backend: &'a dyn Backend,
    pub(crate) progress: StudyProgress<'a>,
    /// Where pictures go.
    pub(crate) out: &'a OutputFolder,
}

/// Measures the cells of every sample that has an archive. An archive, or a frame, that cannot be
/// used is listed, and its sample's cells count as not known.
///
/// # Errors
/// A picture that cannot be written; a caller that stops the run.
pub(crate) fn measure_archives(
    measuring: &Measuring<'_>,
    samples: &mut [StudySample],
) -> Result<Cartridges, Error> {
    let mut cartridges = Cartridges::default();
    for sample in samples {
        let Some((name, path)) = sample.archive.clone() else { continue };
        let failure = match measure(measuring, sample, &path, &mut cartridges) {
            Ok(failed_frames) => failed_frames,
            Err(error) if error.is_input() || error.is_usage() => Some(error.to_string()),
            Err(error) => return Err(error),
        };
        if let Some(message) = failure {
            cartridges.failures.push(StudyFailure {
                sample_id: sample.id.clone(),
                archive: name,
                message: message.clone(),
            });
            sample.failure = Some(message);
        }
    }
    Ok(cartridges)
}

/// Segments one archive; returns what is wrong with frames that could not be read.
fn measure(
    measuring: &Measuring<'_>,
    sample: &mut StudySample,
    path: &Path,
    cartridges: &mut Cartridges,
) -> Result<Option<String>, Error> {
    let Measuring { study, folder, backend, progress, out } = *measuring;
    let mut archive = Archive::open(path, &ArchiveOptions::default())?;
    // The pictures' folders bear the sample's name, which is unique in the study.
    archive.sample_id.clone_from(&sample.id);
    let cut_offs = study.archive_cut_offs();
    let gates = study.cartridges.gates.as_deref();
    let gates = gates.map(|name| read_gates(name, folder, &archive.channels)).transpose()?;
    let (gates, warnings) = gates.unzip();
    for warning in warnings.into_iter().flatten() {
        if !cartridges.warnings.contains(&warning) {
            cartridges.warnings.push(warning);
        }
    }
    let settings = SegmentSettings {
        mode: match study.cartridges.mode {
            StudyMode::Full => SegmentMode::Full,
            StudyMode::Marker => SegmentMode::Marker,
        },
        gates,
        no_edge_mask: !study.cartridges.edge_mask,
        her2: Her2Rule::Cutoffs(Her2Cutoffs::new(cut_offs.med, cut_offs.high)?),
        ..SegmentSettings::default()
    };
    let stage = format!("segmenting {}", sample.id);
    let step = |done: usize, total: usize| match progress(&stage, done as u64, total as u64) {
        true => Ok(()),
        false => Err(stopped(&stage)),
    };
    let sink = FolderPictures { folder: out, overlays: false, thumbnails: true, label_tiff: false };
    let found = run_segment(&archive, &settings, backend, &step, &sink)?;

    let her2 = archive.channels.iter().position(|channel| *channel == Channel::Her2);
    let is_ctc =
        |cell: &&CellRow| cell.event_class == EventClass::Ctc && cell.excluded_because.is_none();
    let ctcs: Vec<&CellRow> = found.cells.iter().filter(is_ctc).collect();
    let sample_id = &archive.sample_id;
    sample.cells = ctcs
        .iter()
        .map(|cell| {
            let object = &cell.object;
            let mean = her2.and_then(|index| object.channels[index].union_mean);
            let place = CellPlace {
                frame: cell.frame,
                label: object.label,
                row_centroid_px: object.row_centroid_px,
                col_centroid_px: object.col_centroid_px,
            };
            let id = format!("{sample_id}-{:03}-{:04}", cell.frame, object.label);
            StudyCell::classed(id, (mean, cell.her2_std_err), cut_offs, Some(place))
        })
        .collect();
    let n_unmeasured = sample.cells.iter().filter(|cell| cell.her2_class.is_none()).count();
    cartridges.warnings.extend(unmeasured_warning(n_unmeasured));
    cartridges.warnings.extend(found.warnings.iter().cloned());
    for file in archive.files() {
        cartridges.inputs.extend(ManifestFile::of_input(file));
    }
    let n_shown = ctcs.len().min(MAX_GALLERY.saturating_sub(cartridges.gallery.len()));
    add_to_gallery(&archive.channels, sample, &ctcs[..n_shown], out, &mut cartridges.gallery)?;
    cartridges.n_not_shown += (ctcs.len() - n_shown) as u64;
    Ok(failed_frames(&found))
}

/// One sentence on the frames that could not be read, if there are any.
fn failed_frames(found: &SampleSegmentation) -> Option<String> {
    let first = found.failed_frames.first()?;
    let others = match found.failed_frames.len() - 1 {
        0 => String::new(),
        n => format!(" (and {n} further frames)"),
    };
    Some(format!("frame {}: {}{others}", first.number, first.message))
}

/// Reads the thumbnails of `ctcs`, in the order of the sample's cells, back from the folder.
fn add_to_gallery(
    channels: &[Channel],
    sample: &StudySample,
    ctcs: &[&CellRow],
    out: &OutputFolder,
    gallery: &mut Vec<GalleryCell>,
) -> Result<(), Error> {
    let mut label_images: BTreeMap<u32, LabelImage> = BTreeMap::new();
    for (row, cell) in ctcs.iter().zip(&sample.cells) {
        let (Some(thumbnail), Some(bbox)) = (&row.thumbnail, row.object.thumbnail_box) else {
            continue;
        };
        let labels = match label_images.entry(row.frame) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let name = format!("labels/{}/{:03}.png", sample.id, row.frame);
                entry.insert(read_labels(&out.path_of(&name)?)?)
            }
        };
        let strip = read_picture(&out.path_of(thumbnail)?)?;
        let names = std::iter::once("colour".to_owned())
            .chain(channels.iter().map(|channel| channel.column_name().to_uppercase()));
        let tiles = tiles_of(&strip, bbox.cols(), channels.len() + 1);
        let panels = names
            .zip(&tiles)
            .map(|(channel, tile)| Ok(Panel { channel, png: encode_picture(tile)? }))
            .collect::<Result<Vec<_>, Error>>()?;
        gallery.push(GalleryCell {
            row_id: cell.id.clone(),
            sample_id: sample.id.clone(),
            frame: u64::from(row.frame),
            label: u64::from(row.object.label),
            her2_mean: cell.her2_mean,
            her2_class: cell.class_name().map(str::to_owned),
            event_class: Some(row.event_class.name().to_owned()),
            panels,
            mask: Some(mask_of(labels, row.object.label, bbox)),
        });
    }
    Ok(())
}

/// The pictures of a strip: `n` tiles of `cols` columns with even gaps between them. None where
/// the strip is not so wide.
fn tiles_of(strip: &Picture, cols: usize, n: usize) -> Vec<Picture> {
    let gaps = strip.cols.saturating_sub(n * cols);
    if cols == 0 || n < 2 || n * cols > strip.cols || !gaps.is_multiple_of(n - 1) {
        return Vec::new();
    }
    let stride = cols + gaps / (n - 1);
    let tile = |index: usize| {
        let row = |row: usize| {
            let first = row * strip.cols + index * stride;
            strip.pixels[first..first + cols].iter().copied()
        };
        Picture { rows: strip.rows, cols, pixels: (0..strip.rows).flat_map(row).collect() }
    };
    (0..n).map(tile).collect()
}

/// The pixels of `label` inside `bbox`.
fn mask_of(labels: &LabelImage, label: u32, bbox: PixelBox) -> Mask {
    let bbox = bbox.clamped(labels.rows, labels.cols).unwrap_or(PixelBox {
        row0: 0,
        col0: 0,
        row1: 0,
        col1: 0,
    });
    let inside = (bbox.row0..bbox.row1)
        .flat_map(|row| (bbox.col0..bbox.col1).map(move |col| (row, col)))
        .map(|(row, col)| labels.labels[row * labels.cols + col] == label)
        .collect();
    Mask { width: bbox.cols(), height: bbox.rows(), inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_falls_into_its_tiles() {
        let pixels = (0..2 * 8).map(|index| [index as u8; 3]).collect();
        let strip = Picture { rows: 2, cols: 8, pixels };
        let tiles = tiles_of(&strip, 3, 2);
        let first: Vec<u8> = tiles[1].pixels.iter().map(|pixel| pixel[0]).collect();
        assert_eq!(first, [5, 6, 7, 13, 14, 15], "after a gap of two columns");
        assert!(tiles_of(&strip, 5, 2).is_empty(), "two of five do not fit");
    }
}
