//! Trials like a given cohort, drawn anew under a hazard ratio of choice.

use super::baseline_hazard::baseline_hazard;
use super::cox::{CoxData, CoxFit};
use super::kaplan_meier::KaplanMeier;
use super::nelson_aalen::nelson_aalen;
use super::tails::normal_quantile;
use crate::Error;
use crate::numeric::draw::Stream;
use crate::numeric::log::ln;
use crate::numeric::philox::{key_of_seed, philox4x32};

const DOING: &str = "simulating trials like the cohort";

/// Halvings of the bracket of the baseline's scale: from a factor of 2 to below the last bit.
const BISECTIONS: usize = 60;

/// How long a cohort's subjects live and are followed: what a simulated trial is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialModel {
    /// Ascending `(time, cumulative baseline hazard)`, linear in between, from `(0, 0)`.
    hazard: Vec<(f64, f64)>,
    /// Hazard after the last of them, a unit of time.
    mean_rate: f64,
    /// Ascending `(time, share of censoring times up to it)`; whoever is left is never censored.
    censoring: Vec<(f64, f64)>,
}

/// What a trial looks like before anything is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrialDesign {
    /// Subjects of the reference arm and of the other.
    pub arm_sizes: [usize; 2],
    /// True hazard ratio of the other arm against the reference.
    pub hazard_ratio: f64,
    /// What the baseline hazard is multiplied by.
    pub baseline_scale: f64,
    /// What censoring times are multiplied by.
    pub follow_up_factor: f64,
}

/// One drawn trial, one value a subject, the reference arm first.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedTrial {
    /// Follow-up times `[n]`.
    pub time: Vec<f64>,
    /// True where follow-up ended in an event `[n]`.
    pub event: Vec<bool>,
    /// 0 for the reference arm, 1 for the other `[n]`.
    pub arm: Vec<f64>,
}

impl TrialModel {
    /// The model of the cohort that `fit` was fitted to: one 0/1 covariate, no late entries, no
    /// weights, no strata.
    ///
    /// Event times come from the baseline of the fit (Breslow's estimator with the tie handling of
    /// the fit; without a finite estimate Nelson and Aalen's of everybody). The cumulative hazard
    /// is linear between event times and goes on at its mean rate after the last. Censoring times
    /// come from the reverse Kaplan-Meier curve; where it ends above 0, the rest is followed up to
    /// the last time, or, if nobody was censored, to the event.
    ///
    /// # Errors
    /// No event after time 0.
    ///
    /// # Source
    /// Bender, Augustin and Blettner, Statistics in Medicine 24 (2005) 1713, with an empirical
    /// baseline in the place of a parametric one.
    pub fn of(data: &CoxData, fit: &CoxFit) -> Result<Self, Error> {
        let baseline = baseline_hazard(data, fit).and_then(|baseline| baseline.predict(0, &[0.0]));
        let steps: Vec<(f64, f64)> = match baseline {
            Some(steps) => steps.iter().map(|step| (step.time, step.cumulative_hazard)).collect(),
            None => nelson_aalen(&data.outcome)
                .iter()
                .map(|row| (row.time, row.cumulative_hazard))
                .collect(),
        };
        let mut hazard = vec![(0.0, 0.0)];
        for (time, cumulative) in steps {
            if hazard.last().is_some_and(|&(_, before)| cumulative > before) {
                hazard.push((time, cumulative));
            }
        }
        let last = hazard[hazard.len() - 1];
        if last.0 <= 0.0 {
            return Err(Error::input(DOING)
                .found("no event after time 0")
                .expected("events, from which the hazard is taken"));
        }
        let curve = KaplanMeier::fit_reverse(&data.outcome);
        let censored = curve.rows().iter().filter(|row| row.n_events > 0.0);
        let mut censoring: Vec<(f64, f64)> =
            censored.map(|row| (row.time, 1.0 - row.survival)).collect();
        let is_whole = censoring.last().is_some_and(|&(_, share)| share >= 1.0);
        let any_later = censoring.iter().any(|&(time, _)| time > 0.0);
        if let (false, true, Some(end)) = (is_whole, any_later, curve.last_time()) {
            censoring.retain(|&(time, _)| time < end);
            censoring.push((end, 1.0));
        }
        Ok(Self { hazard, mean_rate: last.1 / last.0, censoring })
    }

