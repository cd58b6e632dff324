//! The `survive` document as the report reads it.

use super::survive_document as written;
use crate::report;

impl From<&written::SurviveDocument> for report::SurviveDocument {
    /// What the report needs of a document still in memory; the same as writing it to JSON and
    /// reading it back, with weighted counts rounded.
    fn from(document: &written::SurviveDocument) -> Self {
        let mut read = document.without_curves();
        for (group, block) in read.groups.iter_mut().zip(&document.groups) {
            group.curve = block.curve.rows().map(point).collect();
        }
        read
    }
}

impl written::SurviveDocument {
    /// What tables and sentences need: the report's document without the rows of the curves.
    pub fn without_curves(&self) -> report::SurviveDocument {
        let document = self;
        report::SurviveDocument {
            n: document.n as u64,
            n_events: document.n_events as u64,
            n_dropped: document.n_dropped as u64,
            conf_level: document.conf_level,
            conf_type: document.conf_type.clone(),
            follow_up: Some(median(document.follow_up)),
            groups: document.groups.iter().map(group).collect(),
            logrank: document.logrank.map(|test| report::LogRank {
                rho: test.rho,
                chisq: Some(test.chisq),
                df: test.df as f64,
                p: test.p,
            }),
            rmst_difference: document.rmst_difference.map(|difference| report::RmstDifference {
                tau: difference.tau,
                estimate: Some(difference.estimate),
                std_err: Some(difference.std_err),
                lower: Some(difference.lower),
                upper: Some(difference.upper),
                p: difference.p,
            }),
            cox: document.cox.as_ref().map(cox),
            ph_test: document.ph_test.as_ref().map(ph_test),
            firth: document
                .firth
                .as_ref()
                .map(|firth| report::Firth { terms: firth.terms.iter().map(firth_term).collect() }),
        }
    }
}

fn median(block: written::MedianBlock) -> report::Median {
    report::Median { median: block.median, lower: block.lower, upper: block.upper }
}

fn point(row: written::CurveRow) -> report::CurvePoint {
    let count = |weighted: f64| weighted.round() as u64;
    report::CurvePoint {
        time: row.time,
        n_at_risk: count(row.n_at_risk),
        n_events: count(row.n_events),
        n_censored: count(row.n_censored),
        survival: row.survival,
        std_err: row.std_err,
        lower: row.lower,
        upper: row.upper,
    }
}

fn group(block: &written::GroupBlock) -> report::Group {
    report::Group {
        level: block.level.clone(),
        n: block.n as u64,
        n_events: block.n_events as u64,
        median: report::Median { median: block.median, lower: block.lower, upper: block.upper },
        rmst: block.rmst.map(|rmst| report::Rmst {
            tau: rmst.tau,
            estimate: Some(rmst.estimate),
            std_err: Some(rmst.std_err),
        }),
        curve: Vec::new(),
    }
}

fn chi_squared(test: written::ChiSquareBlock) -> report::ChiSquared {
    report::ChiSquared { chisq: test.chisq, df: test.df as f64, p: test.p }
}

fn cox(block: &written::CoxBlock) -> report::Cox {
    let term = |term: &written::CoxTermBlock| report::Term {
        name: term.name.clone(),
        coef: term.coef,
        se: term.se,
        z: term.z,
        p: term.p,
        hazard_ratio: term.hazard_ratio,
        lower: term.lower,
        upper: term.upper,
        limit: term.limit.clone(),
    };
    report::Cox {
        ties: block.ties.clone(),
        n: block.n as u64,
        n_events: block.n_events as u64,
        status: block.status.clone(),
        terms: block.terms.iter().map(term).collect(),
        tests: report::CoxTests {
            likelihood_ratio: block.tests.likelihood_ratio.map(chi_squared),
            wald: block.tests.wald.map(chi_squared),
            score: block.tests.score.map(chi_squared),
        },
        concordance: Some(report::Concordance {
            estimate: block.concordance.estimate,
            std_err: block.concordance.std_err,
        }),
    }
}

fn ph_test(block: &written::PhTestBlock) -> report::PhTest {
    let term = |term: &written::PhTermBlock| report::PhTerm {
        name: term.name.clone(),
        test: report::ChiSquared { chisq: term.chisq, df: term.df as f64, p: term.p },
    };
    report::PhTest {
        transform: block.transform.clone(),
        terms: block.terms.iter().map(term).collect(),
        global: Some(chi_squared(block.global)),
    }
}

fn firth_term(term: &written::FirthTermBlock) -> report::Term {
    report::Term {
        name: term.name.clone(),
        coef: term.coef,
        se: term.se,
        z: None,
        p: term.p,
        hazard_ratio: term.hazard_ratio,
        lower: term.lower,
        upper: term.upper,
        limit: None,
    }
}
