//! Spread and shifts of the golden cells beside base R: `tests/data/her2_heterogeneity`.

use crate::{CUTOFFS, GRADES_FROM, POSITIVE_FROM, golden_cells, repository};
use herscope::io::table::Table;
use herscope::pipeline::her2_shift::Her2Shift;
use herscope::pipeline::heterogeneity::{CellBootstrap, CellScale, describe_cells};
use std::collections::BTreeMap;

/// Limits of shares and p-values come from iterations on both sides; the rest are sums of at most
/// twenty terms in other orders.
const TOLERANCE: f64 = 1e-12;

const HOW: CellBootstrap = CellBootstrap { seed: 1, sample: 0, replicates: 199, conf_level: 0.95 };

type Named = BTreeMap<&'static str, f64>;

fn spread(values: &[f64]) -> Named {
    let scale = CellScale {
        cutoffs: CUTOFFS,
        positive_from: POSITIVE_FROM,
        grades_from: Some(GRADES_FROM),
    };
    let cells = describe_cells(values, &scale, HOW);
    let mut named: Named =
        cells.measures.iter().filter_map(|one| Some((one.measure.name(), one.value?))).collect();
    named.insert("n", cells.n as f64);
    let (exact, wilson) = (cells.clopper_pearson.expect("cells"), cells.wilson.expect("cells"));
    named.insert("clopper_pearson_lower", exact.lower);
    named.insert("clopper_pearson_upper", exact.upper);
    named.insert("wilson_lower", wilson.lower);
    named.insert("wilson_upper", wilson.upper);
    named
}

fn shift(from: &[f64], to: &[f64]) -> Named {
    let shift = Her2Shift::of(from, to);
    let test = shift.rank_sum.expect("two samples");
    Named::from([
        ("count_ratio", shift.count_ratio.expect("cells before")),
        ("wasserstein_1", shift.wasserstein_1.expect("two samples")),
        ("rank_sum_w", test.w),
        ("rank_sum_p", test.p.expect("values differ")),
    ])
}

#[test]
fn spread_and_shifts_of_the_golden_cells_are_those_of_r() {
    let cells = golden_cells();
    let values = |patient: &str, timepoint: &str| -> Vec<f64> {
        let own = cells.iter().filter(|c| c.patient == patient && c.timepoint == timepoint);
        own.map(|cell| cell.her2).collect()
    };
    let file = repository("tests/data/her2_heterogeneity/expected.csv");
    let table = Table::read(&file, "reading what R found").expect("the file is there");
    let column = |name| table.column(name).expect("the column is there");
    let (patient, what) = (column("patient"), column("what"));
    let (measure, value) = (column("measure"), column("value"));
    let mut compared = 0;
    for row in 0..table.n_rows() {
        let (patient, what) = (table.cell(row, patient), table.cell(row, what));
        let found = match what.split_once('-') {
            None => spread(&values(patient, what)),
            Some((from, to)) => shift(&values(patient, from), &values(patient, to)),
        };
        let measure = table.cell(row, measure);
        let expected = table.number(row, value, "a number").expect("a number").expect("there");
        let found = found[measure];
        let apart = (found - expected).abs() / expected.abs().max(1.0);
        assert!(apart < TOLERANCE, "{patient} {what} {measure}: {found} beside {expected}");
        compared += 1;
    }
    assert_eq!(compared, 382, "every value of the file");
}
