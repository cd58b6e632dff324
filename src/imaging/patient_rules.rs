//! From the HER2 of a patient's tumour cells to the patient: the rules in use, by name.

use super::her2::Her2Class;

/// What the rules look at in one tumour cell. Which intensity makes a class or a grade is the
/// user's: no published fixed cut-off is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellStatus {
    /// Class by the user's two cut-offs.
    pub her2_class: Her2Class,
    /// 0, 1+, 2+ or 3+; `None` where the user gave no three intensities for it.
    pub grade: Option<u8>,
    /// Whether cytokeratin is positive; `None` where that was not asked.
    pub ck_positive: Option<bool>,
}

/// A rule that sorts patients by their tumour cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatientRule {
    /// At least one HER2-high cell.
    AnyHigh,
    /// At least one HER2-high cell, among five cells at least.
    AnyHighOfFive,
    /// At least so many HER2-high cells, a number of the user's.
    AtLeastHigh(usize),
    /// Half of the cells are positive, of two at least.
    HalfPositive,
    /// More than 75 % of the cells are positive, of more than five.
    MostPositive,
    /// H-score 200 or more.
    HScore200,
    /// How many of the phenotypes CK+HER2-, CK-HER2+, CK+HER2+ occur: a number, not yes or no.
    NPhenotypes,
}

/// What a rule says of a patient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleOutcome {
    /// The rule.
    pub rule: PatientRule,
    /// Cells.
    pub n: usize,
    /// What the rule compares: a count, a share in 0..=1, an H-score, a number of phenotypes.
    pub value: Option<f64>,
    /// Whether the patient is HER2-positive; `None` where the rule does not apply or gives a number.
    pub positive: Option<bool>,
    /// Why there is no answer: `no_cells`, `too_few_cells`, `no_grades`, `no_cytokeratin`.
    pub reason: Option<&'static str>,
}

impl PatientRule {
    /// Every rule, with `k` of the user's for [`AtLeastHigh`](Self::AtLeastHigh).
    pub fn all(k: usize) -> [Self; 7] {
        [
            Self::AnyHigh,
            Self::AnyHighOfFive,
            Self::AtLeastHigh(k),
            Self::HalfPositive,
            Self::MostPositive,
            Self::HScore200,
            Self::NPhenotypes,
        ]
    }

