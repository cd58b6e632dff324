//! What kind of event an object is, from its measures.

use super::features::{Feature, feature_value};
use super::frame::Channel;
use super::regionprops::ObjectProperties;
use crate::{Error, Warning};

/// The kind of an object.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum EventClass {
    /// Circulating tumour cell.
    Ctc,
    /// Leukocyte (white blood cell).
    Wbc,
    /// Neither.
    Other,
}

impl EventClass {
    /// The name in tables: `ctc`, `wbc` or `other`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ctc => "ctc",
            Self::Wbc => "wbc",
            Self::Other => "other",
        }
    }
}

/// On which side of its value a gate is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The feature must be greater than the value.
    Above,
    /// The feature must be less than the value.
    Below,
    /// The feature must be at most the value.
    AtMost,
}

/// One condition on one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// What is compared.
    pub feature: Feature,
    /// How.
    pub bound: Bound,
    /// With what, in the feature's unit.
    pub value: f64,
}

impl Gate {
    /// Whether an object passes. A feature that is not available is read as 0, so that an object
    /// without cytokeratin outline, hence without standard deviation in it, can be a leukocyte.
    fn passes(&self, object: &ObjectProperties, channels: &[Channel]) -> bool {
        let found = feature_value(&self.feature, object, channels).unwrap_or(0.0);
        match self.bound {
            Bound::Above => found > self.value,
            Bound::Below => found < self.value,
            Bound::AtMost => found <= self.value,
        }
    }
}

/// Conditions that make an object a tumour cell or a leukocyte.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateSet {
    /// All must pass for a tumour cell; none means that there are no tumour cells.
    pub ctc: Vec<Gate>,
    /// All must pass for a leukocyte; none means that there are no leukocytes.
    pub wbc: Vec<Gate>,
}

impl GateSet {
    /// Breast cancer: CK sd > 50, CK area 75..2000, DNA max > 170, CD45 max < 60.
    ///
    /// # Source
    /// Gates of ACCEPT after Ligthart; areas in pixels (inferred), both sides strict.
    pub fn breast() -> Self {
        Self::built_in(&ctc_gates(2000.0))
    }

    /// Prostate cancer: as [`Self::breast`], but CK area 75..500.
    pub fn prostate() -> Self {
        Self::built_in(&ctc_gates(500.0))
    }

    /// Cell lines: CK max > 400, CK area 75..10000, DNA max > 170, CD45 max < 200.
    pub fn cell_line() -> Self {
        Self::built_in(&[
            ("ck_max", Bound::Above, 400.0),
            ("ck_area_px", Bound::Above, 75.0),
            ("ck_area_px", Bound::Below, 10_000.0),
            ("dapi_max", Bound::Above, 170.0),
            ("cd45_max", Bound::Below, 200.0),
        ])
    }

    /// The built-in set of a name: `breast`, `prostate` or `cell-line`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "breast" => Some(Self::breast()),
            "prostate" => Some(Self::prostate()),
            "cell-line" => Some(Self::cell_line()),
            _ => None,
        }
    }

    fn built_in(ctc: &[(&str, Bound, f64)]) -> Self {
        let wbc = [
            ("ck_sd", Bound::Below, 50.0),
            ("dapi_area_px", Bound::Above, 50.0),
            ("dapi_area_px", Bound::Below, 1000.0),
            ("dapi_max", Bound::Above, 170.0),
            ("dapi_p2a", Bound::Below, 1.5),
            ("cd45_max", Bound::Above, 100.0),
        ];
        Self { ctc: gates(ctc), wbc: gates(&wbc) }
    }

    /// Gates from text: one `feature, lower|upper, value` a line; `lower` is passed by what is
    /// greater than the value, `upper` by what is at most the value.
    ///
    /// Lines after `[wbc]` describe leukocytes, lines before it or after `[ctc]` tumour cells. `#`
    /// starts a comment. Features are named as in `cells.csv` (`ck_mean`) or as in ACCEPT's tables
    /// (`ch_3_MeanIntensity`); one that does not exist is left out with a warning.
    ///
    /// # Errors
    /// A line of another form (an input error with its number).
    pub fn parse(text: &str, channels: &[Channel]) -> Result<(Self, Vec<Warning>), Error> {
        let mut set = Self::default();
        let mut warnings = Vec::new();
        let mut leukocytes = false;
        for (line, number) in text.lines().zip(1..) {
            match line.split('#').next().unwrap_or_default().trim() {
                "" => {}
                "[ctc]" => leukocytes = false,
                "[wbc]" => leukocytes = true,
                condition => match parse_gate(condition, number, channels)? {
                    Ok(gate) if leukocytes => set.wbc.push(gate),
                    Ok(gate) => set.ctc.push(gate),
                    Err(warning) => warnings.push(warning),
                },
            }
        }
        Ok((set, warnings))
    }

    /// The kind of an object: a tumour cell before a leukocyte before neither.
    ///
    /// `channels` are those of the frame the object was measured in.
    pub fn classify(&self, object: &ObjectProperties, channels: &[Channel]) -> EventClass {
        let all_pass = |gates: &[Gate]| {
            !gates.is_empty() && gates.iter().all(|gate| gate.passes(object, channels))
        };
        if all_pass(&self.ctc) {
            EventClass::Ctc
        } else if all_pass(&self.wbc) {
            EventClass::Wbc
        } else {
            EventClass::Other
        }
    }
}

