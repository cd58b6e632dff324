//! Spline bases of time: cubic B-splines for a log baseline, natural cubic splines for a trajectory.

/// Cubic B-splines on [`boundary.0`, `boundary.1`] with `inner` knots: `inner.len() + 4` functions that
/// add up to 1. Outside of the boundary they keep their values at the nearer end.
///
/// # Source
/// de Boor, A Practical Guide to Splines (1978), the recurrence of chapter X.
#[derive(Clone, Debug, PartialEq)]
pub struct CubicSplines {
    /// All knots, the boundary ones four times.
    knots: Vec<f64>,
}

impl CubicSplines {
    /// The basis with ascending `inner` knots strictly inside of `boundary`.
    pub fn new(boundary: (f64, f64), inner: &[f64]) -> Self {
        let mut knots = vec![boundary.0; 4];
        knots.extend_from_slice(inner);
        knots.extend([boundary.1; 4]);
        Self { knots }
    }

    /// The knots inside of the boundary.
    pub fn inner_knots(&self) -> &[f64] {
        &self.knots[4..self.knots.len() - 4]
    }

    /// Number of functions.
    pub fn len(&self) -> usize {
        self.knots.len() - 4
    }

    /// Never: there are four functions at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Writes the functions at `t` to `values` `[len]`.
    pub fn evaluate(&self, t: f64, values: &mut [f64]) {
        let (first, last) = (self.knots[3], self.knots[self.knots.len() - 4]);
        let t = t.clamp(first, last);
        let n = self.len();
        // the interval knots[at] <= t < knots[at + 1], the last one closed
        let at = self.knots[..n].partition_point(|&knot| knot <= t).clamp(4, n) - 1;
        values.fill(0.0);
        let mut local = [1.0, 0.0, 0.0, 0.0];
        for degree in 1..4 {
            let mut saved = 0.0;
            for (k, value) in local[..degree].iter_mut().enumerate() {
                let (right, left) = (self.knots[at + 1 + k], self.knots[at + 1 + k - degree]);
                let share = *value / (right - left);
                *value = saved + (right - t) * share;
                saved = (t - left) * share;
            }
            local[degree] = saved;
        }
        values[at - 3..=at].copy_from_slice(&local);
    }
}

/// Natural cubic splines: straight lines beyond the outer of `knots` (ascending, two at least), cubic
/// in between; `knots.len() - 1` functions beside the constant, the first of them `t` itself.
///
/// # Source
/// The truncated-power basis with linear tails of Harrell, Regression Modeling Strategies (2001),
/// section 2.4.4, divided by the squared range of the knots.
#[derive(Clone, Debug, PartialEq)]
pub struct NaturalSplines {
    knots: Vec<f64>,
}

impl NaturalSplines {
    /// The basis on `knots`.
    pub fn new(knots: Vec<f64>) -> Self {
        Self { knots }
    }

    /// Its knots, ascending.
    pub fn knots(&self) -> &[f64] {
        &self.knots
    }

    /// Function `k` at `t`, and its slope.
    pub fn evaluate(&self, k: usize, t: f64) -> (f64, f64) {
        if k == 0 {
            return (t, 1.0);
        }
        let n = self.knots.len();
        let (last, before) = (self.knots[n - 1], self.knots[n - 2]);
        let knot = self.knots[k - 1];
        let range = last - self.knots[0];
        let cube = |from: f64| {
            let above = (t - from).max(0.0);
            (above * above * above, 3.0 * above * above)
        };
        let (own, to_before, to_last) = (cube(knot), cube(before), cube(last));
        let gap = last - before;
        let (share_before, share_last) = ((last - knot) / gap, (before - knot) / gap);
        let join = |own: f64, to_before: f64, to_last: f64| {
            (own - to_before * share_before + to_last * share_last) / (range * range)
        };
        (join(own.0, to_before.0, to_last.0), join(own.1, to_before.1, to_last.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_splines_add_up_to_one_and_match_hand_computed_values() {
        let splines = CubicSplines::new((0.0, 4.0), &[1.0, 2.5]);
        let mut values = vec![0.0; splines.len()];
        for t in [0.0, 0.3, 1.0, 1.7, 2.5, 3.9, 4.0, 9.0] {
            splines.evaluate(t, &mut values);
            let sum: f64 = values.iter().sum();
            assert!(
                (sum - 1.0).abs() < 1e-14 && values.iter().all(|&v| v >= 0.0),
                "{t}: {values:?}"
            );
        }
        // without inner knots they are Bernstein's polynomials
        let bernstein = CubicSplines::new((0.0, 2.0), &[]);
        let mut values = vec![0.0; 4];
        bernstein.evaluate(0.5, &mut values);
        let expected = [27.0 / 64.0, 27.0 / 64.0, 9.0 / 64.0, 1.0 / 64.0];
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-15, "{values:?}");
        }
    }

    #[test]
    fn natural_splines_are_straight_outside_and_their_slopes_are_slopes() {
        let splines = NaturalSplines::new(vec![0.0, 1.0, 3.0, 6.0]);
        for k in 0..3 {
            let at = |t: f64| splines.evaluate(k, t).0;
            for t in [-2.0, 7.0, 11.0] {
                let bend = at(t - 0.5) - 2.0 * at(t) + at(t + 0.5);
                assert!(bend.abs() < 1e-12, "function {k} bends by {bend} at {t}");
            }
            for t in [0.4, 1.6, 4.5, 7.0] {
                let slope = (at(t + 1e-5) - at(t - 1e-5)) / 2e-5;
                assert!((slope - splines.evaluate(k, t).1).abs() < 1e-9, "function {k} at {t}");
            }
        }
    }
}
