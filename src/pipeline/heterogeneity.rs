//! How HER2 differs among the tumour cells of one sample, each measure with a bootstrap interval
//! over the cells.

use crate::association::{ProportionInterval, clopper_pearson, quantile, wilson};
use crate::imaging::{Her2Class, Her2Cutoffs, Her2Heterogeneity, h_score};
use crate::numeric::draw::{Stream, Width, draw};
use crate::numeric::log::ln;

/// Replicates without a better number: Monte-Carlo error of a 2.5 % quantile's level is 0.35 %.
pub const REPLICATES: u32 = 2_000;

/// A measure of the cells of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpreadMeasure {
    /// Standard deviation (n - 1) over mean.
    Cv,
    /// Interquartile range over median, quantiles of type 7.
    IqrOverMedian,
    /// 90 % quantile less 10 % quantile, in the unit of the values.
    P90MinusP10,
    /// Gini coefficient.
    Gini,
    /// Shannon entropy of the class shares, base 2.
    EntropyBits,
    /// The same over its largest value, log2 3: base-free, 0 to 1.
    EntropyNormalised,
    /// Classes that occur.
    NClasses,
    /// Share of HER2-positive cells.
    FractionPositive,
    /// H-score, 0 to 300.
    HScore,
}

impl SpreadMeasure {
    /// Every measure, in the order of tables.
    pub const ALL: [Self; 9] = [
        Self::Cv,
        Self::IqrOverMedian,
        Self::P90MinusP10,
        Self::Gini,
        Self::EntropyBits,
        Self::EntropyNormalised,
        Self::NClasses,
        Self::FractionPositive,
        Self::HScore,
    ];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cv => "cv",
            Self::IqrOverMedian => "iqr_over_median",
            Self::P90MinusP10 => "p90_minus_p10",
            Self::Gini => "gini",
            Self::EntropyBits => "entropy_bits",
            Self::EntropyNormalised => "entropy_normalised",
            Self::NClasses => "n_classes",
            Self::FractionPositive => "fraction_positive",
            Self::HScore => "h_score",
        }
    }

    /// Its value, or why there is none. Values are finite, two at least.
    fn of(self, values: &[f64], scale: &CellScale, one: &Her2Heterogeneity) -> Measure {
        let n = values.len() as f64;
        match self {
            Self::Cv => one.cv.ok_or("mean_not_positive"),
            Self::IqrOverMedian => one.iqr_over_median.ok_or("median_not_positive"),
            Self::P90MinusP10 => {
                let ends = quantile(values, 0.9).zip(quantile(values, 0.1));
                ends.map(|(high, low)| high - low).ok_or("too_few_cells")
            }
            Self::Gini => one.gini.ok_or("negative_or_zero_sum"),
            Self::EntropyBits => Ok(entropy(one.class_counts) / ln(2.0)),
            Self::EntropyNormalised => Ok(entropy(one.class_counts) / ln(3.0)),
            Self::NClasses => Ok(one.n_classes as f64),
            Self::FractionPositive => Ok(scale.n_positive(one.class_counts) as f64 / n),
            Self::HScore => {
                let score = scale.grades_from.and_then(|from| h_score(values, from));
                score.ok_or("no_grades")
            }
        }
    }
}

/// A value, or why there is none.
type Measure = Result<f64, &'static str>;

/// Shannon entropy of the class shares in nats, by the logarithm that is the same everywhere.
fn entropy(counts: [usize; 3]) -> f64 {
    let n: usize = counts.iter().sum();
    let shares = counts.iter().filter(|&&count| count > 0).map(|&c| c as f64 / n as f64);
    // + 0.0: a single class has entropy 0, not -0.
    -shares.map(|share| share * ln(share)).sum::<f64>() + 0.0
}

/// What the intensities of a site mean: all of it the user's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellScale {
    /// Between the classes.
    pub cutoffs: Her2Cutoffs,
    /// The lowest class that counts as positive.
    pub positive_from: Her2Class,
    /// Where 1+, 2+ and 3+ begin, for the H-score.
    pub grades_from: Option<[f64; 3]>,
}

impl CellScale {
    fn n_positive(&self, class_counts: [usize; 3]) -> usize {
        class_counts[self.positive_from as usize..].iter().sum()
    }
}

/// One measure with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredSpread {
    /// Which measure.
    pub measure: SpreadMeasure,
    /// Its value.
    pub value: Option<f64>,
    /// Lower percentile limit over resampled cells.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
    /// Replicates that have a value.
    pub n_estimable: u32,
    /// Why there is no value: `no_cells`, `too_few_cells`, `mean_not_positive`,
    /// `median_not_positive`, `negative_or_zero_sum`, `no_grades`.
    pub reason: Option<&'static str>,
}