    /// Cumulative baseline hazard up to `time` >= 0.
    pub fn cumulative_hazard(&self, time: f64) -> f64 {
        let next = self.hazard.partition_point(|&(known, _)| known <= time);
        let (begin, before) = self.hazard[next - 1];
        match self.hazard.get(next) {
            Some(&(end, after)) => before + (after - before) * ((time - begin) / (end - begin)),
            None => before + self.mean_rate * (time - begin),
        }
    }

    /// The time at which the cumulative baseline hazard reaches `hazard` >= 0.
    pub fn time_of_hazard(&self, hazard: f64) -> f64 {
        let next = self.hazard.partition_point(|&(_, known)| known < hazard).max(1);
        let (begin, before) = self.hazard[next - 1];
        match self.hazard.get(next) {
            Some(&(end, after)) => begin + (end - begin) * ((hazard - before) / (after - before)),
            None => begin + (hazard - before) / self.mean_rate,
        }
    }

    /// The censoring time at `share` in (0, 1) of their distribution; `None`: never censored.
    pub fn censoring_time(&self, share: f64) -> Option<f64> {
        let at = self.censoring.partition_point(|&(_, up_to)| up_to < share);
        self.censoring.get(at).map(|&(time, _)| time)
    }

    /// Expected number of events of a trial.
    pub fn expected_events(&self, design: &TrialDesign) -> f64 {
        let arm = |size: usize, ratio: f64| {
            let survives = |time: f64| {
                let baseline = self.cumulative_hazard(design.follow_up_factor * time);
                (-design.baseline_scale * ratio * baseline).exp()
            };
            let (mut before, mut event_free) = (0.0, 0.0);
            for &(time, up_to) in &self.censoring {
                event_free += (up_to - before) * survives(time);
                before = up_to;
            }
            size as f64 * (1.0 - event_free)
        };
        arm(design.arm_sizes[0], 1.0) + arm(design.arm_sizes[1], design.hazard_ratio)
    }

