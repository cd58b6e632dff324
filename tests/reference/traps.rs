//! Eleven choices in which software differs, one test each; the values are R's, as the sets' README
//! says they were made.

use herscope::association::{
    fisher_2x2, rank_sum, rank_sum_exact, rank_sum_test, spearman, spearman_t,
};
use herscope::survival::{
    ConfLevel, ConfType, Confidence, CovariateColumn, CoxData, CoxFit, CoxOptions, KaplanMeier,
    Outcome, TieRepair, Ties, TimeTransform, cox_zph, fit_cox, fit_firth,
};

use crate::reference_set::{ReferenceSet, read_column};

/// The rows of a set that have every covariate.
fn model(name: &str, covariates: &[&str]) -> CoxData {
    let csv = format!("survival/{name}.csv");
    let columns: Vec<Vec<Option<f64>>> = covariates
        .iter()
        .map(|column| read_column(&csv, column).iter().map(|v| v.parse().ok()).collect())
        .collect();
    let outcome = ReferenceSet::read(name).outcome;
    let complete: Vec<usize> =
        (0..outcome.len()).filter(|&row| columns.iter().all(|c| c[row].is_some())).collect();
    let pick = |column: &[Option<f64>]| complete.iter().filter_map(|&row| column[row]).collect();
    CoxData {
        outcome: outcome.select(&complete),
        covariates: covariates
            .iter()
            .zip(&columns)
            .map(|(name, column)| CovariateColumn { name: (*name).into(), values: pick(column) })
            .collect(),
        strata: None,
        cluster: None,
    }
}

/// `data` with the rows `rows`, repeats as real copies.
fn copies(data: &CoxData, rows: &[usize]) -> CoxData {
    let mut copied = data.clone();
    copied.outcome = data.outcome.select(rows);
    for column in &mut copied.covariates {
        column.values = rows.iter().map(|&row| column.values[row]).collect();
    }
    copied
}

fn fit(data: &CoxData, ties: Ties) -> CoxFit {
    fit_cox(data, &CoxOptions { ties, ..CoxOptions::default() }).expect("valid rows")
}

fn coef(data: &CoxData, ties: Ties) -> f64 {
    fit(data, ties).terms[0].coef.expect("a finite estimate")
}

/// `value` is `printed` to its four digits.
fn assert_prints(what: &str, value: f64, printed: f64) {
    assert!((value - printed).abs() < 5.1e-5, "{what}: {value} where R has {printed}");
}

fn limits(kind: ConfType) -> Confidence {
    Confidence { level: ConfLevel::DEFAULT, kind }
}

#[test]
fn trap_01_a_curve_on_one_half_has_its_median_in_the_middle() {
    let set = ReferenceSet::read("medianhalf");
    let curve = KaplanMeier::fit(&set.outcome.select(&set.arm_rows("a")));
    let median = curve.median(limits(ConfType::Log));
    assert_eq!((median.estimate, median.lower), (Some(3.5), Some(2.0)), "the midpoint");
    let first = curve.rows().iter().find(|row| row.survival <= 0.5 + 1e-8).map(|row| row.time);
    assert_ne!(first, median.estimate, "the first time at or below one half is another value");
}

#[test]
fn trap_02_times_that_differ_by_rounding_are_one_time() {
    let merged = model("timefix", &["arm01"]);
    let csv = "survival/timefix.csv";
    let time = read_column(csv, "time").iter().map(|t| t.parse().expect("a time")).collect();
    let event = read_column(csv, "event").iter().map(|e| e == "1").collect();
    let mut kept = merged.clone();
    kept.outcome = Outcome::new(time, event, None, None, TieRepair::Keep).expect("valid rows");
    let rounded = |value: f64| (value * 1e3).round() / 1e3;
    assert_eq!(rounded(coef(&merged, Ties::Efron)), -0.740, "merged");
    assert_eq!(rounded(coef(&kept, Ties::Efron)), -0.783, "as they stand");
}

#[test]
fn trap_03_events_are_at_risk_for_the_censorings_of_their_time() {
    let set = ReferenceSet::read("ties60");
    let median = KaplanMeier::fit_reverse(&set.outcome).median(limits(ConfType::Log)).estimate;
    assert_eq!(median, Some(10.0), "software that takes events out first has 8");
}

