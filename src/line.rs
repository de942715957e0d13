//! The command line as it was typed.

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser};

use crate::cli::Cli;

/// Letters by which a misspelled command may differ from what was meant.
const MISTYPED: usize = 3;

/// What was typed. Where it cannot be read this says why and does not come back; a command that is not there is told
/// with the nearest one that is.
pub fn parsed() -> Cli {
    Cli::try_parse().unwrap_or_else(|mut error| {
        if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) {
            let nearest = nearest_command(word).into_iter().collect();
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(nearest));
        }
        error.exit()
    })
}

/// The command that `word` is nearest to by letters that are other, too many, missing or swapped.
fn nearest_command(word: &str) -> Option<String> {
    let cli = Cli::command();
    let commands = cli.get_subcommands().filter(|command| !command.is_hide_set());
    commands
        .map(|command| (strsim::damerau_levenshtein(word, command.get_name()), command.get_name()))
        .filter(|&(distance, name)| distance <= MISTYPED && distance < name.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_command_is_the_nearest_one() {
        let nearest =
            [("repotr", "report"), ("exprot", "export"), ("rn", "run"), ("compar", "compare"), ("stats", "status")];
        for (word, command) in nearest {
            assert_eq!(nearest_command(word).as_deref(), Some(command), "{word}");
        }
        assert_eq!(nearest_command("visualise"), None);
    }
}