/// How HER2 differs among the cells of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Heterogeneity {
    /// Cells with a finite value.
    pub n: usize,
    /// Cells by class: neg, med, high.
    pub class_counts: [usize; 3],
    /// HER2-positive cells.
    pub n_positive: usize,
    /// Exact limits of the share of positive cells.
    pub clopper_pearson: Option<ProportionInterval>,
    /// Wilson's limits of it, without continuity correction.
    pub wilson: Option<ProportionInterval>,
    /// One a measure, in the order of [`SpreadMeasure::ALL`].
    pub measures: Vec<MeasuredSpread>,
}

/// How cells are resampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellBootstrap {
    /// Seed of all draws.
    pub seed: u64,
    /// Number of the sample: samples of one seed do not share draws.
    pub sample: u32,
    /// Resamples.
    pub replicates: u32,
    /// Level of all intervals.
    pub conf_level: f64,
}

/// Describes the HER2 `values` of a sample's tumour cells, in any order (the draws pick among the
/// sorted ones); what is not finite is not counted. Every measure needs two cells.
///
/// # Source
/// Percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13)
/// from `n` of `n` cells with replacement; replicate `r` of sample `s` has the number `s 2^32 + r`
/// in the draw layout, limits are the order statistics at `(R + 1) a`, between two linearly. With a
/// handful of cells such intervals are too narrow: `n` stands beside them.
///
/// ```
/// use herscope::imaging::{Her2Class, Her2Cutoffs};
/// use herscope::pipeline::heterogeneity::{CellBootstrap, CellScale, describe_cells};
/// let cutoffs = Her2Cutoffs::new(30.0, 200.0)?;
/// let scale = CellScale { cutoffs, positive_from: Her2Class::High, grades_from: None };
/// let how = CellBootstrap { seed: 1, sample: 0, replicates: 99, conf_level: 0.9 };
/// let cells = describe_cells(&[100.0, 0.0, 300.0, 0.0], &scale, how);
/// assert_eq!((cells.n, cells.n_positive, cells.class_counts), (4, 1, [2, 1, 1]));
/// // sd sqrt(20000) over mean 100
/// assert!((cells.measures[0].value.expect("a CV") - 2.0_f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn describe_cells(values: &[f64], scale: &CellScale, how: CellBootstrap) -> Heterogeneity {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let summary = |values: &[f64]| Her2Heterogeneity::of(values, scale.cutoffs, how.conf_level);
    let all = summary(&sorted);
    let measured = |values: &[f64], one: &Her2Heterogeneity| {
        SpreadMeasure::ALL.map(|measure| measure.of(values, scale, one))
    };
    let mut replicates: [Vec<f64>; SpreadMeasure::ALL.len()] = Default::default();
    if n >= 2 {
        let mut cells = vec![0.0; n];
        for replicate in 0..how.replicates {
            resample(&sorted, how, replicate, &mut cells);
            let values = measured(&cells, &summary(&cells));
            for (kept, value) in replicates.iter_mut().zip(values) {
                kept.extend(value.ok());
            }
        }
    }
    let values = match n {
        0 => [Err("no_cells"); SpreadMeasure::ALL.len()],
        1 => [Err("too_few_cells"); SpreadMeasure::ALL.len()],
        _ => measured(&sorted, &all),
    };
    let n_positive = scale.n_positive(all.class_counts);
    let (events, trials) = (n_positive as u64, n as u64);
    let measures = SpreadMeasure::ALL.into_iter().zip(values).zip(replicates);
    Heterogeneity {
        n,
        class_counts: all.class_counts,
        n_positive,
        clopper_pearson: clopper_pearson(events, trials, how.conf_level),
        wilson: wilson(events, trials, how.conf_level, false),
        measures: measures
            .map(|((measure, value), mut kept)| {
                kept.sort_unstable_by(f64::total_cmp);
                let tail = (1.0 - how.conf_level) / 2.0;
                let limit = |level| value.ok().and_then(|_| percentile(&kept, level));
                MeasuredSpread {
                    measure,
                    value: value.ok(),
                    lower: limit(tail),
                    upper: limit(1.0 - tail),
                    n_estimable: kept.len() as u32,
                    reason: value.err(),
                }
            })
            .collect(),
    }
}

