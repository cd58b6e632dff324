//! What the host prepares: subjects once, parameter vectors in batches.

use super::{BEYOND, MOST_STEPS, Subject, Uniforms};
use crate::Error;
use crate::joint::{JointData, JointModel, JointOptions, LikelihoodTable};

/// Words that a vector load may read past the last parameter vector: the widest lanes.
const PADDING: usize = 16;

/// Words of a parameter vector before its fixed effects: six effects and their changes, two scales.
pub(super) const HEAD: usize = 14;

/// Words of a visit or a time of the hazard before its design or basis.
pub(super) const ROW_HEAD: usize = 3;

/// Largest word of a parameter vector; beyond, squares would leave the range of singles.
const LARGEST: f64 = 1e9;

/// A joint model with its data, ready for any parameter vectors near a reference.
#[derive(Clone, Debug)]
pub struct Plan {
    table: LikelihoodTable,
    /// `[n_subjects]`
    pub(super) subjects: Vec<Subject>,
    /// Nodes (times the root of 2) and weights of the first random effect, of the second; then what
    /// the subjects point to.
    pub(super) numbers: Vec<f32>,
    /// `first`, `n_contributions`, `n_points` and both strides are 0.
    pub(super) sizes: Uniforms,
}

/// Parameter vectors as the kernel takes them.
#[derive(Clone, Debug)]
pub struct Points {
    n: usize,
    /// Words between two parameters.
    pub(super) stride: usize,
    /// `[n_words x stride]`
    pub(super) words: Vec<f32>,
}

impl Points {
    /// Number of parameter vectors.
    pub fn len(&self) -> usize {
        self.n
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// `[n_words x stride]`, the words of a vector a column.
    pub fn words(&self) -> &[f32] {
        &self.words
    }
}

impl Plan {
    /// Of `data` about `reference`, a parameter vector in the order of the fit's. `None` for the
    /// negative binomial, which stays with the host.
    ///
    /// # Errors
    /// As [`LikelihoodTable::new`].
    pub fn new(
        model: &JointModel,
        data: &JointData,
        options: &JointOptions,
        reference: &[f64],
    ) -> Result<Option<Self>, Error> {
        Ok(LikelihoodTable::new(model, data, options, reference)?.map(Self::of))
    }

    fn of(table: LikelihoodTable) -> Self {
        let one = (vec![0.0], vec![1.0]);
        let (nodes, weights) = table.rule();
        let scaled: Vec<f64> = nodes.iter().map(|z| std::f64::consts::SQRT_2 * z).collect();
        let (outer_nodes, outer_weights) =
            if table.n_effects() == 2 { (scaled.clone(), weights.to_vec()) } else { one };
        let singles = |values: &[f64]| -> Vec<f32> { values.iter().map(|&x| x as f32).collect() };
        let rules = [&scaled, weights, &outer_nodes, &outer_weights];
        let mut numbers: Vec<f32> = rules.into_iter().flat_map(singles).collect();
        let mut subjects = Vec::with_capacity(table.n_subjects());
        for subject in table.subjects() {
            let visits = numbers.len() as u32;
            for visit in &subject.visits {
                numbers.extend(singles(&[visit.time, visit.residual, visit.mean]));
                numbers.extend(singles(&visit.design));
            }
            let nodes = numbers.len() as u32;
            for node in &subject.nodes {
                numbers.extend(singles(&[node.time, node.log_mass, node.first as f64]));
                numbers.extend(singles(&node.basis));
                for (value, design) in &node.links {
                    numbers.push(*value as f32);
                    numbers.extend(singles(design));
                }
            }
            subjects.push(Subject {
                visits,
                n_visits: subject.visits.len() as u32,
                nodes,
                n_nodes: subject.nodes.len() as u32 - 1,
                covariates: numbers.len() as u32,
                event: f32::from(u8::from(subject.event)),
                mode_0: subject.mode[0] as f32,
                mode_1: subject.mode[1] as f32,
            });
            numbers.extend(singles(&subject.covariates));
        }
        let first = &table.subjects()[0];
        let timed = table.has_timed_slope();
        let most = |of: fn(&Subject) -> u32| subjects.iter().map(of).max().unwrap_or(0);
        let sizes = Uniforms {
            n_fixed: first.visits.first().map_or(0, |visit| visit.design.len()) as u32,
            n_covariates: first.covariates.len() as u32,
            n_links: first.nodes[0].links.len() as u32,
            basis_width: first.nodes[0].basis.len() as u32,
            n_outer: outer_nodes.len() as u32,
            n_inner: scaled.len() as u32,
            poisson: u32::from(table.is_poisson()),
            timed: u32::from(timed),
            most_visits: most(|subject| subject.n_visits),
            most_masses: if timed { most(|subject| subject.n_nodes) } else { 1 },
            ..bytemuck::Zeroable::zeroed()
        };
        Self { table, subjects, numbers, sizes }
    }

