//! A sweep from Rust: a spec, a run, the winner. `cargo run --release --example sweep [FOLDER]`.

#![expect(clippy::print_stdout, reason = "an example that prints its answer")]

use std::error::Error;
use std::path::Path;

use focalsweep::run::{Quiet, RunOptions, Sweep};
use focalsweep_core::spec;
use focalsweep_engine::job::Stop;
use focalsweep_report::{self as report, Options};

/// Four settings of focal loss on made-up rows, trained twice each in `folder`; the best of them, and its AUC there.
pub fn winner(folder: &Path) -> Result<(String, f64), Box<dyn Error>> {
    let source = serde_json::to_string(&folder.join("rows.parquet"))?;
    let text = format!(
        "name: example\n\
         data: {{source: {source}, synth: {{rows: 5000, features: 8, positives: 150}}, label: Class}}\n\
         replicates: 2\n\
         train: {{epochs: 20, batch_size: 256, early_stopping: none}}\n\
         parameters: {{loss: {{value: focal}}, alpha: {{values: [0.25, 0.75]}}, gamma: {{values: [0, 2]}}}}\n"
    );
    let spec = spec::parse("example", &text)?;
    let options = Options::from(spec.rank.clone());
    let sweep = Sweep::new(spec, RunOptions { out: Some(folder.join("run")), resume: true, ..RunOptions::default() })?;
    // Another thread may raise the flag; what had ended by then is saved.
    let outcome = sweep.run(&Stop::default(), &mut Quiet)?;
    let results = report::read(&report::run_files(&outcome.root)?)?;
    let ranking = report::rank(&results, &options)?;
    let best = ranking.winner().ok_or("no trial finished")?;
    let value = |name: &str| ranking.parameter(best, name).map_or_else(|| "–".to_owned(), ToString::to_string);
    let auc = ranking.mean(best, "val_auc").ok_or("no AUC")?;
    Ok((format!("alpha {}, gamma {}", value("alpha"), value("gamma")), auc))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "runs/example".to_owned());
    std::fs::create_dir_all(&folder)?;
    let (settings, auc) = winner(Path::new(&folder))?;
    println!("{settings}: validation AUC {auc:.4}");
    Ok(())
}
