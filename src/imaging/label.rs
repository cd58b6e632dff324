//! Connected components, found run by run.

use super::bit_mask::BitMask;
use super::frame::{LabelImage, Mask};

/// Which pixels are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// The pixels above, below, left and right.
    Four,
    /// Those and the four diagonal ones.
    Eight,
}

/// Set pixels of one row that follow each other: columns `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) row: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The connected components of a mask, as runs.
pub(crate) struct Components {
    /// All runs in row-major order.
    pub(crate) runs: Vec<Run>,
    /// Component of each run, 0..n, numbered by first pixel in row-major order.
    pub(crate) of_run: Vec<usize>,
    /// Pixels of each component.
    pub(crate) sizes: Vec<usize>,
}

impl Components {
    /// Finds the components of a mask.
    pub(crate) fn of(mask: &BitMask, connectivity: Connectivity) -> Self {
        let (runs, row_starts) = runs(mask);
        let mut forest: Vec<usize> = (0..runs.len()).collect();
        let reach = usize::from(connectivity == Connectivity::Eight);
        for rows in row_starts.windows(3) {
            join_rows(&runs, rows[0]..rows[1], rows[1]..rows[2], reach, &mut forest);
        }
        let mut sizes = Vec::new();
        let mut of_run = vec![0; runs.len()];
        for (index, run) in runs.iter().enumerate() {
            // roots come first: a run's root never has a greater index than the run
            let root = find(&mut forest, index);
            if root == index {
                of_run[index] = sizes.len();
                sizes.push(0);
            } else {
                of_run[index] = of_run[root];
            }
            sizes[of_run[index]] += run.end - run.start;
        }
        Self { runs, of_run, sizes }
    }

    /// Number of components.
    pub(crate) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Clears the runs of all components for which `drop` is true.
    pub(crate) fn clear(&self, mask: &mut BitMask, drop: impl Fn(usize) -> bool) {
        for (run, &component) in self.runs.iter().zip(&self.of_run) {
            if drop(component) {
                mask.clear(*run);
            }
        }
    }
}

/// All runs in row-major order, and where those of each row start (`rows + 1` positions).
fn runs(mask: &BitMask) -> (Vec<Run>, Vec<usize>) {
    let mut runs = Vec::new();
    let mut row_starts = Vec::with_capacity(mask.rows + 1);
    for row in 0..mask.rows {
        row_starts.push(runs.len());
        runs.extend(mask.runs_of_row(row));
    }
    row_starts.push(runs.len());
    (runs, row_starts)
}

/// Joins the runs of two neighbouring rows that touch; `reach` is 1 where diagonals count.
fn join_rows(
    runs: &[Run],
    upper: std::ops::Range<usize>,
    lower: std::ops::Range<usize>,
    reach: usize,
    forest: &mut [usize],
) {
    let (mut above, mut below) = (upper.start, lower.start);
    while above < upper.end && below < lower.end {
        let (a, b) = (runs[above], runs[below]);
        if a.start < b.end + reach && b.start < a.end + reach {
            join(forest, above, below);
        }
        if a.end < b.end {
            above += 1;
        } else {
            below += 1;
        }
    }
}

fn find(forest: &mut [usize], mut index: usize) -> usize {
    while forest[index] != index {
        forest[index] = forest[forest[index]];
        index = forest[index];
    }
    index
}

fn join(forest: &mut [usize], left: usize, right: usize) {
    let (left, right) = (find(forest, left), find(forest, right));
    forest[left.max(right)] = left.min(right);
}

/// The mask's connected components, numbered 1.. by their first pixel in column-major order
/// (leftmost column, then topmost row), as ACCEPT numbers objects.
///
/// ```
/// use herscope::imaging::{Connectivity, Mask, label_components};
/// // # . #
/// // . # .
/// let mask = Mask { rows: 2, cols: 3, pixels: vec![true, false, true, false, true, false] };
/// assert_eq!(label_components(&mask, Connectivity::Four).labels, [1, 0, 3, 0, 2, 0]);
/// assert_eq!(label_components(&mask, Connectivity::Eight).n_labels, 1);
/// ```
pub fn label_components(mask: &Mask, connectivity: Connectivity) -> LabelImage {
    label_bits(&BitMask::of(mask), connectivity)
}

fn label_bits(mask: &BitMask, connectivity: Connectivity) -> LabelImage {
    let components = Components::of(mask, connectivity);
    let mut first_pixels = vec![(usize::MAX, usize::MAX); components.len()];
    for (run, &component) in components.runs.iter().zip(&components.of_run) {
        let first = &mut first_pixels[component];
        *first = (*first).min((run.start, run.row));
    }
    let mut order: Vec<usize> = (0..components.len()).collect();
    order.sort_unstable_by_key(|&component| first_pixels[component]);
    let mut label_of = vec![0_u32; components.len()];
    for (label, &component) in (1..).zip(&order) {
        label_of[component] = label;
    }
    let mut labels = vec![0; mask.rows * mask.cols];
    for (run, &component) in components.runs.iter().zip(&components.of_run) {
        labels[run.row * mask.cols + run.start..run.row * mask.cols + run.end]
            .fill(label_of[component]);
    }
    LabelImage { rows: mask.rows, cols: mask.cols, labels, n_labels: components.len() as u32 }
}

