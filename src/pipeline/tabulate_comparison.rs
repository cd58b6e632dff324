//! The test of one variable of a baseline table, from values to a named result.

use super::tabulate_settings::{CorrelationChoice, TestChoice};
use crate::association::{
    Contingency, Correlation, CorrelationMethod, Variances, fisher_2x2, fisher_exact, kendall,
    kruskal_wallis, pearson, pearson_chi_squared, rank_sum, rank_sum_exact, rank_sum_test,
    spearman, t_test,
};
use crate::report::{DrawnTables, NoResult, TabulateCorrelation, TabulateOddsRatio};

/// Expected counts below this make the chi-squared distribution a rough approximation (Cochran
/// 1954, Biometrics 10:417).
const SMALL_EXPECTED: f64 = 5.0;

/// Larger numbers have squares whose sums may overflow.
const LARGEST_SQUARED: f64 = 1e150;

/// A product moment this close to -1 or 1 is that but for rounding; its t would be noise.
const PERFECT: f64 = 8.0 * f64::EPSILON;

/// What a test found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tested {
    pub(super) test: Option<&'static str>,
    pub(super) statistic: Option<f64>,
    pub(super) df: Option<f64>,
    pub(super) p: Option<f64>,
    pub(super) reason: Option<NoResult>,
    pub(super) drawn: Option<DrawnTables>,
    pub(super) odds_ratio: Option<TabulateOddsRatio>,
    pub(super) correlation: Option<TabulateCorrelation>,
    /// Cells whose expected count is too small for chi-squared.
    pub(super) n_small_expected: usize,
}

impl Tested {
    fn without(reason: NoResult) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }

    fn found(test: &'static str, statistic: f64, df: Option<f64>, p: f64) -> Self {
        let tested = Self { test: Some(test), df, ..Self::default() };
        if statistic.is_finite() && p.is_finite() && df.is_none_or(f64::is_finite) {
            return Self { statistic: Some(statistic), p: Some(p), ..tested };
        }
        Self::without(NoResult::NotFinite)
    }
}

/// Compares samples, one a group; some may be empty.
pub(super) fn test_numbers(samples: &[Vec<f64>], choice: Option<TestChoice>) -> Tested {
    if let Some(reason) = not_comparable(samples.iter().map(Vec::len), choice) {
        return Tested::without(reason);
    }
    if let [x, y] = samples {
        match choice {
            None | Some(TestChoice::Wilcoxon) => return wilcoxon(x, y),
            Some(TestChoice::WilcoxonExact) => return wilcoxon_exact(x, y),
            Some(TestChoice::WilcoxonNormal) => return wilcoxon_normal(x, y),
            Some(TestChoice::T) => return t(x, y, Variances::Separate, "t"),
            Some(TestChoice::TPooled) => return t(x, y, Variances::Pooled, "t_pooled"),
            Some(_) => {}
        }
    }
    let samples: Vec<&[f64]> = samples.iter().map(Vec::as_slice).collect();
    match kruskal_wallis(&samples) {
        Some(test) => Tested::found("kruskal", test.statistic, Some(test.df as f64), test.p),
        None => Tested::without(NoResult::AllEqual),
    }
}

fn not_comparable(
    sizes: impl Iterator<Item = usize> + Clone,
    choice: Option<TestChoice>,
) -> Option<NoResult> {
    let n_with_values = sizes.clone().filter(|&n| n > 0).count();
    if choice == Some(TestChoice::None) {
        Some(NoResult::NotRequested)
    } else if n_with_values == 0 {
        Some(NoResult::NoValues)
    } else if sizes.count() < 2 {
        Some(NoResult::SingleGroup)
    } else {
        (n_with_values < 2).then_some(NoResult::EmptyGroup)
    }
}

fn wilcoxon(x: &[f64], y: &[f64]) -> Tested {
    match rank_sum(x, y) {
        Some(test) if test.exact => {
            Tested::found("wilcoxon_exact", test.w, None, test.p.unwrap_or(1.0))
        }
        _ => wilcoxon_normal(x, y),
    }
}

fn wilcoxon_exact(x: &[f64], y: &[f64]) -> Tested {
    match rank_sum_exact(x, y) {
        Some(test) => Tested::found("wilcoxon_exact", test.w, None, test.two_sided),
        None => Tested::without(NoResult::TooLargeForExact),
    }
}

fn wilcoxon_normal(x: &[f64], y: &[f64]) -> Tested {
    let Some(test) = rank_sum_test(x, y) else { return Tested::without(NoResult::EmptyGroup) };
    Tested {
        test: Some("wilcoxon_normal"),
        statistic: Some(test.w),
        p: test.p,
        reason: test.p.is_none().then_some(NoResult::AllEqual),
        ..Tested::default()
    }
}

