//! sbatch, and what its words mean.

use super::command;

/// Why tasks were not submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotSubmitted {
    /// There is no sbatch.
    Missing,
    /// Never as they are.
    Refused(String),
    /// Too many at once; later, or fewer.
    TooMany(String),
    /// The controller does not answer. They may have been taken all the same.
    Unreachable(String),
}

/// Submits the tasks `array` (as `--array` has them) of the script under `name` and gives the array's job id.
pub(super) fn submit(name: &str, array: &str, most: Option<u32>, script: &str) -> Result<u64, NotSubmitted> {
    let array = match most {
        Some(most) => format!("--array={array}%{most}"),
        None => format!("--array={array}"),
    };
    sbatch(&["--parsable", &format!("--job-name={name}"), &array, script])
}

/// Submits a script that is no array, and gives its job id.
pub(super) fn submit_one(name: &str, script: &str) -> Result<u64, NotSubmitted> {
    sbatch(&["--parsable", &format!("--job-name={name}"), script])
}

fn sbatch(args: &[&str]) -> Result<u64, NotSubmitted> {
    let said = command::run("sbatch", args).map_err(|_| NotSubmitted::Missing)?;
    if !said.ok {
        return Err(classify(&said.words));
    }
    // `id` or `id;cluster`.
    let id = said.stdout.lines().last().unwrap_or_default().split(';').next().unwrap_or_default();
    id.trim().parse().map_err(|_| NotSubmitted::Unreachable(format!("sbatch answered `{}`", said.stdout)))
}

/// What sbatch means. Its exit code is 1 for all of these.
fn classify(words: &str) -> NotSubmitted {
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if says(&["violates accounting/QOS policy", "temporarily unable to accept job", "SubmitJob", "SubmitLimit"]) {
        NotSubmitted::TooMany(words.to_owned())
    } else if says(&[
        "Unable to contact slurm controller",
        "contact slurm controller",
        "Socket timed out",
        "timed out",
        "Connection refused",
        "Connection reset",
        "Communication connection failure",
        "Zero Bytes were transmitted",
        "Transport endpoint",
        "did not answer",
        "Resource temporarily unavailable",
    ]) {
        NotSubmitted::Unreachable(words.to_owned())
    } else {
        NotSubmitted::Refused(words.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of Slurm 22.05.8 for what `tests/slurm/record` asked of it.
    #[test]
    fn what_sbatch_means() {
        for block in include_str!("../../../tests/slurm/fixtures/sbatch-errors.txt").split("== ").skip(1) {
            let (head, words) = block.split_once('\n').unwrap();
            let kind = match classify(&words.replace('\n', "; ")) {
                NotSubmitted::Refused(_) => "refused",
                NotSubmitted::TooMany(_) => "too many",
                NotSubmitted::Unreachable(_) => "unreachable",
                NotSubmitted::Missing => "missing",
            };
            assert_eq!(head.split(": ").next(), Some(kind), "{block}");
        }
    }
}
