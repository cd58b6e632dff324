//! The standard error that is told of a mean is that of means.

use herscope::imaging::{EventClass, FrameGrid, Illumination, Population, StorageDepth};
use herscope::pipeline::simulate_cartridge::{CartridgeSettings, CellSource};

use crate::scenario::{USUAL, open, segment, write};

/// Index of HER2 among the channels of a cell (CD45, DAPI, CK, HER2).
const HER2: usize = 3;

/// Cells without HER2 on a background that lies between two camera units: what is read of them is
/// error alone, and the error of the background's median is uniform over a unit.
#[test]
fn readings_of_cells_without_her2_scatter_by_their_standard_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let usual = USUAL.settings();
    let mut scores = Vec::new();
    for tenth in 0..10_u32 {
        let settings = CartridgeSettings {
            illumination: Illumination {
                grid: FrameGrid::serpentine(2, 2),
                frame_size: (256, 256),
                background: [100.05 + 0.1 * f64::from(tenth) - 0.5; 4],
                gradient: 0.0,
                depth: StorageDepth::Sixteen,
                seed: 77 + u64::from(tenth),
                ..usual.illumination.clone()
            },
            source: CellSource::Drawn(Population {
                n_ctc: 30,
                n_leukocytes: 20,
                n_debris: 0,
                her2_levels: vec![0.0],
                her2_shares: vec![1.0],
                ..Population::default()
            }),
            ..usual.clone()
        };
        let target = folder.path().join(format!("{tenth}.1"));
        write(&settings, &target);
        let found = segment(&open(&target), USUAL.cutoffs(), false);
        for cell in found.cells.iter().filter(|cell| cell.event_class == EventClass::Ctc) {
            let mean = cell.object.channels[HER2].union_mean.expect("a background");
            scores.push(mean / cell.her2_std_err.expect("noise"));
        }
    }
    let n = scores.len() as f64;
    assert!(n > 200.0, "{n} cells");
    let sd = (scores.iter().map(|score| score * score).sum::<f64>() / n).sqrt();
    // The standard deviation of n standard normal numbers is known to 1/sqrt(2 n): 0.05 here. The
    // error of a background is shared by the cells of a frame, of which there are 40; it makes up
    // about a third of the variance, so 0.1 is two and a half of the standard errors together.
    assert!((sd - 1.0).abs() < 0.12, "scores of unit variance: {sd}");
}
