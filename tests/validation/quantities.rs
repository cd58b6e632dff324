//! What is compared, how near it must come, and why some of it cannot come nearer.

/// How a quantity comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// By a formula: only rounding differs.
    ClosedForm,
    /// At the end of an iteration: the stopping rules of both sides differ.
    Converged,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClosedForm => "closed form",
            Self::Converged => "converged",
        }
    }
}

/// A quantity of the page.
#[derive(Debug)]
pub(crate) struct Quantity {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Largest relative difference allowed.
    pub(crate) relative: f64,
    /// A difference up to this counts as none: R's zeros are residues of rounding.
    pub(crate) floor: f64,
    /// Why `relative` is larger than [`GOAL`].
    pub(crate) why: Option<&'static str>,
}

/// The goal for every value, relative.
pub(crate) const GOAL: f64 = 1e-9;

/// Rounding of sums and differences of numbers of order one.
const ROUNDING: f64 = 1e-12;

const fn closed(name: &'static str) -> Quantity {
    Quantity { name, kind: Kind::ClosedForm, relative: GOAL, floor: ROUNDING, why: None }
}

const fn converged(name: &'static str) -> Quantity {
    Quantity { name, kind: Kind::Converged, relative: GOAL, floor: 1e-10, why: None }
}

/// p-values may be tiny: no absolute floor.
const fn p_value(name: &'static str, kind: Kind) -> Quantity {
    Quantity { name, kind, relative: GOAL, floor: 0.0, why: None }
}

const fn loose(quantity: Quantity, relative: f64, why: &'static str) -> Quantity {
    Quantity { relative, why: Some(why), ..quantity }
}

macro_rules! quantities {
    ($($id:ident = $value:expr;)*) => {
        $(pub(crate) static $id: Quantity = $value;)*
        /// In the order of the page.
        pub(crate) static ALL: &[&Quantity] = &[$(&$id),*];
    };
}

const OPTIMISER: &str = "the sets' own penalised likelihood was maximised by a general optimiser, \
                         whose stop leaves up to 2e-7 in a coefficient; coxphf, below, agrees to 1e-9";

quantities! {
    COUNTS = closed("counts of rows, events, at risk, censored");
    KM_SURVIVAL = closed("Kaplan-Meier survival");
    KM_STD_ERR = closed("Kaplan-Meier standard errors");
    KM_LIMITS = closed("Kaplan-Meier limits");
    KM_QUANTILES = closed("Kaplan-Meier median and quartiles with limits");
    FOLLOW_UP = closed("median follow-up with limits");
    LOGRANK = closed("log-rank and G-rho observed, expected, variance, chi-square");
    LOGRANK_P = p_value("log-rank and G-rho p", Kind::ClosedForm);
    RMST = closed("restricted means, differences, ratios");
    COX_NULL = closed("Cox log likelihood at zero");
    COX_SCORE = closed("Cox score test");
    COX_SCORE_P = p_value("Cox score test p", Kind::ClosedForm);
    COX_LOGLIK = converged("Cox log likelihood, likelihood-ratio test");
    COX_LIMIT = loose(
        converged("Cox log likelihood in the limit of a monotone term"),
        1e-8,
        "R's value is where its iteration stopped on the way to infinity"
    );
    COX_ESTIMATE = converged("Cox coefficients, z, hazard ratios with limits");
    COX_VARIANCE = converged("Cox standard errors and covariances");
    COX_WALD = converged("Cox Wald tests");
    COX_P = p_value("Cox p of terms, likelihood-ratio and Wald tests", Kind::Converged);
    COX_NONE = closed("Cox values that do not exist: no finite maximum, not identified");
    CONCORDANCE = closed("concordance, its standard error and pair counts");
    PH_TEST = converged("proportional hazards tests");
    RESIDUALS = converged("martingale, deviance, score and Schoenfeld residuals");
    PREDICTED = converged("predicted cumulative hazard with standard error");
    FIRTH_ESTIMATE = loose(converged("Firth coefficients, standard errors, hazard ratios"), 5e-5, OPTIMISER);
    FIRTH_LIMITS = loose(converged("Firth profile limits"), 1e-7, OPTIMISER);
    FIRTH_P = loose(p_value("Firth p", Kind::Converged), 1e-8, OPTIMISER);
    FIRTH_LOGLIK = converged("Firth penalised log likelihood and test");
    COXPHF_ESTIMATE = converged("Firth by coxphf: estimates and limits");
    FISHER_P = p_value("Fisher p", Kind::ClosedForm);
    FISHER_ODDS = loose(
        converged("Fisher odds ratio and lower limit"),
        1e-4,
        "R finds them by a root search of width 1.2e-4; ours solve their equation to 1e-11 \
         (tests/association)"
    );
    FISHER_UPPER = loose(
        converged("Fisher upper limit"),
        1e-2,
        "as above, searched by R in the reciprocal: 621.93 where the equation gives 626.24"
    );
    CHI_SQUARED = closed("chi-square tests of tables");
    RANK_TESTS = closed("Wilcoxon, Kruskal-Wallis and correlation statistics");
    RANK_P = p_value("Wilcoxon, Kruskal-Wallis and correlation p", Kind::ClosedForm);
    SHIFT = closed("Hodges-Lehmann shift with limits");
    PROPORTIONS = closed("binomial tests and limits of proportions");
}
