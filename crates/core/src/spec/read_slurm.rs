//! Reader of `launch.slurm`.

use super::fields::{At, Reader};
use super::keys;
use super::slurm_amounts::{memory_of_task, time_of_task};
use super::types::SlurmSpec;

/// Flags of sbatch that the launcher sets itself; `workdir` was the name of `chdir` before Slurm 17.11.
const OURS: &[&str] =
    &["array", "chdir", "error", "job-name", "open-mode", "output", "parsable", "test-only", "wait", "workdir", "wrap"];
/// Their letters.
const OUR_LETTERS: &str = "aDeJoW";
/// Letters of sbatch without a value, behind which another flag may stand.
const WITHOUT_VALUE: &str = "hHIkOQRsuvV";

impl Reader {
    pub(super) fn slurm(&mut self, at: &At<'_>) -> Option<SlurmSpec> {
        let section = self.section(at, keys::SLURM)?;
        if let (Some(_), Some(gpus)) = (section.get_some("gres"), section.get_some("gpus")) {
            let message = "found both `gres` and `gpus`, expected one way to ask for GPUs";
            self.fault_at(gpus.key_place.clone(), &gpus.path, message, None);
        }
        Some(SlurmSpec {
            partition: section.get_some("partition").and_then(|at| self.token(at, "the name of a partition", any)),
            account: section.get_some("account").and_then(|at| self.token(at, "the name of an account", any)),
            qos: section.get_some("qos").and_then(|at| self.token(at, "the name of a quality of service", any)),
            time: section.get_some("time").and_then(|at| {
                self.token(at, "a time limit: minutes, `HH:MM:SS`, `D-HH` or `D-HH:MM:SS`, 0 for none", is_time)
            }),
            cpus_per_task: section.get_some("cpus_per_task").and_then(|at| self.whole(at, 1, 4096)),
            mem: section
                .get_some("mem")
                .and_then(|at| self.token(at, "an amount such as `8G` or `500M`, 0 for the whole node", is_memory)),
            gres: section.get_some("gres").and_then(|at| self.token(at, "a resource such as `gpu:1`", any)),
            gpus: section.get_some("gpus").and_then(|at| self.token(at, "a number of GPUs, or `type:number`", is_gpus)),
            constraint: section.get_some("constraint").and_then(|at| self.token(at, "node features", any)),
            array_parallelism: section.get_some("array_parallelism").and_then(|at| self.whole(at, 1, 1_000_000)),
            setup: section.get_some("setup").and_then(|at| self.lines(at)).unwrap_or_default(),
            sbatch: section.get_some("sbatch").and_then(|at| self.flags(at)).unwrap_or_default(),
        })
    }

    /// A value that stands in a line of the batch script as it is.
    fn token(&mut self, at: &At<'_>, expected: &str, fits: fn(&str) -> bool) -> Option<String> {
        let text = self.text(at, expected)?;
        if fits(text) && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'\\`$#".contains(c)) {
            return Some(text.to_owned());
        }
        self.expected(at, expected, None);
        None
    }

    fn lines(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        let items = self.list(at, "a list of shell lines, such as [module load cuda]")?;
        Some(items.iter().filter_map(|item| self.text(item, "a line of shell")).map(str::to_owned).collect())
    }

    fn flags(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        let expected = "a flag of sbatch, such as `--exclude=node7`";
        let mut flags = Vec::new();
        for item in self.list(at, "a list of flags of sbatch, such as [--exclude=node7]")? {
            let Some(text) = self.text(&item, expected) else { continue };
            match flag(text) {
                Ok(flag) => flags.push(flag),
                Err(FlagFault::NoFlag) => self.expected(&item, expected, None),
                Err(FlagFault::Ours(message)) => {
                    self.fault(&item, format!("{message}, expected another flag of sbatch"), None);
                }
                Err(FlagFault::Words(help)) => self.expected(&item, "one word, a flag with its value", Some(help)),
            }
        }
        Some(flags)
    }
}

