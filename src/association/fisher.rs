//! Fisher's exact test of a 2x2 table, with the conditional odds ratio.

use statrs::function::gamma::ln_gamma;

/// Two chances within this share of each other are equally likely, as in R's `fisher.test`.
pub(super) const EQUAL_CHANCE: f64 = 1e-7;

/// Fisher's test of a 2x2 table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fisher2x2 {
    /// Chance of all tables no more likely than the one seen.
    pub two_sided: f64,
    /// Chance of a first cell as small or smaller.
    pub less: f64,
    /// Chance of a first cell as large or larger.
    pub greater: f64,
    /// Conditional maximum likelihood odds ratio; `None` where infinite or, with an empty margin,
    /// unknown.
    pub odds_ratio: Option<f64>,
    /// Lower exact limit of the odds ratio.
    pub lower: f64,
    /// Upper exact limit; `None` if unbounded.
    pub upper: Option<f64>,
}

/// Fisher's exact test of `[[a, b], [c, d]]`; the odds ratio is of `a d` against `b c`.
///
/// # Source
/// Fisher 1935; the odds ratio and limits from the noncentral hypergeometric distribution of the
/// first cell given the margins (Cornfield 1956), each limit with half of what `conf_level` leaves.
/// Two-sided p adds tables whose chance is at most 1 + 1e-7 times the observed, as R does.
///
/// ```
/// use herscope::association::fisher_2x2;
///
/// // Chances of the first cell 0..4 are 1, 16, 36, 16, 1 seventieths.
/// let test = fisher_2x2([[3, 1], [1, 3]], 0.95);
/// assert!((test.two_sided - 34.0 / 70.0).abs() < 1e-12);
/// assert!((test.greater - 17.0 / 70.0).abs() < 1e-12);
/// ```
pub fn fisher_2x2(table: [[u64; 2]; 2], conf_level: f64) -> Fisher2x2 {
    let cells = FirstCell::new(table);
    let central = cells.chances(0.0);
    let observed = central[cells.seen];
    let share = |keep: &dyn Fn(usize) -> bool, chances: &[f64]| -> f64 {
        let kept = chances.iter().enumerate().filter(|(i, _)| keep(*i));
        kept.map(|(_, chance)| chance).sum::<f64>().min(1.0)
    };
    let at_most = |chances: &[f64]| share(&|i| i <= cells.seen, chances);
    let at_least = |chances: &[f64]| share(&|i| i >= cells.seen, chances);
    let limit = observed * (1.0 + EQUAL_CHANCE);
    let tail = (1.0 - conf_level) / 2.0;
    let last = central.len() - 1;
    let mean = |chances: &[f64]| -> f64 {
        chances.iter().enumerate().map(|(i, chance)| i as f64 * chance).sum()
    };
    let odds_ratio = match cells.seen {
        _ if last == 0 => None,
        0 => Some(0.0),
        seen if seen == last => None,
        seen => Some(cells.solve(|chances| mean(chances) - seen as f64)),
    };
    let lower = if cells.seen == 0 { 0.0 } else { cells.solve(|chances| at_least(chances) - tail) };
    let upper = (cells.seen < last).then(|| cells.solve(|chances| tail - at_most(chances)));
    Fisher2x2 {
        two_sided: share(&|i| central[i] <= limit, &central),
        less: at_most(&central),
        greater: at_least(&central),
        odds_ratio,
        lower,
        upper,
    }
}

/// The first cell given the margins: its possible values, from the least, and which was seen.
struct FirstCell {
    log_ways: Vec<f64>,
    seen: usize,
}

impl FirstCell {
    fn new([[a, b], [c, d]]: [[u64; 2]; 2]) -> Self {
        let (row, column, n) = (a + b, a + c, a + b + c + d);
        let least = (row + column).saturating_sub(n);
        let log_ways = (least..=row.min(column))
            .map(|cell| {
                let cells = [cell, row - cell, column - cell, n + cell - row - column];
                -cells.iter().map(|&count| ln_factorial(count)).sum::<f64>()
            })
            .collect();
        Self { log_ways, seen: (a - least) as usize }
    }

    /// Chances of each value at a log odds ratio.
    fn chances(&self, log_odds: f64) -> Vec<f64> {
        let logs: Vec<f64> =
            self.log_ways.iter().enumerate().map(|(i, ways)| ways + i as f64 * log_odds).collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }

    /// The odds ratio at which `rising`, a rising function of it, is zero; by bisection of its
    /// logarithm, which is below 700 for every table that fits into memory.
    fn solve(&self, rising: impl Fn(&[f64]) -> f64) -> f64 {
        let (mut low, mut high) = (-700.0_f64, 700.0_f64);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if rising(&self.chances(middle)) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        (0.5 * (low + high)).exp()
    }
}

/// Logarithm of `n` factorial.
pub(super) fn ln_factorial(n: u64) -> f64 {
    ln_gamma(n as f64 + 1.0)
}
