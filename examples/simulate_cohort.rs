//! Writes a simulated cohort as CSV to standard output, the same bytes for the same arguments:
//! `cargo run --release --example simulate_cohort -- ROWS COVARIATES [days] [entry] [columns] > c.csv`.
//!
//! Times follow an exponential proportional-hazards model, about 60 % of the rows end in an event.
//! Numbers are written in full. `days` rounds times up to whole days within 2000; `entry` adds late
//! entries; `columns` adds `id`, `arm` (5 levels), `site` (20) and `patient` (ROWS / 10).

use std::io::{BufWriter, Write};

use herscope::numeric::philox::{key_of_seed, philox4x32};

const SEED: u64 = 20_261_124;

/// True log hazard ratios, in turn.
const COEFS: [f64; 5] = [0.5, -0.3, 0.2, 0.1, -0.4];

/// Draws `which` (0 to 3) of block `block` of row `row`, uniform in (0, 1).
fn uniform(row: usize, block: u32, which: usize) -> f64 {
    let words = philox4x32(key_of_seed(SEED), [row as u32, 0, block, 0]);
    (f64::from(words[which]) + 0.5) / 4_294_967_296.0
}

/// Covariate `k` of a row: mostly normal numbers, the second 0 or 1, the fourth a count.
fn covariate(row: usize, k: usize) -> f64 {
    let block = 1 + k as u32;
    let (u, v) = (uniform(row, block, 0), uniform(row, block, 1));
    match k % 5 {
        1 => f64::from(u8::from(u < 0.4)),
        3 => (u * 6.0).floor(),
        _ => (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos(),
    }
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| arguments.get(i).and_then(|text| text.parse::<usize>().ok());
    let (Some(n), Some(p)) = (number(0), number(1)) else {
        return Err(std::io::Error::other("give ROWS and COVARIATES"));
    };
    let with = |word: &str| arguments.iter().any(|argument| argument == word);
    let (days, entry, columns) = (with("days"), with("entry"), with("columns"));

    let mut out = BufWriter::new(std::io::stdout().lock());
    write!(out, "time,event")?;
    (1..=p).try_for_each(|k| write!(out, ",x{k}"))?;
    write!(out, "{}", if entry { ",entry" } else { "" })?;
    writeln!(out, "{}", if columns { ",id,arm,site,patient" } else { "" })?;
    for row in 0..n {
        let x: Vec<f64> = (0..p).map(|k| covariate(row, k)).collect();
        let log_hazard: f64 = x.iter().zip(COEFS.iter().cycle()).map(|(x, b)| x * b).sum();
        let failure = -uniform(row, 0, 0).ln() * 20.0 / log_hazard.exp();
        let censoring = -uniform(row, 0, 1).ln() * 30.0;
        let mut time = failure.min(censoring);
        let mut begin = time * uniform(row, 0, 2) * 0.5;
        if days {
            time = (time * 30.0).ceil().min(2000.0);
            begin = (begin * 30.0).floor().min(time - 1.0);
        }
        write!(out, "{time},{}", u8::from(failure <= censoring))?;
        x.iter().try_for_each(|x| write!(out, ",{x}"))?;
        if entry {
            write!(out, ",{begin}")?;
        }
        if columns {
            let part = |which: usize, of: usize| (uniform(row, 0xC0, which) * of as f64) as usize;
            let (arm, site) = (part(0, 5), part(1, 20));
            let patient = part(2, (n / 10).max(1));
            write!(out, ",S{row},arm {arm},site {site},P{patient}")?;
        }
        writeln!(out)?;
    }
    out.flush()
}
