//! The process that holds libtorch: `focalsweep` starts it, gives it jobs, and takes what it says.

use std::io;
use std::process::ExitCode;

use focalsweep_torch::{describe, device, serve};
use tracing::level_filters::LevelFilter;

const HELP: &str = "focalsweep-torch holds libtorch for focalsweep, which starts it by itself.

  focalsweep-torch --describe      one JSON object: its version, libtorch's, and what CUDA has
  focalsweep-torch --events FD     takes orders on stdin and answers on the descriptor FD

`focalsweep run SPEC` with a GPU, or with `--set train.backend=libtorch`, trains here.";

fn main() -> ExitCode {
    // Only the reader of the log may see what libraries print; a panic is a line of it too.
    tracing_subscriber::fmt()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_max_level(LevelFilter::INFO)
        .with_writer(io::stderr)
        .init();
    std::panic::set_hook(Box::new(|info| {
        if !focalsweep_core::guard::is_guarded() {
            tracing::error!(target: "panic", "{info}");
        }
    }));
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--describe"] => {
            device::start();
            describe::describe().map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
        }
        ["--events", descriptor] => match serve::answers_on(descriptor) {
            Ok(answers) => {
                device::start();
                serve::serve(io::stdin(), answers).map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
            }
            Err(error) => failed(&error),
        },
        _ => {
            tracing::error!("{HELP}");
            ExitCode::from(2)
        }
    }
}

fn failed(error: &io::Error) -> ExitCode {
    tracing::error!(%error, "gives up");
    ExitCode::from(3)
}
