//! Gauss rules: Hermite for the random effects, Legendre for the time under the hazard.

use std::f64::consts::PI;

/// A rule on the whole line: the sum of `weights[k] f(nodes[k])` is the integral of f, exact where f
/// is exp(-x^2) times a polynomial of degree below twice the number of nodes.
///
/// The weights are those of Gauss and Hermite times exp(x^2): they stay near 1 however far a node
/// lies out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) nodes: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

/// The rule of Gauss and Hermite with `n` >= 1 nodes.
///
/// # Source
/// Nodes by Newton's method on the orthonormal Hermite functions, started from the largest node
/// inwards; weights by Christoffel's formula, 1 / (sum of the squared functions), which adds positive
/// terms only.
pub(super) fn gauss_hermite(n: usize) -> Rule {
    let mut nodes = vec![0.0; n];
    let mut weights = vec![0.0; n];
    let bound = (2.0 * n as f64 + 1.0).sqrt();
    // the sign of the n-th function changes once between neighbours of a fine enough grid: nodes lie
    // no closer than about pi / bound
    let step = 0.2 / bound;
    let mut found = Vec::with_capacity(n);
    let mut x = bound + 4.0 * step;
    let mut here = hermite_functions(n, x).0;
    while found.len() < n.div_ceil(2) {
        let next = x - step;
        let value = hermite_functions(n, next).0;
        if here * value <= 0.0 {
            found.push(bisect_then_newton(n, next, x));
        }
        (x, here) = (next, value);
    }
    for (k, &node) in found.iter().enumerate() {
        let node = if n % 2 == 1 && k + 1 == found.len() { 0.0 } else { node };
        let weight = 1.0 / hermite_functions(n, node).1;
        (nodes[n - 1 - k], weights[n - 1 - k]) = (node, weight);
        (nodes[k], weights[k]) = (-node, weight);
    }
    Rule { nodes, weights }
}

/// The n-th orthonormal Hermite function at `x`, and the sum of squares of those before it.
fn hermite_functions(n: usize, x: f64) -> (f64, f64) {
    let mut before = 0.0;
    let mut here = PI.powf(-0.25) * (-0.5 * x * x).exp();
    let mut squares = 0.0;
    for k in 0..n {
        squares += here * here;
        let next = x * (2.0 / (k as f64 + 1.0)).sqrt() * here
            - (k as f64 / (k as f64 + 1.0)).sqrt() * before;
        (before, here) = (here, next);
    }
    (here, squares)
}

/// The zero of the n-th Hermite function in `[low, high]`.
fn bisect_then_newton(n: usize, mut low: f64, mut high: f64) -> f64 {
    let sign = hermite_functions(n, low).0.signum();
    // 60 halvings of a step below 1 end at the last bit
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if hermite_functions(n, middle).0.signum() == sign {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Gauss and Legendre's rule with `n` >= 1 nodes on [0, 1].
///
/// # Source
/// Newton's method on the Legendre polynomial from cos(pi (k + 3/4) / (n + 1/2)).
pub(super) fn gauss_legendre(n: usize) -> Rule {
    let mut nodes = vec![0.0; n];
    let mut weights = vec![0.0; n];
    for k in 0..n {
        let mut x = (PI * (k as f64 + 0.75) / (n as f64 + 0.5)).cos();
        // the start is good to 1e-2 or better, so that four steps reach the last bit
        for _ in 0..6 {
            let (value, slope) = legendre(n, x);
            x -= value / slope;
        }
        let slope = legendre(n, x).1;
        nodes[n - 1 - k] = 0.5 + 0.5 * x;
        weights[n - 1 - k] = 1.0 / ((1.0 - x * x) * slope * slope);
    }
    Rule { nodes, weights }
}

/// The n-th Legendre polynomial and its slope at `x` in (-1, 1).
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut here) = (0.0, 1.0);
    for k in 0..n {
        let k = k as f64;
        let next = ((2.0 * k + 1.0) * x * here - k * before) / (k + 1.0);
        (before, here) = (here, next);
    }
    let slope = n as f64 * (x * here - before) / (x * x - 1.0);
    (here, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hermite_rules_are_exact_for_moments_of_the_normal_curve() {
        for n in [1, 2, 3, 5, 9, 15, 25, 41, 64] {
            let rule = gauss_hermite(n);
            // integral of x^(2k) exp(-x^2) = gamma(k + 1/2)
            let mut expected = PI.sqrt();
            for k in 0..n.min(8) {
                let sum: f64 = rule
                    .nodes
                    .iter()
                    .zip(&rule.weights)
                    .map(|(x, w)| w * (-x * x).exp() * x.powi(2 * k as i32))
                    .sum();
                assert!((sum / expected - 1.0).abs() < 1e-12, "{n} nodes, x^{}: {sum}", 2 * k);
                expected *= k as f64 + 0.5;
            }
            assert!(rule.nodes.windows(2).all(|pair| pair[0] < pair[1]), "{n}: {:?}", rule.nodes);
        }
    }

    #[test]
    fn legendre_rules_are_exact_for_powers() {
        for n in [1, 2, 4, 8, 16, 33] {
            let rule = gauss_legendre(n);
            for power in 0..2 * n {
                let sum: f64 = rule
                    .nodes
                    .iter()
                    .zip(&rule.weights)
                    .map(|(x, w)| w * x.powi(power as i32))
                    .sum();
                let expected = 1.0 / (power as f64 + 1.0);
                assert!((sum - expected).abs() < 1e-14, "{n} nodes, x^{power}: {sum}");
            }
        }
    }
}