fn t(x: &[f64], y: &[f64], variances: Variances, name: &'static str) -> Tested {
    if x.len() < 2 || y.len() < 2 {
        return Tested::without(NoResult::TooFewValues);
    }
    match t_test(x, y, variances) {
        Some(test) => Tested::found(name, test.statistic, Some(test.df), test.p),
        None => Tested::without(NoResult::NoSpread),
    }
}

/// Compares counts, `[groups x values]`; `seed` is of drawn tables.
pub(super) fn test_counts(
    counts: &[Vec<u64>],
    choice: Option<TestChoice>,
    conf_level: f64,
    seed: u64,
) -> Tested {
    let sizes = counts.iter().map(|row| row.iter().sum::<u64>() as usize);
    if let Some(reason) = not_comparable(sizes, choice) {
        return Tested::without(reason);
    }
    let rows: Vec<&[u64]> = counts.iter().map(Vec::as_slice).collect();
    let Ok(table) = Contingency::new(&rows) else { return Tested::without(NoResult::NoValues) };
    if table.n_columns() < 2 {
        return Tested::without(NoResult::AllEqual);
    }
    match choice {
        Some(TestChoice::Chisq) => chi_squared(&table, false),
        Some(TestChoice::ChisqYates) => chi_squared(&table, true),
        _ => fisher(&table, counts, conf_level, seed),
    }
}

fn chi_squared(table: &Contingency, yates: bool) -> Tested {
    let Some((statistic, df, p)) = pearson_chi_squared(table, yates) else {
        return Tested::without(NoResult::AllEqual);
    };
    // The correction changes a 2x2 table only.
    let name = if yates && df == 1 { "chisq_yates" } else { "chisq" };
    let n_small_expected = table.expected().iter().filter(|&&e| e < SMALL_EXPECTED).count();
    Tested { n_small_expected, ..Tested::found(name, statistic, Some(df as f64), p) }
}

fn fisher(table: &Contingency, counts: &[Vec<u64>], conf_level: f64, seed: u64) -> Tested {
    if let [x, y] = counts
        && let ([a, b], [c, d]) = (x.as_slice(), y.as_slice())
    {
        let test = fisher_2x2([[*a, *b], [*c, *d]], conf_level);
        return Tested {
            test: Some("fisher"),
            p: Some(test.two_sided),
            odds_ratio: Some(TabulateOddsRatio {
                estimate: test.odds_ratio,
                lower: test.lower,
                upper: test.upper,
            }),
            ..Tested::default()
        };
    }
    let test = fisher_exact(table, seed);
    let drawn = test.monte_carlo.map(|drawn| DrawnTables {
        seed,
        n_tables: drawn.n_tables,
        mcse: drawn.std_err,
    });
    let name = if drawn.is_some() { "fisher_monte_carlo" } else { "fisher" };
    Tested { test: Some(name), p: Some(test.p), drawn, ..Tested::default() }
}

