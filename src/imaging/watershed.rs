//! Touching cells of one label taken apart: a watershed on the distance to the outline.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::distance_transform::squared_distances;
use super::frame::{LabelImage, Mask};

/// How far the distance must fall from a centre to the neck before the neck parts it from the next
/// one, in pixels.
///
/// Along the ridge of a single oblique cell a path over sides of pixels zigzags, and the distance
/// with it, by up to `1 / sqrt 2` = 0.71 px: less than that is no neck.
pub const MIN_NECK_DEPTH_PX: f64 = 0.75;

/// Pixels of an object that have no region (yet).
const NO_REGION: u32 = u32::MAX;

/// Takes apart the objects that hold two or more cells; numbers are given anew, 1.. by the first
/// pixel in column-major order, so a label image without such objects stays as it is.
///
/// Centres are maxima of the distance to the outline: to that of the nuclei (`nuclei`, of the labels'
/// size) in objects that have a pixel of them, else to the object's own. Pixels join the centres in
/// the order of falling distance; two centres that meet less than [`MIN_NECK_DEPTH_PX`] below the
/// lower one are one. What lies outside the nuclei goes to the nearest, counted in steps. Every part
/// is 4-connected.
///
/// ```
/// use herscope::imaging::{LabelImage, split_touching};
/// // two squares of 5 x 5 pixels and a bridge of one
/// let bridge = |row, col| col != 5 || row == 2;
/// let labels = (0..55).map(|index| u32::from(bridge(index / 11, index % 11))).collect();
/// let joined = LabelImage { rows: 5, cols: 11, labels, n_labels: 1 };
/// assert_eq!(split_touching(&joined, None).n_labels, 2);
/// ```
///
/// # Source
/// Vincent & Soille 1991, IEEE PAMI 13:583 (immersion), and Meyer 1994, Signal Processing 38:113
/// (flooding from seeds), without lines between the parts; shallow maxima are suppressed as by the
/// h-maxima transform (Soille 2003, section 6.3.4). ACCEPT does not split objects.
pub fn split_touching(labels: &LabelImage, nuclei: Option<&Mask>) -> LabelImage {
    let shape = shapes(labels, nuclei);
    let mut regions = flood(&shape, &squared_distances(&shape));
    grow(labels, &mut regions);
    renumber(labels, &regions)
}

/// What the distances are of: the nuclei of objects that have any, else the whole object.
fn shapes(labels: &LabelImage, nuclei: Option<&Mask>) -> Mask {
    let mut has_nucleus = vec![false; labels.n_labels as usize + 1];
    if let Some(nuclei) = nuclei {
        for (&label, _) in labels.labels.iter().zip(&nuclei.pixels).filter(|(_, set)| **set) {
            has_nucleus[label as usize] = true;
        }
    }
    let in_shape = |(index, &label): (usize, &u32)| {
        let counts = !has_nucleus[label as usize];
        label > 0 && (counts || nuclei.is_some_and(|nuclei| nuclei.pixels[index]))
    };
    let pixels = labels.labels.iter().enumerate().map(in_shape).collect();
    Mask { rows: labels.rows, cols: labels.cols, pixels }
}

/// Pixels above, left, right and below, in this order.
fn neighbours(index: usize, rows: usize, cols: usize) -> impl Iterator<Item = usize> {
    let (row, col) = (index / cols, index % cols);
    [
        (row > 0).then(|| index - cols),
        (col > 0).then(|| index - 1),
        (col + 1 < cols).then_some(index + 1),
        (row + 1 < rows).then_some(index + cols),
    ]
    .into_iter()
    .flatten()
}

