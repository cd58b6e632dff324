use crate::{Noise, gpu};
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::max_selected_logrank::{Maximum, POISON, Plan, Selection};

/// A cohort with a marker of `n_values` values at most.
fn plan(n: usize, n_values: usize, whole_times: bool, min_group: usize) -> Plan {
    let mut noise = Noise(n as u64 * 1000);
    let mut time: Vec<f64> = (0..n).map(|_| noise.next() * 24.0).collect();
    if whole_times {
        time.iter_mut().for_each(|t| *t = (*t / 4.0).ceil());
    }
    let mut event: Vec<bool> = (0..n).map(|_| noise.next() < 0.47).collect();
    event[0] = true;
    let marker = |_| (noise.next() * n_values as f64).floor();
    let mut marker: Vec<f64> = (0..n).map(marker).collect();
    marker[0] = -1.0;
    let selection = Selection::new(&time, &event, &marker, min_group).expect("a cut and an event");
    Plan::new(selection, 42)
}

#[test]
fn permutations_are_equal_bit_for_bit_on_cpu_and_gpu() {
    let Some(gpu) = gpu("permutations_are_equal_bit_for_bit_on_cpu_and_gpu") else { return };
    let cases = [
        (2, 2, false, 1, 63),
        (7, 7, true, 1, 64),
        (60, 1_000, false, 6, 20_011),
        (60, 5, true, 6, 65),
        (61, 61, true, 1, 4_099),
        (256, 256, false, 25, 1_009),
        (4_100, 4_100, false, 410, 64),
    ];
    for (n, n_values, whole, min_group, permutations) in cases {
        let plan = plan(n, n_values, whole, min_group);
        // Across the boundary of the number's low word.
        let first = u64::from(u32::MAX) - permutations as u64 / 2;
        let (mut a, mut b) = (vec![POISON; permutations], vec![POISON; permutations]);
        CpuEngine::new().max_selected_logrank(&plan, first, &mut a).expect("the CPU works");
        gpu.max_selected_logrank(&plan, first, &mut b).expect("the device works");
        let differing = a.iter().zip(&b).position(|(a, b)| a != b);
        assert_eq!(differing, None, "n {n}, {n_values} values: first differing permutation");
        assert!(a.iter().all(|maximum| maximum.value().is_some()), "n {n}: all are written");
    }
}

#[test]
fn threads_and_chunks_do_not_change_a_permutation() {
    let plan = plan(60, 30, false, 6);
    let mut whole = vec![POISON; 5_000];
    CpuEngine::new().max_selected_logrank(&plan, 7, &mut whole).expect("the CPU works");
    let mut pieces = vec![POISON; 5_000];
    let mut first = 7;
    for piece in pieces.chunks_mut(731) {
        CpuEngine::new().max_selected_logrank(&plan, first, piece).expect("the CPU works");
        first += piece.len() as u64;
    }
    assert_eq!(whole, pieces, "cut anywhere");
    let other: Vec<Maximum> =
        whole.iter().map(|one| Maximum { low: one.low ^ 1, ..*one }).collect();
    assert_ne!(whole, other, "one changed bit is noticed");
}
