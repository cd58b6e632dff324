//! Objects that the border of their frame cuts, and the piece on the other side.

use serde::{Deserialize, Serialize};

use super::frame::LabelImage;

/// A side of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameSide {
    /// The first row.
    Top,
    /// The last row.
    Bottom,
    /// The first column.
    Left,
    /// The last column.
    Right,
}

impl FrameSide {
    /// The side of the neighbouring frame that lies against this one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Top => Self::Bottom,
            Self::Bottom => Self::Top,
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// Pixels of one object that follow each other on a side of the frame: `start..end` along it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BorderContact {
    /// The object.
    pub label: u32,
    /// The side.
    pub side: FrameSide,
    /// First pixel along the side, from the top or the left.
    pub start: usize,
    /// One past the last pixel.
    pub end: usize,
}

/// Where the objects of a frame touch its border.
///
/// ```
/// use herscope::imaging::{BorderContact, FrameSide, LabelImage, border_contacts};
/// let labels = LabelImage { rows: 2, cols: 3, labels: vec![0, 0, 0, 0, 1, 1], n_labels: 1 };
/// let contacts = border_contacts(&labels);
/// assert_eq!(contacts[0], BorderContact { label: 1, side: FrameSide::Bottom, start: 1, end: 3 });
/// assert_eq!(contacts[1].side, FrameSide::Right);
/// ```
pub fn border_contacts(labels: &LabelImage) -> Vec<BorderContact> {
    let (rows, cols) = (labels.rows, labels.cols);
    if rows == 0 || cols == 0 {
        return Vec::new();
    }
    let at = |row: usize, col: usize| labels.labels[row * cols + col];
    let mut contacts = Vec::new();
    contacts.extend(contacts_along(FrameSide::Top, cols, |col| at(0, col)));
    contacts.extend(contacts_along(FrameSide::Bottom, cols, |col| at(rows - 1, col)));
    contacts.extend(contacts_along(FrameSide::Left, rows, |row| at(row, 0)));
    contacts.extend(contacts_along(FrameSide::Right, rows, |row| at(row, cols - 1)));
    contacts
}

fn contacts_along(
    side: FrameSide,
    length: usize,
    label_at: impl Fn(usize) -> u32,
) -> Vec<BorderContact> {
    let mut contacts: Vec<BorderContact> = Vec::new();
    for place in 0..length {
        let label = label_at(place);
        match contacts.last_mut() {
            Some(last) if last.label == label && last.end == place => last.end += 1,
            _ if label > 0 => {
                contacts.push(BorderContact { label, side, start: place, end: place + 1 });
            }
            _ => {}
        }
    }
    contacts
}

/// Pairs of objects of two frames that lie against each other, `(this, that)`: pixels on both sides
/// of the common border are neighbours, by a corner too. `side` is the side of this frame.
pub fn pieces_across(
    here: &[BorderContact],
    side: FrameSide,
    there: &[BorderContact],
) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    for one in here.iter().filter(|contact| contact.side == side) {
        for other in there.iter().filter(|contact| contact.side == side.opposite()) {
            let pair = (one.label, other.label);
            if one.start <= other.end && other.start <= one.end && !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::drawing::label_image;

    #[test]
    fn a_cell_in_a_corner_touches_two_sides() {
        let contacts = border_contacts(&label_image!("11.2" "1..." "...." ".33."));
        let found: Vec<_> = contacts.iter().map(|c| (c.label, c.side, c.start, c.end)).collect();
        let expected = [
            (1, FrameSide::Top, 0, 2),
            (2, FrameSide::Top, 3, 4),
            (3, FrameSide::Bottom, 1, 3),
            (1, FrameSide::Left, 0, 2),
            (2, FrameSide::Right, 0, 1),
        ];
        assert_eq!(found, expected, "side by side, from the top and the left");
    }

    #[test]
    fn pieces_are_matched_where_they_touch() {
        let above = border_contacts(&label_image!("...." "1.22"));
        let below = border_contacts(&label_image!(".1.2" "...."));
        let pairs = pieces_across(&above, FrameSide::Bottom, &below);
        assert_eq!(pairs, [(1, 1), (2, 1), (2, 2)], "by a corner too");
        assert!(pieces_across(&above, FrameSide::Top, &below).is_empty(), "not on that side");
    }
}
