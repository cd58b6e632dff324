//! The curve of a group as a document holds it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::survive_document::CurvePoint;
use crate::survival::{Confidence, KaplanMeier};

/// One point a distinct time, ascending; in JSON an array of [`CurvePoint`].
///
/// A cohort of a million may have a million times. Points of an estimate are therefore made as
/// they are read, and never stand beside it.
#[derive(Clone, Debug)]
pub struct Curve(Source);

#[derive(Clone, Debug)]
enum Source {
    Points(Vec<CurvePoint>),
    Estimate(KaplanMeier, Confidence),
}

impl Curve {
    /// The points of `estimate` with limits of `confidence`.
    pub fn new(estimate: KaplanMeier, confidence: Confidence) -> Self {
        Self(Source::Estimate(estimate, confidence))
    }

    /// Number of distinct times.
    pub fn len(&self) -> usize {
        match &self.0 {
            Source::Points(points) => points.len(),
            Source::Estimate(estimate, _) => estimate.rows().len(),
        }
    }

    /// True for the curve of nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The points by ascending time.
    pub fn points(&self) -> impl ExactSizeIterator<Item = CurvePoint> + '_ {
        let z = match &self.0 {
            Source::Points(_) => 0.0,
            Source::Estimate(_, confidence) => confidence.level.normal_quantile(),
        };
        (0..self.len()).map(move |index| match &self.0 {
            Source::Points(points) => points[index].clone(),
            Source::Estimate(estimate, confidence) => {
                let row = &estimate.rows()[index];
                let limits = row.limits_at(confidence.kind, z);
                CurvePoint {
                    time: row.time,
                    n_at_risk: row.n_at_risk,
                    n_events: row.n_events,
                    n_censored: row.n_censored,
                    survival: row.survival,
                    std_err: row.std_err(),
                    lower: limits.map(|(lower, _)| lower),
                    upper: limits.map(|(_, upper)| upper),
                }
            }
        })
    }
}

impl From<Vec<CurvePoint>> for Curve {
    fn from(points: Vec<CurvePoint>) -> Self {
        Self(Source::Points(points))
    }
}

impl Default for Curve {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        self.points().eq(other.points())
    }
}

impl Serialize for Curve {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.points())
    }
}

impl<'de> Deserialize<'de> for Curve {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survival::Outcome;

    #[test]
    fn a_curve_reads_back_from_its_json() {
        let outcome = Outcome::right_censored(vec![1.0, 2.0, 2.0], vec![true, false, true])
            .expect("valid rows");
        let curve = Curve::new(KaplanMeier::fit(&outcome), Confidence::default());
        let json = serde_json::to_string(&curve).expect("numbers");
        let read: Curve = serde_json::from_str(&json).expect("an array of points");
        assert_eq!((read.len(), &read), (2, &curve), "{json}");
        let survival: Vec<f64> = curve.points().map(|point| point.survival).collect();
        // 2/3 at 1; of the two at risk at 2 one has the event.
        assert_eq!(survival, [2.0 / 3.0, 2.0 / 3.0 * 0.5], "{json}");
    }
}
