//! Reading the frames and expected tables under `tests/data/imaging/frames`.

use herscope::imaging::{Channel, EdgeMask, Frame, FrameGrid, LabelImage, Mask, PixelBox, Plane};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

/// The folder of a data set.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imaging/frames").join(name)
}

/// A four-page frame in analysis order, stretched back to camera units by tags 755 and 756.
pub(crate) fn read_frame(path: &Path, number: u32) -> Frame {
    let mut decoder = Decoder::new(File::open(path).expect("the frame is there")).expect("a TIFF");
    let mut pages = Vec::new();
    loop {
        pages.push(read_page(&mut decoder));
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().expect("the next page");
    }
    let channels = vec![Channel::Cd45, Channel::Dapi, Channel::Cytokeratin, Channel::Her2];
    let planes = [3, 0, 2, 1].map(|page: usize| pages[page].clone()).to_vec();
    Frame { number, channels, planes }
}

fn read_page(decoder: &mut Decoder<File>) -> Plane {
    let limit = |decoder: &mut Decoder<File>, tag| {
        f64::from(decoder.get_tag_u32(Tag::Unknown(tag)).expect("a stretch limit"))
    };
    let (low, high) = (limit(decoder, 755), limit(decoder, 756));
    let (cols, rows) = decoder.dimensions().expect("a size");
    let stored: Vec<f64> = match decoder.read_image().expect("pixels") {
        DecodingResult::U8(pixels) => pixels.into_iter().map(f64::from).collect(),
        DecodingResult::U16(pixels) => pixels.into_iter().map(f64::from).collect(),
        other => panic!("8 or 16 bit pixels, not {other:?}"),
    };
    let largest = stored.iter().copied().fold(0.0, f64::max);
    let offset = if low >= 32768.0 { 32768.0 } else { 0.0 };
    let value = |p: f64| {
        let stretched = if largest > 0.0 { p * (high - low) / largest } else { 0.0 };
        (low + stretched - offset) as f32
    };
    Plane::new(rows as usize, cols as usize, stored.into_iter().map(value).collect())
}

/// A grey PNG of 8 or 16 bit: (rows, cols, values).
fn read_png(path: &Path) -> (usize, usize, Vec<u32>) {
    let picture = image::open(path).expect("a PNG").into_luma16();
    let (cols, rows) = picture.dimensions();
    (rows as usize, cols as usize, picture.pixels().map(|p| u32::from(p.0[0])).collect())
}

/// Expected label image.
pub(crate) fn read_labels(path: &Path) -> LabelImage {
    let (rows, cols, labels) = read_png(path);
    let n_labels = labels.iter().copied().max().unwrap_or(0);
    LabelImage { rows, cols, labels, n_labels }
}

/// Expected mask of each channel: bit c of a pixel is channel c. The 8-bit file keeps its bits.
pub(crate) fn read_masks(path: &Path) -> Vec<Mask> {
    let picture = image::open(path).expect("a PNG").into_luma8();
    let (cols, rows) = picture.dimensions();
    (0..4)
        .map(|channel| Mask {
            rows: rows as usize,
            cols: cols as usize,
            pixels: picture.pixels().map(|p| p.0[0] >> channel & 1 == 1).collect(),
        })
        .collect()
}

/// The edge mask of the cartridge of 4 x 5 frames that `grid` is from.
pub(crate) fn read_edge_mask(folder: &Path) -> EdgeMask {
    let (rows, cols, values) = read_png(&folder.join("edge_mask.png"));
    let overview = Mask { rows, cols, pixels: values.into_iter().map(|value| value > 0).collect() };
    EdgeMask::from_overview(FrameGrid::serpentine(4, 5), overview).expect("4 x 5 tiles")
}

/// The numbers of a JSON array.
pub(crate) fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// The box in columns `xBottomLeft` .. `yTopRight`, which are 1-based and inclusive.
pub(crate) fn read_box(row: &Features) -> PixelBox {
    let at = |name: &str| row[name] as usize;
    PixelBox {
        row0: at("yBottomLeft") - 1,
        col0: at("xBottomLeft") - 1,
        row1: at("yTopRight"),
        col1: at("xTopRight"),
    }
}

/// `thresholds.json`.
pub(crate) fn read_json(path: &Path) -> serde_json::Value {
    let file = File::open(path).expect("the thresholds are there");
    serde_json::from_reader(file).expect("JSON")
}

/// One row of `features.csv`: numbers by column, without those that are `NaN`.
pub(crate) type Features = BTreeMap<String, f64>;

/// The rows of `features.csv` of one frame.
pub(crate) fn read_features(path: &Path, frame: u32) -> Vec<Features> {
    let mut reader = csv::Reader::from_path(path).expect("the table is there");
    let header = reader.headers().expect("a header").clone();
    reader
        .records()
        .map(|record| {
            let record = record.expect("a row");
            let fields = header.iter().zip(record.iter());
            fields
                .filter_map(|(name, text)| Some((name.to_owned(), text.parse::<f64>().ok()?)))
                .filter(|(_, value)| !value.is_nan())
                .collect::<Features>()
        })
        .filter(|row| row["frameNr"] == f64::from(frame))
        .collect()
}
