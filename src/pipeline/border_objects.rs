//! Cells that lie across the border of two frames: which pieces are one cell.

use std::collections::BTreeMap;

use crate::imaging::{BorderContact, FrameGrid, FrameSide, pieces_across};
use crate::io::cell_table::CellRow;

/// Why the smaller pieces of a cell are not counted.
const PART_OF_ANOTHER: &str = "part_of_another";

/// Notes in the rows which objects go on in a neighbouring frame, and leaves all pieces of a cell but
/// the largest out of counts (of equal ones the first by frame and label stays).
///
/// `contacts` has the border contacts of each frame by its number.
pub(super) fn join_across_frames(
    grid: FrameGrid,
    contacts: &BTreeMap<u32, Vec<BorderContact>>,
    cells: &mut [CellRow],
) {
    let rows: BTreeMap<(u32, u32), usize> = cells
        .iter()
        .enumerate()
        .map(|(index, cell)| ((cell.frame, cell.object.label), index))
        .collect();
    let number_at: BTreeMap<(usize, usize), u32> = (1..=grid.n_frames() as u32)
        .filter_map(|number| Some((grid.place(number)?, number)))
        .collect();
    let mut piece_of: Vec<usize> = (0..cells.len()).collect();
    for (&place @ (row, col), &number) in &number_at {
        let Some(here) = contacts.get(&number) else { continue };
        let neighbours = [((row, col + 1), FrameSide::Right), ((row + 1, col), FrameSide::Bottom)];
        for (other_place, side) in neighbours {
            debug_assert_ne!(place, other_place, "a neighbour is another frame");
            let Some(&other) = number_at.get(&other_place) else { continue };
            let Some(there) = contacts.get(&other) else { continue };
            for (label, other_label) in pieces_across(here, side, there) {
                let pair = [(number, label), (other, other_label)].map(|key| rows.get(&key));
                if let [Some(&one), Some(&two)] = pair {
                    cells[one].continues_in.push((other, other_label));
                    cells[two].continues_in.push((number, label));
                    let (one, two) = (root(&mut piece_of, one), root(&mut piece_of, two));
                    piece_of[one.max(two)] = one.min(two);
                }
            }
        }
    }
    leave_out_smaller_pieces(&mut piece_of, cells);
}

fn leave_out_smaller_pieces(piece_of: &mut [usize], cells: &mut [CellRow]) {
    let mut largest: BTreeMap<usize, usize> = BTreeMap::new();
    let roots: Vec<usize> = (0..cells.len()).map(|index| root(piece_of, index)).collect();
    let area = |index: usize| cells[index].object.union_area_px;
    for (index, &root) in roots.iter().enumerate() {
        let best = largest.entry(root).or_insert(index);
        if area(index) > area(*best) {
            *best = index;
        }
    }
    for (index, root) in roots.iter().enumerate() {
        cells[index].continues_in.sort_unstable();
        if largest[root] != index {
            cells[index].excluded_because.get_or_insert(PART_OF_ANOTHER);
        }
    }
}

fn root(piece_of: &mut [usize], mut index: usize) -> usize {
    while piece_of[index] != index {
        piece_of[index] = piece_of[piece_of[index]];
        index = piece_of[index];
    }
    index
}