    /// The rule of a name in tables, or of `her2-high>=K`: one high cell at least is
    /// [`AnyHigh`](Self::AnyHigh), more are a number of the user's.
    ///
    /// ```
    /// use herscope::imaging::PatientRule;
    /// assert_eq!(PatientRule::named("her2-high>=1"), Some(PatientRule::AnyHigh));
    /// assert_eq!(PatientRule::named("at_least_3_high"), Some(PatientRule::AtLeastHigh(3)));
    /// assert_eq!(PatientRule::named("her2-high>=0"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        let number = name
            .strip_prefix("her2-high>=")
            .or_else(|| name.strip_prefix("at_least_").and_then(|rest| rest.strip_suffix("_high")));
        match number.map(|number| number.trim().parse::<usize>()) {
            Some(Ok(1)) => Some(Self::AnyHigh),
            Some(Ok(k)) if k > 1 => Some(Self::AtLeastHigh(k)),
            Some(_) => None,
            None => Self::all(0).into_iter().find(|rule| rule.name() == name),
        }
    }

    /// The name in tables.
    pub fn name(self) -> String {
        match self {
            Self::AnyHigh => "any_high".to_owned(),
            Self::AnyHighOfFive => "any_high_of_five".to_owned(),
            Self::AtLeastHigh(k) => format!("at_least_{k}_high"),
            Self::HalfPositive => "half_positive".to_owned(),
            Self::MostPositive => "most_positive".to_owned(),
            Self::HScore200 => "h_score_200".to_owned(),
            Self::NPhenotypes => "n_phenotypes".to_owned(),
        }
    }

    /// Who used it; `None` for a number of the user's own, which nobody published. The sources
    /// graded by eye or on their own scale: they publish the rule, never an intensity.
    pub fn source(self) -> Option<&'static str> {
        match self {
            Self::AnyHigh => Some(
                "Brouwer et al. 2019, PLoS ONE (HER2-high by ACCEPT); by eye: DETECT III (Fehm et \
                 al. 2024, Clin. Chem. 70:307), SUCCESS B (Jaeger et al. 2017, PLoS ONE 12:e0173593)",
            ),
            Self::AnyHighOfFive => {
                Some("Fehm et al. 2010, Breast Cancer Res. Treat. (DETECT; 3+ by eye)")
            }
            Self::AtLeastHigh(_) => None,
            Self::HalfPositive => Some("Pestrin et al. 2009, as a review's table has it"),
            Self::MostPositive => Some("Ligthart et al. 2013, Ann. Oncol. 24:1231"),
            Self::HScore200 => Some("Punnoose et al. 2010, as a review's table has it"),
            Self::NPhenotypes => Some("Nanou et al. 2020, Breast Cancer Res."),
        }
    }

    /// Cells from which the rule applies.
    pub fn min_cells(self) -> usize {
        match self {
            Self::HalfPositive => 2,
            Self::AnyHighOfFive => 5,
            Self::MostPositive => 6,
            _ => 1,
        }
    }

    /// What the rule says of a patient with these cells; `positive_from` is the lowest class that
    /// the rules on shares, and the phenotypes, count as positive.
    ///
    /// ```
    /// use herscope::imaging::{CellStatus, Her2Class, PatientRule};
    /// let cell = |her2_class| CellStatus { her2_class, grade: None, ck_positive: Some(true) };
    /// let cells = [Her2Class::Neg, Her2Class::High, Her2Class::Neg].map(cell);
    /// let any = PatientRule::AnyHigh.apply(&cells, Her2Class::High);
    /// assert_eq!((any.value, any.positive), (Some(1.0), Some(true)));
    /// // One of three is less than half.
    /// assert_eq!(PatientRule::HalfPositive.apply(&cells, Her2Class::High).positive, Some(false));
    /// // 75 % is asked of more than five cells only.
    /// assert_eq!(PatientRule::MostPositive.apply(&cells, Her2Class::High).positive, None);
    /// ```
    pub fn apply(self, cells: &[CellStatus], positive_from: Her2Class) -> RuleOutcome {
        let n = cells.len();
        let count = |holds: &dyn Fn(&CellStatus) -> bool| cells.iter().filter(|c| holds(c)).count();
        let high = count(&|cell| cell.her2_class == Her2Class::High);
        let positive = count(&|cell| cell.her2_class >= positive_from);
        let answer = |value: f64, positive: Option<bool>| Ok((value, positive));
        let result = match self {
            _ if n == 0 => Err("no_cells"),
            _ if n < self.min_cells() => Err("too_few_cells"),
            Self::AnyHigh | Self::AnyHighOfFive => answer(high as f64, Some(high >= 1)),
            Self::AtLeastHigh(k) => answer(high as f64, Some(high >= k)),
            Self::HalfPositive => answer(positive as f64 / n as f64, Some(2 * positive >= n)),
            Self::MostPositive => answer(positive as f64 / n as f64, Some(4 * positive > 3 * n)),
            Self::HScore200 => {
                let total: Option<usize> =
                    cells.iter().map(|cell| cell.grade.map(usize::from)).sum();
                total
                    .ok_or("no_grades")
                    .map(|total| (100.0 * total as f64 / n as f64, Some(100 * total >= 200 * n)))
            }
            Self::NPhenotypes => n_phenotypes(cells, positive_from)
                .ok_or("no_cytokeratin")
                .map(|number| (number as f64, None)),
        };
        let (value, positive) =
            result.map_or((None, None), |(value, positive)| (Some(value), positive));
        RuleOutcome { rule: self, n, value, positive, reason: result.err() }
    }
}

