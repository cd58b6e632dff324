//! Joining the intervals of one subject, so that a cut in its follow-up is no censoring.

use super::{Outcome, TieRepair};

/// Follow-up with touching intervals of one subject joined.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinedIntervals {
    /// One row a stretch of uninterrupted follow-up.
    pub outcome: Outcome,
    /// The last row of the original outcome in each stretch.
    pub last_rows: Vec<usize>,
}

/// Joins rows of one subject where one ends without event at the very time the next begins.
///
/// Splitting follow-up changes no Kaplan-Meier or log-rank estimate, but each cut counts as a
/// censoring: in the counts of a curve and, worse, in the reverse Kaplan-Meier median.
/// `subject[i]` is any code of row `i`; rows of different weight stay apart. Rows stay in the
/// order of their stretch's last row. Without entry times the outcome comes back as it is.
///
/// ```
/// use herscope::survival::{Outcome, TieRepair, join_intervals};
///
/// let outcome = Outcome::new(
///     vec![2.0, 5.0, 4.0],
///     vec![false, true, false],
///     Some(vec![0.0, 2.0, 0.0]),
///     None,
///     TieRepair::Merge,
/// )?;
/// let joined = join_intervals(&outcome, &[7, 7, 8]);
/// assert_eq!(joined.outcome.time(), [5.0, 4.0]);
/// assert_eq!(joined.outcome.entry(), Some(&[0.0, 0.0][..]));
/// assert_eq!(joined.last_rows, [1, 2]);
/// # Ok::<(), herscope::Error>(())
/// ```
///
/// # Panics
/// When `subject` is shorter than the outcome.
pub fn join_intervals(outcome: &Outcome, subject: &[usize]) -> JoinedIntervals {
    let n = outcome.len();
    let Some(entry) = outcome.entry() else {
        return JoinedIntervals { outcome: outcome.clone(), last_rows: (0..n).collect() };
    };
    let mut by_subject: Vec<usize> = (0..n).collect();
    by_subject.sort_by(|&a, &b| {
        subject[a].cmp(&subject[b]).then(entry[a].total_cmp(&entry[b])).then(a.cmp(&b))
    });
    let mut stretches: Vec<(usize, f64)> = Vec::with_capacity(n);
    for &row in &by_subject {
        match stretches.last_mut() {
            Some((last, _))
                if subject[*last] == subject[row]
                    && !outcome.event()[*last]
                    && outcome.time()[*last] == entry[row]
                    && outcome.weight_of(*last) == outcome.weight_of(row) =>
            {
                *last = row;
            }
            _ => stretches.push((row, entry[row])),
        }
    }
    stretches.sort_by_key(|&(last, _)| last);
    let last_rows: Vec<usize> = stretches.iter().map(|&(last, _)| last).collect();
    let rows = outcome.select(&last_rows);
    let joined = Outcome::new(
        rows.time().to_vec(),
        rows.event().to_vec(),
        Some(stretches.iter().map(|&(_, entry)| entry).collect()),
        rows.weight().map(<[f64]>::to_vec),
        TieRepair::Keep,
    );
    JoinedIntervals {
        outcome: joined.expect("a stretch begins with an entry before its first end"),
        last_rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survival::{Confidence, KaplanMeier};

    fn intervals(time: Vec<f64>, event: Vec<bool>, entry: Vec<f64>) -> Outcome {
        Outcome::new(time, event, Some(entry), None, TieRepair::Merge).expect("valid rows")
    }

    #[test]
    fn cutting_follow_up_does_not_move_the_median_follow_up() {
        let whole = intervals(vec![6.0, 8.0, 9.0], vec![false; 3], vec![0.0; 3]);
        let cut = intervals(
            vec![1.0, 6.0, 2.0, 8.0, 3.0, 9.0],
            vec![false; 6],
            vec![0.0, 1.0, 0.0, 2.0, 0.0, 3.0],
        );
        let joined = join_intervals(&cut, &[0, 0, 1, 1, 2, 2]);
        let median = |outcome: &Outcome| {
            KaplanMeier::fit_reverse(outcome).median(Confidence::default()).estimate
        };
        assert_eq!(median(&joined.outcome), median(&whole), "joined rows are the whole ones");
        assert_ne!(median(&cut), median(&whole), "without joining, cuts count as censorings");
    }

    #[test]
    fn a_gap_an_event_or_another_subject_ends_a_stretch() {
        let outcome = intervals(
            vec![2.0, 5.0, 7.0, 9.0],
            vec![false, true, false, false],
            vec![0.0, 3.0, 5.0, 7.0],
        );
        let joined = join_intervals(&outcome, &[0, 0, 0, 1]);
        assert_eq!(joined.last_rows, [0, 1, 2, 3], "gap, event and subject keep rows apart");
    }
}
