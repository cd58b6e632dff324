//! The curve of a group as the document holds it.

use serde::{Serialize, Serializer};

use super::survive_document::CurveRow;
use crate::survival::{Confidence, KaplanMeier};

/// One row a distinct time, printed as an array of [`CurveRow`]. A cohort of a million may have a
/// million rows, so they are made as they are read and never stand beside the estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    estimate: KaplanMeier,
    confidence: Confidence,
}

impl Curve {
    /// The rows of `estimate` with limits of `confidence`.
    pub fn new(estimate: KaplanMeier, confidence: Confidence) -> Self {
        Self { estimate, confidence }
    }

    /// Number of distinct times.
    pub fn len(&self) -> usize {
        self.estimate.rows().len()
    }

    /// True for the curve of nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows by ascending time.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = CurveRow> + '_ {
        let z = self.confidence.level.normal_quantile();
        self.estimate.rows().iter().map(move |row| {
            let limits = row.limits_at(self.confidence.kind, z);
            CurveRow {
                time: row.time,
                n_at_risk: row.n_at_risk,
                n_events: row.n_events,
                n_censored: row.n_censored,
                survival: row.survival,
                std_err: row.std_err(),
                lower: limits.map(|(lower, _)| lower),
                upper: limits.map(|(_, upper)| upper),
            }
        })
    }
}

impl Serialize for Curve {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows())
    }
}
