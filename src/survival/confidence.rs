//! The level and the scale of a survival curve's confidence limits.

use super::tails::normal_quantile;
use crate::Error;

/// A confidence level strictly between 0 and 1.
///
/// ```
/// use herscope::survival::ConfLevel;
/// assert!(ConfLevel::new(0.95).is_ok());
/// assert!(ConfLevel::new(95.0).is_err(), "a level is a fraction, not a percentage");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfLevel(f64);

impl ConfLevel {
    /// The usual 95 %.
    pub const DEFAULT: Self = Self(0.95);

    /// The level `level`, a fraction such as 0.95.
    ///
    /// # Errors
    /// A level outside (0, 1), or NaN.
    pub fn new(level: f64) -> Result<Self, Error> {
        if level > 0.0 && level < 1.0 {
            return Ok(Self(level));
        }
        Err(Error::usage("setting the confidence level")
            .found(level.to_string())
            .expected("a fraction above 0 and below 1, such as 0.95"))
    }

    /// The level as a fraction.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Half-width of a normal interval in standard errors: 1.959964 at 0.95.
    pub fn normal_quantile(self) -> f64 {
        normal_quantile(0.5 + self.0 / 2.0)
    }
}

impl Default for ConfLevel {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// On which scale the limits of S(t) are symmetric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConfType {
    /// log S, R's default; the upper limit is cut at 1.
    #[default]
    Log,
    /// log(-log S); stays inside (0, 1), undefined while S is 1.
    LogLog,
    /// S itself, cut to [0, 1].
    Plain,
    /// log(S / (1 - S)); stays inside (0, 1), undefined while S is 1.
    Logit,
}

impl ConfType {
    /// The name used on the command line and in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::LogLog => "log-log",
            Self::Plain => "plain",
            Self::Logit => "logit",
        }
    }

    /// Limits of survival `s` whose log has standard error `se` (Greenwood), at `z` standard
    /// errors. `None` where `s` is 0, and for the log-log and logit scales also where it is 1.
    ///
    /// # Source
    /// Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, section 1.4; cutting and
    /// undefined ends as R survival's `survfit` 3.5 reports them.
    pub(crate) fn limits(self, s: f64, se: f64, z: f64) -> Option<(f64, f64)> {
        let undefined_at_one = matches!(self, Self::LogLog | Self::Logit);
        if s <= 0.0 || !se.is_finite() || (s >= 1.0 && undefined_at_one) {
            return None;
        }
        Some(match self {
            Self::Plain => ((s - z * se * s).max(0.0), (s + z * se * s).min(1.0)),
            Self::Log => ((s.ln() - z * se).exp(), (s.ln() + z * se).exp().min(1.0)),
            Self::LogLog => {
                let (centre, half) = ((-s.ln()).ln(), z * se / s.ln().abs());
                ((-(centre + half).exp()).exp(), (-(centre - half).exp()).exp())
            }
            Self::Logit => {
                let (centre, half) = ((s / (1.0 - s)).ln(), z * se / (1.0 - s));
                (1.0 / (1.0 + (half - centre).exp()), 1.0 / (1.0 + (-half - centre).exp()))
            }
        })
    }
}

impl std::str::FromStr for ConfType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "log" => Ok(Self::Log),
            "log-log" => Ok(Self::LogLog),
            "plain" => Ok(Self::Plain),
            "logit" => Ok(Self::Logit),
            other => Err(Error::usage("setting the type of confidence interval")
                .found(format!("{other:?}"))
                .expected("log, log-log, plain or logit")),
        }
    }
}

impl std::fmt::Display for ConfType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How intervals are made: level and scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Confidence {
    /// Two-sided level.
    pub level: ConfLevel,
    /// Scale of the limits of a survival curve.
    pub kind: ConfType,
}
