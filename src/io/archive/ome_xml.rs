//! OME-XML in the description of a TIFF's first page: images, channels, pixel size, planes.

use std::path::Path;

use roxmltree::{Document, Node, ParsingOptions};

use super::refusal;
use crate::Error;

/// Largest number of elements, attributes and texts.
const MAX_XML_NODES: u32 = 4_000_000;

/// One `Image`: a frame with its channels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OmeImage {
    /// What messages call it.
    pub(super) id: String,
    /// `(rows, cols)`.
    pub(super) size: (u64, u64),
    /// `SizeC`, `SizeZ`, `SizeT`.
    pub(super) size_c: u64,
    pub(super) size_z: u64,
    pub(super) size_t: u64,
    /// Type of the samples, such as `uint16`.
    pub(super) sample_type: String,
    /// Name, else fluorochrome, of each `Channel`; there may be fewer than `size_c`.
    pub(super) channels: Vec<OmeChannel>,
    /// Width and height of a pixel in micrometres.
    pub(super) pixel_um: (Option<f64>, Option<f64>),
    /// Where the planes lie.
    pub(super) tiff_data: Vec<TiffData>,
}

/// One `Channel`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OmeChannel {
    pub(super) name: Option<String>,
    pub(super) fluor: Option<String>,
}

/// One `TiffData`: planes in pages that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TiffData {
    /// First page, 0-based.
    pub(super) ifd: Option<u64>,
    /// Channel of the first plane, 0-based.
    pub(super) first_c: u64,
    /// Number of planes.
    pub(super) plane_count: Option<u64>,
    /// The file of the planes, where it is named.
    pub(super) file: Option<String>,
}

/// Whether a description is OME-XML.
pub(super) fn is_ome(description: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&description[..description.len().min(4_096)]);
    let text = start.trim_start_matches('\u{feff}').trim_start();
    text.starts_with('<') && (text.contains("<OME") || text.contains(":OME"))
}

/// Images of a description. Document type declarations are refused, entities never expanded.
///
/// # Errors
/// Text that is not UTF-8, not well-formed, or without images; numbers that are none.
pub(super) fn read_ome(path: &Path, description: &[u8]) -> Result<Vec<OmeImage>, Error> {
    let text = std::str::from_utf8(description).map_err(|error| {
        wrong(path).found("text that is not UTF-8").expected("OME-XML in UTF-8").caused_by(error)
    })?;
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: MAX_XML_NODES, ..Default::default() };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let document = Document::parse_with_options(text, options).map_err(|error| {
        wrong(path)
            .found(error.to_string())
            .expected("well-formed OME-XML without a document type declaration")
            .caused_by(error)
    })?;
    let images: Vec<OmeImage> = children(document.root_element(), "Image")
        .enumerate()
        .map(|(index, node)| image(path, index, node))
        .collect::<Result<_, _>>()?;
    if images.is_empty() {
        return Err(wrong(path).found("no Image").expected("an Image a frame"));
    }
    Ok(images)
}

fn wrong(path: &Path) -> Error {
    refusal(path)
}

