//! Events that an operator marked before, as places in the cartridge.

use super::pixel_box::PixelBox;

/// Pixels added around an event's box on all sides.
const MARGIN_PX: i64 = 10;

/// Boxes whose centres are this far apart, along a row or a column, are not the same event.
const MAX_CENTRE_DISTANCE_PX: f64 = 30.0;

/// Share of either box that the overlap must exceed.
const MIN_OVERLAP: f64 = 0.75;

/// An event's corners in pixels of the whole cartridge, as the archive's `location` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorLocation {
    /// Column of the corner far from the cartridge's origin (first pair, first number).
    pub far_x: i64,
    /// Row of that corner.
    pub far_y: i64,
    /// Column of the near corner (second pair, first number).
    pub near_x: i64,
    /// Row of that corner.
    pub near_y: i64,
}

/// An event's box in its frame with a margin of 10 pixels, clamped to the frame.
///
/// `place` is the frame's 0-based (row, column) in the grid. `None` when the box lies wholly
/// outside the frame.
///
/// # Source
/// Behaviour of ACCEPT, 1-based there: `x1 = max(near_x - W col - 10, 1)`,
/// `x2 = min(far_x - W col + 10, W)`, rows alike.
///
/// ```
/// use herscope::imaging::{PixelBox, PriorLocation, prior_box};
/// // frames of 100 x 100; the event is in the second column of frames
/// let location = PriorLocation { far_x: 150, far_y: 40, near_x: 130, near_y: 5 };
/// let bbox = prior_box(location, (0, 1), 100, 100);
/// assert_eq!(bbox, Some(PixelBox { row0: 0, col0: 19, row1: 50, col1: 60 }));
/// ```
pub fn prior_box(
    location: PriorLocation,
    place: (usize, usize),
    frame_rows: usize,
    frame_cols: usize,
) -> Option<PixelBox> {
    let (row0, row1) = in_frame(location.near_y, location.far_y, place.0, frame_rows)?;
    let (col0, col1) = in_frame(location.near_x, location.far_x, place.1, frame_cols)?;
    Some(PixelBox { row0, col0, row1, col1 })
}

fn in_frame(near: i64, far: i64, place: usize, side: usize) -> Option<(usize, usize)> {
    let side = i64::try_from(side).ok()?;
    let origin = side.checked_mul(i64::try_from(place).ok()?)?;
    let first = near.saturating_sub(origin).saturating_sub(MARGIN_PX).max(1);
    let last = far.saturating_sub(origin).saturating_add(MARGIN_PX).min(side);
    (first <= last).then_some((first as usize - 1, last as usize))
}

/// Which object, by its box, is at a prior location of the same frame; an index into `boxes`.
///
/// Among objects whose box's centre is less than 30 pixels away along rows and along columns, the
/// one with the largest product of (signed) overlaps, the first on ties. It is accepted if the
/// overlap is more than 0.75 of its own or of the prior's box.
///
/// # Source
/// Behaviour of ACCEPT, which compares the boxes of thumbnails.
pub fn match_prior(prior: PixelBox, boxes: &[PixelBox]) -> Option<usize> {
    let near = |bbox: &PixelBox| {
        let (row, col) = centre(bbox);
        let (prior_row, prior_col) = centre(&prior);
        (row - prior_row).abs() < MAX_CENTRE_DISTANCE_PX
            && (col - prior_col).abs() < MAX_CENTRE_DISTANCE_PX
    };
    let mut best: Option<(usize, f64)> = None;
    for (index, bbox) in boxes.iter().enumerate().filter(|(_, bbox)| near(bbox)) {
        let overlap = signed_overlap(&prior, bbox);
        if best.is_none_or(|(_, most)| overlap > most) {
            best = Some((index, overlap));
        }
    }
    let (index, overlap) = best?;
    let enough = |bbox: &PixelBox| overlap > MIN_OVERLAP * area(bbox);
    (enough(&boxes[index]) || enough(&prior)).then_some(index)
}

/// Middle of the corner pixels.
fn centre(bbox: &PixelBox) -> (f64, f64) {
    ((bbox.row0 + bbox.row1) as f64 / 2.0, (bbox.col0 + bbox.col1) as f64 / 2.0)
}

/// Product of the overlaps along rows and columns, each negative where the boxes are apart.
fn signed_overlap(left: &PixelBox, right: &PixelBox) -> f64 {
    let along = |start: usize, end: usize| end as f64 - start as f64;
    along(left.row0.max(right.row0), left.row1.min(right.row1))
        * along(left.col0.max(right.col0), left.col1.min(right.col1))
}

fn area(bbox: &PixelBox) -> f64 {
    (bbox.rows() * bbox.cols()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(row0: usize, col0: usize, side: usize) -> PixelBox {
        PixelBox { row0, col0, row1: row0 + side, col1: col0 + side }
    }

    #[test]
    fn a_location_outside_its_frame_has_no_box() {
        let location = PriorLocation { far_x: 50, far_y: 50, near_x: 30, near_y: 30 };
        assert_eq!(prior_box(location, (0, 1), 100, 100), None, "left of the second column");
        assert!(prior_box(location, (0, 0), 100, 100).is_some(), "in the first");
        let wild = PriorLocation { far_x: i64::MIN, far_y: 0, near_x: i64::MAX, near_y: 0 };
        assert_eq!(prior_box(wild, (9, 9), 100, 100), None, "no arithmetic overflow");
    }

    #[test]
    fn the_object_that_overlaps_most_is_matched() {
        let boxes = [square(40, 40, 20), square(50, 50, 20), square(200, 200, 20)];
        assert_eq!(match_prior(square(48, 48, 24), &boxes), Some(1), "inside the prior's box");
        assert_eq!(match_prior(square(100, 100, 20), &boxes), None, "all too far away");
        assert_eq!(match_prior(square(60, 60, 20), &boxes), None, "only a quarter overlaps");
        assert_eq!(match_prior(square(0, 0, 9), &[]), None, "no object");
    }
}
