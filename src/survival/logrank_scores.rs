//! What each subject adds to a log-rank test.

/// Log-rank scores `[n]`: event less the cumulative hazard (Nelson-Aalen, everybody together) up
/// to the subject's time. Their sum over a group is its observed less its expected events; over
/// everybody it is 0.
///
/// # Source
/// Peto and Peto, JRSS A 135 (1972) 185; Hothorn and Lausen 2003 use them for maximally selected
/// statistics. Tied events share one risk set, as in the log-rank test.
///
/// # Panics
/// When the columns differ in length.
///
/// ```
/// use herscope::survival::logrank_scores;
/// // Hazards 1/3 at 1, and 1/3 + 1 at 3.
/// let scores = logrank_scores(&[1.0, 2.0, 3.0], &[true, false, true]);
/// let expected = [2.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0];
/// assert!(scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
/// ```
pub fn logrank_scores(time: &[f64], event: &[bool]) -> Vec<f64> {
    assert_eq!(time.len(), event.len(), "columns of one length");
    let n = time.len();
    let mut by_time: Vec<usize> = (0..n).collect();
    by_time.sort_by(|&a, &b| time[a].total_cmp(&time[b]));
    let mut scores = vec![0.0; n];
    let (mut hazard, mut at_risk) = (0.0, n);
    for same_time in by_time.chunk_by(|&a, &b| time[a] == time[b]) {
        let n_events = same_time.iter().filter(|&&row| event[row]).count();
        hazard += n_events as f64 / at_risk as f64;
        for &row in same_time {
            scores[row] = f64::from(u8::from(event[row])) - hazard;
        }
        at_risk -= same_time.len();
    }
    scores
}