/// The objects of several masks of one size: the 4-connected components of their union.
///
/// One object has one number in all channels; it may be empty in some and in pieces in others.
pub fn label_union(masks: &[&Mask]) -> LabelImage {
    let Some((first, others)) = masks.split_first() else {
        return LabelImage { rows: 0, cols: 0, labels: Vec::new(), n_labels: 0 };
    };
    let mut union = BitMask::of(first);
    for mask in others {
        union.unite(&BitMask::of(mask));
    }
    label_bits(&union, Connectivity::Four)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::drawing::{label_image, mask};
    use proptest::prelude::*;

    #[test]
    fn objects_are_numbered_down_the_columns() {
        let drawn = mask!("..#..#" "#.#..#" "#....#" "..##..");
        let expected = label_image!("..2..4" "1.2..4" "1....4" "..33..");
        assert_eq!(label_components(&drawn, Connectivity::Four), expected, "columns first");
    }

    #[test]
    fn arms_that_meet_below_are_one_object() {
        let drawn = mask!("#.#.#" "#.#.#" "#####");
        assert_eq!(label_components(&drawn, Connectivity::Four).n_labels, 1, "a fork is one");
    }

    #[test]
    fn diagonal_neighbours_count_only_with_eight() {
        let drawn = mask!("#..." ".#.." "..#." "...#");
        assert_eq!(label_components(&drawn, Connectivity::Four).n_labels, 4, "no side shared");
        assert_eq!(label_components(&drawn, Connectivity::Eight).n_labels, 1, "corners shared");
    }

    #[test]
    fn the_union_joins_what_two_channels_show_of_one_cell() {
        let labels = label_union(&[&mask!("##...." "......"), &mask!("..##.." ".....#")]);
        assert_eq!(labels, label_image!("1111.." ".....2"), "parts in two channels touch");
        assert_eq!(label_union(&[]).n_labels, 0, "no channel, no object");
    }

    fn random_mask() -> impl Strategy<Value = Mask> {
        (1..12_usize, 1..12_usize).prop_flat_map(|(rows, cols)| {
            prop::collection::vec(any::<bool>(), rows * cols).prop_map(move |pixels| Mask {
                rows,
                cols,
                pixels,
            })
        })
    }

    /// Flood fill, the slow and obvious way.
    fn flood_count(mask: &Mask, eight: bool) -> usize {
        let mut left = mask.pixels.clone();
        let mut count = 0;
        while let Some(seed) = left.iter().position(|&set| set) {
            count += 1;
            let mut stack = vec![seed];
            while let Some(pixel) = stack.pop() {
                if !std::mem::take(&mut left[pixel]) {
                    continue;
                }
                let (row, col) = ((pixel / mask.cols) as isize, (pixel % mask.cols) as isize);
                for (dy, dx) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dy, dx))) {
                    let (y, x) = (row + dy, col + dx);
                    let inside = (0..mask.rows as isize).contains(&y)
                        && (0..mask.cols as isize).contains(&x);
                    if inside && (eight || dy == 0 || dx == 0) {
                        stack.push(y as usize * mask.cols + x as usize);
                    }
                }
            }
        }
        count
    }

    proptest! {
        #[test]
        fn the_number_of_components_is_that_of_a_flood_fill(mask in random_mask()) {
            let four = label_components(&mask, Connectivity::Four).n_labels as usize;
            let eight = label_components(&mask, Connectivity::Eight).n_labels as usize;
            prop_assert_eq!(four, flood_count(&mask, false), "4-connected");
            prop_assert_eq!(eight, flood_count(&mask, true), "8-connected");
        }

        #[test]
        fn a_flip_changes_numbers_but_not_objects(mask in random_mask()) {
            let flipped = Mask {
                pixels: mask.pixels.chunks(mask.cols).rev().flatten().copied().collect(),
                ..mask.clone()
            };
            let labels = label_components(&mask, Connectivity::Four);
            let of_flipped = label_components(&flipped, Connectivity::Four);
            let back: Vec<u32> =
                of_flipped.labels.chunks(mask.cols).rev().flatten().copied().collect();
            let pairs: std::collections::BTreeSet<(u32, u32)> =
                labels.labels.iter().copied().zip(back).collect();
            let background = usize::from(pairs.contains(&(0, 0)));
            prop_assert_eq!(pairs.len() - background, labels.n_labels as usize, "one to one");
            prop_assert_eq!(labels.n_labels, of_flipped.n_labels, "as many");
        }
    }
}
