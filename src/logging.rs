//! tracing: warnings and progress lines on stderr, everything in the run's log file.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{FormatFields, debug_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::cli::Said;
use crate::output;
use focalsweep_core::record;
use focalsweep_core::text::{escape_but, escaped};

/// The log file, once there is a run directory to put it in.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<OnceLock<File>>);

impl Log {
    /// Installs the subscriber. `json`: one JSON object a line on stderr, progress and all.
    pub fn install(json: bool, said: Said) -> Self {
        let log = Self::default();
        let file = fmt::layer()
            .with_ansi(false)
            .with_writer(Lines { to: log.clone(), kept: &[] })
            .with_filter(LevelFilter::INFO);
        let registry = tracing_subscriber::registry().with(file);
        let result = if json {
            output::talk_as_json();
            registry
                .with(fmt::layer().json().flatten_event(true).with_writer(io::stderr).with_filter(LevelFilter::INFO))
                .try_init()
        } else {
            let level = if said.verbose { LevelFilter::INFO } else { LevelFilter::WARN };
            let warnings = Targets::new().with_default(level).with_target("progress", LevelFilter::OFF);
            let progress = Targets::new();
            let progress = if said.quiet { progress } else { progress.with_target("progress", LevelFilter::INFO) };
            let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            // The colours' escapes stay; those of what is told are written out before.
            let stderr = Lines { to: io::stderr, kept: if colours { &['\u{1b}'] } else { &[] } };
            let said = fmt::layer().without_time().with_target(false).with_ansi(colours).fmt_fields(told());
            let said = said.with_writer(stderr.clone()).with_filter(warnings);
            let bare = fmt::layer().without_time().with_target(false).with_level(false).with_ansi(colours);
            let bare = bare.fmt_fields(told()).with_writer(stderr);
            registry.with(said).with(bare.with_filter(progress)).try_init()
        };
        // A subscriber that is there already (a test's) stays.
        drop(result);
        log
    }

    /// Appends to `path` from now on. Without it logs go to stderr alone.
    pub fn to_file(&self, path: &Path) {
        match record::open_own(path, OpenOptions::new().create(true).append(true)) {
            Ok(file) => drop(self.0.set(file)),
            Err(error) => tracing::warn!(path = %path.display(), %error, "no log file"),
        }
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        match self.0.get() {
            Some(file) => Box::new(file),
            None => Box::new(io::sink()),
        }
    }
}

/// A message and its fields, `name=value`, of which nothing gives an order to a terminal.
fn told() -> impl for<'a> FormatFields<'a> {
    let one = |writer: &mut fmt::format::Writer<'_>, field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
        let value = format!("{value:?}");
        match field.name() {
            "message" => write!(writer, "{}", escaped(&value)),
            name => write!(writer, "{name}={}", escaped(&value)),
        }
    };
    debug_fn(one).delimited(" ")
}

/// A log whose every event is one line that gives no orders to a terminal, whatever names are in it.
#[derive(Debug, Clone)]
struct Lines<M> {
    to: M,
    /// Written as they are.
    kept: &'static [char],
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Lines<M> {
    type Writer = Line<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { to: self.to.make_writer(), kept: self.kept }
    }
}

/// Where one event goes; it comes in one piece.
#[derive(Debug)]
struct Line<W> {
    to: W,
    kept: &'static [char],
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.to.write_all(format!("{}\n", escape_but(line, self.kept)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let mut line = Line { to: Vec::new(), kept: &[] };
        line.write_all(b"WARN a\x1b[31m\r\nERROR forged \xe2\x80\xae\n").unwrap();
        assert_eq!(line.to, b"WARN a\\u{1b}[31m\\r\\nERROR forged \\u{202e}\n");
    }

    /// On a terminal the colours' escapes stay, and no others: what is told has its own written out before.
    #[test]
    fn colours_are_ours_alone() {
        let shown = Arc::new(std::sync::Mutex::new(Vec::new()));
        let to = {
            let shown = Arc::clone(&shown);
            move || Shared(Arc::clone(&shown))
        };
        let layer = fmt::layer().without_time().with_ansi(true).fmt_fields(told());
        let layer = layer.with_writer(Lines { to, kept: &['\u{1b}'] });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(name = "a\u{1b}[31mb", other = %"c\u{1b}[32md", "e\u{1b}[33mf");
        });
        let text = String::from_utf8(shown.lock().unwrap().clone()).unwrap();
        assert!(text.contains('\u{1b}'), "there are colours: {text:?}");
        assert!(!["\u{1b}[31mb", "\u{1b}[32md", "\u{1b}[33mf"].iter().any(|forged| text.contains(forged)), "{text:?}");
    }

    /// A writer into shared memory.
    struct Shared(Arc<std::sync::Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