#[test]
fn trap_04_efron_with_weights_is_not_efron_with_copies() {
    for (name, of_weights, of_copies) in [("lung", -0.5310, -0.5321), ("ties60", 0.8625, 0.8673)] {
        let data = model(name, &["arm01"]);
        let n = data.outcome.len();
        let twice = copies(&data, &(0..n).flat_map(|row| [row, row]).collect::<Vec<_>>());
        let mut weighted = data.clone();
        weighted.outcome = Outcome::new(
            data.outcome.time().to_vec(),
            data.outcome.event().to_vec(),
            None,
            Some(vec![2.0; n]),
            TieRepair::Merge,
        )
        .expect("valid rows");
        assert_prints(name, coef(&weighted, Ties::Efron), of_weights);
        assert_prints(name, coef(&twice, Ties::Efron), of_copies);
        let breslow = [&weighted, &twice].map(|data| coef(data, Ties::Breslow));
        assert!((breslow[0] - breslow[1]).abs() < 1e-10, "{name}: Breslow: {breslow:?}");
    }
}

#[test]
fn trap_05_a_case_bootstrap_makes_ties_and_efron_feels_them() {
    let data = model("ctc60", &["arm01"]);
    let n = data.outcome.len();
    let both = [Ties::Efron, Ties::Breslow];
    let whole = both.map(|ties| coef(&data, ties));
    assert!((whole[0] - whole[1]).abs() < 2e-3, "few ties in the data: {whole:?}");
    // Draws by a linear congruential generator (Knuth, MMIX): any fair draws will do here.
    let mut state = 1_u64;
    let mut draw = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut estimates = [Vec::new(), Vec::new()];
    while estimates[0].len() < 2000 {
        let rows: Vec<usize> = (0..n).map(|_| draw()).collect();
        let sample = copies(&data, &rows);
        let fits = both.map(|ties| fit(&sample, ties).terms[0].coef);
        if let [Some(efron), Some(breslow)] = fits {
            estimates[0].push(efron);
            estimates[1].push(breslow);
        }
    }
    let [efron, breslow] = estimates.map(|values| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (squares / (values.len() - 1) as f64).sqrt()
    });
    // R's 0.431 and 0.421 of a million replicates; four Monte-Carlo errors of a standard error, 0.43 / sqrt(4000).
    assert!((efron - 0.431).abs() < 0.028 && (breslow - 0.421).abs() < 0.028, "{efron} {breslow}");
    // The same draws in both: their difference of 0.010 is far more exact.
    assert!((0.006..0.014).contains(&(efron - breslow)), "{efron} and {breslow}");
}

#[test]
fn trap_06_the_scale_of_covariates_moves_the_penalty_by_a_constant() {
    let data = model("ovarian", &["arm01", "age"]);
    let mut scaled = data.clone();
    scaled.covariates[1].values.iter_mut().for_each(|age| *age *= 10.0);
    let [plain, tenfold] = [&data, &scaled]
        .map(|data| fit_firth(data, Ties::Efron, 0.95).expect("valid").expect("a fit"));
    let shift = tenfold.penalized_log_likelihood - plain.penalized_log_likelihood;
    assert!((shift - 10.0_f64.ln()).abs() < 1e-9, "half the log of 10 squared: {shift}");
    let rise = |fit: &herscope::survival::FirthFit| {
        fit.penalized_log_likelihood - fit.penalized_log_likelihood_null
    };
    assert!((rise(&plain) - rise(&tenfold)).abs() < 1e-9, "differences compare");
    let [a, b] = [&plain, &tenfold].map(|fit| (fit.terms[0].coef, fit.terms[0].lower));
    let close =
        |a: Option<f64>, b: Option<f64>| (a.expect("finite") - b.expect("finite")).abs() < 1e-8;
    assert!(close(a.0, b.0) && close(a.1, b.1), "estimates and limits do not change: {a:?} {b:?}");
}

#[test]
fn trap_07_limits_are_cut_and_sometimes_not_there() {
    let outcome =
        Outcome::right_censored(vec![1.0, 2.0, 3.0, 4.0, 5.0], vec![false, true, true, true, true])
            .expect("valid rows");
    let curve = KaplanMeier::fit(&outcome);
    let at = |row: usize, kind| curve.rows()[row].limits(limits(kind));
    for kind in [ConfType::Log, ConfType::Plain] {
        assert_eq!(at(0, kind), Some((1.0, 1.0)), "{kind}: while S is 1 both limits are 1");
        let (lower, upper) = at(1, kind).expect("S is 3/4");
        assert!(lower > 0.0 && upper == 1.0, "{kind}: cut at 1: {lower} {upper}");
    }
    for kind in [ConfType::LogLog, ConfType::Logit] {
        assert_eq!(at(0, kind), None, "{kind}: not defined while S is 1");
    }
    assert_eq!(at(3, ConfType::Plain).map(|limits| limits.0), Some(0.0), "plain: cut at 0");
    for kind in [ConfType::Log, ConfType::LogLog, ConfType::Plain, ConfType::Logit] {
        assert_eq!(at(4, kind), None, "{kind}: not defined at S = 0");
    }
    let last = curve.rows()[4];
    assert_eq!((last.std_err_log, last.std_err()), (None, None), "nor a standard error");
}

