//! `plan`: what would run.

use std::process::ExitCode;

use serde_json::json;

use super::spec::{closed, read, trials_in_words};
use crate::cli::{PlanArgs, PlanFormat};
use crate::output::{self, Failure};
use crate::progress::DownloadBar;
use crate::run::Workload;
use focalsweep_core::spec::{Devices, Launcher, Spec};
use focalsweep_report::thousands;

pub(super) fn plan(args: &PlanArgs) -> Result<ExitCode, Failure> {
    let mut spec = read(&args.spec)?;
    if let Some(devices) = &args.devices {
        spec.launch.devices = Devices::Word(devices.clone());
    }
    let workload = Workload::preview(&spec, spec.launch.launcher == Launcher::Slurm, &mut DownloadBar::new(false))?;
    show(&spec, &workload, args.format)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(spec: &Spec, workload: &Workload, format: PlanFormat) -> Result<(), Failure> {
    let Workload { trials, plan, replicates, pool, sizes, .. } = workload;
    // Plain cross-entropy may come to the best trials.
    let confirm = spec.confirm.map(|confirm| (plan.trials.min(confirm.trials as usize + 1), confirm.replicates));
    let of_each = if spec.confirm.is_some_and(|confirm| confirm.methods) { " and the best of each method" } else { "" };
    let then = confirm
        .map(|(trials, replicates)| format!("at most {trials} trials{of_each} x {replicates} replicates to confirm"));
    let memory = plan.memory(trials, sizes);
    // Of the replicates that were prepared, for all.
    let prepared: u64 = replicates.iter().map(|r| 4 * (sizes.rows * r.features.len()) as u64).sum();
    let all = u64::from(plan.replicates) + confirm.map_or(0, |(_, replicates)| u64::from(replicates));
    let data = prepared.saturating_mul(all) / replicates.len().max(1) as u64;
    let text = match format {
        PlanFormat::Json => {
            let jobs: Vec<_> = plan.jobs.iter().map(|job| json!(job)).collect();
            let value = json!({
                "name": spec.name, "method": spec.method, "run_cap": spec.run_cap, "trials": plan.trials,
                "replicates": plan.replicates, "rows": plan.rows(),
                "workers": sizes.workers,
                "shapes": trials.groups().len(), "largest_stack": plan.largest_stack(), "memory_bytes": memory,
                "data_bytes": data, "jobs": jobs, "confirm": spec.confirm,
            });
            format!("{value:#}")
        }
        PlanFormat::Table => {
            let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
            let names: Vec<String> =
                pool.iter().map(|device| format!("{} x {}, {}", device.slots, device.name(), device.model)).collect();
            let how_many = match trials_in_words(spec, plan.trials) {
                (_, by) if by.is_empty() => thousands(plan.trials),
                (count, by) => count + &by,
            };
            // What is asked for later, nobody knows yet.
            let rows = if spec.method.draws() { "rows at first" } else { "rows of results" };
            let names = if names.is_empty() { "on the cluster".to_owned() } else { names.join("; ") };
            let of_commands = plan.jobs.iter().filter(|job| trials.is_of_command(job.first)).count();
            let commands = if of_commands == 0 {
                String::new()
            } else {
                format!("{} of the jobs, each one trial by itself", thousands(of_commands))
            };
            let mut lines = vec![
                ("sweep", spec.name.clone()),
                ("trials", how_many),
                ("replicates", plan.replicates.to_string()),
                (rows, thousands(plan.rows())),
                ("shapes", format!("{} (trials of one shape share a stack)", trials.groups().len())),
                ("jobs", format!("{} stacks of at most {} trials", thousands(plan.jobs.len()), plan.largest_stack())),
                ("workers", format!("{} ({names})", sizes.workers)),
                ("training", workload.describe_schedules(spec)),
                ("commands", commands),
                (
                    "memory",
                    format!("{} for the data, about {} for the stacks that run at once", mib(data), mib(memory)),
                ),
            ];
            lines.retain(|(_, line)| !line.is_empty());
            lines.extend(then.map(|then| ("then", then)));
            lines.iter().map(|(key, value)| format!("{key:<16} {value}\n")).collect()
        }
    };
    output::data(&text).map_err(closed)
}
