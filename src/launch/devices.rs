//! Which devices a sweep may use, and how many jobs run on each.

use tch::Device;

use crate::spec::Devices;

/// A device that cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum NoDevice {
    /// The word is none for a device.
    #[error("found the device `{asked}`, expected `auto`, `cpu`, `cuda`, `cuda:N`, or several with commas between")]
    Unknown {
        /// As asked.
        asked: String,
        /// The nearest word.
        #[help]
        help: Option<String>,
    },
    /// It is not on this machine.
    #[error("device `{asked}` is not available: {why}")]
    Missing {
        /// As asked.
        asked: String,
        /// What there is.
        why: String,
        /// What to do.
        #[help]
        help: String,
    },
}

/// A slot for each job that may run at once: `auto` is every GPU, or the cores where there is none; `cpu` is a slot a
/// core; a GPU is one slot, since a stack fills it.
///
/// # Errors
/// A device that was asked for by name is not there: never a silent fall-back. A word is none for a device.
pub fn slots(asked: &Devices, cores: usize, gpus: usize) -> Result<Vec<Device>, NoDevice> {
    let words: Vec<&str> = match asked {
        Devices::Word(word) => word.split(',').map(str::trim).collect(),
        Devices::List(words) => words.iter().map(String::as_str).collect(),
    };
    let mut slots = Vec::new();
    for word in words {
        let missing = |why: String| NoDevice::Missing {
            asked: word.to_owned(),
            why,
            help: if gpus == 0 {
                "use `--devices cpu`, or install the CUDA libtorch (`make setup TORCH=cuda`) on a machine with an NVIDIA GPU".to_owned()
            } else {
                format!("here are cpu and cuda:0 to cuda:{}", gpus - 1)
            },
        };
        let cpu = std::iter::repeat_n(Device::Cpu, cores.max(1));
        match word {
            "auto" if gpus == 0 => slots.extend(cpu),
            "cpu" => slots.extend(cpu),
            "cuda" if gpus == 0 => return Err(missing("libtorch sees no GPU".into())),
            "auto" | "cuda" => slots.extend((0..gpus).map(Device::Cuda)),
            other => match other.strip_prefix("cuda:").and_then(|index| index.parse::<usize>().ok()) {
                Some(index) if index < gpus => slots.push(Device::Cuda(index)),
                Some(_) => return Err(missing(format!("libtorch sees {gpus} GPUs"))),
                None => {
                    let help = nearest(word).map(|near| format!("did you mean `{near}`?"));
                    return Err(NoDevice::Unknown { asked: word.to_owned(), help });
                }
            },
        }
    }
    let mut seen = std::collections::HashSet::new();
    slots.retain(|device| match device {
        Device::Cuda(index) => seen.insert(*index),
        _ => true,
    });
    Ok(slots)
}

fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    if word.starts_with("gpu") || word.starts_with("cuda") {
        return Some(if word.ends_with(|c: char| c.is_ascii_digit()) { "cuda:N" } else { "cuda" });
    }
    ["auto", "cpu", "cuda"].into_iter().find(|known| strsim::damerau_levenshtein(&word, known) <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Devices {
        Devices::Word(text.into())
    }

    #[test]
    fn devices_by_name() {
        assert_eq!(slots(&word("auto"), 2, 0).unwrap(), [Device::Cpu; 2]);
        assert_eq!(slots(&word("auto"), 2, 2).unwrap(), [Device::Cuda(0), Device::Cuda(1)]);
        assert_eq!(slots(&word("cuda:1,cuda,cuda:1"), 2, 2).unwrap(), [Device::Cuda(1), Device::Cuda(0)]);
        let both = Devices::List(vec!["cpu".into(), "cuda:0".into()]);
        assert_eq!(slots(&both, 1, 1).unwrap(), [Device::Cpu, Device::Cuda(0)]);
    }

    #[test]
    fn a_missing_device_is_an_error() {
        for (text, gpus) in [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)] {
            assert!(matches!(slots(&word(text), 2, gpus), Err(NoDevice::Missing { .. })), "{text}");
        }
    }

    #[test]
    fn another_word_is_another_error() {
        for (text, near) in [("gpu", Some("`cuda`")), ("cuda:x", Some("`cuda`")), ("cpus", Some("`cpu`")), ("", None)] {
            let Err(NoDevice::Unknown { help, .. }) = slots(&word(text), 2, 1) else { panic!("{text}") };
            assert_eq!(help, near.map(|near| format!("did you mean {near}?")), "{text}");
        }
    }
}
