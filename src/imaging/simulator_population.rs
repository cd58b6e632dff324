//! Cells drawn at random for a simulated cartridge.

use super::frame_grid::FrameGrid;
use super::simulator_cell::{CellKind, SimulatedCell};
use super::simulator_chamber::{Chamber, ChamberView};
use crate::Error;
use crate::numeric::draw::Stream;
use crate::numeric::exp::exp;
use crate::numeric::normal_table::NormalTable;
use crate::numeric::philox::{key_of_seed, philox4x32};

/// Pixels kept between a cell and the border of its frame or chamber, and between cells that are
/// not crowded.
const GAP_PX: f64 = 8.0;

/// Places tried for a cell before it is given up, or put where it has less than the gap.
const ATTEMPTS: usize = 100;

/// Centre distance of a crowded cell from its neighbour over the sum of their radii: from a third
/// hidden to just apart.
const CROWDED: (f64, f64) = (0.7, 1.1);

/// How many cells of each kind, how bright and how crowded.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// Circulating tumour cells in the cartridge.
    pub n_ctc: usize,
    /// Leukocytes in the cartridge.
    pub n_leukocytes: usize,
    /// Specks in the cartridge.
    pub n_debris: usize,
    /// Probability that a cell touches or overlaps one drawn before it in its frame, in 0..=1.
    pub crowding: f64,
    /// Factor of every level of every channel.
    pub brightness: f64,
    /// Median HER2 of the tumour cells of each HER2 class, before the factor.
    pub her2_levels: Vec<f64>,
    /// Share of tumour cells of each HER2 class; they sum to 1.
    pub her2_shares: Vec<f64>,
}

impl Default for Population {
    fn default() -> Self {
        Self {
            n_ctc: 200,
            n_leukocytes: 2_000,
            n_debris: 500,
            crowding: 0.0,
            brightness: 1.0,
            her2_levels: vec![10.0, 80.0, 300.0],
            her2_shares: vec![0.4, 0.3, 0.3],
        }
    }
}

/// Draws the cells of a cartridge: leukocytes, then tumour cells, then specks. The same arguments
/// give the same cells.
///
/// Cells lie wholly inside their frame and the chamber, at least 8 pixels from the border and from
/// each other as far as there is room, unless they are crowded. Sizes are normal (diameters of
/// tumour cells 21 +- 3 px = 13 um, of leukocytes 15 +- 1.5 px = 10 um), levels log-normal about
/// medians that pass the built-in gates at brightness 1. Cell `i` (in the order drawn) takes its
/// words from the Philox blocks at counters `(0.., i, 0, 5 << 16)`.
///
/// # Errors
/// Counts, shares or factors out of range; a frame or chamber too small for a cell.
pub fn draw_cells(
    population: &Population,
    grid: FrameGrid,
    frame_size: (usize, usize),
    chamber: Chamber,
    seed: u64,
) -> Result<Vec<SimulatedCell>, Error> {
    check(population)?;
    let normals = NormalTable::new();
    let views = (1..=grid.n_frames() as u32).filter_map(|n| chamber.view(grid, n, frame_size));
    let mut field = Field {
        views: views.collect(),
        size: (frame_size.0 as f64, frame_size.1 as f64),
        of_frame: vec![Vec::new(); grid.n_frames()],
        cells: Vec::new(),
    };
    let kinds = [
        (CellKind::Leukocyte, population.n_leukocytes),
        (CellKind::Ctc, population.n_ctc),
        (CellKind::Debris, population.n_debris),
    ];
    for (kind, n) in kinds {
        for _ in 0..n {
            let mut draws = CellDraws::new(seed, field.cells.len() as u32, &normals);
            let cell = draw_look(kind, population, &mut draws);
            field.put(cell, population.crowding, &mut draws)?;
        }
    }
    Ok(field.cells)
}

fn check(population: &Population) -> Result<(), Error> {
    let refuse = |found: String, expected: &str| {
        Err(Error::usage("drawing cells").found(found).expected(expected))
    };
    let Population { n_ctc, n_leukocytes, n_debris, crowding, brightness, .. } = *population;
    let total = n_ctc.saturating_add(n_leukocytes).saturating_add(n_debris);
    if total > 2_000_000 {
        return refuse(format!("{total} cells"), "at most 2000000 in a cartridge");
    }
    if !(0.0..=1.0).contains(&crowding) {
        return refuse(format!("crowding {crowding}"), "a probability in 0 to 1");
    }
    if !(brightness > 0.0 && brightness <= 20.0) {
        return refuse(format!("brightness {brightness}"), "a factor above 0, at most 20");
    }
    let (levels, shares) = (&population.her2_levels, &population.her2_shares);
    if levels.len() != shares.len() || levels.is_empty() {
        return refuse(
            format!("{} HER2 levels and {} shares", levels.len(), shares.len()),
            "one share a level",
        );
    }
    if let Some(level) = levels.iter().find(|level| !(0.0..=4_095.0).contains(*level)) {
        return refuse(format!("HER2 level {level}"), "a camera value in 0 to 4095");
    }
    let total: f64 = shares.iter().sum();
    if shares.iter().any(|share| !(0.0..=1.0).contains(share)) || (total - 1.0).abs() > 1e-9 {
        return refuse(format!("HER2 shares that sum to {total}"), "shares that sum to 1");
    }
    Ok(())
}