/// Correlates pairs.
pub(super) fn test_correlation(x: &[f64], y: &[f64], choice: CorrelationChoice) -> Tested {
    let without = |reason| Tested {
        correlation: Some(TabulateCorrelation::default()),
        ..Tested::without(reason)
    };
    if x.is_empty() {
        return without(NoResult::NoValues);
    }
    let is_huge = |v: &f64| v.abs() > LARGEST_SQUARED;
    if choice == CorrelationChoice::Pearson && x.iter().chain(y).any(is_huge) {
        return without(NoResult::NotFinite);
    }
    let found = match choice {
        CorrelationChoice::Spearman => spearman(x, y),
        CorrelationChoice::Kendall => kendall(x, y),
        CorrelationChoice::Pearson => pearson(x, y),
    };
    let Some(Correlation { estimate, statistic, p, method }) = found else {
        let reason = if x.len() < 3 { NoResult::TooFewPairs } else { NoResult::AllEqual };
        return without(reason);
    };
    let (statistic_name, p_method) = match (choice, method) {
        (CorrelationChoice::Pearson, _) => ("t", "student_t"),
        (CorrelationChoice::Kendall, CorrelationMethod::Exact) => ("T", "exact"),
        (CorrelationChoice::Kendall, _) => ("z", "normal"),
        (CorrelationChoice::Spearman, CorrelationMethod::Exact) => ("S", "exact"),
        (CorrelationChoice::Spearman, CorrelationMethod::Edgeworth) => ("S", "edgeworth"),
        (CorrelationChoice::Spearman, _) => ("S", "student_t"),
    };
    let is_perfect = choice == CorrelationChoice::Pearson && 1.0 - estimate.abs() <= PERFECT;
    let (statistic, p, reason) = match p {
        None => (None, None, Some(NoResult::TooFewPairs)),
        Some(_) if is_perfect => (None, Some(0.0), Some(NoResult::PerfectCorrelation)),
        Some(p) => (Some(statistic).filter(|s| s.is_finite()), Some(p), None),
    };
    Tested {
        test: Some(choice.name()),
        statistic,
        df: (choice == CorrelationChoice::Pearson && p.is_some()).then_some(x.len() as f64 - 2.0),
        p,
        reason,
        correlation: Some(TabulateCorrelation {
            estimate: Some(estimate),
            statistic_name: Some(statistic_name),
            p_method: Some(p_method),
        }),
        ..Tested::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(samples: &[&[f64]], choice: Option<TestChoice>) -> Option<NoResult> {
        let samples: Vec<Vec<f64>> = samples.iter().map(|sample| sample.to_vec()).collect();
        let tested = test_numbers(&samples, choice);
        assert!(tested.p.is_none(), "{tested:?} has no p");
        tested.reason
    }

    #[test]
    fn each_way_to_have_no_test_of_numbers_has_its_reason() {
        type Case<'a> = (&'a [&'a [f64]], Option<TestChoice>, NoResult);
        let cases: [Case<'_>; 9] = [
            (&[&[1.0, 2.0]], None, NoResult::SingleGroup),
            (&[&[], &[]], None, NoResult::NoValues),
            (&[&[1.0], &[]], None, NoResult::EmptyGroup),
            (&[&[1.0], &[], &[]], None, NoResult::EmptyGroup),
            (&[&[1.0, 1.0], &[1.0]], None, NoResult::AllEqual),
            (&[&[1.0], &[1.0], &[1.0]], None, NoResult::AllEqual),
            (&[&[1.0], &[2.0, 3.0]], Some(TestChoice::T), NoResult::TooFewValues),
            (&[&[1.0, 1.0], &[2.0, 2.0]], Some(TestChoice::T), NoResult::NoSpread),
            (&[&[1.0], &[2.0]], Some(TestChoice::None), NoResult::NotRequested),
        ];
        for (samples, choice, expected) in cases {
            assert_eq!(reason(samples, choice), Some(expected), "{samples:?} {choice:?}");
        }
        let many: Vec<f64> = (0..2000).map(f64::from).collect();
        let found = reason(&[&many, &many], Some(TestChoice::WilcoxonExact));
        assert_eq!(found, Some(NoResult::TooLargeForExact), "two thousand a side");
        let huge = [f64::MAX, -f64::MAX, f64::MAX];
        let found = reason(&[&huge, &huge], Some(TestChoice::T));
        assert_eq!(found, Some(NoResult::NotFinite), "the variance overflows");
    }

    #[test]
    fn counts_without_a_comparison_have_their_reason() {
        let of = |counts: &[Vec<u64>]| test_counts(counts, None, 0.95, 1).reason;
        assert_eq!(of(&[vec![3, 0], vec![2, 0]]), Some(NoResult::AllEqual), "one value occurs");
        assert_eq!(of(&[vec![3, 1], vec![0, 0]]), Some(NoResult::EmptyGroup), "one group only");
        assert_eq!(of(&[vec![0, 0], vec![0, 0]]), Some(NoResult::NoValues), "no count");
        assert_eq!(of(&[vec![3, 1]]), Some(NoResult::SingleGroup), "nothing beside it");
    }

    #[test]
    fn yates_correction_is_named_only_where_it_acts() {
        let yates = Some(TestChoice::ChisqYates);
        let small = test_counts(&[vec![3, 1], vec![1, 3]], yates, 0.95, 1);
        assert_eq!((small.test, small.n_small_expected), (Some("chisq_yates"), 4), "{small:?}");
        let large = test_counts(&[vec![9, 9, 9], vec![9, 9, 9]], yates, 0.95, 1);
        assert_eq!((large.test, large.n_small_expected), (Some("chisq"), 0), "{large:?}");
    }

    #[test]
    fn correlations_of_few_or_perfect_pairs_say_so() {
        let pair = test_correlation(&[1.0, 2.0], &[3.0, 5.0], CorrelationChoice::Pearson);
        assert_eq!(
            (pair.statistic, pair.p, pair.reason),
            (None, None, Some(NoResult::TooFewPairs)),
            "two points always lie on a line"
        );
        let x = [1.0, 2.0, 3.0, 4.0];
        let line = test_correlation(&x, &x, CorrelationChoice::Pearson);
        assert_eq!(
            (line.statistic, line.p, line.reason),
            (None, Some(0.0), Some(NoResult::PerfectCorrelation)),
            "t is infinite"
        );
        let flat = test_correlation(&x, &[1.0; 4], CorrelationChoice::Spearman);
        assert_eq!((flat.test, flat.reason), (None, Some(NoResult::AllEqual)), "no spread");
        let null = Some(TabulateCorrelation::default());
        assert_eq!(flat.correlation, null, "asked for, so null and not left out");
        let huge = test_correlation(&x, &[1e200, -1e200, 1.0, 2.0], CorrelationChoice::Pearson);
        assert_eq!((huge.p, huge.reason), (None, Some(NoResult::NotFinite)), "squares overflow");
    }
}
