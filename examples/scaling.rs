//! How a sweep would do on more devices and hosts: `cargo run --release --example scaling`.
//!
//! The planner and the scheduler are the real ones, the devices are on paper. What a stack costs comes from a measured
//! device: seconds of an epoch for a stack of one and for a stack of 49 trials (docs/performance.md); another device's
//! figures go in with the flags, so that its curve can be drawn without it.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "an example that prints a table")]

use focalsweep::launch::scheduler::{DeviceSlots, Task};
use focalsweep::launch::simulate::{Outcome, SimulatedDevice, simulate};
use focalsweep_core::plan::{Job, Plan, Sizes, Stacking, Trials};
use focalsweep_core::spec;

/// Seconds that a task takes to start on another host: a scheduler hands it out, the program loads libtorch (0.45 s)
/// and maps the data.
const START: f64 = 1.0;
const EPOCHS: f64 = 100.0;

/// alphas x gammas trials.
fn plan(alphas: u32, gammas: u32, workers: usize, stacking: Stacking) -> (Plan, usize) {
    let text = format!(
        "name: t\ndata: {{source: d.csv, label: y}}\nparameters: {{loss: {{value: focal}}, \
         alpha: {{min: 0.1, max: 0.9, count: {alphas}}}, gamma: {{min: 0, max: 5, count: {gammas}}}}}"
    );
    let trials = Trials::new(&spec::parse("scaling", &text).expect("a good spec")).expect("not too many");
    let sizes = Sizes { features: 10, rows: 286_048, workers, memory: u64::MAX, stacking };
    (Plan::new(&trials, 1, &sizes), trials.len())
}

/// What the measured device takes: seconds of a stack for itself and for each trial.
#[derive(Clone, Copy)]
struct Costs {
    stack: f64,
    trial: f64,
}

fn run(trials: (u32, u32), devices: &[SimulatedDevice], start: f64, costs: Costs) -> (Outcome, usize) {
    let stacking = if costs.stack / costs.trial > 16.0 { Stacking::GPU } else { Stacking::CORE };
    let (plan, count) = plan(trials.0, trials.1, devices.iter().map(|device| device.slots.slots).sum(), stacking);
    let tasks: Vec<Task> = plan.jobs.into_iter().map(|job| Task::new(job, costs.trial)).collect();
    let expected = |job: &Job| Task::new(job.clone(), costs.trial).cost(stacking.overhead);
    let real = |job: &Job| start + costs.stack + costs.trial * job.count as f64;
    (simulate(devices, stacking.overhead, tasks, |job| real(job) / expected(job)), count)
}

fn pool(hosts: usize, slots: usize) -> Vec<SimulatedDevice> {
    let device = |at: usize| SimulatedDevice {
        slots: DeviceSlots { name: format!("device {at}"), model: "one model".into(), slots },
        speed: 1.0,
        memory: f64::INFINITY,
        dies_at: None,
    };
    (0..hosts).map(device).collect()
}

fn seconds(value: f64) -> String {
    match value {
        v if v < 60.0 => format!("{v:.1} s"),
        v if v < 3600.0 => format!("{:.1} min", v / 60.0),
        v => format!("{:.1} h", v / 3600.0),
    }
}

fn main() {
    let figures: Vec<f64> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let (one, many) = match figures[..] {
        [one, many] => (one, many),
        _ => (0.0145, 0.135),
    };
    let trial = EPOCHS * (many - one) / 48.0;
    let costs = Costs { stack: EPOCHS * one - trial, trial };
    println!(
        "one epoch: {one} s alone, {many} s in a stack of 49; {:.1} ms a trial, {:.1} trials for the stack itself\n",
        10.0 * trial,
        costs.stack / trial
    );
    let sweeps = [((7, 7), "49"), ((40, 25), "1,000"), ((400, 250), "100,000")];
    for (title, start, slots, counts) in [
        ("devices in one host", 0.0, 1, &[1, 2, 4, 8][..]),
        ("hosts of 16 cores", START, 16, &[1, 2, 4, 8, 16, 32, 64][..]),
    ] {
        println!("| {title} | {} |", sweeps.map(|sweep| format!("{} trials | speed-up", sweep.1)).join(" | "));
        println!("|---|{}", "---|".repeat(2 * sweeps.len()));
        for &count in counts {
            let cells = sweeps.map(|(trials, _)| {
                let (alone, _) = run(trials, &pool(1, slots), start, costs);
                let (outcome, all) = run(trials, &pool(count, slots), start, costs);
                assert_eq!(outcome.done.iter().map(|(job, _)| job.count).sum::<usize>(), all);
                format!("{} | {:.1}", seconds(outcome.makespan), alone.makespan / outcome.makespan)
            });
            println!("| {count} | {} |", cells.join(" | "));
        }
        println!();
    }
}
