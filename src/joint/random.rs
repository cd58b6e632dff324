//! Random numbers of a simulated subject, counted and not kept: the same subject of the same cohort gets
//! the same numbers whatever was drawn before.

use crate::numeric::draw::Stream;
use crate::numeric::philox::{key_of_seed, philox4x32};
use crate::survival::normal_quantile;

/// Blocks of four words that a subject may take.
const BLOCKS: u32 = 1 << 10;

/// Largest mean that a Poisson count is drawn for in one go; exp(-mean) is far from underflow.
const POISSON_MEAN: f64 = 200.0;

/// Above it a count is drawn as a rounded normal number: skewness and steps are below a hundredth of its SD.
const NORMAL_MEAN: f64 = 1e4;

/// A subject's words, in order.
pub(super) struct Words {
    key: [u32; 2],
    low: u32,
    high: u32,
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl Words {
    /// Those of `subject` in cohort `cohort`. Subjects from 2^22 on share words with earlier ones.
    pub(super) fn new(seed: u64, cohort: u64, subject: usize) -> Self {
        Self {
            key: key_of_seed(seed),
            low: cohort as u32,
            high: (cohort >> 32) as u32,
            block: (subject as u32).wrapping_mul(BLOCKS),
            words: [0; 4],
            used: 4,
        }
    }

    fn word(&mut self) -> u32 {
        if self.used == 4 {
            let tag = (Stream::JointCohort as u32) << 16;
            self.words = philox4x32(self.key, [self.block, self.low, self.high, tag]);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// Uniform in (0, 1), 53 bits.
    pub(super) fn uniform(&mut self) -> f64 {
        let (high, low) = (u64::from(self.word()), u64::from(self.word()));
        (((high << 21) ^ (low >> 11)) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// Standard normal, by inversion.
    pub(super) fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }

    /// Poisson with `mean`, by inversion in steps; a rounded normal number from a mean of 10 000 up.
    pub(super) fn poisson(&mut self, mean: f64) -> f64 {
        if mean > NORMAL_MEAN {
            return (mean + mean.sqrt() * self.normal()).round();
        }
        let steps = (mean / POISSON_MEAN).ceil().max(1.0);
        let mean = mean / steps;
        let mut total = 0.0;
        for _ in 0..steps as usize {
            let u = self.uniform();
            let mut probability = (-mean).exp();
            let mut cumulative = probability;
            let mut count = 0.0;
            // the tail beyond is below the last bit of a uniform
            while u > cumulative && probability > 1e-300 {
                count += 1.0;
                probability *= mean / count;
                cumulative += probability;
            }
            total += count;
        }
        total
    }

    /// Gamma with `shape` and mean `shape`.
    ///
    /// # Source
    /// Marsaglia and Tsang, ACM Transactions on Mathematical Software 26 (2000) 363; shapes below 1 by
    /// their section 6.
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let power = self.uniform().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * power;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of 40 000 draws lie within five standard errors of the truth.
    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        let n = 40_000;
        let check =
            |what: &str, draw: fn(&mut Words) -> f64, mean: f64, variance: f64, fourth: f64| {
                let values: Vec<f64> = (0..n).map(|i| draw(&mut Words::new(5, 1, i))).collect();
                let found = values.iter().sum::<f64>() / n as f64;
                let spread = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
                let (error, of_spread) = (
                    (variance / n as f64).sqrt(),
                    ((fourth - variance * variance) / n as f64).sqrt(),
                );
                assert!((found - mean).abs() < 5.0 * error, "{what}: mean {found}, not {mean}");
                assert!((spread - variance).abs() < 5.0 * of_spread, "{what}: variance {spread}");
            };
        // fourth central moments: normal 3, Poisson m + 3 m^2, gamma 3 k^2 + 6 k
        check("normal", Words::normal, 0.0, 1.0, 3.0);
        check("Poisson 3", |words| words.poisson(3.0), 3.0, 3.0, 30.0);
        check("Poisson 450", |words| words.poisson(450.0), 450.0, 450.0, 607_950.0);
        check("gamma 0.5", |words| words.gamma(0.5), 0.5, 0.5, 3.75);
        check("gamma 4", |words| words.gamma(4.0), 4.0, 4.0, 72.0);
    }

    #[test]
    fn subjects_and_cohorts_have_words_of_their_own() {
        let first = |cohort, subject| Words::new(9, cohort, subject).uniform();
        assert!(first(0, 0) != first(0, 1) && first(0, 0) != first(1, 0), "three numbers");
        assert!(first(0, 0) == Words::new(9, 0, 0).uniform(), "drawn again");
    }
}
