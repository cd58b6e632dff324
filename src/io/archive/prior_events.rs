//! Events of the original analysis as boxes in their frames.

use std::path::Path;

use super::celltracks_xml::AssignedEvent;
use crate::Warning;
use crate::imaging::{FrameGrid, PixelBox, PriorLocation, prior_box};

/// An event that the operator of the original analysis called a tumour cell.
#[derive(Clone, Debug, PartialEq)]
pub struct PriorEvent {
    /// The event's id in the XML.
    pub rid: String,
    /// Frame number, 1-based.
    pub frame: u32,
    /// Its box in that frame, widened by 10 pixels and cut to the frame.
    pub bbox: PixelBox,
}

/// Boxes of the events in their frames; events outside the cartridge or their frame are left out
/// with a warning.
pub(super) fn prior_locations(
    place: &Path,
    events: &[AssignedEvent],
    grid: FrameGrid,
    frame_size: (usize, usize),
    warnings: &mut Vec<Warning>,
) -> Vec<PriorEvent> {
    let mut priors = Vec::new();
    for event in events {
        let mut skip = |why: String| {
            let message = format!("{}: event {} {why}; it is left out", place.display(), event.rid);
            warnings.push(Warning::new("event_skipped", message));
        };
        let number = u32::try_from(event.frame).ok();
        let Some((number, position)) = number.and_then(|n| Some((n, grid.place(n)?))) else {
            skip(format!("is in frame {} of 1 to {}", event.frame, grid.n_frames()));
            continue;
        };
        match event_box(event, position, frame_size) {
            Some(bbox) => {
                priors.push(PriorEvent { rid: event.rid.clone(), frame: number, bbox });
            }
            None => skip(format!("lies outside frame {number}")),
        }
    }
    priors
}

/// The event's box in its frame with a margin; `None` when its corners are crossed or no pixel of
/// it lies there.
fn event_box(
    event: &AssignedEvent,
    place: (usize, usize),
    (rows, cols): (usize, usize),
) -> Option<PixelBox> {
    if event.near.0 > event.far.0 || event.near.1 > event.far.1 {
        return None;
    }
    // saturates for numbers far beyond any cartridge
    let whole = |value: f64| value.round() as i64;
    let location = PriorLocation {
        far_x: whole(event.far.0),
        far_y: whole(event.far.1),
        near_x: whole(event.near.0),
        near_y: whole(event.near.1),
    };
    prior_box(location, place, rows, cols)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(far: (f64, f64), near: (f64, f64)) -> AssignedEvent {
        AssignedEvent { rid: "1".into(), frame: 1, far, near }
    }

    #[test]
    fn a_prior_box_is_widened_and_cut_to_its_frame() {
        // frame 12 of a 4 x 5 grid of 260 x 300 pixels is row 2, column 1:
        // x 572 - 300 - 10 = 262 to min(600 - 300 + 10, 300), y 604 - 520 - 10 = 74 to 123
        let found = event_box(&event((600.0, 633.0), (572.0, 604.0)), (2, 1), (260, 300));
        let expected = PixelBox { row0: 73, col0: 261, row1: 123, col1: 300 };
        assert_eq!(found, Some(expected), "from pixels counted from 1");
    }

    #[test]
    fn boxes_outside_or_inverted_are_none() {
        let outside = event((720.0, 504.0), (640.0, 448.0));
        assert_eq!(event_box(&outside, (0, 0), (56, 80)), None, "beyond the frame");
        let negative = event((-40.0, -30.0), (-90.0, -80.0));
        assert_eq!(event_box(&negative, (0, 0), (56, 80)), None, "before the frame");
        let inverted = event((10.0, 10.0), (30.0, 30.0));
        assert_eq!(event_box(&inverted, (0, 0), (56, 80)), None, "near beyond far");
        let huge = event((1e300, 1e300), (-1e300, -1e300));
        let whole = PixelBox { row0: 0, col0: 0, row1: 56, col1: 80 };
        assert_eq!(event_box(&huge, (0, 0), (56, 80)), Some(whole), "the whole frame");
    }
}