    /// The likelihood in `f64`.
    pub fn table(&self) -> &LikelihoodTable {
        &self.table
    }

    /// Number of subjects.
    pub fn n_subjects(&self) -> usize {
        self.subjects.len()
    }

    /// What is to be added to the contributions of each subject `[n_subjects]`.
    pub fn constants(&self) -> Vec<f64> {
        self.table.subjects().iter().map(|subject| subject.base).collect()
    }

    /// Where the numbers of each subject lie `[n_subjects]`.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// Rules and data of the subjects.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// Parameter vectors `[n_parameters]` each, for the kernel. A vector with a word out of the range
    /// of singles makes every contribution [`BEYOND`].
    ///
    /// # Panics
    /// A vector of another length.
    pub fn points<'a>(&self, thetas: impl IntoIterator<Item = &'a [f64]>) -> Points {
        let vectors: Vec<Vec<f32>> =
            thetas.into_iter().map(|theta| self.point_words(theta)).collect();
        let (n, stride) = (vectors.len(), vectors.len() + PADDING);
        let n_words = vectors.first().map_or(0, Vec::len);
        let mut words = vec![0.0; n_words * stride];
        for (k, vector) in vectors.iter().enumerate() {
            for (word, &value) in vector.iter().enumerate() {
                words[word * stride + k] = value;
            }
        }
        Points { n, stride, words }
    }

    fn point_words(&self, theta: &[f64]) -> Vec<f32> {
        assert_eq!(theta.len(), self.table.n_parameters(), "parameters of a vector");
        let point = self.table.point(theta);
        let mut words = Vec::new();
        for effects in [point.effects, point.change] {
            words.extend(effects.marker);
            words.extend(effects.hazard);
        }
        words.extend([point.inverse_scale, point.log_scale]);
        words.extend(&point.fixed);
        words.extend(&point.covariates);
        words.extend(point.links.iter().flat_map(|&(coefficient, change)| [coefficient, change]));
        words.extend(&point.baseline);
        // an inverse scale of 0 is no model's: the kernel gives up on it
        let fits = words.iter().all(|word| word.abs() <= LARGEST);
        words.iter().map(|&word| if fits { word as f32 } else { 0.0 }).collect()
    }

    /// The uniforms of a dispatch of `n` contributions from `first`, a scratch column each.
    pub fn uniforms(&self, points: &Points, first: u32, n: u32) -> Uniforms {
        Uniforms {
            first,
            n_contributions: n,
            n_points: points.len() as u32,
            point_stride: points.stride as u32,
            stride: n,
            ..self.sizes
        }
    }

    /// Words of scratch a contribution.
    pub fn n_scratch(&self) -> usize {
        let Uniforms { most_visits, most_masses, n_inner, .. } = self.sizes;
        (2 * most_visits + most_masses + 2 * n_inner) as usize
    }

    /// Turns of all loops of an invocation at most.
    pub fn most_turns(&self) -> u64 {
        let sizes = &self.sizes;
        let [visits, masses, inner, outer] =
            [sizes.most_visits, sizes.most_masses, sizes.n_inner, sizes.n_outer].map(u64::from);
        let [fixed, links, width] =
            [sizes.n_fixed, sizes.n_links, sizes.basis_width].map(u64::from);
        let nodes = self.subjects.iter().map(|subject| u64::from(subject.n_nodes) + 1).max();
        let begin = visits * (1 + fixed)
            + nodes.unwrap_or(0) * (1 + width + links * (1 + fixed))
            + masses
            + u64::from(sizes.n_covariates);
        let evaluations = u64::from(MOST_STEPS + 3) * (1 + visits + masses);
        begin + evaluations + inner + visits + outer * (1 + visits + masses + inner)
    }

    /// Log likelihood of each parameter vector: the sum over subjects of `weights` `[n_subjects]` (1
    /// each without) times the contributions, `[n_subjects x n_points]`, parameter vectors fastest.
    /// `None` where a subject that counts has a contribution [`BEYOND`] singles, or one never written.
    pub fn log_likelihoods(
        &self,
        contributions: &[f32],
        weights: Option<&[f64]>,
    ) -> Vec<Option<f64>> {
        let n_points = contributions.len() / self.n_subjects();
        let mut sums = vec![Some(0.0); n_points];
        let rows = self.table.subjects().iter().zip(contributions.chunks_exact(n_points.max(1)));
        for (i, (subject, row)) in rows.enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[i]);
            if weight == 0.0 {
                continue;
            }
            for (sum, &contribution) in sums.iter_mut().zip(row) {
                let is_known = contribution > BEYOND;
                *sum = sum
                    .filter(|_| is_known)
                    .map(|sum| sum + weight * (subject.base + f64::from(contribution)));
            }
        }
        sums
    }
}