/// Random numbers of one cell, in order.
struct CellDraws<'a> {
    key: [u32; 2],
    cell: u32,
    block: u32,
    words: [u32; 4],
    used: usize,
    normals: &'a NormalTable,
}

impl<'a> CellDraws<'a> {
    fn new(seed: u64, cell: u32, normals: &'a NormalTable) -> Self {
        Self { key: key_of_seed(seed), cell, block: 0, words: [0; 4], used: 4, normals }
    }

    fn word(&mut self) -> u32 {
        if self.used == self.words.len() {
            let tag = (Stream::Cartridge as u32) << 16;
            self.words = philox4x32(self.key, [self.block, self.cell, 0, tag]);
            self.block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// In (low, high).
    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (f64::from(self.word()) + 0.5) / 4_294_967_296.0
    }

    fn index(&mut self, n: usize) -> usize {
        (self.uniform(0.0, n as f64) as usize).min(n - 1)
    }

    fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        mean + sd * f64::from(self.normals.at((self.word() >> 16) as u16))
    }

    fn log_normal(&mut self, median: f64, log_sd: f64) -> f64 {
        median * exp(self.normal(0.0, log_sd))
    }
}

/// Size, shape and light of a cell, without a place.
fn draw_look(kind: CellKind, population: &Population, draws: &mut CellDraws<'_>) -> SimulatedCell {
    let her2_negative = population.her2_levels.iter().copied().fold(f64::INFINITY, f64::min);
    // levels in the order DAPI, HER2, cytokeratin, CD45
    let (diameter, roundness, nucleus, lobe, levels) = match kind {
        CellKind::Ctc => {
            let mut class = draws.uniform(0.0, 1.0);
            let shares = population.her2_shares.iter();
            let index = shares.take_while(|&&share| {
                class -= share;
                class > 0.0
            });
            let index = index.count().min(population.her2_levels.len() - 1);
            let levels = [
                draws.log_normal(450.0, 0.25),
                draws.log_normal(population.her2_levels[index], 0.2),
                draws.log_normal(450.0, 0.35),
                draws.uniform(0.0, 8.0),
            ];
            (draws.normal(21.0, 3.0), 0.7, draws.uniform(0.55, 0.75), 0.12, levels)
        }
        CellKind::Leukocyte => {
            let levels = [
                draws.log_normal(400.0, 0.2),
                draws.uniform(0.0, her2_negative),
                draws.uniform(0.0, 10.0),
                draws.log_normal(250.0, 0.25),
            ];
            (draws.normal(15.0, 1.5), 0.85, draws.uniform(0.7, 0.85), 0.05, levels)
        }
        CellKind::Debris => {
            let mut levels = [0.0; 4];
            levels[draws.index(4)] = draws.log_normal(300.0, 0.5);
            (draws.uniform(2.0, 9.0), 0.4, 1.0, 0.2, levels)
        }
    };
    let length_px = diameter.max(1.0);
    SimulatedCell {
        kind,
        frame: 0,
        row_px: 0.0,
        col_px: 0.0,
        length_px,
        width_px: length_px * draws.uniform(roundness, 1.0),
        angle_deg: draws.uniform(0.0, 180.0),
        nucleus_share: nucleus,
        lobe: draws.uniform(0.0, lobe),
        levels: levels.map(|level| level * population.brightness),
    }
}

/// The cells placed so far.
struct Field {
    views: Vec<ChamberView>,
    size: (f64, f64),
    of_frame: Vec<Vec<usize>>,
    cells: Vec<SimulatedCell>,
}

impl Field {
    fn put(
        &mut self,
        look: SimulatedCell,
        crowding: f64,
        draws: &mut CellDraws<'_>,
    ) -> Result<(), Error> {
        let is_crowded = draws.uniform(0.0, 1.0) < crowding;
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let frame = draws.index(self.views.len());
            let neighbours = &self.of_frame[frame];
            let beside = (is_crowded && !neighbours.is_empty())
                .then(|| self.cells[neighbours[draws.index(neighbours.len())]]);
            let margin = look.radius_px() * 1.4 + GAP_PX;
            let (row_px, col_px) = match beside {
                Some(neighbour) => {
                    let (down, right) = direction(draws);
                    let reach = draws.uniform(CROWDED.0, CROWDED.1)
                        * (look.radius_px() + neighbour.radius_px());
                    (neighbour.row_px + reach * down, neighbour.col_px + reach * right)
                }
                None => (
                    draws.uniform(margin, self.size.0 - margin),
                    draws.uniform(margin, self.size.1 - margin),
                ),
            };
            let cell = SimulatedCell { frame: frame as u32 + 1, row_px, col_px, ..look };
            if !self.has_room(frame, &cell, margin) {
                continue;
            }
            last = Some(cell);
            if beside.is_some() || self.is_apart(frame, &cell) {
                break;
            }
        }
        let Some(cell) = last else {
            return Err(Error::usage("drawing cells")
                .found(format!("no room for a {} of {:.0} px", look.kind.name(), look.length_px))
                .expected("larger frames, or a chamber with a smaller edge"));
        };
        self.of_frame[cell.frame as usize - 1].push(self.cells.len());
        self.cells.push(cell);
        Ok(())
    }

    fn has_room(&self, frame: usize, cell: &SimulatedCell, margin: f64) -> bool {
        let inside = |place: f64, size: f64| place >= margin && place <= size - margin;
        inside(cell.row_px, self.size.0)
            && inside(cell.col_px, self.size.1)
            && self.views[frame].depth_px(cell.row_px, cell.col_px) >= margin + GAP_PX
    }

    fn is_apart(&self, frame: usize, cell: &SimulatedCell) -> bool {
        self.of_frame[frame].iter().all(|&other| gap_px(cell, &self.cells[other]) >= GAP_PX)
    }
}

