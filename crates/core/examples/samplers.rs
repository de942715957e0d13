//! How good samplers are at closed-form functions: one JSON line a study, as `tools/bench_samplers.py` reads them.
//!
//! ```text
//! cargo run --release -p focalsweep-core --example samplers [SEEDS [FIRST [TRIALS]]] > ours.jsonl
//! ```
//! Each function is searched by random, sobol and tpe, one point at a time, in tens, and in the space's default wave.
//! The regret is the best value found less the minimum; functions and minima are those of the script.

use std::f64::consts::{E, PI};
use std::io::Write;
use std::time::Instant;

use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::search::{
    Dimension, Domain, Law, Outcome, RandomSearch, Search, SearchSpace, SobolSearch, Told, TpeSearch, default_wave,
};

/// A function to be minimised.
struct Function {
    name: &'static str,
    dimensions: Vec<(&'static str, Domain)>,
    value: fn(&[f64]) -> f64,
    /// Standard deviation of a normal error of what is told.
    error: f64,
    minimum: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let seeds = numbers.next().transpose()?.unwrap_or(200);
    let first = numbers.next().transpose()?.unwrap_or(0);
    let trials = numbers.next().transpose()?.unwrap_or(100) as usize;
    let mut out = std::io::stdout().lock();
    for function in functions() {
        let dimension = |(name, domain): &(&str, Domain)| Dimension {
            name: (*name).to_owned(),
            domain: domain.clone(),
            shapes_stack: false,
        };
        let space = SearchSpace::new(vec![function.dimensions.iter().map(dimension).collect()])?;
        for batch in [1, 10, default_wave(&space, Some(trials))] {
            for sampler in ["random", "sobol", "tpe"] {
                for seed in first..first + seeds {
                    let mut search: Box<dyn Search> = match sampler {
                        "random" => Box::new(RandomSearch::new(space.clone(), seed)),
                        "sobol" => Box::new(SobolSearch::new(space.clone(), seed)?),
                        _ => Box::new(TpeSearch::new(space.clone(), seed)),
                    };
                    let start = Instant::now();
                    let regret = study(&function, &mut *search, batch, trials, seed);
                    let seconds = start.elapsed().as_secs_f64();
                    writeln!(
                        out,
                        "{{\"function\": \"{}\", \"sampler\": \"{sampler}\", \"batch\": {batch}, \"trials\": {trials}, \
                         \"seed\": {seed}, \"regret\": {regret}, \"seconds\": {seconds:.4}}}",
                        function.name
                    )?;
                }
            }
        }
    }
    Ok(())
}

/// The regret of the point that looks best.
fn study(function: &Function, search: &mut dyn Search, batch: usize, trials: usize, seed: u64) -> f64 {
    let mut errors = Stream::new(seed, 0, Purpose::Synth, 0, 0);
    let mut best = (f64::INFINITY, f64::INFINITY);
    let mut asked = 0;
    while asked < trials {
        let points = search.ask(batch.min(trials - asked));
        asked += points.len();
        let told = points.into_iter().map(|point| {
            let value = (function.value)(&point.values);
            let seen = if function.error > 0.0 { value + function.error * errors.normal() } else { value };
            if seen < best.0 {
                best = (seen, value);
            }
            Told { point, outcome: Outcome::One(seen) }
        });
        search.tell(&told.collect::<Vec<_>>());
    }
    best.1 - function.minimum
}

fn functions() -> Vec<Function> {
    let real = |min, max| Domain::Real(Law::Uniform { min, max });
    let log = |min, max| Domain::Real(Law::LogUniform { min, max });
    let plane = || vec![("x1", real(-5.0, 10.0)), ("x2", real(0.0, 15.0))];
    let names = ["x1", "x2", "x3", "x4", "x5", "x6"];
    vec![
        Function { name: "branin", dimensions: plane(), value: branin, error: 0.0, minimum: 0.397_887 },
        Function {
            name: "hartmann6",
            dimensions: names.map(|name| (name, real(0.0, 1.0))).to_vec(),
            value: hartmann6,
            error: 0.0,
            minimum: -3.322_37,
        },
        Function {
            name: "ackley_log",
            dimensions: names[..3].iter().map(|&name| (name, log(1e-5, 1.0))).collect(),
            value: ackley_log,
            error: 0.0,
            minimum: 0.0,
        },
        Function {
            name: "mixed",
            dimensions: vec![
                ("c", Domain::Choices { count: 3, probabilities: None }),
                ("x", real(0.0, 1.0)),
                ("n", Domain::Integer { min: 1, max: 64, log: false }),
                ("lr", log(1e-4, 1e-1)),
            ],
            value: mixed,
            error: 0.0,
            minimum: 0.0,
        },
        Function { name: "noisy", dimensions: plane(), value: |x| branin(x) / 10.0, error: 0.5, minimum: 0.039_788_7 },
    ]
}

fn branin(x: &[f64]) -> f64 {
    let bent = x[1] - 5.1 / (4.0 * PI * PI) * x[0] * x[0] + 5.0 / PI * x[0] - 6.0;
    bent * bent + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x[0].cos() + 10.0
}

fn hartmann6(x: &[f64]) -> f64 {
    const C: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [1312.0, 1696.0, 5569.0, 124.0, 8283.0, 5886.0],
        [2329.0, 4135.0, 8307.0, 3736.0, 1004.0, 9991.0],
        [2348.0, 1451.0, 3522.0, 2883.0, 3047.0, 6650.0],
        [4047.0, 8828.0, 8732.0, 5743.0, 1091.0, 381.0],
    ];
    let away = |i: usize| (0..6).map(|j| A[i][j] * (x[j] - 1e-4 * P[i][j]).powi(2)).sum::<f64>();
    -(0..4).map(|i| C[i] * (-away(i)).exp()).sum::<f64>()
}

fn ackley_log(x: &[f64]) -> f64 {
    let z: Vec<f64> = x.iter().map(|x| x.log10() + 3.0).collect();
    let mean = |of: &dyn Fn(f64) -> f64| z.iter().map(|&z| of(z)).sum::<f64>() / z.len() as f64;
    -20.0 * (-0.2 * mean(&|z| z * z).sqrt()).exp() - mean(&|z| (2.0 * PI * z).cos()).exp() + 20.0 + E
}

fn mixed(x: &[f64]) -> f64 {
    let choice = [0.2, 0.1, 0.0][x[0] as usize];
    choice + (x[1] - 0.3).powi(2) + (x[2].log2() - 4.0).powi(2) / 36.0 + (x[3].log10() + 2.5).powi(2) / 4.0
}
