//! HER2 of tumour cells: classes, and how different the cells of one patient are.

use super::median::quantile;
use crate::Error;
use statrs::distribution::{ContinuousCDF, Normal};

/// HER2 class of a cell.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Her2Class {
    /// Below the first cut-off.
    Neg,
    /// From the first cut-off to below the second.
    Med,
    /// From the second cut-off on.
    High,
}

impl Her2Class {
    /// The name in tables: `neg`, `med` or `high`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neg => "neg",
            Self::Med => "med",
            Self::High => "high",
        }
    }
}

/// HER2 intensities that divide the classes, in camera units.
///
/// There is no default: intensities depend on a site's exposure, and no fixed published cut-off is
/// known. Print them with every result.
///
/// ```
/// use herscope::imaging::{Her2Class, Her2Cutoffs};
/// let cutoffs = Her2Cutoffs::new(30.0, 200.0)?;
/// assert_eq!(cutoffs.classify(29.9), Her2Class::Neg);
/// assert_eq!(cutoffs.classify(30.0), Her2Class::Med);
/// assert_eq!(cutoffs.classify(200.0), Her2Class::High);
/// # Ok::<(), herscope::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Her2Cutoffs {
    /// Values from here on are at least medium.
    pub med: f64,
    /// Values from here on are high.
    pub high: f64,
}

impl Her2Cutoffs {
    /// Cut-offs that are finite and in order.
    ///
    /// # Errors
    /// `med > high`, or a value that is not finite (a usage error).
    pub fn new(med: f64, high: f64) -> Result<Self, Error> {
        if med.is_finite() && high.is_finite() && med <= high {
            return Ok(Self { med, high });
        }
        Err(Error::usage("setting HER2 cut-offs")
            .found(format!("medium from {med}, high from {high}"))
            .expected("two finite intensities in this order"))
    }

    /// The class of a value.
    pub fn classify(&self, value: f64) -> Her2Class {
        if value >= self.high {
            Her2Class::High
        } else if value >= self.med {
            Her2Class::Med
        } else {
            Her2Class::Neg
        }
    }
}

/// A cut-off from the HER2 of leukocytes, which have none: the quantile `level` of their values.
///
/// Quantiles interpolate linearly between order statistics (type 7 of Hyndman and Fan). `None`
/// without leukocytes or with a level outside 0..=1.
///
/// # Source
/// The idea is Ligthart et al. 2013, Ann. Oncol. 24:1231; which quantile they took is not known
/// here, so it is a parameter.
pub fn leukocyte_cutoff(leukocytes: &[f64], level: f64) -> Option<f64> {
    let mut sorted = leukocytes.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, level)
}

/// Cut-offs from the cells of a control, such as a cell line without HER2: the quantiles of these
/// `levels` (med, high), type 7 as [`leukocyte_cutoff`].
///
/// # Errors
/// Levels outside 0..1 or in the wrong order; so few cells that the higher quantile is the largest
/// of them, which says nothing of a quantile.
pub fn control_cutoffs(control: &[f64], levels: [f64; 2]) -> Result<Her2Cutoffs, Error> {
    let doing = "taking HER2 cut-offs from a control";
    let [med, high] = levels;
    if !(med > 0.0 && med <= high && high < 1.0) {
        return Err(Error::usage(doing)
            .found(format!("quantiles {med} and {high}"))
            .expected("two between 0 and 1 in this order"));
    }
    let needed = (1.0 / (1.0 - high)).ceil() as usize;
    let mut sorted = control.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match (quantile(&sorted, med), quantile(&sorted, high)) {
        (Some(med), Some(high)) if sorted.len() >= needed => Her2Cutoffs::new(med, high),
        _ => Err(Error::input(doing)
            .found(format!("{} cells with a HER2 value", control.len()))
            .expected(format!("{needed} at least for the quantile {high}, or a lower quantile"))),
    }
}

