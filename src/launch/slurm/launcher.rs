//! A launcher that waits on the cluster itself: a job of one core, for sweeps that ask again when a wave is over.

use std::io;
use std::path::Path;

use super::error::SlurmError;
use super::submit::{NotSubmitted, submit_one};
use focalsweep_core::record::{RunDir, RunDirError};
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::SlurmSpec;

/// Its script, in the run directory.
const SCRIPT: &str = "slurm/launcher.sh";

/// Submits a job that runs `command`, words of a shell, in the folder where this process is, and gives its id. Its
/// script and its log are in `slurm/` of the run directory `root`.
///
/// # Errors
/// The script cannot be written; Slurm refuses or does not answer.
pub fn detach(name: &str, slurm: &SlurmSpec, root: &Path, command: &str) -> Result<u64, SlurmError> {
    let folder = root.join("slurm");
    let failed = |why: io::Error| RunDirError::io(&folder, why);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let here = std::env::current_dir().map_err(failed)?;
    let log = folder.canonicalize().map_err(failed)?;
    let text = |path: &Path| {
        let text = path.to_str().filter(|text| !text.contains(|c: char| c.is_control() || "\"\\".contains(c)));
        text.map(str::to_owned).ok_or_else(|| SlurmError::Path(path.display().to_string()))
    };
    let script = script(slurm, (&text(&here)?, &text(&log)?), command);
    RunDir::attend(root).write(SCRIPT, script.as_bytes())?;
    submit_one(&format!("focalsweep-{name}"), &text(&log.join("launcher.sh"))?).map_err(|why| match why {
        NotSubmitted::Missing => SlurmError::Missing("sbatch"),
        NotSubmitted::Refused(words) | NotSubmitted::TooMany(words) => SlurmError::Refused(words),
        NotSubmitted::Unreachable(words) => SlurmError::Unreachable(words),
    })
}

/// The batch script: options of the sweep that say where jobs may run; a launcher needs no GPU, and one core. What
/// Slurm says of the launcher's own job is nothing for the tasks that it submits, so they do not inherit it.
fn script(slurm: &SlurmSpec, (here, log): (&str, &str), command: &str) -> String {
    let mut text =
        "#!/bin/bash\n# Written by focalsweep: the launcher of a sweep that chooses wave by wave.\n".to_owned();
    let mut option = |option: &str| text += &format!("#SBATCH \"{option}\"\n");
    option(&format!("--output={}/launcher-%j.log", log.replace('%', "%%")));
    for plain in
        ["--open-mode=append", "--requeue", "--signal=B:TERM@60", "--nodes=1", "--ntasks=1", "--cpus-per-task=1"]
    {
        option(plain);
    }
    let words =
        [("partition", &slurm.partition), ("account", &slurm.account), ("qos", &slurm.qos), ("mem", &slurm.mem)];
    for (name, value) in words {
        if let Some(value) = value {
            option(&format!("--{name}={value}"));
        }
    }
    text += &format!("\ncd {} || exit 3\n", quoted(here));
    for line in &slurm.setup {
        text += line;
        text.push('\n');
    }
    text += &format!(
        r#"
job=$SLURM_JOB_ID
restarts=${{SLURM_RESTART_COUNT:-0}}
for name in "${{!SLURM_@}}"; do
    [ "$name" = SLURM_CONF ] || unset "$name" # which says where the cluster is
done

# bash handles a signal only when no program runs in its foreground. At the time limit the launcher leaves its tasks
# running, and goes on when it is its turn again.
asked=0
stop() {{
    asked=1
    [ -z "$launcher" ] || kill -INT "$launcher" 2>/dev/null
}}
launcher=
trap stop TERM
{command} &
launcher=$!
[ "$asked" = 0 ] || kill -INT "$launcher"
while :; do
    before=$asked
    wait "$launcher"
    code=$?
    [ "$asked" = "$before" ] && break
done
if [ "$asked" = 1 ] && [ "$code" = 130 ] && [ "$restarts" -lt 1000 ] &&
    [ "$(squeue --noheader --jobs="$job" --format=%T)" = RUNNING ]; then
    echo "focalsweep: queueing up again"
    scontrol requeue "$job" && sleep 60
fi
exit "$code"
"#
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_runs_where_tasks_may_and_asks_for_a_core() {
        let slurm = SlurmSpec {
            partition: Some("long".into()),
            gres: Some("gpu:1".into()),
            cpus_per_task: Some(16),
            time: Some("10:00".into()),
            setup: vec!["module load cuda".into()],
            ..SlurmSpec::default()
        };
        let text = script(&slurm, ("/home/a b", "/home/a b/runs/x/slurm"), "focalsweep run 'my sweep.yaml' --resume");
        assert!(text.contains("#SBATCH \"--partition=long\"\n") && text.contains("--cpus-per-task=1\"\n"), "{text}");
        assert!(!text.contains("gpu:1") && !text.contains("10:00"), "{text}");
        assert!(text.contains("cd '/home/a b' || exit 3\nmodule load cuda\n"), "{text}");
        assert!(text.contains("\nfocalsweep run 'my sweep.yaml' --resume &\n"), "{text}");
    }
}
