//! Memory and time as `sbatch` reads them; its manual and Slurm's own parsers (22.05) say what it takes.

/// Most digits of a number: what is larger is no amount of anything, and would not fit into the arithmetic.
const DIGITS: usize = 9;

/// Bytes that `sbatch --mem` understands by `text`: a number with K, M, G or T, or KB to TB, megabytes without. 0 is
/// all memory of the node. `None` where sbatch takes it for no amount.
pub fn memory_of_task(text: &str) -> Option<u64> {
    let (amount, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit.to_ascii_uppercase().as_str() {
        "K" | "KB" => 10,
        "" | "M" | "MB" => 20,
        "G" | "GB" => 30,
        "T" | "TB" => 40,
        _ => return None,
    };
    number(amount)?.checked_mul(1 << shift)
}

/// Seconds that `sbatch --time` understands by `text`: minutes, `M:SS`, `H:MM:SS`, `D-H`, `D-H:MM` or `D-H:MM:SS`. 0 is
/// no limit, and so are `UNLIMITED`, `INFINITE` and -1. `None` where sbatch takes it for no time.
pub fn time_of_task(text: &str) -> Option<u64> {
    if ["-1", "unlimited", "infinite"].iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Some(0);
    }
    let numbers = |text: &str| text.split(':').map(number).collect::<Option<Vec<u64>>>();
    let [days, hours, minutes, seconds] = match text.split_once('-') {
        Some((days, rest)) => {
            let days = number(days)?;
            match numbers(rest)?[..] {
                [hours] => [days, hours, 0, 0],
                [hours, minutes] => [days, hours, minutes, 0],
                [hours, minutes, seconds] => [days, hours, minutes, seconds],
                _ => return None,
            }
        }
        None => match numbers(text)?[..] {
            [minutes] => [0, 0, minutes, 0],
            [minutes, seconds] => [0, 0, minutes, seconds],
            [hours, minutes, seconds] => [0, hours, minutes, seconds],
            _ => return None,
        },
    };
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

fn number(text: &str) -> Option<u64> {
    let fits = !text.is_empty() && text.len() <= DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `sbatch --test-only --mem=…` of Slurm 22.05.8 took and refused.
    #[test]
    fn memory_is_what_sbatch_takes() {
        for (text, bytes) in [
            ("0", 0),
            ("0G", 0),
            ("500", 500 << 20),
            ("500M", 500 << 20),
            ("500m", 500 << 20),
            ("10MB", 10 << 20),
            ("16G", 16 << 30),
            ("16g", 16 << 30),
            ("16GB", 16 << 30),
            ("16Gb", 16 << 30),
            ("016", 16 << 20),
            ("1T", 1 << 40),
            ("1TB", 1 << 40),
            ("1024KB", 1 << 20),
            ("2K", 2 << 10),
        ] {
            assert_eq!(memory_of_task(text), Some(bytes), "{text}");
        }
        for text in ["", "G", "GB", "1.5G", "16 G", "16GiB", "16P", "16B", "-1", "0x10", "16KBx", "1Gx", "999999999T"] {
            assert_eq!(memory_of_task(text), None, "{text}");
        }
    }

    /// What `sbatch --test-only --time=…` of Slurm 22.05.8 took and refused.
    #[test]
    fn time_is_what_sbatch_takes() {
        let (minute, hour) = (60, 3600);
        for (text, seconds) in [
            ("0", 0),
            ("0:0", 0),
            ("0-0", 0),
            ("-1", 0),
            ("UNLIMITED", 0),
            ("infinite", 0),
            ("90", 90 * minute),
            ("1:30", 90),
            ("0:30", 30),
            ("01:00", minute),
            ("1:30:00", 90 * minute),
            ("99:99:99", 99 * hour + 99 * minute + 99),
            ("1-12", 36 * hour),
            ("1-12:00", 36 * hour),
            ("1-12:00:00", 36 * hour),
            ("0-0:1", minute),
        ] {
            assert_eq!(time_of_task(text), Some(seconds), "{text}");
        }
        for text in
            ["", "soon", "1h", "90m", "1:", ":30", "1::2", "1:2:3:4", "1-12:00:00:00", "1-2-3", "1.5", "1:30 ", "--1"]
        {
            assert_eq!(time_of_task(text), None, "{text}");
        }
    }
}