/// A share with its Wilson interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Cells that have the property.
    pub count: usize,
    /// All cells.
    pub n: usize,
    /// `count / n`.
    pub fraction: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

impl Share {
    /// The share of `count` in `n` with limits at `conf_level`; `None` for no cells or a level that
    /// is not between 0 and 1.
    ///
    /// # Source
    /// Wilson 1927, J. Am. Stat. Assoc. 22:209, without continuity correction.
    ///
    /// ```
    /// use herscope::imaging::Share;
    /// let share = Share::wilson(5, 10, 0.95).unwrap();
    /// assert_eq!(share.fraction, 0.5);
    /// // (0.5 + z^2/20 -+ z sqrt(1/40 + z^2/400)) / (1 + z^2/10) with z = 1.959964
    /// assert!((share.lower - 0.236593).abs() < 1e-6 && (share.upper - 0.763407).abs() < 1e-6);
    /// ```
    pub fn wilson(count: usize, n: usize, conf_level: f64) -> Option<Self> {
        if n == 0 || count > n || !(conf_level > 0.0 && conf_level < 1.0) {
            return None;
        }
        let z = Normal::standard().inverse_cdf(f64::midpoint(1.0, conf_level));
        let (size, fraction) = (n as f64, count as f64 / n as f64);
        let centre = fraction + z * z / (2.0 * size);
        let half = z * (fraction * (1.0 - fraction) / size + (z / (2.0 * size)).powi(2)).sqrt();
        let scale = 1.0 + z * z / size;
        let lower = if count == 0 { 0.0 } else { (centre - half) / scale };
        let upper = if count == n { 1.0 } else { (centre + half) / scale };
        Some(Self { count, n, fraction, lower, upper })
    }
}

/// How HER2 differs among the tumour cells of one sample.
///
/// Measures of spread need two cells; each is `None` where it is not defined.
#[derive(Clone, Debug, PartialEq)]
pub struct Her2Heterogeneity {
    /// Cells.
    pub n: usize,
    /// Cells by class: neg, med, high.
    pub class_counts: [usize; 3],
    /// Mean; `None` without cells, as are the order statistics.
    pub mean: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Lower quartile (type 7).
    pub q25: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Upper quartile (type 7).
    pub q75: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Sample standard deviation (n - 1).
    pub sd: Option<f64>,
    /// Standard deviation over mean; `None` unless the mean is above 0.
    pub cv: Option<f64>,
    /// Interquartile range over median; `None` unless the median is above 0.
    pub iqr_over_median: Option<f64>,
    /// Gini coefficient; `None` with a negative value or a sum of 0.
    pub gini: Option<f64>,
    /// Shannon entropy of the class shares in bits (base 2), 0 to log2 3.
    pub entropy_bits: Option<f64>,
    /// Classes that occur.
    pub n_classes: usize,
    /// Cells of class med or high.
    pub positive: Option<Share>,
}

impl Her2Heterogeneity {
    /// Describes the HER2 values of a sample's tumour cells, in any order; infinite values and NaN
    /// are not counted.
    ///
    /// `cutoffs` divide the classes; `conf_level` is that of the share of positive cells.
    pub fn of(values: &[f64], cutoffs: Her2Cutoffs, conf_level: f64) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        let mut class_counts = [0; 3];
        for &value in &sorted {
            class_counts[cutoffs.classify(value) as usize] += 1;
        }
        let mean = (n > 0).then(|| sorted.iter().sum::<f64>() / n as f64);
        let [q25, median, q75] = [0.25, 0.5, 0.75].map(|level| quantile(&sorted, level));
        let sd = mean.filter(|_| n >= 2).map(|mean| {
            let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (n as f64 - 1.0)).sqrt()
        });
        let over = |spread: Option<f64>, level: Option<f64>| {
            level.filter(|&level| level > 0.0 && n >= 2).and_then(|level| Some(spread? / level))
        };
        Self {
            n,
            class_counts,
            mean,
            min: sorted.first().copied(),
            q25,
            median,
            q75,
            max: sorted.last().copied(),
            sd,
            cv: over(sd, mean),
            iqr_over_median: over(q75.zip(q25).map(|(q75, q25)| q75 - q25), median),
            gini: gini(&sorted),
            entropy_bits: entropy_bits(class_counts),
            n_classes: class_counts.iter().filter(|&&count| count > 0).count(),
            positive: Share::wilson(class_counts[1] + class_counts[2], n, conf_level),
        }
    }
}

