//! What one replicate gives, in memory and as eight bytes.

/// The value of one replicate, on the scale on which intervals are formed (log hazard ratio).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ReplicateValue {
    /// A finite value with its own standard error (`None` where the statistic has none).
    Finite {
        /// The value.
        value: f64,
        /// Its standard error in this replicate.
        std_err: Option<f64>,
    },
    /// The likelihood rises for ever as the value falls.
    MinusInfinity,
    /// The likelihood rises for ever as the value grows.
    PlusInfinity,
    /// There is no value, not even an infinite one.
    Lost(Reason),
}

/// Why a replicate has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Everybody drawn is of one group.
    SingleGroup,
    /// No event while both groups are at risk.
    NoEvents,
    /// A curve of the replicate does not come down to the quantile.
    NotReached,
    /// The maximum was not found, or terms could not be told apart.
    NotConverged,
}

impl Reason {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 4] =
        [Self::SingleGroup, Self::NoEvents, Self::NotReached, Self::NotConverged];

    /// The name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleGroup => "single_group",
            Self::NoEvents => "no_events",
            Self::NotReached => "not_reached",
            Self::NotConverged => "not_converged",
        }
    }
}

/// A quiet NaN; a reason's number is added to it. Files only: in memory a reason has a type.
const LOST: u64 = 0x7FF8_0000_0000_0000;

impl ReplicateValue {
    /// The value as a file holds it: the number, an infinity, or a NaN whose lowest byte is the
    /// reason's number from 1.
    ///
    /// ```
    /// use herscope::pipeline::bootstrap::{Reason, ReplicateValue};
    /// let lost = ReplicateValue::Lost(Reason::NoEvents);
    /// assert_eq!(ReplicateValue::from_bits(lost.to_bits(), None), Some(lost));
    /// assert_eq!(ReplicateValue::MinusInfinity.to_bits(), f64::NEG_INFINITY.to_bits());
    /// ```
    pub fn to_bits(self) -> u64 {
        match self {
            Self::Finite { value, .. } => value.to_bits(),
            Self::MinusInfinity => f64::NEG_INFINITY.to_bits(),
            Self::PlusInfinity => f64::INFINITY.to_bits(),
            Self::Lost(reason) => LOST | (reason as u64 + 1),
        }
    }

    /// The value that a file holds as `bits`; `None` for bits that [`to_bits`](Self::to_bits)
    /// never gives.
    pub fn from_bits(bits: u64, std_err: Option<f64>) -> Option<Self> {
        let value = f64::from_bits(bits);
        if value.is_finite() {
            return Some(Self::Finite { value, std_err });
        }
        if value.is_infinite() {
            return Some(if value > 0.0 { Self::PlusInfinity } else { Self::MinusInfinity });
        }
        let number = usize::try_from(bits.checked_sub(LOST + 1)?).ok()?;
        Reason::ALL.get(number).map(|&reason| Self::Lost(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_survives_its_eight_bytes_and_foreign_nans_are_refused() {
        let mut values = vec![
            ReplicateValue::Finite { value: -0.7, std_err: None },
            ReplicateValue::MinusInfinity,
            ReplicateValue::PlusInfinity,
        ];
        values.extend(Reason::ALL.map(ReplicateValue::Lost));
        for value in values {
            assert_eq!(ReplicateValue::from_bits(value.to_bits(), None), Some(value), "{value:?}");
        }
        for bits in [f64::NAN.to_bits(), LOST | 99, u64::MAX] {
            assert_eq!(ReplicateValue::from_bits(bits, None), None, "{bits:x} is nobody's");
        }
    }
}
