//! Tests of a baseline table do not depend on the order of samples, rows or columns.

use herscope::association::{
    Contingency, fisher_2x2, fisher_exact, kendall_normal, kruskal_wallis, pearson,
    pearson_chi_squared, rank_sum, spearman,
};
use proptest::prelude::*;

fn sample() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((0_u8..25).prop_map(|v| f64::from(v) / 4.0), 1..15)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

fn both_close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => close(a, b),
        (a, b) => a == b,
    }
}

fn counts() -> impl Strategy<Value = [[u64; 3]; 2]> {
    [[0_u64..9, 0_u64..9, 0_u64..9], [0_u64..9, 0_u64..9, 0_u64..9]]
        .prop_filter("a table needs a count", |table| table.iter().flatten().any(|&n| n > 0))
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn rank_sums_of_the_two_samples_add_up_and_share_their_p(x in sample(), y in sample()) {
        let a = rank_sum(&x, &y).expect("two samples");
        let b = rank_sum(&y, &x).expect("two samples");
        prop_assert!(close(a.w + b.w, (x.len() * y.len()) as f64), "{:?} {:?}", a, b);
        prop_assert!(both_close(a.p, b.p), "{:?} {:?}", a, b);
        prop_assert!(a.p.is_none_or(|p| p > 0.0 && p <= 1.0), "{:?}", a);
    }

    #[test]
    fn kruskal_wallis_takes_samples_in_any_order(x in sample(), y in sample(), z in sample()) {
        let a = kruskal_wallis(&[&x, &y, &z]);
        let b = kruskal_wallis(&[&z, &x, &y]);
        prop_assert!(
            both_close(a.map(|t| t.statistic), b.map(|t| t.statistic)), "{:?} {:?}", a, b
        );
    }

    #[test]
    fn correlation_is_symmetric_and_turns_with_the_sign(x in sample(), y in sample()) {
        let n = x.len().min(y.len());
        let (x, y) = (&x[..n], &y[..n]);
        let minus: Vec<f64> = y.iter().map(|v| -v).collect();
        let kendall = |x: &[f64], y: &[f64]| kendall_normal(x, y, false);
        for method in [pearson, spearman, kendall] {
            let tests = [method(x, y), method(y, x), method(x, &minus)];
            let estimates = tests.map(|test| test.map(|test| test.estimate));
            prop_assert!(both_close(estimates[0], estimates[1]), "{:?}", tests);
            prop_assert!(both_close(estimates[0], estimates[2].map(|e| -e)), "{:?}", tests);
        }
    }

    #[test]
    fn tables_may_be_turned_and_their_rows_exchanged(table in counts()) {
        let [first, second] = &table;
        let rows = Contingency::new(&[first, second]).expect("a count");
        let exchanged = Contingency::new(&[second, first]).expect("a count");
        let columns: Vec<[u64; 2]> = (0..3).map(|k| [first[k], second[k]]).collect();
        let columns: Vec<&[u64]> = columns.iter().map(<[u64; 2]>::as_slice).collect();
        let turned = Contingency::new(&columns).expect("a count");
        let p = fisher_exact(&rows, 1).p;
        prop_assert!((0.0..=1.0 + 1e-9).contains(&p), "{}", p);
        for other in [&exchanged, &turned] {
            prop_assert!(close(p, fisher_exact(other, 1).p), "{:?}", table);
            let chi = [&rows, other].map(|table| pearson_chi_squared(table, false).map(|t| t.0));
            prop_assert!(both_close(chi[0], chi[1]), "{:?}", table);
        }
    }

    #[test]
    fn exchanged_rows_invert_the_odds_ratio(table in counts()) {
        let [[a, b, _], [c, d, _]] = table;
        let test = fisher_2x2([[a, b], [c, d]], 0.95);
        let exchanged = fisher_2x2([[c, d], [a, b]], 0.95);
        prop_assert!(close(test.two_sided, exchanged.two_sided), "{:?} {:?}", test, exchanged);
        prop_assert!(close(test.less, exchanged.greater), "{:?} {:?}", test, exchanged);
        if let (Some(one), Some(other)) = (test.odds_ratio, exchanged.odds_ratio)
            && one > 0.0
        {
            prop_assert!(close(one * other, 1.0), "{:?} {:?}", test, exchanged);
        }
    }
}
