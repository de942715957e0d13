//! `worker`: one job of a plan, or a few, as a task of a cluster.

use std::env;
use std::process::ExitCode;

use crate::cli::WorkerArgs;
use crate::launch::command::{self, Commands, Handed, Machine};
use crate::launch::local::{self, Local};
use crate::launch::slurm::jobs_of_trainer;
use crate::launch::{Host, PoolDevice, Tally, stop_on_signals};
use crate::output::{self, Failure, INTERRUPTED, Plain, SOME_FAILED};
use crate::progress::Progress;
use crate::run::{RunError, Stage, pool};
use focalsweep_core::plan::Job;
use focalsweep_core::record::{PLAN, RunState};
use focalsweep_core::spec::{Devices, STACK, Spec};
use focalsweep_engine::job::{AttendedRun, Work};

pub(super) fn worker(args: &WorkerArgs) -> Result<ExitCode, Failure> {
    let number = number(args)?;
    // First of all, so that a signal while data are read is not lost.
    let stop = stop_on_signals().map_err(|error| {
        Failure::environment(Plain { message: format!("cannot listen for signals: {error}"), help: None })
    })?;
    let mut run = AttendedRun::read(&args.run_dir).map_err(RunError::from)?;
    if run.manifest.state == RunState::Finished {
        output::talk(&format!("{}: every row is there already", args.run_dir.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let jobs: Vec<Job> = jobs_of_trainer((&run.plan, &run.trials), args.first, &args.trainer).cloned().collect();
    let groups = jobs.len().div_ceil(args.pack.max(1));
    if number >= groups {
        let message = format!("--job {number}: expected a number below {groups}");
        let plan = run.dir.path(PLAN);
        let help = format!(
            "{} has {} jobs, {} of them from there on of `{}`",
            plan.display(),
            run.plan.jobs.len(),
            jobs.len(),
            args.trainer
        );
        return Err(Failure::input(Plain { message, help: Some(help) }));
    }
    let jobs: Vec<_> = jobs.chunks(args.pack.max(1)).nth(number).unwrap_or_default().to_vec();
    let plan = run.plan.with_jobs(jobs);
    if let Some(devices) = &args.devices {
        run.spec.launch.devices = Devices::Word(devices.clone());
    }
    let mut host = Host::look();
    host.cores = cores(host.cores);
    let is_stack = args.trainer == STACK;
    let pool = if is_stack { at_most(pool(&run.spec, &host)?, plan.jobs.len()) } else { Vec::new() };
    let mut needed: Vec<u32> = plan.jobs.iter().map(|job| job.replicate).collect();
    needed.sort_unstable();
    needed.dedup();
    let replicates = needed.into_iter().map(|replicate| run.rows(replicate)).collect::<Result<Vec<_>, _>>()?;
    let work = Work {
        spec: &run.spec,
        plan: &run.plan,
        trials: &run.trials,
        replicates: &replicates,
        again: None,
        data_fingerprint: &run.manifest.data_fingerprint,
        dir: &run.dir,
        stop: &stop,
    };
    let first = plan.jobs.first().map_or("", |job| job.job_id.as_str());
    let name = gethostname::gethostname();
    output::talk(&format!("{first} and {} more on {}", plan.jobs.len() - 1, name.to_string_lossy()));
    let mut progress = Progress::new(false, false, Stage::default());
    let wanted: usize = plan.jobs.iter().map(|job| job.count).sum();
    let outcome = if is_stack {
        local::run(&Local { work, plan: &plan, pool: &pool }, |tally| progress.update(tally))
    } else {
        let machine = machine_for(&run.spec, &args.trainer, host.cores)?;
        let fingerprints = &run.manifest.trainers;
        let commands = Commands { work, jobs: &plan.jobs, data: Handed::There, fingerprints, machine: &machine };
        let mut tally = Tally::new(plan.jobs.len(), 0, wanted, 0, 0);
        command::run(&commands, &mut tally, |tally| progress.update(tally)).map(|()| tally)
    };
    progress.clear();
    let tally = outcome.map_err(Failure::environment)?;
    output::talk(&format!("{} of {wanted} rows of results done, {} failed", tally.done, tally.failed));
    Ok(if tally.done < wanted {
        ExitCode::from(INTERRUPTED)
    } else if tally.failed > 0 {
        ExitCode::from(SOME_FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

/// What a task that runs commands of `trainer` has: the cores that it was submitted with.
fn machine_for(spec: &Spec, trainer: &str, cores: usize) -> Result<Machine, Failure> {
    let asked = spec.trainers.get(trainer).ok_or_else(|| {
        let known: Vec<&str> = spec.trainers.keys().map(String::as_str).collect();
        let message = format!("--trainer {trainer}: the sweep has no such trainer");
        Failure::input(Plain { message, help: Some(format!("it has {}", known.join(", "))) })
    })?;
    let machine = Machine { cores: cores.max(asked.cpus as usize), ..Machine::look() };
    if machine.gpus.len() < asked.gpus as usize {
        let message = format!("`{trainer}` needs {} GPUs, and this task has {}", asked.gpus, machine.gpus.len());
        let help = Some("`launch.slurm.gpus` or `gres` says how your cluster calls them".to_owned());
        return Err(Failure::environment(Plain { message, help }));
    }
    Ok(machine)
}

/// Which jobs: as told, or as the engine that started the task numbers it.
fn number(args: &WorkerArgs) -> Result<usize, Failure> {
    let known = ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"];
    let told = || known.into_iter().find_map(|name| Some((name, env::var(name).ok()?)));
    match (args.job, told()) {
        (Some(number), _) => Ok(number),
        (None, Some((name, text))) => text.parse().map_err(|_| {
            Failure::input(Plain { message: format!("{name} is `{text}`, expected a number from 0"), help: None })
        }),
        (None, None) => Err(Failure::input(Plain {
            message: "which job? expected `--job N`".into(),
            help: Some("tasks of Slurm arrays and of indexed Kubernetes jobs have it in their environment".into()),
        })),
    }
}

/// No more slots than jobs: stacks are not cut for a task that has more cores than it needs.
fn at_most(mut pool: Vec<PoolDevice>, jobs: usize) -> Vec<PoolDevice> {
    let mut left = jobs;
    for device in &mut pool {
        device.slots = device.slots.min(left);
        left -= device.slots;
    }
    pool.retain(|device| device.slots > 0);
    pool
}

/// Cores that this task may use. Slurm says how many were given out even where it does not bind tasks to them.
fn cores(here: usize) -> usize {
    if env::var_os("SLURM_JOB_ID").is_none() {
        return here;
    }
    let given = |name: &str| env::var(name).ok()?.parse::<usize>().ok();
    given("SLURM_CPUS_PER_TASK")
        .or_else(|| given("SLURM_CPUS_ON_NODE"))
        .map_or(here, |cores| cores.clamp(1, here.max(1)))
}
