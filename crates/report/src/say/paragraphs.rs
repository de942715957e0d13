//! Text that is broken at blanks.

use std::fmt::Write;

use focalsweep_core::text::escaped;

/// Lines of at most so many characters, where words are no longer.
pub(super) struct Paragraphs {
    pub(super) text: String,
    width: usize,
}

impl Paragraphs {
    pub(super) fn new(width: usize) -> Self {
        Self { text: String::new(), width }
    }

    /// A line, and as many more as it needs, these indented.
    pub(super) fn line(&mut self, text: &str, indent: usize) {
        let text = &*escaped(text);
        let mut used = 0;
        let lead = text.len() - text.trim_start().len();
        self.text.push_str(&text[..lead]);
        used += lead;
        for (i, word) in text.split_whitespace().enumerate() {
            let long = word.chars().count();
            if i > 0 && used + 1 + long > self.width {
                // A String takes all that is written to it.
                let _ = write!(self.text, "\n{:indent$}", "");
                used = indent;
            } else if i > 0 {
                self.text.push(' ');
                used += 1;
            }
            self.text.push_str(word);
            used += long;
        }
        self.text.push('\n');
    }

    /// How many lines there are.
    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }
}