fn children<'a, 'input>(
    node: Node<'a, 'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

fn image(path: &Path, index: usize, node: Node<'_, '_>) -> Result<OmeImage, Error> {
    let id = node.attribute("ID").map_or_else(|| format!("image {}", index + 1), str::to_owned);
    let id = format!("Image {id}");
    let Some(pixels) = children(node, "Pixels").next() else {
        return Err(wrong(path).found(format!("{id} without Pixels")).expected("Pixels"));
    };
    let count = |name: &str| match number(pixels, name) {
        Ok(found) => found.ok_or_else(|| {
            wrong(path).found(format!("{id} without {name}")).expected("a size in each direction")
        }),
        Err(text) => {
            Err(wrong(path).found(format!("{name}=\"{text}\" of {id}")).expected("a whole number"))
        }
    };
    let micrometres = |axis: &str| {
        length_um(pixels, axis).map_err(|found| {
            wrong(path)
                .found(format!("{found} of {id}"))
                .expected("a length above 0 in nm, \u{b5}m, mm, cm or m; or none")
        })
    };
    let tiff_data = children(pixels, "TiffData")
        .map(|node| tiff_data(path, &id, node))
        .collect::<Result<_, _>>()?;
    Ok(OmeImage {
        size: (count("SizeY")?, count("SizeX")?),
        size_c: count("SizeC")?,
        size_z: count("SizeZ")?,
        size_t: count("SizeT")?,
        sample_type: pixels.attribute("Type").unwrap_or("none").to_owned(),
        channels: children(pixels, "Channel").map(channel).collect(),
        pixel_um: (micrometres("X")?, micrometres("Y")?),
        tiff_data,
        id,
    })
}

fn channel(node: Node<'_, '_>) -> OmeChannel {
    let text = |name: &str| {
        let text = node.attribute(name).map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    OmeChannel { name: text("Name"), fluor: text("Fluor") }
}

fn tiff_data(path: &Path, id: &str, node: Node<'_, '_>) -> Result<TiffData, Error> {
    let at = |name: &str| {
        number(node, name).map_err(|text| {
            wrong(path)
                .found(format!("{name}=\"{text}\" in a TiffData of {id}"))
                .expected("a whole number")
        })
    };
    for name in ["FirstZ", "FirstT"] {
        if let Some(first) = at(name)?.filter(|&first| first > 0) {
            return Err(wrong(path)
                .found(format!("{name}=\"{first}\" in a TiffData of {id}"))
                .expected("one plane in depth and in time"));
        }
    }
    let uuid = children(node, "UUID").next();
    Ok(TiffData {
        ifd: at("IFD")?,
        first_c: at("FirstC")?.unwrap_or(0),
        plane_count: at("PlaneCount")?,
        file: uuid.and_then(|uuid| uuid.attribute("FileName")).map(str::to_owned),
    })
}

/// A whole number; the text where it is none.
fn number(node: Node<'_, '_>, name: &str) -> Result<Option<u64>, String> {
    let Some(text) = node.attribute(name) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| text.to_owned())
}

/// `PhysicalSizeX` or `PhysicalSizeY` in micrometres; `None` where it is missing or in a unit that
/// is no length.
fn length_um(pixels: Node<'_, '_>, axis: &str) -> Result<Option<f64>, String> {
    let name = format!("PhysicalSize{axis}");
    let Some(text) = pixels.attribute(&*name) else { return Ok(None) };
    let unit_name = format!("{name}Unit");
    let unit = pixels.attribute(&*unit_name).unwrap_or("\u{b5}m").trim();
    let factor = match unit {
        "pm" => 1e-6,
        "nm" => 1e-3,
        // the micro sign, the Greek letter, and what people type
        "\u{b5}m" | "\u{3bc}m" | "um" => 1.0,
        "mm" => 1e3,
        "cm" => 1e4,
        "m" => 1e6,
        "pixel" | "reference frame" => return Ok(None),
        other => return Err(format!("{unit_name}=\"{other}\"")),
    };
    let value = text.trim().parse::<f64>().ok().map(|value| value * factor);
    match value.filter(|value| value.is_finite() && *value > 0.0) {
        Some(value) => Ok(Some(value)),
        None => Err(format!("{name}=\"{text}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ome_is_told_from_other_descriptions() {
        assert!(is_ome(b"<?xml version=\"1.0\"?><!-- x --><OME xmlns=\"a\">"), "with a comment");
        assert!(is_ome(b"\xef\xbb\xbf <ome:OME xmlns:ome=\"a\">"), "with a mark and a prefix");
        assert!(!is_ome(b"ImageJ=1.53\nimages=4"), "ImageJ");
        assert!(!is_ome(b"not <OME"), "no XML");
        assert!(!is_ome(b""), "nothing");
    }

    #[test]
    fn lengths_come_in_units() {
        let length = |attributes: &str| {
            let text = format!("<Pixels {attributes}/>");
            let document = Document::parse(&text).expect("well-formed");
            length_um(document.root_element(), "X")
        };
        let um = |value: f64| Ok(Some(value));
        assert_eq!(length("PhysicalSizeX=\"0.64\""), um(0.64), "micrometres unless told");
        assert_eq!(length("PhysicalSizeX=\"640\" PhysicalSizeXUnit=\"nm\""), um(0.64), "nm");
        assert_eq!(length("PhysicalSizeX=\"2\" PhysicalSizeXUnit=\"\u{3bc}m\""), um(2.0), "mu");
        assert_eq!(length("PhysicalSizeX=\"2\" PhysicalSizeXUnit=\"pixel\""), Ok(None), "pixel");
        assert_eq!(length(""), Ok(None), "missing");
        for wrong in ["0", "-1", "x", "NaN", "inf", "1e999"] {
            assert!(length(&format!("PhysicalSizeX=\"{wrong}\"")).is_err(), "{wrong}");
        }
        assert!(length("PhysicalSizeX=\"2\" PhysicalSizeXUnit=\"ly\"").is_err(), "light years");
    }
}
