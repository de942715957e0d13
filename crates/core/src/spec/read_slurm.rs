//! Reader of `launch.slurm`.

use super::fields::{At, Reader};
use super::keys;
use super::types::SlurmSpec;

/// Flags of sbatch that the launcher sets itself.
const OURS: &[&str] = &[
    "--array",
    "-a",
    "--job-name",
    "-J",
    "--output",
    "-o",
    "--error",
    "-e",
    "--chdir",
    "-D",
    "--wrap",
    "--parsable",
    "--wait",
    "-W",
    "--test-only",
    "--open-mode",
];

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
            time: section
                .get_some("time")
                .and_then(|at| self.token(at, "a time limit: minutes, `HH:MM:SS`, `D-HH` or `D-HH:MM:SS`", is_time)),
            cpus_per_task: section.get_some("cpus_per_task").and_then(|at| self.whole(at, 1, 4096)),
            mem: section.get_some("mem").and_then(|at| self.token(at, "an amount such as `8G` or `500M`", is_memory)),
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
            let name = text.split('=').next().unwrap_or_default();
            let starts_well = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic())
                && (text.starts_with("--") || (text.starts_with('-') && !text[1..].starts_with('-')));
            if OURS.contains(&name)
                || (!text.starts_with("--") && OURS.iter().any(|f| f.len() == 2 && text.starts_with(f)))
            {
                self.fault(&item, format!("`{name}` is set by the launcher, expected another flag of sbatch"), None);
            } else if !starts_well || text.contains(|c: char| c.is_control() || "\"\\".contains(c)) {
                self.expected(&item, expected, None);
            } else {
                flags.push(text.to_owned());
            }
        }
        Some(flags)
    }
}

fn any(_: &str) -> bool {
    true
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// As sbatch(1) has it.
fn is_time(text: &str) -> bool {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days), rest),
        None => (None, text),
    };
    let parts: Vec<&str> = rest.split(':').collect();
    let not_zero = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    days.is_none_or(is_number) && (1..=3).contains(&parts.len()) && parts.iter().all(|part| is_number(part)) && not_zero
}

fn is_memory(text: &str) -> bool {
    let number = text.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(text);
    is_number(number) && number.bytes().any(|byte| byte != b'0')
}

fn is_gpus(text: &str) -> bool {
    let (kind, number) = text.rsplit_once(':').unwrap_or(("any", text));
    is_number(number)
        && !number.starts_with('0')
        && kind.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}