/// Region of each pixel of the shapes, numbered by the height of their maxima, then by pixel.
fn flood(shape: &Mask, squared: &[u32]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..squared.len()).filter(|&index| shape.pixels[index]).collect();
    order.sort_unstable_by_key(|&index| (Reverse(squared[index]), index));
    let mut regions = vec![NO_REGION; squared.len()];
    let mut forest: Vec<u32> = Vec::new();
    let mut peaks: Vec<f64> = Vec::new();
    for index in order {
        let level = f64::from(squared[index]).sqrt();
        let flooded =
            || neighbours(index, shape.rows, shape.cols).filter(|&next| regions[next] != NO_REGION);
        let mut meeting: Vec<u32> =
            flooded().map(|next| find(&mut forest, regions[next])).collect();
        // the highest neighbour; of several the first
        let steepest = flooded().min_by_key(|&next| (Reverse(squared[next]), next));
        let Some(steepest) = steepest else {
            regions[index] = forest.len() as u32;
            forest.push(regions[index]);
            peaks.push(level);
            continue;
        };
        regions[index] = regions[steepest];
        // regions begin in the order of falling height, so a lower number is a higher maximum
        meeting.sort_unstable();
        for &lower in &meeting[1..] {
            if lower != meeting[0] && peaks[lower as usize] - level < MIN_NECK_DEPTH_PX {
                forest[lower as usize] = meeting[0];
            }
        }
    }
    for region in regions.iter_mut().filter(|region| **region != NO_REGION) {
        *region = find(&mut forest, *region);
    }
    regions
}

fn find(forest: &mut [u32], mut region: u32) -> u32 {
    while forest[region as usize] != region {
        let above = forest[forest[region as usize] as usize];
        forest[region as usize] = above;
        region = above;
    }
    region
}

/// Extends the regions over the rest of their objects, a step of one pixel at a time.
fn grow(labels: &LabelImage, regions: &mut [u32]) {
    let mut front: VecDeque<usize> =
        (0..regions.len()).filter(|&index| regions[index] != NO_REGION).collect();
    while let Some(index) = front.pop_front() {
        for next in neighbours(index, labels.rows, labels.cols) {
            if regions[next] == NO_REGION && labels.labels[next] == labels.labels[index] {
                regions[next] = regions[index];
                front.push_back(next);
            }
        }
    }
}

/// Labels of the regions. Regions do not reach over objects, and every object has one.
fn renumber(labels: &LabelImage, regions: &[u32]) -> LabelImage {
    let n_regions =
        regions.iter().filter(|region| **region != NO_REGION).max().map_or(0, |&last| last + 1);
    let mut firsts = vec![(usize::MAX, usize::MAX); n_regions as usize];
    for (index, &region) in regions.iter().enumerate().filter(|(_, r)| **r != NO_REGION) {
        let first = &mut firsts[region as usize];
        *first = (*first).min((index % labels.cols, index / labels.cols));
    }
    let mut order: Vec<usize> =
        (0..firsts.len()).filter(|&region| firsts[region].0 < usize::MAX).collect();
    order.sort_unstable_by_key(|&region| firsts[region]);
    let mut label_of = vec![0; firsts.len()];
    for (label, &region) in (1..).zip(&order) {
        label_of[region] = label;
    }
    let label = |&region: &u32| match region {
        NO_REGION => 0,
        region => label_of[region as usize],
    };
    LabelImage {
        labels: regions.iter().map(label).collect(),
        n_labels: order.len() as u32,
        ..*labels
    }
}

#[cfg(test)]
mod tests {
    use super::super::label::label_union;
    use super::*;

    /// Pixels of `rows x cols` for which `inside(row, col)`.
    fn drawn(rows: usize, cols: usize, inside: impl Fn(f64, f64) -> bool) -> Mask {
        let place = |index: usize| ((index / cols) as f64, (index % cols) as f64);
        let pixels = (0..rows * cols).map(place).map(|(row, col)| inside(row, col)).collect();
        Mask { rows, cols, pixels }
    }

    fn disc(row: f64, col: f64, radius: f64) -> impl Fn(f64, f64) -> bool {
        move |y, x| (y - row).hypot(x - col) < radius
    }

    /// Half axes 20 and 10, turned by `turn` degrees.
    fn ellipse(turn: f64) -> Mask {
        let (sin, cos) = turn.to_radians().sin_cos();
        drawn(60, 60, move |y, x| {
            let (y, x) = (y - 30.2, x - 29.7);
            ((x * cos + y * sin) / 20.0).hypot((y * cos - x * sin) / 10.0) < 1.0
        })
    }

