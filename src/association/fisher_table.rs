//! Fisher's exact test of a table of any size.

use std::collections::{BTreeMap, HashMap};

use super::contingency::Contingency;
use super::fisher::{EQUAL_CHANCE, ln_factorial};
use crate::numeric::draw::{Stream, Width, draw};

/// Columns that the exact method may fill in, over all partial tables: about a second.
const COLUMN_LIMIT: usize = 1_000_000;

/// Levels that the exact method may search through: it recurses once a level, and with more than
/// these it would hardly end below [`COLUMN_LIMIT`].
const LEVEL_LIMIT: usize = 1_000;

/// Tables drawn where the exact method would take too long; p then has an error of at most 0.0016.
const DRAWN_TABLES: u64 = 100_000;

/// Fewest tables drawn, for very large n; an error of at most 0.016.
const FEWEST_DRAWN_TABLES: u64 = 1_000;

/// Single draws that the Monte Carlo method may take.
const DRAW_LIMIT: u64 = 200_000_000;

/// Path lengths this close are one: the rounding of sums of log factorials.
const SAME_PATH: f64 = 1e-9;

/// Fisher's test of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FisherTable {
    /// Chance of all tables with these margins that are no more likely than the one seen.
    pub p: f64,
    /// Set where p is estimated from drawn tables.
    pub monte_carlo: Option<MonteCarlo>,
}

/// How a drawn p-value was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MonteCarlo {
    /// Tables drawn.
    pub n_tables: u64,
    /// Standard error of p.
    pub std_err: f64,
}

/// Fisher's exact test that rows and columns are independent. Exact while at most a million
/// partial columns have to be filled in, of a thousand levels at most; otherwise from tables drawn
/// with `seed`.
///
/// # Source
/// Freeman and Halton 1951; exact p by the network algorithm of Mehta and Patel 1983, JASA 78:427,
/// with exact longest and shortest paths. Drawn tables come from shuffles of the rows against the
/// columns, with p = (1 + as unlikely) / (1 + drawn), as R's `simulate.p.value`.
///
/// ```
/// use herscope::association::{Contingency, fisher_exact};
///
/// let table = Contingency::new(&[&[3, 1], &[1, 3]])?;
/// assert!((fisher_exact(&table, 1).p - 34.0 / 70.0).abs() < 1e-12);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn fisher_exact(table: &Contingency, seed: u64) -> FisherTable {
    match exact_p(table) {
        Some(p) => FisherTable { p, monte_carlo: None },
        None => drawn(table, seed),
    }
}

/// The exact p, or `None` past one of the limits.
fn exact_p(table: &Contingency) -> Option<f64> {
    let n_levels = table.n_rows().max(table.n_columns());
    if n_levels <= LEVEL_LIMIT { Network::new(table).p() } else { None }
}

/// Log of the product of 1 / count! over the cells: a table's chance but for its margins.
fn log_chance(counts: &[u64]) -> f64 {
    -counts.iter().map(|&count| ln_factorial(count)).sum::<f64>()
}

/// The tables with the given margins as paths: a node is what is left of the row totals, sorted,
/// after some columns.
struct Network {
    columns: Vec<u64>,
    rows: Vec<u64>,
    observed: f64,
    ln_factorials: Vec<f64>,
    /// Columns filled in so far, against [`COLUMN_LIMIT`].
    filled: usize,
    /// Longest and shortest log path from a node to the end, by column.
    reach: Vec<HashMap<Vec<u64>, (f64, f64)>>,
}

