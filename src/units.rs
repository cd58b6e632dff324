//! Numbers that must not be mixed up.

use serde::{Deserialize, Serialize};

/// The edge of a square pixel in micrometres.
///
/// ```
/// use herscope::units::MicronsPerPixel;
/// assert_eq!(MicronsPerPixel(0.64).area_um2(100), 100.0 * 0.64 * 0.64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicronsPerPixel(pub f64);

impl MicronsPerPixel {
    /// Area in square micrometres of `n_pixels` pixels.
    pub fn area_um2(self, n_pixels: u64) -> f64 {
        n_pixels as f64 * self.0 * self.0
    }
}

/// Days in a month of follow-up: 365.25 / 12. Medical time axes use it; it is written into outputs.
pub const DAYS_PER_MONTH: f64 = 30.4375;

/// The unit in which follow-up is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Days.
    Days,
    /// Weeks of 7 days.
    Weeks,
    /// Months of 30.4375 days.
    #[default]
    Months,
    /// Years of 365.25 days.
    Years,
}

impl TimeUnit {
    /// Days in one unit.
    ///
    /// ```
    /// use herscope::units::TimeUnit;
    /// assert_eq!(12.0 * TimeUnit::Months.days(), TimeUnit::Years.days());
    /// ```
    pub fn days(self) -> f64 {
        match self {
            Self::Days => 1.0,
            Self::Weeks => 7.0,
            Self::Months => DAYS_PER_MONTH,
            Self::Years => 365.25,
        }
    }

    /// The name used on the command line and in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Weeks => "weeks",
            Self::Months => "months",
            Self::Years => "years",
        }
    }
}

impl std::str::FromStr for TimeUnit {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Days, Self::Weeks, Self::Months, Self::Years];
        all.into_iter().find(|unit| unit.name() == text).ok_or_else(|| {
            crate::Error::usage("reading a unit of time")
                .found(format!("{text:?}"))
                .expected("days, weeks, months or years")
        })
    }
}