/// Gini coefficient `sum (2i - n - 1) x_(i) / (n sum x)` of sorted values.
fn gini(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    let sum: f64 = sorted.iter().sum();
    if n < 2 || sorted[0] < 0.0 || sum <= 0.0 {
        return None;
    }
    let weighted: f64 = sorted
        .iter()
        .zip(1..)
        .map(|(&value, i)| (2.0 * f64::from(i) - n as f64 - 1.0) * value)
        .sum();
    Some(weighted / (n as f64 * sum))
}

fn entropy_bits(counts: [usize; 3]) -> Option<f64> {
    let n: usize = counts.iter().sum();
    (n >= 2).then(|| {
        let shares = counts.iter().filter(|&&c| c > 0).map(|&c| c as f64 / n as f64);
        // + 0.0 so that a single class has entropy 0, not -0
        -shares.map(|share| share * share.log2()).sum::<f64>() + 0.0
    })
}

/// H-score, 0 to 300: the percentage of cells at 1+, twice that at 2+, three times that at 3+.
///
/// `from` are the intensities from which a cell is 1+, 2+ and 3+, in this order. `None` without
/// cells.
///
/// ```
/// use herscope::imaging::h_score;
/// // one cell at 0, one at 1+, two at 3+
/// assert_eq!(h_score(&[1.0, 12.0, 40.0, 50.0], [10.0, 20.0, 30.0]), Some(175.0));
/// ```
pub fn h_score(values: &[f64], from: [f64; 3]) -> Option<f64> {
    let grade = |value: &f64| from.iter().filter(|&&start| *value >= start).count();
    let total: usize = values.iter().map(grade).sum();
    (!values.is_empty()).then(|| 100.0 * total as f64 / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CUTOFFS: Her2Cutoffs = Her2Cutoffs { med: 30.0, high: 200.0 };

    fn assert_close(found: Option<f64>, expected: f64, what: &str) {
        let found = found.expect(what);
        assert!((found - expected).abs() < 1e-12, "{what}: {found} for {expected}");
    }

    #[test]
    fn measures_of_four_cells_are_those_by_hand() {
        let cells = Her2Heterogeneity::of(&[100.0, 0.0, 300.0, 0.0], CUTOFFS, 0.95);
        assert_eq!((cells.n, cells.class_counts, cells.n_classes), (4, [2, 1, 1], 3), "counts");
        assert_close(cells.mean, 100.0, "mean");
        assert_close(cells.sd, 20_000.0_f64.sqrt(), "(0 + 10000 + 40000 + 10000) / 3");
        assert_close(cells.cv, 2.0_f64.sqrt(), "sd / mean");
        // (-3 * 0 - 1 * 0 + 1 * 100 + 3 * 300) / (4 * 400)
        assert_close(cells.gini, 0.625, "gini");
        assert_close(cells.entropy_bits, 1.5, "1/2, 1/4, 1/4");
        assert_close(cells.median, 50.0, "between 0 and 100");
        assert_close(cells.iqr_over_median, 3.0, "(150 - 0) / 50");
        let positive = cells.positive.expect("there are cells");
        assert_eq!((positive.count, positive.fraction), (2, 0.5), "100 and 300");
    }

    #[test]
    fn one_cell_has_no_spread_and_none_has_nothing() {
        let one = Her2Heterogeneity::of(&[50.0], CUTOFFS, 0.95);
        assert_eq!((one.sd, one.cv, one.gini, one.entropy_bits), (None, None, None, None), "n = 1");
        assert_eq!((one.median, one.n_classes), (Some(50.0), 1), "but a level");
        let none = Her2Heterogeneity::of(&[f64::NAN], CUTOFFS, 0.95);
        assert_eq!((none.n, none.mean, none.positive), (0, None, None), "not a cell");
    }

    #[test]
    fn undefined_ratios_are_none() {
        let dark = Her2Heterogeneity::of(&[0.0, 0.0], CUTOFFS, 0.95);
        assert_eq!((dark.cv, dark.gini, dark.iqr_over_median), (None, None, None), "0 / 0");
        assert_eq!(dark.entropy_bits, Some(0.0), "one class");
        let below = Her2Heterogeneity::of(&[-1.0, 5.0], CUTOFFS, 0.95);
        assert_eq!(below.gini, None, "not defined for negative values");
    }

    #[test]
    fn cutoffs_in_the_wrong_order_are_a_usage_error() {
        let error = Her2Cutoffs::new(200.0, 30.0).expect_err("med above high");
        assert!(error.is_usage(), "{error}");
        assert!(Her2Cutoffs::new(f64::NAN, 3.0).is_err(), "not a number");
    }

    #[test]
    fn the_leukocyte_cutoff_interpolates() {
        assert_close(leukocyte_cutoff(&[4.0, 1.0, 2.0, 3.0], 0.5), 2.5, "between 2 and 3");
        assert_eq!(leukocyte_cutoff(&[], 0.99), None, "no leukocytes");
        assert_eq!(leukocyte_cutoff(&[1.0], 1.5), None, "no such quantile");
    }

    #[test]
    fn cutoffs_of_a_control_are_its_quantiles_and_need_enough_cells() {
        let cells: Vec<f64> = (0..101).map(f64::from).collect();
        let found = control_cutoffs(&cells, [0.5, 0.95]).expect("enough cells");
        assert_close(Some(found.med), 50.0, "the middle of 0 to 100");
        assert_close(Some(found.high), 95.0, "rank 95 of 0 to 100");
        let few = control_cutoffs(&cells[..50], [0.5, 0.99]).expect_err("100 are needed for 0.99");
        assert!(few.is_input() && few.to_string().contains("100 at least"), "{few}");
        for levels in [[0.9, 0.5], [0.0, 0.5], [0.5, 1.0], [f64::NAN, 0.5]] {
            let refused = control_cutoffs(&cells, levels).expect_err("no such levels");
            assert!(refused.is_usage(), "{levels:?}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn spread_does_not_depend_on_the_unit(
            values in prop::collection::vec(0.5_f64..1e4, 2..20),
            unit in 0.01_f64..100.0,
        ) {
            let scaled: Vec<f64> = values.iter().map(|value| value * unit).collect();
            let one = Her2Heterogeneity::of(&values, CUTOFFS, 0.9);
            let other = Her2Heterogeneity::of(&scaled, CUTOFFS, 0.9);
            let same = |l: Option<f64>, r: Option<f64>| {
                (l.expect("defined") - r.expect("defined")).abs() < 1e-9
            };
            prop_assert!(same(one.cv, other.cv), "CV");
            prop_assert!(same(one.gini, other.gini), "Gini");
            prop_assert!((0.0..1.0).contains(&one.gini.expect("defined")), "0 to 1");
        }

        #[test]
        fn wilson_limits_enclose_the_share(n in 1..200_usize, part in 0.0..=1.0_f64) {
            let count = (part * n as f64) as usize;
            let share = Share::wilson(count, n, 0.95).expect("n > 0");
            prop_assert!(0.0 <= share.lower && share.lower <= share.fraction, "lower");
            prop_assert!(share.fraction <= share.upper && share.upper <= 1.0, "upper");
        }
    }
}