    /// The baseline scale at which a trial of this size, follow-up and hazard ratio expects
    /// `n_events` events; the design's own where the number does not depend on it (nobody is
    /// censored after time 0).
    ///
    /// # Errors
    /// A number that no scale gives.
    pub fn scale_for(&self, design: &TrialDesign, n_events: f64) -> Result<f64, Error> {
        let expected =
            |scale: f64| self.expected_events(&TrialDesign { baseline_scale: scale, ..*design });
        if !self.censoring.iter().any(|&(time, _)| time > 0.0) {
            return Ok(design.baseline_scale);
        }
        let (mut low, mut high) = (1.0, 1.0);
        // A factor of 2^200 is beyond any hazard ratio that is allowed.
        let mut doublings = 0;
        while expected(high) < n_events && doublings < 200 {
            (high, doublings) = (2.0 * high, doublings + 1);
        }
        while expected(low) > n_events && doublings < 400 {
            (low, doublings) = (0.5 * low, doublings + 1);
        }
        if expected(high) < n_events || expected(low) > n_events {
            return Err(Error::input(DOING)
                .found(format!("{n_events} events wanted, {} possible", expected(high)))
                .expected("a number of events that the follow-up allows"));
        }
        for _ in 0..BISECTIONS + doublings {
            let middle = 0.5 * (low + high);
            if expected(middle) < n_events {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(0.5 * (low + high))
    }

    /// Trial number `simulation` of `seed`: a pure function of both and the design.
    ///
    /// Subject `i` draws one block of four words at counter `(i, low word, high word of the
    /// number, stream << 16)`, the words 0 and 1 for the event, 2 and 3 for the censoring, each
    /// pair as the 52 high bits of a number in (0, 1). So trials of one number and seed have the
    /// same luck whatever the design. An event at the censoring time is seen.
    pub fn simulate(&self, design: &TrialDesign, seed: u64, simulation: u64) -> SimulatedTrial {
        let [n_0, n_1] = design.arm_sizes;
        let n = n_0 + n_1;
        let mut trial = SimulatedTrial {
            time: Vec::with_capacity(n),
            event: Vec::with_capacity(n),
            arm: Vec::with_capacity(n),
        };
        for subject in 0..n {
            let in_arm_1 = subject >= n_0;
            let words = words(seed, simulation, subject as u32, 0);
            let ratio = if in_arm_1 { design.hazard_ratio } else { 1.0 };
            let exponential = -ln(uniform(words[0], words[1]));
            let event = self.time_of_hazard(exponential / (design.baseline_scale * ratio));
            let censored = self
                .censoring_time(uniform(words[2], words[3]))
                .map(|time| design.follow_up_factor * time);
            let seen = censored.is_none_or(|censored| event <= censored);
            trial.time.push(if seen { event } else { censored.unwrap_or(event) });
            trial.event.push(seen);
            trial.arm.push(f64::from(u8::from(in_arm_1)));
        }
        trial
    }
}

/// The seed of everything that is drawn from simulated trial `simulation` of `seed`: a Philox key
/// of its own, so that it shares no words with a bootstrap of `seed` itself.
pub(crate) fn seed_of_trial(seed: u64, simulation: u64) -> u64 {
    let [low, high, ..] = words(seed, simulation, 0, 1);
    u64::from(high) << 32 | u64::from(low)
}

fn words(seed: u64, simulation: u64, block: u32, use_number: u32) -> [u32; 4] {
    let tag = (Stream::Simulation as u32) << 16 | use_number;
    philox4x32(key_of_seed(seed), [block, simulation as u32, (simulation >> 32) as u32, tag])
}

/// 52 bits as the middle of one of 2^52 equal parts of (0, 1): never an end, and exact.
fn uniform(high: u32, low: u32) -> f64 {
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 12;
    (bits as f64 + 0.5) / (1_u64 << 52) as f64
}

/// Power of a two-sided test at `alpha` with `n_events` events and a share `prevalence` of the
/// subjects in one arm; `alpha` itself at a hazard ratio of 1.
///
/// # Source
/// Schoenfeld, Biometrics 39 (1983) 499: the statistic is normal with mean
/// `log HR sqrt(n_events prevalence (1 - prevalence))` and variance 1. Both tails are counted.
///
/// ```
/// use herscope::survival::schoenfeld_power;
/// // 66 events in equal arms detect a ratio of 2 with a power of 80 %.
/// assert!((schoenfeld_power(66.0, 0.5, 2.0, 0.05) - 0.80).abs() < 0.01);
/// ```
pub fn schoenfeld_power(n_events: f64, prevalence: f64, hazard_ratio: f64, alpha: f64) -> f64 {
    let mean = hazard_ratio.ln() * (n_events * prevalence * (1.0 - prevalence)).sqrt();
    let critical = normal_quantile(1.0 - alpha / 2.0);
    let upper = |z: f64| 0.5 * statrs::function::erf::erfc(z / std::f64::consts::SQRT_2);
    upper(critical - mean) + upper(critical + mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survival::{CovariateColumn, CoxOptions, Outcome, fit_cox};

    fn model_of(time: &[f64], event: &[bool], arm: &[f64]) -> TrialModel {
        let outcome = Outcome::right_censored(time.to_vec(), event.to_vec()).expect("valid rows");
        let covariates = vec![CovariateColumn { name: "arm".into(), values: arm.to_vec() }];
        let data = CoxData { outcome, covariates, strata: None, cluster: None };
        let fit = fit_cox(&data, &CoxOptions::default()).expect("a fit");
        TrialModel::of(&data, &fit).expect("events")
    }

    /// Events at 1, 1.5, 3 and 3.5 in both arms, two censorings at 2 and at 4.
    fn small() -> TrialModel {
        model_of(
            &[1.0, 1.5, 2.0, 2.0, 3.0, 3.5, 4.0, 4.0],
            &[true, true, false, false, true, true, false, false],
            &[0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0],
        )
    }

    fn design(model: &TrialModel) -> TrialDesign {
        let design = TrialDesign {
            arm_sizes: [40, 20],
            hazard_ratio: 2.0,
            baseline_scale: 1.0,
            follow_up_factor: 1.0,
        };
        let baseline_scale = model.scale_for(&design, 30.0).expect("half of them can fail");
        TrialDesign { baseline_scale, ..design }
    }

    #[test]
    fn the_time_of_a_hazard_inverts_the_hazard_and_goes_on_at_the_mean_rate() {
        let model = small();
        let (end, total) = model.hazard[model.hazard.len() - 1];
        for time in [0.0, 0.3, 1.0, 1.7, 3.2, 3.5, 9.0] {
            let back = model.time_of_hazard(model.cumulative_hazard(time));
            assert!((back - time).abs() < 1e-12, "rounding only: {back} for {time}");
        }
        let beyond = model.cumulative_hazard(2.0 * end);
        assert!((beyond - 2.0 * total).abs() < 1e-12, "twice the time at the mean rate");
    }

    #[test]
    fn censoring_follows_the_reverse_kaplan_meier_curve() {
        // Reverse curve by hand: at 2, 2 of the 6 at risk leave: 4/6; at 4 the rest.
        let model = small();
        assert_eq!(model.censoring_time(0.3), Some(2.0), "below a third");
        assert_eq!(model.censoring_time(0.34), Some(4.0), "above a third");
        let nobody = model_of(&[1.0, 2.0, 3.0, 4.0], &[true; 4], &[0.0, 1.0, 0.0, 1.0]);
        assert_eq!(nobody.censoring_time(0.9), None, "nobody was censored");
        let late_event =
            model_of(&[1.0, 2.0, 3.0, 4.0], &[true, false, true, true], &[0.0, 1.0, 1.0, 0.0]);
        assert_eq!(late_event.censoring_time(0.9), Some(4.0), "the rest: to the last time");
    }

    #[test]
    fn the_scale_gives_the_expected_number_that_was_asked_for() {
        let model = small();
        let design = design(&model);
        // Bisection ends at the last bit of the scale; the number is smooth in it.
        assert!((model.expected_events(&design) - 30.0).abs() < 1e-9, "30 events");
        // By hand: a third is censored at 2, the rest at 4.
        let s = |time: f64, ratio: f64| {
            (-design.baseline_scale * ratio * model.cumulative_hazard(time)).exp()
        };
        let arm = |ratio: f64| 1.0 - s(2.0, ratio) / 3.0 - 2.0 * s(4.0, ratio) / 3.0;
        let by_hand = 40.0 * arm(1.0) + 20.0 * arm(2.0);
        assert!((model.expected_events(&design) - by_hand).abs() < 1e-9, "{by_hand}");
        assert!(model.scale_for(&design, 61.0).is_err(), "more events than subjects");
    }

    #[test]
    fn simulated_trials_have_the_expected_events_and_the_marginal_distributions() {
        let model = small();
        let design = design(&model);
        let (mut n_events, mut late, mut early) = (0_usize, [0_usize; 2], 0_usize);
        let simulations = 4_000;
        for number in 0..simulations {
            let trial = model.simulate(&design, 7, number);
            n_events += trial.event.iter().filter(|&&event| event).count();
            for (subject, (&time, &event)) in trial.time.iter().zip(&trial.event).enumerate() {
                let arm = usize::from(subject >= 40);
                // Nobody is censored before 2: survival there is that of the event times.
                late[arm] += usize::from(time >= 2.0);
                early += usize::from(time == 2.0 && !event);
            }
        }
        let trials = simulations as f64;
        // Five standard errors of each: once in two million runs of a sound simulator.
        let within = |what: &str, found: f64, share: f64, n: f64| {
            let error = (share * (1.0 - share) / n).sqrt();
            assert!((found - share).abs() < 5.0 * error, "{what}: {found} against {share}");
        };
        within("events", n_events as f64 / (60.0 * trials), 0.5, 60.0 * trials);
        for (arm, size, ratio) in [(0, 40.0, 1.0), (1, 20.0, 2.0)] {
            let share = (-design.baseline_scale * ratio * model.cumulative_hazard(2.0)).exp();
            within("survival at 2", late[arm] as f64 / (size * trials), share, size * trials);
        }
        let at_risk = (late[0] + late[1]) as f64;
        within("censored at 2 of those there", early as f64 / at_risk, 1.0 / 3.0, at_risk);
    }

    #[test]
    fn a_trial_is_a_function_of_seed_and_number_and_longer_follow_up_sees_more() {
        let model = small();
        let design = design(&model);
        let trial = model.simulate(&design, 7, 5);
        assert_eq!(trial, model.simulate(&design, 7, 5), "again");
        assert_ne!(trial, model.simulate(&design, 7, 6), "another number");
        assert_ne!(trial, model.simulate(&design, 8, 5), "another seed");
        assert_ne!(seed_of_trial(7, 5), seed_of_trial(7, 6), "and draws of their own");
        let longer = TrialDesign { follow_up_factor: 3.0, ..design };
        assert!(model.expected_events(&longer) > 45.0, "most fail in three times the time");
    }
}
