//! The batch script. Pure: settings in, text out.

use crate::launch::torch::VARIABLE;
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::{STACK, SlurmSpec, time_of_task};

/// What a script is made of.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    /// What is asked of the cluster.
    pub(super) slurm: &'a SlurmSpec,
    /// The program, absolute.
    pub(super) program: &'a str,
    /// The run directory, absolute.
    pub(super) run_dir: &'a str,
    /// Jobs of the plan before those of the wave.
    pub(super) first: usize,
    /// What trains: our own stacks, or a command of the user's, which keeps no checkpoint.
    pub(super) trainer: &'a str,
    /// Jobs of a task.
    pub(super) pack: usize,
    /// LD_LIBRARY_PATH of the submitting process, where it has one.
    pub(super) library_path: Option<&'a str>,
    /// FOCALSWEEP_TORCH of the submitting process, where it has one.
    pub(super) torch: Option<&'a str>,
}

/// Seconds before the time limit at which a worker is told to keep a checkpoint.
const WARNING: u64 = 60;

/// Characters, beside letters and digits, that are nothing else to sbatch in a line of options. Between double quotes
/// all are, but for `"` and `\`, which nothing that comes here contains.
const PLAIN: &str = "/._-+=:,@%[]|&*";

impl Batch<'_> {
    /// The script, which `sbatch --array` is given. Options that differ between submissions (`--array`, `--job-name`)
    /// stand on sbatch's command line.
    pub(super) fn text(&self) -> String {
        let Self { slurm, program, run_dir, first, trainer, pack, library_path, torch } = self;
        let is_stack = *trainer == STACK;
        let mut before = if *first == 0 { String::new() } else { format!(" --first {first}") };
        if !is_stack {
            before += &format!(" --trainer {trainer}");
        }
        let shift = if *first == 0 { String::new() } else { format!("{first}+") };
        let mut text = format!(
            "#!/bin/bash\n\
             # Written by focalsweep, which submits it as a job array: task N trains jobs {shift}{pack}*N to \
             {shift}{pack}*N+{} of\n\
             # plan.jsonl, counted from 0. Every attempt writes journals and checkpoints of its own, so a task may be\n\
             # requeued, cancelled or run twice at any time.\n",
            pack - 1
        );
        if !is_stack {
            text += &format!("# Of the jobs there those count alone that `{trainer}` trains.\n");
        }
        let limit = slurm.time.as_deref().and_then(time_of_task).filter(|&seconds| seconds > 0);
        let warning = limit.map_or(WARNING, |limit| (limit / 4).clamp(1, WARNING));
        let mut option = |option: &str, why: &str| {
            let plain = option.chars().all(|c| c.is_ascii_alphanumeric() || PLAIN.contains(c));
            let option = if plain { option.to_owned() } else { format!("\"{option}\"") };
            let pad = " ".repeat(if why.is_empty() { 0 } else { 40_usize.saturating_sub(option.len()).max(1) });
            let why = if why.is_empty() { String::new() } else { format!("# {why}") };
            text += &format!("#SBATCH {option}{pad}{why}\n");
        };
        option(&format!("--output={}/slurm/%A_%a.log", run_dir.replace('%', "%%")), "");
        option("--open-mode=append", "a requeued task goes on in the same log");
        option("--requeue", "after a failed node or preemption");
        // A command cannot go on where it was stopped: it has all of the time.
        if is_stack {
            option(&format!("--signal=B:TERM@{warning}"), "seconds before the time limit");
        }
        option("--nodes=1", "");
        option("--ntasks=1", "");
        let words = [
            ("partition", &slurm.partition),
            ("account", &slurm.account),
            ("qos", &slurm.qos),
            ("time", &slurm.time),
            ("mem", &slurm.mem),
            ("gres", &slurm.gres),
            ("gpus-per-task", &slurm.gpus),
            ("constraint", &slurm.constraint),
        ];
        for (name, value) in words {
            if let Some(value) = value {
                option(&format!("--{name}={value}"), "");
            }
        }
        if let Some(cpus) = slurm.cpus_per_task {
            option(&format!("--cpus-per-task={cpus}"), "");
        }
        for flag in &slurm.sbatch {
            option(flag, "of launch.slurm.sbatch");
        }
        text += "\n: # sbatch reads no options behind the first command\n";
        if let Some(path) = library_path {
            text += &format!("export LD_LIBRARY_PATH={}\n", quoted(path));
        }
        if let Some(path) = torch {
            text += &format!("export {VARIABLE}={}\n", quoted(path));
        }
        for line in &slurm.setup {
            text += line;
            text.push('\n');
        }
        // Since Slurm 22.05 srun does not take --cpus-per-task over from sbatch.
        let cpus = slurm.cpus_per_task.map_or_else(String::new, |cpus| format!(" --cpus-per-task={cpus}"));
        text += &format!(
            r#"
# bash handles a signal only when no program runs in its foreground, so the worker is a child in the background. srun
# passes USR1 on to the worker, which keeps a checkpoint and ends; at TERM it would kill it.
asked=0
worker=
stop() {{
    asked=$((asked + 1))
    echo "focalsweep: asked to stop"
    [ -z "$worker" ] || kill -USR1 "$worker" 2>/dev/null
}}
trap stop TERM
srun --ntasks=1{cpus} {} worker {}{before} --pack {pack} &
worker=$!
[ "$asked" = 0 ] || kill -USR1 "$worker" # asked before it began
while :; do
    before=$asked
    wait "$worker"
    code=$?
    [ "$asked" = "$before" ] && break # else the signal ended the waiting, not the worker
done

# Stopped by a signal and still RUNNING: it was the time limit, or a preemption that leaves time. The worker has kept
# a checkpoint (130), or had not begun (138), and the task queues up again. Who cancels or requeues a task takes it out
# of RUNNING before the signal; a worker that ends in another way is the launcher's to judge.
# By number in the array: the last task's own id is the array's, which would requeue all tasks, those that are over too.
task=${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}
if [ "$asked" != 0 ] && {{ [ "$code" = 130 ] || [ "$code" = 138 ]; }} && [ "${{SLURM_RESTART_COUNT:-0}}" -lt 1000 ] &&
    [ "$(squeue --noheader --jobs="$task" --format=%T)" = RUNNING ]; then
    echo "focalsweep: queueing up again"
    scontrol requeue "$task" && sleep 60
fi
exit "$code"
"#,
            quoted(program),
            quoted(run_dir),
        );
        text
    }
}