/// What is wrong with a flag of sbatch.
enum FlagFault {
    /// It is none.
    NoFlag,
    /// The launcher sets it: how so.
    Ours(String),
    /// It is more than a flag, or its value does not hang on it: what to write.
    Words(String),
}

/// A flag of sbatch as one word. sbatch takes any beginning of a long name that is not another's, a letter with its
/// value attached, and letters without values one behind the other, so it is not enough to look for names.
fn flag(text: &str) -> Result<String, FlagFault> {
    let letters = text.strip_prefix('-').filter(|_| !text.contains(|c: char| c.is_control() || "\"\\".contains(c)));
    let letters = letters.ok_or(FlagFault::NoFlag)?;
    let long = letters.strip_prefix('-');
    let first = long.unwrap_or(letters).chars().next().filter(char::is_ascii_alphabetic).ok_or(FlagFault::NoFlag)?;
    let Some(long) = long else {
        let value = letters[1..].trim_start();
        if OUR_LETTERS.contains(first) {
            return Err(FlagFault::Ours(format!("`-{first}` is set by the launcher")));
        }
        if WITHOUT_VALUE.contains(first) && !value.is_empty() {
            return Err(FlagFault::Words(format!("write `-{first}` and what follows as two entries")));
        }
        return Ok(format!("-{first}{value}"));
    };
    let (name, value) = long.split_at(long.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(long.len()));
    if let Some(ours) = OURS.iter().find(|ours| ours.starts_with(name)) {
        return Err(FlagFault::Ours(match *ours == name {
            true => format!("`--{name}` is set by the launcher"),
            false => format!("`--{name}` may stand for `--{ours}`, which is set by the launcher"),
        }));
    }
    if !value.is_empty() && !value.starts_with('=') {
        return Err(FlagFault::Words(format!("write `--{name}={}`", value.trim())));
    }
    Ok(text.to_owned())
}

fn any(_: &str) -> bool {
    true
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_time(text: &str) -> bool {
    time_of_task(text).is_some()
}

fn is_memory(text: &str) -> bool {
    memory_of_task(text).is_some()
}

fn is_gpus(text: &str) -> bool {
    let (kind, number) = text.rsplit_once(':').unwrap_or(("any", text));
    is_number(number)
        && !number.starts_with('0')
        && kind.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_the_launcher_are_found_in_every_form_that_sbatch_takes() {
        for ours in [
            "--array=1",
            "--array",
            "--arr=0",
            "--ar",
            "--a=1",
            "--outp=x",
            "--o=x",
            "--wra=true",
            "--w",
            "--job=x",
            "--j",
            "--err=x",
            "--e=x",
            "--chd=/",
            "--workd=/",
            "--pars",
            "--wai",
            "--test",
            "--open=append",
            "-a1",
            "-a",
            "-a 1",
            "-ofile",
            "-o file",
            "-Jx",
            "-ex",
            "-D/",
            "-W",
            "--array 1",
            "--arr\u{a0}1",
        ] {
            assert!(matches!(flag(ours), Err(FlagFault::Ours(_))), "{ours}");
        }
        for words in ["-Ho/tmp/x", "-sa1", "-vH", "-k off", "--mail-user x@y", "--exclude node1", "--mail-user x=y"] {
            assert!(matches!(flag(words), Err(FlagFault::Words(_))), "{words}");
        }
        for none in ["exclude=n7", "-", "--", "---x", "--=x", "-1", "--comment=\"x", "--comment=a\\b", "-x\n1", "é"] {
            assert!(matches!(flag(none), Err(FlagFault::NoFlag)), "{none}");
        }
        for (good, word) in [
            ("--exclude=n[1-3]", "--exclude=n[1-3]"),
            ("--comment=two words", "--comment=two words"),
            ("--mail-user=x@y", "--mail-user=x@y"),
            ("--wait-all-nodes=1", "--wait-all-nodes=1"),
            ("--exclusive", "--exclusive"),
            ("-H", "-H"),
            ("-xn1", "-xn1"),
            ("-x n1", "-xn1"),
        ] {
            assert_eq!(flag(good).ok().as_deref(), Some(word), "{good}");
        }
    }
}