    #[test]
    fn discs_that_overlap_part_at_the_neck() {
        for (radius, overlap) in [(6.0, 2.0), (8.0, 3.0), (8.0, 5.0), (12.0, 6.0)] {
            let apart = 2.0 * radius - overlap;
            let (left, right) = (disc(20.0, 20.0, radius), disc(20.0, 20.0 + apart, radius));
            let both = drawn(40, 70, |y, x| left(y, x) || right(y, x));
            let joined = label_union(&[&both]);
            let parts = split_touching(&joined, None);
            assert_eq!((joined.n_labels, parts.n_labels), (1, 2), "{radius} {overlap}");
            let neck = 20.0 + apart / 2.0;
            for (index, &part) in parts.labels.iter().enumerate() {
                assert_eq!(part > 0, both.pixels[index], "no pixel is lost or won");
                let col = (index % 70) as f64;
                if part > 0 && (col - neck).abs() > 1.5 {
                    assert_eq!(part, if col < neck { 1 } else { 2 }, "column {col}, neck {neck}");
                }
            }
        }
    }

    #[test]
    fn one_cell_stays_one_cell() {
        for tenth in 0..60 {
            let radius = 3.0 + f64::from(tenth) / 4.0;
            let one = drawn(50, 50, disc(25.3, 24.6, radius));
            assert_eq!(split_touching(&label_union(&[&one]), None).n_labels, 1, "radius {radius}");
        }
        for turn in 0..90 {
            let one = label_union(&[&ellipse(f64::from(turn) * 2.0)]);
            assert_eq!(split_touching(&one, None), one, "an ellipse turned by {}", 2 * turn);
        }
    }

    #[test]
    fn nuclei_apart_in_one_body_are_two_cells() {
        let body = drawn(40, 60, |y, x| ((y - 20.0) / 12.0).hypot((x - 30.0) / 24.0) < 1.0);
        let (left, right) = (disc(20.0, 18.0, 6.0), disc(20.0, 40.0, 6.0));
        let nuclei = drawn(40, 60, |y, x| left(y, x) || right(y, x));
        let joined = label_union(&[&body, &nuclei]);
        assert_eq!(split_touching(&joined, None).n_labels, 1, "no neck");
        let parts = split_touching(&joined, Some(&nuclei));
        assert_eq!(parts.n_labels, 2, "one a nucleus");
        let at = |row: usize, col: usize| parts.labels[row * 60 + col];
        assert_eq!((at(20, 10), at(20, 27), at(20, 31), at(20, 50)), (1, 1, 2, 2), "by nearness");
        let none = Mask::empty(40, 60);
        assert_eq!(split_touching(&joined, Some(&none)), joined, "no nucleus: the object's shape");
    }

    #[test]
    fn parts_are_numbered_among_the_other_objects_down_the_columns() {
        let (left, right) = (disc(20.0, 10.0, 7.0), disc(20.0, 22.0, 7.0));
        let other = disc(5.0, 12.0, 3.0);
        let all = drawn(40, 40, |y, x| left(y, x) || right(y, x) || other(y, x));
        let parts = split_touching(&label_union(&[&all]), None);
        let at = |row: usize, col: usize| parts.labels[row * 40 + col];
        assert_eq!((at(20, 10), at(5, 12), at(20, 22)), (1, 2, 3), "by their first columns");
        assert_eq!(split_touching(&label_union(&[&all]), None), parts, "the same again");
        assert_eq!(split_touching(&parts, None), parts, "a part is one cell");
    }

    #[test]
    fn nothing_is_split_into_nothing() {
        let empty = label_union(&[&Mask::empty(3, 4)]);
        assert_eq!(split_touching(&empty, None), empty, "no object");
        let none = label_union(&[]);
        assert_eq!(split_touching(&none, None), none, "no pixel");
    }
}
