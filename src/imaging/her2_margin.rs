//! How far a cell's HER2 is from the cut-off that could change its class.

use super::her2::Her2Cutoffs;

/// Why a distance from the cut-off is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarginMissing {
    /// No cut-offs were given.
    NoCutoffs,
    /// The cell has no HER2 intensity.
    NoIntensity,
    /// Its standard error is not known.
    NoStdErr,
}

impl MarginMissing {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoCutoffs => "no_cutoffs",
            Self::NoIntensity => "no_intensity",
            Self::NoStdErr => "no_std_err",
        }
    }
}

/// Distance of `intensity` from the nearest cut-off in units of its standard error; negative below
/// the cut-off.
///
/// # Errors
/// What it takes and is not there.
///
/// ```
/// use herscope::imaging::{Her2Cutoffs, MarginMissing, her2_class_distance};
/// let cutoffs = Some(Her2Cutoffs::new(30.0, 200.0)?);
/// assert_eq!(her2_class_distance(Some(26.0), Some(2.0), cutoffs), Ok(-2.0)); // of 30
/// assert_eq!(her2_class_distance(Some(206.0), Some(2.0), cutoffs), Ok(3.0)); // of 200
/// let none = her2_class_distance(Some(26.0), Some(2.0), None);
/// assert_eq!(none, Err(MarginMissing::NoCutoffs));
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn her2_class_distance(
    intensity: Option<f64>,
    std_err: Option<f64>,
    cutoffs: Option<Her2Cutoffs>,
) -> Result<f64, MarginMissing> {
    let cutoffs = cutoffs.ok_or(MarginMissing::NoCutoffs)?;
    let intensity = intensity.ok_or(MarginMissing::NoIntensity)?;
    let std_err = std_err.filter(|&error| error > 0.0).ok_or(MarginMissing::NoStdErr)?;
    let (from_med, from_high) = (intensity - cutoffs.med, intensity - cutoffs.high);
    let nearest = if from_med.abs() <= from_high.abs() { from_med } else { from_high };
    Ok(nearest / std_err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_that_is_missing_is_named() {
        let cutoffs = Some(Her2Cutoffs { med: 1.0, high: 2.0 });
        let of = her2_class_distance;
        assert_eq!(of(None, Some(1.0), cutoffs), Err(MarginMissing::NoIntensity), "no HER2");
        assert_eq!(of(Some(1.0), None, cutoffs), Err(MarginMissing::NoStdErr), "no noise");
        assert_eq!(of(Some(1.0), Some(0.0), cutoffs), Err(MarginMissing::NoStdErr), "0 is none");
        assert_eq!(of(Some(1.0), Some(0.5), cutoffs), Ok(0.0), "on the cut-off");
    }
}
