//! Everything of a run but its replicates: enough to make its document, and to know another shard
//! of the same run.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::CalibrationBlock;
use super::intervals::{Basis, IntervalKind};
use super::settings::{BootstrapSettings, Resample, Statistic};
use super::source::SourceFacts;
use crate::Warning;
use crate::compute::DeviceInfo;
use crate::survival::{Cohort, Covariate, Factor};

/// What two shards must have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunRecord {
    pub(super) version: String,
    pub(super) draw_layout: u32,
    /// SHA-256 of the cohort as analysed.
    pub(super) data_sha256: String,
    pub(super) resample: String,
    /// Share with the event, horizon or time, where the statistic has one.
    pub(super) quantile: Option<f64>,
    pub(super) tau: Option<f64>,
    pub(super) at: Option<f64>,
    pub(super) seed: u64,
    /// Replicates of the whole run, where they were given.
    pub(super) replicates: Option<u64>,
    pub(super) conf_level: f64,
    /// Intervals asked for.
    pub(super) intervals: Vec<String>,
    pub(super) facts: StoredFacts,
    pub(super) acceleration: Option<f64>,
    pub(super) calibration: Option<CalibrationBlock>,
    /// Limits by Firth's penalised profile, where they are for such a statistic.
    pub(super) firth: Option<[f64; 2]>,
    /// What the last bits depend on: `cpu`, or the GPU's name.
    pub(super) numeric_profile: String,
}

/// [`SourceFacts`] as a file holds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StoredFacts {
    pub(super) n: usize,
    pub(super) n_events: usize,
    pub(super) n_dropped: usize,
    pub(super) statistic: String,
    pub(super) term: String,
    pub(super) ties: Option<String>,
    pub(super) penalty: Option<String>,
    pub(super) estimate: Option<f64>,
    pub(super) std_err: Option<f64>,
    pub(super) is_log: bool,
    pub(super) warnings: Vec<Warning>,
}

/// What intervals need of the data beside the estimate; each where it was asked for and exists.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OfData {
    pub(super) acceleration: Option<f64>,
    pub(super) calibration: Option<CalibrationBlock>,
    pub(super) firth: Option<[f64; 2]>,
}

impl RunRecord {
    pub(super) fn new(
        cohort: &Cohort,
        settings: &BootstrapSettings,
        facts: &SourceFacts,
        OfData { acceleration, calibration, firth }: OfData,
        device: &DeviceInfo,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            draw_layout: crate::numeric::draw::LAYOUT_VERSION,
            data_sha256: fingerprint(cohort),
            resample: settings.resample.name().to_owned(),
            quantile: match settings.statistic {
                Statistic::MedianDifference { quantile } => Some(quantile),
                _ => None,
            },
            tau: match settings.statistic {
                Statistic::RmstDifference { tau } => Some(tau),
                _ => None,
            },
            at: match settings.statistic {
                Statistic::SurvivalDifference { at } => Some(at),
                _ => None,
            },
            seed: settings.seed,
            replicates: settings.range.and(settings.whole),
            conf_level: settings.conf_level,
            intervals: match settings.resample {
                // Shuffles make a test, not an interval.
                Resample::Permutation => Vec::new(),
                _ => settings.intervals.iter().map(|kind| kind.name().to_owned()).collect(),
            },
            facts: StoredFacts {
                n: facts.n,
                n_events: facts.n_events,
                n_dropped: facts.n_dropped,
                statistic: facts.statistic.to_owned(),
                term: facts.term.clone(),
                ties: facts.ties.map(str::to_owned),
                penalty: facts.penalty.map(str::to_owned),
                estimate: facts.estimate,
                std_err: facts.std_err,
                is_log: facts.is_log,
                warnings: facts.warnings.clone(),
            },
            acceleration,
            calibration,
            firth,
            // Lanes never change a result, so the CPU engine is one profile.
            numeric_profile: match device.backend {
                "cpu" => "cpu".to_owned(),
                _ => device.name.clone(),
            },
        }
    }

    pub(super) fn basis(&self) -> Basis {
        Basis {
            estimate: self.facts.estimate,
            std_err: self.facts.std_err,
            acceleration: self.acceleration,
            calibrated: self.calibration.map(|found| [found.lower_level, found.upper_level]),
            conf_level: self.conf_level,
            is_log: self.facts.is_log,
        }
    }

    /// The kinds asked for, and beside the percentile interval the one that keeps infinities, which
    /// is printed when a replicate is infinite.
    pub(super) fn kinds(&self) -> Vec<IntervalKind> {
        let mut kinds: Vec<IntervalKind> =
            self.intervals.iter().filter_map(|name| name.parse().ok()).collect();
        let at = kinds.iter().position(|&kind| kind == IntervalKind::Percentile);
        if let (Some(at), false) = (at, kinds.contains(&IntervalKind::PercentileKeepInf)) {
            kinds.insert(at + 1, IntervalKind::PercentileKeepInf);
        }
        kinds
    }

    pub(super) fn wants(&self, kind: IntervalKind) -> bool {
        self.intervals.iter().any(|name| name == kind.name())
    }

    /// The first field in which `other` differs: its name, this value and the other.
    pub(super) fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let value = |record: &Self| serde_json::to_value(record).unwrap_or_default();
        let (this, other) = (value(self), value(other));
        let (this, other) = (this.as_object()?, other.as_object()?);
        this.iter().find_map(|(name, value)| {
            let found = other.get(name)?;
            (found != value).then(|| (name.clone(), value.to_string(), found.to_string()))
        })
    }
}

/// SHA-256 of what an analysis sees of a cohort; the file's other columns do not matter.
fn fingerprint(cohort: &Cohort) -> String {
    let mut hash = Sha256::new();
    let number = |hash: &mut Sha256, value: f64| hash.update(value.to_bits().to_le_bytes());
    let numbers = |hash: &mut Sha256, column: Option<&[f64]>| {
        hash.update([u8::from(column.is_some())]);
        column.into_iter().flatten().for_each(|value| number(hash, *value));
    };
    let text = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    let factor = |hash: &mut Sha256, factor: Option<&Factor>| {
        hash.update([u8::from(factor.is_some())]);
        let Some(factor) = factor else { return };
        text(hash, &factor.name);
        factor.levels.iter().for_each(|level| text(hash, level));
        for code in &factor.codes {
            hash.update(code.map_or(u64::MAX, |code| code as u64).to_le_bytes());
        }
    };
    hash.update((cohort.n() as u64).to_le_bytes());
    numbers(&mut hash, Some(cohort.outcome.time()));
    cohort.outcome.event().iter().for_each(|event| hash.update([u8::from(*event)]));
    numbers(&mut hash, cohort.outcome.entry());
    numbers(&mut hash, cohort.outcome.weight());
    for one in [&cohort.group, &cohort.strata, &cohort.cluster] {
        factor(&mut hash, one.as_ref());
    }
    for covariate in &cohort.covariates {
        match covariate {
            Covariate::Factor(one) => factor(&mut hash, Some(one)),
            Covariate::Number { name, values } => {
                text(&mut hash, name);
                for value in values.iter() {
                    hash.update([u8::from(value.is_some())]);
                    number(&mut hash, value.unwrap_or(0.0));
                }
            }
        }
    }
    text(&mut hash, &format!("{:?}", cohort.terms));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