impl Network {
    fn new(table: &Contingency) -> Self {
        let (mut rows, mut columns) = (table.row_totals(), table.column_totals());
        // Fewer row totals mean fewer nodes.
        if rows.len() > columns.len() {
            std::mem::swap(&mut rows, &mut columns);
        }
        rows.sort_unstable();
        columns.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            reach: vec![HashMap::new(); columns.len() + 1],
            ln_factorials: (0..=table.total()).map(ln_factorial).collect(),
            observed: log_chance(&table.counts) + EQUAL_CHANCE,
            rows,
            columns,
            filled: 0,
        }
    }

    /// The exact p, or `None` past the limit.
    fn p(&mut self) -> Option<f64> {
        let whole = self.log_total(0, &self.rows);
        // Paths to each node: log lengths with how many paths have it.
        let mut nodes = BTreeMap::from([(self.rows.clone(), vec![(0.0, 1.0)])]);
        let mut p = 0.0;
        for column in 0..self.columns.len() {
            let mut next: BTreeMap<Vec<u64>, Vec<(f64, f64)>> = BTreeMap::new();
            for (rows, paths) in nodes {
                let (longest, shortest) = self.reach_of(column, &rows)?;
                let total = self.log_total(column, &rows);
                let mut open = Vec::new();
                for (past, count) in paths {
                    if past + longest <= self.observed {
                        p += count * (past + total - whole).exp();
                    } else if past + shortest <= self.observed {
                        open.push((past, count));
                    }
                }
                if open.is_empty() {
                    continue;
                }
                for (rest, length) in self.fill(column, &rows)? {
                    let moved = open.iter().map(|(past, count)| (past + length, *count));
                    next.entry(rest).or_default().extend(moved);
                }
            }
            nodes = next;
            nodes.values_mut().for_each(merge_paths);
            self.filled += nodes.values().map(Vec::len).sum::<usize>();
        }
        // What is left are complete tables, each node without rows: paths within the observed.
        let complete = nodes.into_values().flatten().filter(|(past, _)| *past <= self.observed);
        p += complete.map(|(past, count)| count * (past - whole).exp()).sum::<f64>();
        Some(p.min(1.0))
    }

    /// Log of the summed chance of all completions of the columns from `column` on.
    fn log_total(&self, column: usize, rows: &[u64]) -> f64 {
        let left = &self.columns[column..];
        let n: u64 = left.iter().sum();
        let of = |counts: &[u64]| -> f64 {
            counts.iter().map(|&count| self.ln_factorials[count as usize]).sum()
        };
        self.ln_factorials[n as usize] - of(rows) - of(left)
    }

    fn reach_of(&mut self, column: usize, rows: &[u64]) -> Option<(f64, f64)> {
        if column == self.columns.len() {
            return Some((0.0, 0.0));
        }
        if let Some(&known) = self.reach[column].get(rows) {
            return Some(known);
        }
        let (mut longest, mut shortest) = (f64::NEG_INFINITY, f64::INFINITY);
        for (rest, length) in self.fill(column, rows)? {
            let (long, short) = self.reach_of(column + 1, &rest)?;
            longest = longest.max(length + long);
            shortest = shortest.min(length + short);
        }
        self.reach[column].insert(rows.to_vec(), (longest, shortest));
        Some((longest, shortest))
    }

    /// Every way to fill in a column: the rows left, sorted, and the log length.
    fn fill(&mut self, column: usize, rows: &[u64]) -> Option<Vec<(Vec<u64>, f64)>> {
        let mut found = Vec::new();
        let mut rest = rows.to_vec();
        let after: Vec<u64> = (0..rows.len()).map(|k| rows[k + 1..].iter().sum()).collect();
        self.fill_row(0, self.columns[column], 0.0, &after, &mut rest, &mut found)?;
        for (rest, _) in &mut found {
            rest.sort_unstable();
        }
        Some(found)
    }

    fn fill_row(
        &mut self,
        k: usize,
        left: u64,
        length: f64,
        after: &[u64],
        rest: &mut Vec<u64>,
        found: &mut Vec<(Vec<u64>, f64)>,
    ) -> Option<()> {
        let have = rest[k];
        let least = left.saturating_sub(after[k]);
        for count in least..=have.min(left) {
            let length = length - self.ln_factorials[count as usize];
            rest[k] = have - count;
            if k + 1 == rest.len() {
                self.filled += 1;
                found.push((rest.clone(), length));
            } else {
                self.fill_row(k + 1, left - count, length, after, rest, found)?;
            }
        }
        rest[k] = have;
        (self.filled <= COLUMN_LIMIT).then_some(())
    }
}