/// Pixels between the circles of the areas of two cells of one frame; negative where they overlap.
pub fn gap_px(one: &SimulatedCell, other: &SimulatedCell) -> f64 {
    (one.row_px - other.row_px).hypot(one.col_px - other.col_px)
        - one.radius_px()
        - other.radius_px()
}

/// A direction, all equally likely: a point of the ring between radius 0.1 and 1, scaled.
fn direction(draws: &mut CellDraws<'_>) -> (f64, f64) {
    loop {
        let (x, y) = (draws.uniform(-1.0, 1.0), draws.uniform(-1.0, 1.0));
        let radius = x.hypot(y);
        if (0.1..=1.0).contains(&radius) {
            return (x / radius, y / radius);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: FrameGrid = FrameGrid::serpentine(2, 3);
    const CHAMBER: Chamber = Chamber { edge_px: 0.0, outside: 0.3 };

    fn draw(population: &Population) -> Vec<SimulatedCell> {
        draw_cells(population, GRID, (300, 400), CHAMBER, 5).expect("room for all")
    }

    fn small() -> Population {
        Population { n_ctc: 60, n_leukocytes: 120, n_debris: 30, ..Population::default() }
    }

    fn n_touching(cells: &[SimulatedCell]) -> usize {
        let touches = |cell: &SimulatedCell| {
            let others = cells.iter().filter(|other| other.frame == cell.frame && *other != cell);
            others.map(|other| gap_px(cell, other)).fold(f64::INFINITY, f64::min) < 2.0
        };
        cells.iter().filter(|cell| touches(cell)).count()
    }

    #[test]
    fn cells_are_as_many_as_asked_for_and_apart_unless_crowded() {
        let cells = draw(&small());
        let n = |kind| cells.iter().filter(|cell| cell.kind == kind).count();
        assert_eq!(
            (n(CellKind::Ctc), n(CellKind::Leukocyte), n(CellKind::Debris)),
            (60, 120, 30),
            "each kind"
        );
        assert_eq!(n_touching(&cells), 0, "8 px apart");
        let crowded = draw(&Population { crowding: 0.8, ..small() });
        assert!(n_touching(&crowded) > 120, "most touch: {}", n_touching(&crowded));
        assert_eq!(cells, draw(&small()), "the same again");
    }

    #[test]
    fn her2_classes_have_their_shares_and_levels() {
        let population = Population {
            n_ctc: 4_000,
            n_leukocytes: 0,
            n_debris: 0,
            brightness: 2.0,
            ..Population::default()
        };
        let cells = draw_cells(&population, GRID, (1_500, 1_500), CHAMBER, 5).expect("room");
        // 2 * 10, 2 * 80 and 2 * 300 with a spread of 20 %: 50 and 350 part them
        let share = |low: f64, high: f64| {
            let n = cells.iter().filter(|c| (low..high).contains(&c.levels[1])).count();
            n as f64 / 4_000.0
        };
        for (low, high, expected) in [(0.0, 50.0, 0.4), (50.0, 330.0, 0.3), (330.0, 9e9, 0.3)] {
            // five standard errors of a share of 4000
            assert!((share(low, high) - expected).abs() < 0.04, "{}", share(low, high));
        }
    }

    #[test]
    fn a_population_that_cannot_be_is_a_usage_error() {
        for bad in [
            Population { crowding: 1.5, ..small() },
            Population { brightness: 0.0, ..small() },
            Population { her2_shares: vec![0.5, 0.1, 0.1], ..small() },
            Population { her2_levels: vec![1.0], ..small() },
            Population { n_ctc: usize::MAX, ..small() },
        ] {
            let error = draw_cells(&bad, GRID, (300, 400), CHAMBER, 5).expect_err("refused");
            assert!(error.is_usage(), "{error}");
        }
        let error = draw_cells(&small(), GRID, (20, 20), CHAMBER, 5).expect_err("no room");
        assert!(error.to_string().contains("no room"), "{error}");
    }
}