fn resample(sorted: &[f64], how: CellBootstrap, replicate: u32, cells: &mut [f64]) {
    let n = sorted.len() as u32;
    let number = u64::from(how.sample) << 32 | u64::from(replicate);
    for (slot, cell) in (0..n).zip(cells.iter_mut()) {
        let drawn = draw(how.seed, Stream::Resample, number, slot, n, Width::of(n));
        *cell = sorted[drawn as usize];
    }
    cells.sort_unstable_by(f64::total_cmp);
}

/// The order statistic at `(R + 1) level` of sorted values; `None` where it lies outside them.
pub(crate) fn percentile(sorted: &[f64], level: f64) -> Option<f64> {
    let place = (sorted.len() + 1) as f64 * level;
    let below = place.floor();
    let lower = *sorted.get((below as usize).checked_sub(1)?)?;
    let next = sorted.get(below as usize);
    // From an infinite value to the next there is no way.
    if place == below || lower.is_infinite() {
        return Some(lower);
    }
    Some(lower + (place - below) * (next? - lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: CellScale = CellScale {
        cutoffs: Her2Cutoffs { med: 30.0, high: 200.0 },
        positive_from: Her2Class::Med,
        grades_from: Some([10.0, 30.0, 200.0]),
    };
    const HOW: CellBootstrap =
        CellBootstrap { seed: 7, sample: 3, replicates: 999, conf_level: 0.95 };

    fn found(cells: &Heterogeneity, measure: SpreadMeasure) -> MeasuredSpread {
        cells.measures.iter().copied().find(|one| one.measure == measure).expect("every measure")
    }

    #[test]
    fn measures_of_four_cells_are_those_by_hand() {
        let cells = describe_cells(&[300.0, 20.0, 100.0, 0.0], &SCALE, HOW);
        let expected = [
            // mean 105; squares 38025 + 7225 + 25 + 11025 = 56300
            (SpreadMeasure::Cv, (56_300.0_f64 / 3.0).sqrt() / 105.0),
            // quartiles 15 and 150, median 60
            (SpreadMeasure::IqrOverMedian, 135.0 / 60.0),
            // 100 + 0.7 * 200 less 0.3 * 20
            (SpreadMeasure::P90MinusP10, 234.0),
            // (-3 * 0 - 20 + 100 + 3 * 300) / (4 * 420)
            (SpreadMeasure::Gini, 980.0 / 1_680.0),
            // shares 1/2, 1/4, 1/4
            (SpreadMeasure::EntropyBits, 1.5),
            (SpreadMeasure::EntropyNormalised, 1.5 / 3.0_f64.log2()),
            (SpreadMeasure::NClasses, 3.0),
            (SpreadMeasure::FractionPositive, 0.5),
            // grades 0, 1, 2, 3
            (SpreadMeasure::HScore, 150.0),
        ];
        for (measure, expected) in expected {
            let one = found(&cells, measure);
            let value = one.value.expect("defined");
            assert!((value - expected).abs() < 1e-12, "{measure:?}: {value} for {expected}");
            let (lower, upper) = (one.lower.expect("a limit"), one.upper.expect("a limit"));
            assert!(lower <= value && value <= upper, "{measure:?}: {lower}..{upper}");
        }
        // Four equal zeros have no CV: one replicate in 256 does not count there.
        let cv = found(&cells, SpreadMeasure::Cv).n_estimable;
        assert!((980..999).contains(&cv), "{cv} of 999 replicates have a CV");
        assert_eq!(found(&cells, SpreadMeasure::NClasses).n_estimable, 999, "always defined");
    }

    #[test]
    fn limits_depend_on_seed_and_sample_alone() {
        let values = [5.0, 40.0, 250.0, 31.0, 90.0, 400.0];
        let one = describe_cells(&values, &SCALE, HOW);
        let mut reversed = values;
        reversed.reverse();
        assert_eq!(describe_cells(&reversed, &SCALE, HOW), one, "any order of the cells");
        let other = describe_cells(&values, &SCALE, CellBootstrap { sample: 4, ..HOW });
        assert_ne!(other.measures, one.measures, "another sample has other draws");
    }

    #[test]
    fn one_cell_has_a_share_and_no_spread() {
        let cells = describe_cells(&[500.0, f64::NAN], &SCALE, HOW);
        assert_eq!((cells.n, cells.n_positive), (1, 1), "NaN is no cell");
        let upper = cells.clopper_pearson.expect("one cell").upper;
        assert_eq!(upper, 1.0, "a share of one cell");
        for one in &cells.measures {
            let shown = (one.value, one.lower, one.reason);
            assert_eq!(shown, (None, None, Some("too_few_cells")), "{:?}", one.measure);
        }
        let none = describe_cells(&[], &SCALE, HOW);
        assert_eq!(none.measures[0].reason, Some("no_cells"), "no cell");
    }
}
