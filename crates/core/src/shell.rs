//! Words of a command line, for hints that people paste and for scripts.

use std::ffi::OsStr;
use std::fmt::Write;

/// `text` as one word of shell. What cannot be seen or is no UTF-8 stands there as an escape, in the quotes `$'…'` of
/// bash and zsh.
pub fn quoted(text: impl AsRef<OsStr>) -> String {
    let text = text.as_ref();
    if let Some(plain) = text.to_str().filter(|text| !text.contains(char::is_control))
        && let Ok(word) = shlex::try_quote(plain)
    {
        return word.into_owned();
    }
    let mut word = String::from("$'");
    let escape = |word: &mut String, byte: u8| {
        // Writing to a String does not fail.
        let _ = write!(word, "\\x{byte:02x}");
    };
    for chunk in text.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => word.extend(['\\', c]),
                c if c.is_control() => c.to_string().bytes().for_each(|byte| escape(&mut word, byte)),
                c => word.push(c),
            }
        }
        chunk.invalid().iter().for_each(|&byte| escape(&mut word, byte));
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_and_others_are_quoted() {
        for (text, word) in [
            ("runs/focal-1.yaml", "runs/focal-1.yaml"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", "\"it's\""),
            ("a\nb'c\\", r"$'a\x0ab\'c\\'"),
            ("$(x) `y`", "'$(x) `y`'"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }

    /// bash has the last word.
    #[test]
    #[cfg(unix)]
    fn bash_reads_back_what_was_quoted() {
        use std::os::unix::ffi::OsStrExt;
        use std::process::Command;

        let texts: [&[u8]; 9] = [
            b"plain",
            b"two words",
            b"it's 100% \"sure\"!",
            b"$HOME `id` $(id) \\",
            b"line\nbreak\x1b[31m\x01\x7f",
            b"no \xff UTF-8 '\\",
            "überfällig\u{85}x".as_bytes(),
            b"-n",
            b"",
        ];
        for text in texts {
            let script = format!("printf %s {}", quoted(OsStr::from_bytes(text)));
            match Command::new("bash").args(["-c", &script]).output() {
                Ok(said) => assert_eq!(said.stdout, text, "{script}"),
                Err(error) => eprintln!("skipped: no bash ({error})"),
            }
        }
    }
}