/// Phenotypes that occur; a cell without either marker is none of them. `None` where the
/// cytokeratin of a cell is not known.
fn n_phenotypes(cells: &[CellStatus], positive_from: Her2Class) -> Option<usize> {
    let mut found = [false; 4];
    for cell in cells {
        let her2 = cell.her2_class >= positive_from;
        found[usize::from(cell.ck_positive?) + 2 * usize::from(her2)] = true;
    }
    Some(found[1..].iter().filter(|&&is_there| is_there).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Her2Class::{High, Med, Neg};

    fn cells(classes: &[Her2Class]) -> Vec<CellStatus> {
        let cell = |&her2_class: &Her2Class| CellStatus {
            her2_class,
            grade: Some([0, 2, 3][her2_class as usize]),
            ck_positive: Some(true),
        };
        classes.iter().map(cell).collect()
    }

    fn positive(rule: PatientRule, classes: &[Her2Class]) -> Option<bool> {
        rule.apply(&cells(classes), High).positive
    }

    #[test]
    fn rules_differ_at_their_edges() {
        let half = [High, Neg];
        assert_eq!(positive(PatientRule::HalfPositive, &half), Some(true), "50 % is enough");
        assert_eq!(positive(PatientRule::HalfPositive, &half[..1]), None, "one cell is no share");
        let three_quarters = [High, High, High, High, High, High, Neg, Neg];
        assert_eq!(positive(PatientRule::MostPositive, &three_quarters), Some(false), "75 %");
        assert_eq!(positive(PatientRule::MostPositive, &three_quarters[..7]), Some(true), "6 of 7");
        assert_eq!(positive(PatientRule::MostPositive, &three_quarters[..5]), None, "five cells");
        assert_eq!(positive(PatientRule::AnyHighOfFive, &three_quarters[..4]), None, "four cells");
        assert_eq!(positive(PatientRule::AnyHighOfFive, &three_quarters[..5]), Some(true), "five");
        assert_eq!(positive(PatientRule::AtLeastHigh(2), &[High, Med]), Some(false), "one is high");
        // (2 + 2) / 2 * 100 = 200, (2 + 2 + 0) / 3 * 100 = 133.
        assert_eq!(positive(PatientRule::HScore200, &[Med, Med]), Some(true), "200 is enough");
        assert_eq!(positive(PatientRule::HScore200, &[Med, Med, Neg]), Some(false), "133");
    }

    #[test]
    fn phenotypes_are_counted_once_and_a_cell_of_neither_marker_is_none() {
        let cell = |her2_class, ck| CellStatus { her2_class, grade: None, ck_positive: ck };
        let count = |cells: &[CellStatus]| PatientRule::NPhenotypes.apply(cells, Med);
        let all = [
            cell(Neg, Some(true)),
            cell(Neg, Some(true)),
            cell(High, Some(false)),
            cell(Med, Some(true)),
            cell(Neg, Some(false)),
        ];
        assert_eq!(count(&all).value, Some(3.0), "three phenotypes");
        assert_eq!(count(&all[4..]).value, Some(0.0), "neither marker");
        assert_eq!(count(&all).positive, None, "a number, not a status");
        assert_eq!(count(&[cell(Neg, None)]).reason, Some("no_cytokeratin"), "not asked");
    }

    #[test]
    fn without_cells_or_grades_there_is_a_reason_and_no_status() {
        for rule in PatientRule::all(3) {
            let outcome = rule.apply(&[], High);
            assert_eq!((outcome.value, outcome.reason), (None, Some("no_cells")), "{rule:?}");
        }
        let ungraded = [CellStatus { her2_class: High, grade: None, ck_positive: None }];
        let outcome = PatientRule::HScore200.apply(&ungraded, High);
        assert_eq!((outcome.positive, outcome.reason), (None, Some("no_grades")), "no grades");
    }

    #[test]
    fn only_the_number_of_the_users_own_has_no_source() {
        let unpublished: Vec<_> =
            PatientRule::all(4).into_iter().filter(|rule| rule.source().is_none()).collect();
        assert_eq!(unpublished, [PatientRule::AtLeastHigh(4)], "k is the user's");
    }
}