#[test]
fn trap_08_the_proportional_hazards_test_is_the_exact_score_test() {
    let data = model("lung", &["arm01", "age", "ecog"]);
    let test = cox_zph(&data, &fit(&data, Ties::Efron), TimeTransform::KaplanMeier);
    let chisq = test.expect("a finite fit").terms[0].1.chisq;
    // Before survival 3.0, and in lifelines: 2.43.
    assert!((chisq - 2.305).abs() < 5e-4, "{chisq}");
}

#[test]
fn trap_09_the_null_likelihood_is_of_the_same_patients() {
    let models: [&[&str]; 3] =
        [&["arm01"], &["arm01", "age", "ecog"], &["arm01", "age", "ecog", "wtloss"]];
    for (covariates, n) in models.into_iter().zip([228, 227, 213]) {
        let data = model("lung", covariates);
        let mut alone = data.clone();
        alone.covariates.truncate(1);
        let [all, one] = [&data, &alone].map(|data| fit(data, Ties::Efron));
        assert_eq!(all.n, n, "{covariates:?}");
        let nulls = [all.partial_log_likelihood_null, one.partial_log_likelihood_null];
        assert!((nulls[0] - nulls[1]).abs() < 1e-10, "one null for one set of patients: {nulls:?}");
    }
}

#[test]
fn trap_10_tables_as_likely_but_for_rounding_count_in_fishers_test() {
    // With equal margins the mirror of a table is as likely: two-sided is twice the tail.
    for half in 2..60_u64 {
        for a in 0..half / 2 {
            let b = half - a;
            let test = fisher_2x2([[a, b], [b, a]], 0.95);
            let error = (test.two_sided - 2.0 * test.less).abs();
            assert!(error <= 1e-12 * test.two_sided, "{a} {b}: {test:?}");
        }
    }
}

#[test]
fn trap_11_wilcoxon_and_spearman_choose_their_distribution_as_r_does() {
    let line = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    let half = |n: usize| (0..n).map(|i| i as f64 * 1.7 + 0.45).collect::<Vec<_>>();
    let test = rank_sum(&line(49), &half(49)).expect("two samples");
    let exact = rank_sum_exact(&line(49), &half(49)).expect("two samples");
    assert!(test.exact && test.p == Some(exact.two_sided), "49 a side without ties: exact");
    let test = rank_sum(&line(50), &half(49)).expect("two samples");
    assert_eq!(Some(test), rank_sum_test(&line(50), &half(49)), "50: normal approximation");
    let tied = rank_sum(&[1.0, 2.0, 2.0], &[2.0, 5.0]).expect("two samples");
    assert_eq!(Some(tied), rank_sum_test(&[1.0, 2.0, 2.0], &[2.0, 5.0]), "ties: normal");
    assert_eq!(tied.w, 1.0, "W counts pairs in which x is larger: two ties of one half");

    // All 5040 orders of seven: the share whose sum of squared differences is as extreme.
    let x = line(7);
    let y = [2.0, 1.0, 4.0, 3.0, 7.0, 5.0, 6.0];
    let squares = |y: &[f64]| x.iter().zip(y).map(|(a, b)| (a + 1.0 - b).powi(2)).sum::<f64>();
    let (mut count, mut total, seen) = (0, 0, squares(&y));
    permute(&mut [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 7, &mut |order| {
        total += 1;
        count += usize::from(squares(order) <= seen);
    });
    let p = 2.0 * count as f64 / total as f64;
    let found = spearman(&x, &y).expect("spread").p.expect("a test");
    assert!((found - p).abs() < 1e-12, "up to nine by enumeration: {found} and {p}");
    let (x, y) = (line(12), half(12).into_iter().map(|v| (v * 7.3) % 5.0).collect::<Vec<_>>());
    let [series, t] = [spearman(&x, &y), spearman_t(&x, &y, false)]
        .map(|test| test.expect("spread").p.expect("a test"));
    assert!((series - t).abs() > 1e-6, "above nine an Edgeworth series, not t: {series} {t}");
    let y = [1.0, 1.0, 2.0, 5.0, 3.0];
    assert_eq!(spearman(&line(5), &y), spearman_t(&line(5), &y, false), "with ties the t test");
}

/// Every order of `values`, by Heap's algorithm.
fn permute(values: &mut [f64], n: usize, visit: &mut impl FnMut(&[f64])) {
    if n <= 1 {
        return visit(values);
    }
    for i in 0..n {
        permute(values, n - 1, visit);
        values.swap(if n.is_multiple_of(2) { i } else { 0 }, n - 1);
    }
}