/// Sorts paths and makes those of one length one.
fn merge_paths(paths: &mut Vec<(f64, f64)>) {
    paths.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    paths.dedup_by(|later, kept| {
        let same = later.0 - kept.0 <= SAME_PATH;
        if same {
            kept.1 += later.1;
        }
        same
    });
}

fn drawn(table: &Contingency, seed: u64) -> FisherTable {
    let n = table.total();
    let observed = log_chance(&table.counts) + EQUAL_CHANCE;
    let spread = |totals: &[u64]| -> Vec<usize> {
        let levels = totals.iter().enumerate();
        levels.flat_map(|(level, &count)| (0..count).map(move |_| level)).collect()
    };
    let rows = spread(&table.row_totals());
    let mut columns = spread(&table.column_totals());
    let width = Width::of(u32::try_from(n).unwrap_or(u32::MAX));
    let n_tables = (DRAW_LIMIT / n).clamp(FEWEST_DRAWN_TABLES, DRAWN_TABLES);
    let ln_factorials: Vec<f64> = (0..=n).map(ln_factorial).collect();
    let mut counts = vec![0_usize; table.counts.len()];
    let mut as_unlikely = 0_u64;
    for replicate in 0..n_tables {
        for slot in (1..columns.len()).rev() {
            // More rows than slots can number would not fit into memory as labels.
            let (slot_label, bound) = (slot as u32, slot as u32 + 1);
            let other =
                draw(seed, Stream::Permutation, replicate, slot_label, bound, width) as usize;
            columns.swap(slot, other);
        }
        counts.fill(0);
        for (row, column) in rows.iter().zip(&columns) {
            counts[row * table.n_columns + column] += 1;
        }
        let log: f64 = -counts.iter().map(|&count| ln_factorials[count]).sum::<f64>();
        as_unlikely += u64::from(log <= observed);
    }
    let p = (1 + as_unlikely) as f64 / (1 + n_tables) as f64;
    let std_err = (p * (1.0 - p) / n_tables as f64).sqrt();
    FisherTable { p, monte_carlo: Some(MonteCarlo { n_tables, std_err }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_of_every_row_is_left_to_drawn_tables() {
        // A search of twenty thousand levels would nest as deep, and once overflowed the stack.
        let ones = |parity| (0..20_000).map(|i| u64::from(i % 2 == parity)).collect::<Vec<_>>();
        let table = Contingency::new(&[&ones(0), &ones(1)]).expect("counts");
        assert_eq!(exact_p(&table), None, "too many levels to search");
    }

    #[test]
    fn drawn_tables_agree_with_the_exact_p() {
        let table = Contingency::new(&[&[4, 1, 0], &[3, 5, 2], &[0, 2, 6]]).expect("counts");
        let exact = fisher_exact(&table, 1).p;
        let found = drawn(&table, 1);
        let error = found.monte_carlo.expect("drawn").std_err;
        // Five standard errors are passed once in two million seeds.
        assert!((found.p - exact).abs() < 5.0 * error, "{found:?} beside {exact}");
        assert_eq!(found, drawn(&table, 1), "one seed, one answer");
    }

    #[test]
    fn a_large_table_falls_back_to_drawing() {
        let rows: Vec<Vec<u64>> =
            (0..7).map(|r| (0..7).map(|c| 5 + (r * 3 + c * 5) % 7).collect()).collect();
        let rows: Vec<&[u64]> = rows.iter().map(Vec::as_slice).collect();
        let table = Contingency::new(&rows).expect("counts");
        let mut network = Network::new(&table);
        assert_eq!(network.p(), None, "49 cells of hundreds are too many for the exact method");
    }

    #[test]
    fn one_row_leaves_nothing_to_test() {
        let table = Contingency::new(&[&[3, 4]]).expect("counts");
        assert_eq!(fisher_exact(&table, 1).p, 1.0, "the only table with these margins");
    }
}
