//! The XML beside the frames of a CellTracks archive, and the names of both.

use std::fmt::Write as _;
use std::path::Path;

use crate::Error;
use crate::imaging::{FrameGrid, PixelBox};

/// Names of the filters in page order.
const FILTERS: [&str; 4] = ["DAPI", "FITC", "PE", "APC"];

/// An event that the XML tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveEvent {
    /// Its id.
    pub rid: usize,
    /// Frame number, 1-based.
    pub frame: u32,
    /// Its box in the frame.
    pub bbox: PixelBox,
    /// Whether the operator called it a tumour cell.
    pub assigned: bool,
}

/// What the files of an archive in `folder` are named after: the folder's name up to the first dot.
///
/// # Errors
/// A usage error for a folder whose name has nothing before the dot.
pub fn archive_stem(folder: &Path) -> Result<String, Error> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let stem = name.as_deref().and_then(|name| name.split('.').next()).unwrap_or_default();
    if stem.is_empty() {
        return Err(Error::usage("naming an archive")
            .at(folder.display().to_string())
            .found("a folder without a name before its first dot")
            .expected("the name of a sample, such as 171651.1.2"));
    }
    Ok(stem.to_owned())
}

/// Path of frame `number` inside the sample folder.
pub fn frame_name(stem: &str, number: u32) -> String {
    format!("processed/{stem}_{number:03}.tif")
}

/// The archive's XML: grid, frame size, filters, events with their far and near corner in pixels of
/// the cartridge, counted from 1. Events of frames outside the grid are left out.
pub fn archive_xml(
    grid: FrameGrid,
    (rows, cols): (usize, usize),
    events: &[ArchiveEvent],
) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<archive>\n");
    // Writing to a String cannot fail.
    let _ = write!(
        xml,
        " <runs>\n  <record>\n   <numcols>{}</numcols>\n   <numrows>{}</numrows>\n   \
         <camysize>{rows}</camysize>\n   <camxsize>{cols}</camxsize>\n  </record>\n </runs>\n",
        grid.cols, grid.rows
    );
    xml.push_str(" <test_filters>\n");
    for filter in FILTERS {
        let _ = writeln!(xml, "  <record><filtername>{filter}</filtername></record>");
    }
    xml.push_str(" </test_filters>\n <events>\n");
    for event in events {
        let Some((row, col)) = grid.place(event.frame) else { continue };
        let PixelBox { row0, col0, row1, col1 } = event.bbox;
        let (x, y) = (col * cols, row * rows);
        let _ = writeln!(
            xml,
            "  <record><rid>{}</rid><framenum>{}</framenum><location>TR({},{}) BL({},{})</location>\
             <numselected>{}</numselected><assigned>{}</assigned></record>",
            event.rid,
            event.frame,
            x + col1,
            y + row1,
            x + col0 + 1,
            y + row0 + 1,
            u8::from(event.assigned),
            event.assigned
        );
    }
    xml.push_str(" </events>\n</archive>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_in_pixels_of_the_cartridge() {
        let bbox = PixelBox { row0: 4, col0: 9, row1: 30, col1: 41 };
        let event = ArchiveEvent { rid: 7, frame: 4, bbox, assigned: true };
        let xml = archive_xml(FrameGrid::serpentine(2, 3), (100, 200), &[event]);
        // frame 4 is the right one of the second row: 400 and 100 pixels before it
        assert!(xml.contains("TR(441,130) BL(410,105)"), "{xml}");
    }

    #[test]
    fn files_are_named_after_the_folder() {
        assert_eq!(
            archive_stem(Path::new("a/900012.1.1")).expect("a name"),
            "900012",
            "to the dot"
        );
        assert!(archive_stem(Path::new("a/.hidden")).is_err(), "nothing before the dot");
        assert!(archive_stem(Path::new("..")).is_err(), "no name");
        assert_eq!(frame_name("900012", 7), "processed/900012_007.tif", "three digits");
    }
}
