//! The XML that a CellTracks analysis leaves beside its frames: grid, frame size, filters, events.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use roxmltree::{Document, Node, ParsingOptions};

use crate::{Error, Warning};

/// Largest XML that is read. Real ones are below 1 MB.
const MAX_XML_BYTES: u64 = 64 << 20;

/// Largest number of elements, attributes and texts in it.
const MAX_XML_NODES: u32 = 4_000_000;

/// What the XML says; nothing of it is checked against the frames yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ArchiveXml {
    /// `(numrows, numcols)`.
    pub(super) grid: Option<(u64, u64)>,
    /// `(camysize, camxsize)`: rows and columns of a frame.
    pub(super) frame_size: Option<(u64, u64)>,
    /// Names of the filters in page order.
    pub(super) filters: Vec<String>,
    /// Events that the operator assigned.
    pub(super) events: Vec<AssignedEvent>,
    /// Events that could not be read.
    pub(super) warnings: Vec<Warning>,
}

/// An event the operator called a tumour cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AssignedEvent {
    pub(super) rid: String,
    pub(super) frame: i64,
    /// Far and near corner `(x, y)` in pixels of the whole cartridge.
    pub(super) far: (f64, f64),
    pub(super) near: (f64, f64),
}

fn refusal(path: &Path) -> Error {
    Error::input("reading the archive's XML").at(path.display().to_string())
}

/// Reads an archive's XML. Document type declarations are refused, entities never expanded.
///
/// # Errors
/// A file that cannot be read, is too large, has an encoding other than UTF-8 or Latin-1, or is
/// not well-formed.
pub(super) fn read_archive_xml(path: &Path) -> Result<ArchiveXml, Error> {
    let text = decode(path, read_bounded(path)?)?;
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: MAX_XML_NODES, ..Default::default() };
    let document = Document::parse_with_options(&text, options).map_err(|error| {
        refusal(path)
            .found(error.to_string())
            .expected("well-formed XML without a document type declaration")
            .caused_by(error)
    })?;
    Ok(interpret(document.root_element(), path))
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_XML_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| refusal(path).found(error.to_string()).caused_by(error))?;
    if bytes.len() as u64 > MAX_XML_BYTES {
        return Err(refusal(path)
            .found(format!("more than {MAX_XML_BYTES} bytes"))
            .expected("a CellTracks XML"));
    }
    Ok(bytes)
}

/// UTF-8 (with or without mark), or Latin-1 where the XML declaration says so.
fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, Error> {
    let encoding = declared_encoding(&bytes);
    let is_latin1 = encoding.as_deref().is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        ["iso-8859-1", "iso8859-1", "latin1", "latin-1", "windows-1252", "us-ascii"]
            .contains(&name.as_str())
    });
    if is_latin1 {
        return Ok(bytes.into_iter().map(char::from).collect());
    }
    let bytes = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => rest.to_vec(),
        None => bytes,
    };
    String::from_utf8(bytes).map_err(|error| {
        let declared = encoding.unwrap_or_else(|| "none".into());
        refusal(path)
            .found(format!("text that is not UTF-8 (declared encoding: {declared})"))
            .expected("UTF-8 or ISO-8859-1")
            .caused_by(error)
    })
}

/// The `encoding` of the XML declaration on the first line.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(200)];
    let declaration = String::from_utf8_lossy(start);
    let declaration = declaration.strip_prefix("<?xml")?.split("?>").next()?;
    let value = declaration.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split(quote).next().map(str::to_owned)
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn child_text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim)
}

fn records<'a, 'input>(
    root: Node<'a, 'input>,
    group: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    let groups = root.children().filter(move |node| node.tag_name().name() == group);
    groups.flat_map(|node| node.children()).filter(|node| node.tag_name().name() == "record")
}

fn interpret(root: Node<'_, '_>, path: &Path) -> ArchiveXml {
    let run = records(root, "runs").next();
    let pair = |rows: &str, cols: &str| -> Option<(u64, u64)> {
        let number = |name| child_text(run?, name)?.parse().ok();
        Some((number(rows)?, number(cols)?))
    };
    let mut xml = ArchiveXml {
        grid: pair("numrows", "numcols"),
        frame_size: pair("camysize", "camxsize"),
        filters: records(root, "test_filters")
            .filter_map(|record| child_text(record, "filtername"))
            .map(str::to_owned)
            .collect(),
        ..ArchiveXml::default()
    };
    for record in records(root, "events") {
        let assigned =
            child_text(record, "assigned").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        if !assigned {
            continue;
        }
        match event(record) {
            Ok(event) => xml.events.push(event),
            Err(why) => xml.warnings.push(Warning::new(
                "event_skipped",
                format!("{}: {why}; the event is left out", path.display()),
            )),
        }
    }
    xml
}

fn event(record: Node<'_, '_>) -> Result<AssignedEvent, String> {
    let rid = child_text(record, "rid").unwrap_or("without rid").to_owned();
    let frame = child_text(record, "framenum").and_then(|text| text.parse().ok());
    let Some(frame) = frame else {
        return Err(format!("event {rid} has no whole number as framenum"));
    };
    let location = child_text(record, "location").unwrap_or("");
    let mut corners = corners(location);
    let (Some(far), Some(near)) = (corners.next(), corners.next()) else {
        return Err(format!("event {rid} has location {location:?} without two corners (x,y)"));
    };
    drop(corners);
    Ok(AssignedEvent { rid, frame, far, near })
}

/// Every `(x,y)` of two finite numbers in a text; what stands around the brackets is ignored.
fn corners(location: &str) -> impl Iterator<Item = (f64, f64)> {
    location.split('(').skip(1).filter_map(|after| {
        let (x, y) = after.split_once(')')?.0.split_once(',')?;
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
        Some((number(x)?, number(y)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_found_whatever_stands_around_them() {
        let found: Vec<_> = corners("TR(760,234) BL( 740 ,214.5)").collect();
        assert_eq!(found, [(760.0, 234.0), (740.0, 214.5)], "far corner first");
        for garbage in ["nothing here", "TR(1e400,nan) BL(,)", "((((", "(1,2"] {
            assert_eq!(corners(garbage).count(), 0, "{garbage}");
        }
    }

    #[test]
    fn the_declared_encoding_is_read_in_either_quotes() {
        let latin1 = b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>";
        assert_eq!(declared_encoding(latin1).as_deref(), Some("ISO-8859-1"), "single quotes");
        let utf8 = b"<?xml version=\"1.0\" encoding = \"UTF-8\"?><a/>";
        assert_eq!(declared_encoding(utf8).as_deref(), Some("UTF-8"), "double quotes");
        assert_eq!(declared_encoding(b"<a encoding=\"x\"/>"), None, "no declaration");
    }

    #[test]
    fn one_record_is_read_as_well_as_many() {
        let text = "<r><runs><record><numcols>5</numcols><numrows>4</numrows></record></runs>\
            <events><record><rid>7</rid><framenum>2</framenum><location>(9,8)(1,2)</location>\
            <assigned>true</assigned></record></events></r>";
        let document = Document::parse(text).expect("well-formed");
        let xml = interpret(document.root_element(), Path::new("x.xml"));
        assert_eq!(xml.grid, Some((4, 5)), "rows, columns");
        assert_eq!(xml.frame_size, None, "not declared");
        let event = AssignedEvent { rid: "7".into(), frame: 2, far: (9.0, 8.0), near: (1.0, 2.0) };
        assert_eq!(xml.events, [event], "one record");
    }
}