fn ctc_gates(largest_ck_area: f64) -> [(&'static str, Bound, f64); 5] {
    [
        ("ck_sd", Bound::Above, 50.0),
        ("ck_area_px", Bound::Above, 75.0),
        ("ck_area_px", Bound::Below, largest_ck_area),
        ("dapi_max", Bound::Above, 170.0),
        ("cd45_max", Bound::Below, 60.0),
    ]
}

fn gates(conditions: &[(&str, Bound, f64)]) -> Vec<Gate> {
    let standard = [Channel::Cd45, Channel::Dapi, Channel::Cytokeratin, Channel::Her2];
    conditions
        .iter()
        .map(|&(name, bound, value)| {
            let feature = Feature::named(name, &standard).expect("built-in gates name features");
            Gate { feature, bound, value }
        })
        .collect()
}

/// The gate of one line, or a warning that its feature does not exist.
fn parse_gate(
    condition: &str,
    number: usize,
    channels: &[Channel],
) -> Result<Result<Gate, Warning>, Error> {
    let wrong = || {
        Error::input("reading gates")
            .at(format!("line {number}"))
            .found(format!("\"{condition}\""))
            .expected("feature, lower or upper, a number; or [ctc], [wbc]")
    };
    let fields: Vec<&str> = condition.split(',').map(str::trim).collect();
    let [name, bound, value] = fields[..] else { return Err(wrong()) };
    let bound = match bound {
        "lower" => Bound::Above,
        "upper" => Bound::AtMost,
        _ => return Err(wrong()),
    };
    let value = value.parse::<f64>().ok().filter(|value| !value.is_nan()).ok_or_else(wrong)?;
    Ok(Feature::named(name, channels).map(|feature| Gate { feature, bound, value }).ok_or_else(
        || {
            Warning::new(
                "unknown_gate_feature",
                format!("line {number} of the gates is left out: no feature \"{name}\""),
            )
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::features::tests::object_with;

    const CHANNELS: [Channel; 3] = [Channel::Cd45, Channel::Dapi, Channel::Cytokeratin];

    fn class(values: &[(&str, f64)]) -> EventClass {
        GateSet::breast().classify(&object_with(&CHANNELS, values), &CHANNELS)
    }

    #[test]
    fn a_cell_with_body_and_nucleus_and_no_cd45_is_a_tumour_cell() {
        let cell = [("ck_sd", 80.0), ("ck_area_px", 300.0), ("dapi_max", 400.0), ("cd45_max", 0.0)];
        assert_eq!(class(&cell), EventClass::Ctc, "all gates pass");
        let at_limit = [("ck_sd", 50.0), ("ck_area_px", 300.0), ("dapi_max", 400.0)];
        assert_eq!(class(&at_limit), EventClass::Other, "built-in gates are strict");
    }

    #[test]
    fn an_object_without_cytokeratin_can_be_a_leukocyte() {
        let cell = [("dapi_area_px", 120.0), ("dapi_max", 400.0), ("cd45_max", 150.0)];
        assert_eq!(class(&cell), EventClass::Wbc, "no CK outline, so its sd is read as 0");
    }

    #[test]
    fn user_gates_exclude_the_lower_and_include_the_upper_value() {
        let text = "# mine\nck_mean, lower, 60\nch_2_MaxIntensity, upper, 170 # nucleus\n\n[wbc]\ncd45_mean,lower,5\n";
        let (set, warnings) = GateSet::parse(text, &CHANNELS).expect("well formed");
        assert_eq!((set.ctc.len(), set.wbc.len(), warnings.len()), (2, 1, 0), "two and one");
        let class =
            |values: &[(&str, f64)]| set.classify(&object_with(&CHANNELS, values), &CHANNELS);
        assert_eq!(class(&[("ck_mean", 60.0), ("dapi_max", 1.0)]), EventClass::Other, "60 < 60");
        assert_eq!(class(&[("ck_mean", 61.0), ("dapi_max", 170.0)]), EventClass::Ctc, "<= 170");
        assert_eq!(class(&[("cd45_mean", 6.0)]), EventClass::Wbc, "the other section");
    }

    #[test]
    fn gates_on_features_that_do_not_exist_are_left_out_with_a_warning() {
        let (set, warnings) =
            GateSet::parse("her2_mean, lower, 3", &CHANNELS).expect("well formed");
        assert_eq!((set.ctc.len(), warnings.len()), (0, 1), "there is no HER2 channel");
        assert_eq!(warnings[0].code, "unknown_gate_feature", "for programs");
    }

    #[test]
    fn a_line_of_another_form_is_an_error_with_its_number() {
        for text in ["\nck_mean, above, 3", "\nck_mean, lower", "\nck_mean, lower, x"] {
            let error = GateSet::parse(text, &CHANNELS).expect_err("not a gate");
            assert!(error.is_input() && error.to_string().contains("line 2"), "{error}");
        }
    }
}
