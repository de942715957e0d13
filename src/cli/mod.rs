//! The command line: types only.

mod glossary;
mod report;
mod words;

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand};
use focalsweep_core::spec::{ConfirmSpec, STACK};

pub use report::{CompareArgs, ReportArgs};
pub use words::{
    ExportFormat, LauncherName, LogFormat, OrderName, PhaseName, PlanFormat, ReportFormat, SplitName, StreamFormat,
};

/// What stands under the commands.
const AFTER: &str = "Examples:
  focalsweep run sweeps/focal.yaml            train every trial, write runs/focal
  focalsweep report runs/focal                the ranked table
  focalsweep run sweeps/focal.yaml --set train.epochs=5 --out /tmp/quick
  focalsweep data describe sweeps/focal.yaml  what is in the data

Exit codes: 0 all trials done, 1 some failed, 2 bad spec, data or arguments, 3 environment, device or launcher, \
130 interrupted (go on with --resume)

FOCALSWEEP_SIMD=avx512, avx2 or portable holds the CPU's kernels to those vector instructions; `focalsweep devices` \
says what is used.";

/// Which loss settings catch more of your rare events, at what price, and whether the difference is real.
#[derive(Debug, Parser)]
#[command(
    name = "focalsweep",
    version,
    max_term_width = 100,
    after_help = AFTER,
    after_long_help = format!("{AFTER}\n\n{}", glossary::in_help())
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How much is said.
    #[command(flatten)]
    pub said: Said,
}

/// How much is said on stderr; results on stdout are the same.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Said {
    /// Say nothing but warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say on stderr what otherwise only log.txt of the run directory has
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train the trials of a sweep and write its run directory
    #[command(after_help = "Examples:
  focalsweep run sweeps/focal.yaml
  focalsweep run sweeps/focal.yaml --resume           finish what was interrupted
  focalsweep run sweeps/focal.yaml --resume --set replicates=5
                                                      train what the sweep has become larger by
  focalsweep run sweeps/focal.yaml --resume --retry-failed
                                                      train what failed again, and that alone
  focalsweep run sweeps/focal.yaml --dry-run          only say what would run
  focalsweep run sweeps/focal.yaml --set replicates=5 --set train.epochs=50 --out runs/longer")]
    Run(RunArgs),
    /// Train the best trials of a run and plain cross-entropy afresh, for claims about settings
    #[command(after_help = "Examples:
  focalsweep confirm runs/focal                    as the sweep file's `confirm` says, else 3 trials, 10 replicates
  focalsweep confirm runs/focal --trials 1 --replicates 30
  focalsweep confirm runs/focal --replicates 20    10 more where there are 10 already

The trials are those that rank first by the sweep file's `rank`. Their new replicates are numbered onward: other \
splits into training and validation rows, other first weights, batches and dropout. What was interrupted goes on \
when the same is asked for again, and with `focalsweep run SPEC --resume`.")]
    Confirm(ConfirmArgs),
    /// Say what would run: trials, replicates, jobs, stacks, rows, memory
    #[command(after_help = "Example:\n  focalsweep plan sweeps/focal.yaml --format json")]
    Plan(PlanArgs),
    /// Rank the trials of a run
    #[command(after_help = "Examples:
  focalsweep report runs/focal                             also while the run goes on: what has ended so far
  focalsweep report runs/focal --all                       more than has room on a screen
  focalsweep report runs/focal runs/comparison             the trials of both, ranked together
  focalsweep report runs/focal --by average_precision,op_fn --on test --top 10
  focalsweep report runs/focal --format csv > ranking.csv
  focalsweep report runs/focal --on test --html report-on-test.html
  focalsweep report runs/focal --figures figures           for papers and slides
  focalsweep report runs/focal --operating-point min_recall=0.9 --by op_fp
  focalsweep report runs/focal --operating-point fn_cost=100,fp_cost=1 --by cost
  focalsweep report runs/focal --prevalence 0.0017         where 17 of 10,000 are positive, not as many as in the sample

Operating points: max_fpr=SHARE, min_recall=SHARE, min_precision=SHARE, max_alerts_per_1000=ROWS,
fn_cost=COST,fp_cost=COST")]
    Report(ReportArgs),
    /// Set two runs of the same data and splits side by side
    #[command(after_help = "Examples:
  focalsweep compare runs/focal runs/comparison
  focalsweep compare runs/before runs/after --by op_fn --operating-point min_recall=0.9
  focalsweep compare runs/before runs/after --format csv > changes.csv

Each run's winner is chosen by the rank keys; the two are compared on the test rows by paired tests (DeLong for \
AUC, the bootstrap at the operating point, McNemar for the two as they are deployed). \
Trials with the same hyperparameters are paired.")]
    Compare(CompareArgs),
    /// Copy a trained model out of a run, with all that is needed to score new rows
    #[command(after_help = "Examples:
  focalsweep export runs/focal --out models/best                the winner of the report
  focalsweep export runs/focal --trial 95668f16 --replicate 2 --out models/other
  focalsweep export runs/focal --trial ensemble --out models/average      an average of the best trials
  focalsweep export runs/focal --refit --out models/all         the winner, trained on all rows
  focalsweep export runs/focal --format onnx --out model.onnx             for any ONNX runtime (docs/deploy.md)

Beside the model lies a card of it in Markdown. Trial ids stand in results.parquet and in `focalsweep report RUN_DIR \
--format csv`.")]
    Export(ExportArgs),
    /// Score the rows of a file with an exported model
    #[command(after_help = "Example:
  focalsweep predict models/best data/new.csv --out scores.parquet
  focalsweep predict models/best data/last_month.csv --out scores.parquet --metrics metrics.json

FILE gets a row for each row of DATA, in the same order: row (from 0), raw (what ranks: the logit), score (between 0 \
and 1, float32), flagged (raw >= threshold_raw) and threshold_raw, that of the model's operating point. DATA needs \
the columns that the model was trained on, by name. Where the label is there too, stderr says what the scores are \
worth: AUC, average precision, recall, precision, false positive rate and counts, with 95 % intervals.")]
    Predict(PredictArgs),
    /// Write a commented sweep file for data, ready to run
    #[command(after_help = "Examples:
  focalsweep init cards.csv --label is_fraud                        to stdout
  focalsweep init cards.csv --label is_fraud --out cards.yaml
  focalsweep init visits.parquet --label outcome --positive dead --name visits --out visits.yaml

Types, dropped columns, batch size, epochs and operating point follow from the data; comments say why.")]
    Init(InitArgs),
    /// Run one trial of a command of the sweep file in the foreground, to see what it does
    #[command(after_help = "Example:
  focalsweep trial runs/rivals 95668f16 --replicate 1

It is told what a run tells it, in files beside the run's (`trainers/ID-rN-by-hand`), prints where you are, and its \
scores are checked and measured. The results stay as they are. The line that is printed first runs it without \
focalsweep.")]
    Trial(TrialArgs),
    /// Check a sweep file: every fault at once, with line and column
    Validate(SpecArgs),
    /// Print the JSON Schema of sweep files
    #[command(after_help = "Example:\n  focalsweep schema > sweeps/sweep.schema.json")]
    Schema,
    /// Say how far a run is, here or on a cluster
    #[command(after_help = "Examples:
  focalsweep status runs/focal
  focalsweep status runs/focal --format json")]
    Status(StatusArgs),
    /// Follow a run until it ends, here or on a cluster
    #[command(after_help = "Examples:
  focalsweep watch runs/focal                  bars, the best so far, and how it ended
  focalsweep watch runs/focal --html           and a page that is made anew as trials end: runs/focal/live.html
  focalsweep watch runs/focal --html /srv/www/focal.html

It only reads: Ctrl-C ends the watching, never the run. The page is made at most every 5 s and only when something \
ended; it loads itself again and stays where its reader is.
Exit codes: 0 the run finished, 1 some of its trials failed, 130 it was stopped before it was done, or the \
watching was")]
    Watch(WatchArgs),
    /// Make one page over all runs of a folder, with links to their pages
    #[command(after_help = "Examples:
  focalsweep index runs                        writes runs/index.html
  focalsweep index runs --out /srv/www/runs.html

Name, date, data, state, decision and the best trial's figures of each run below the folder, sortable. A run that \
cannot be read stands there with the reason.")]
    Index(IndexArgs),
    /// Train one job of a run's plan: what a task of a cluster runs
    #[command(after_help = "Examples:
  focalsweep worker runs/focal --job 3                 in a task of any engine, on a shared file system
  SLURM_ARRAY_TASK_ID=3 focalsweep worker runs/focal   the same; so does JOB_COMPLETION_INDEX (Kubernetes)

The run directory must have been prepared by `focalsweep run SPEC --launcher slurm`, with --prepare for other \
engines. SIGTERM or SIGUSR1 makes it keep a checkpoint and end with code 130; the next worker of the job goes on from \
there.
Exit codes: 0 its trials are done, 1 some failed, 2 arguments, 3 environment or device, 130 interrupted")]
    Worker(WorkerArgs),
    /// List the cores and GPUs to train on, and why libtorch cannot use a GPU
    #[command(after_help = "Examples:
  focalsweep devices
  focalsweep devices --format json
  focalsweep devices --check sweeps/focal.yaml    compare each GPU with the CPU

CUDA_VISIBLE_DEVICES is respected: cuda:0 is the first GPU that it leaves. --check exits with 3 where a GPU differs \
from the CPU by more than 0.001 in the history of 5 epochs or in the test AUC.")]
    Devices(DevicesArgs),
    /// Look at data, or make some
    #[command(subcommand)]
    Data(DataCommand),
    /// Open the page of a run in the browser
    #[command(after_help = "Example:
  focalsweep open runs/focal

Where no browser can be started (over ssh, in a container) it says so; stdout has the page's path either way.")]
    Open(OpenArgs),
    /// Print what completes commands and options in a shell
    #[command(after_help = "Examples:
  focalsweep completions bash > ~/.local/share/bash-completion/completions/focalsweep
  focalsweep completions zsh  > ~/.zfunc/_focalsweep
  focalsweep completions fish > ~/.config/fish/completions/focalsweep.fish")]
    Completions(CompletionsArgs),
    /// Write a man page for each command
    #[command(after_help = "Example:
  focalsweep man --out ~/.local/share/man/man1    then: man focalsweep-run")]
    Man(ManArgs),
    /// Run a command, and end it when stdin ends: what stands between a run and a trainer of the user's
    #[command(hide = true)]
    Guard(GuardArgs),
}

/// `open`.
#[derive(Debug, Args)]
pub struct OpenArgs {
    /// The run directory
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder to write them to; made where it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `trial`.
#[derive(Debug, Args)]
pub struct TrialArgs {
    /// The run directory
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// The trial, by its id or the first characters of it
    #[arg(value_name = "ID")]
    pub id: String,
    /// On which replicate, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub replicate: u32,
}

/// `guard`.
#[derive(Debug, Args)]
pub struct GuardArgs {
    /// The command
    #[arg(value_name = "WORD", required = true, last = true)]
    pub words: Vec<OsString>,
}

/// A sweep file and what is changed in it.
#[derive(Debug, Args)]
pub struct SpecArgs {
    /// The sweep file
    #[arg(value_name = "SPEC")]
    pub spec: PathBuf,
    /// Change a key of the spec, e.g. train.epochs=5 or parameters.alpha.value=0.3 (may be repeated)
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub overrides: Vec<(String, String)>,
}

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The sweep.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Run directory [default: runs/NAME, the sweep's name]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the run in the run directory: only what is missing is trained
    #[arg(long)]
    pub resume: bool,
    /// Train the rows that failed again; each stays until there is another
    #[arg(long, requires = "resume")]
    pub retry_failed: bool,
    /// Train the trials of a command of the sweep file again, also when it is another program now (may be repeated)
    #[arg(long, value_name = "TRAINER", requires = "resume")]
    pub retrain: Vec<String>,
    /// Where.
    #[command(flatten)]
    pub launch: LaunchArgs,
    /// Write the run directory with the prepared data and stop: for workers that another engine starts
    #[arg(long)]
    pub prepare: bool,
    /// Say what would run, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// What is shown.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// Where jobs run.
#[derive(Debug, Args)]
pub struct LaunchArgs {
    /// Where to train: auto, cpu, cuda, cuda:0,cuda:1 [default: the spec's launch.devices]
    #[arg(long, value_name = "DEVICES")]
    pub devices: Option<String>,
    /// What runs the jobs [default: the spec's launch.launcher]
    #[arg(long, value_enum, value_name = "LAUNCHER")]
    pub launcher: Option<LauncherName>,
    /// Submit to the cluster and return; `focalsweep status` tells how far it is, --resume collects
    #[arg(long)]
    pub detach: bool,
    /// On Ctrl-C cancel the cluster's tasks without asking
    #[arg(long)]
    pub cancel_on_interrupt: bool,
}

/// What is shown while jobs run.
#[derive(Debug, Args)]
pub struct TalkArgs {
    /// No bars and no progress lines
    #[arg(long)]
    pub no_progress: bool,
    /// How log lines on stderr look
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// `confirm`.
#[derive(Debug, Args)]
pub struct ConfirmArgs {
    /// The run directory
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// How many trials, the best first; all where there are fewer [default: the spec's confirm.trials, else 3]
    #[arg(long, value_name = "N", value_parser = within(&ConfirmSpec::TRIALS))]
    pub trials: Option<u32>,
    /// On how many new replicates each is to be trained [default: the spec's confirm.replicates, else 10]
    #[arg(long, value_name = "M", value_parser = within(&ConfirmSpec::REPLICATES))]
    pub replicates: Option<u32>,
    /// The best trial of each method too, a loss and sampling or a trainer [default: the spec's confirm.methods]
    #[arg(long)]
    pub methods: bool,
    /// Where.
    #[command(flatten)]
    pub launch: LaunchArgs,
    /// What is shown.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The run directory
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
}

/// `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The run directory
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// Keep a page of what there is fresh [default: live.html in the run directory]
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub html: Option<Option<PathBuf>>,
    /// No bars and no progress lines
    #[arg(long)]
    pub no_progress: bool,
}

/// `index`.
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// The folder of run directories
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The page to write [default: index.html in the folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// The run directory
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// Which jobs of plan.jsonl: a number from 0, of groups of --pack jobs
    /// [default: SLURM_ARRAY_TASK_ID, else JOB_COMPLETION_INDEX]
    #[arg(long, value_name = "N")]
    pub job: Option<usize>,
    /// How many jobs of plan.jsonl come before those of number 0
    #[arg(long, value_name = "JOBS", default_value_t = 0)]
    pub first: usize,
    /// Jobs to a number
    #[arg(long, value_name = "P", default_value_t = 1)]
    pub pack: usize,
    /// Whose jobs count: those of our own networks (stack), or of a trainer of the sweep file
    #[arg(long, value_name = "NAME", default_value = STACK)]
    pub trainer: String,
    /// Where to train: auto, cpu, cuda, cuda:0,cuda:1 [default: the spec's launch.devices]
    #[arg(long, value_name = "DEVICES")]
    pub devices: Option<String>,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The sweep.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Where to train: auto, cpu, cuda, cuda:0,cuda:1 [default: the spec's launch.devices]
    #[arg(long, value_name = "DEVICES")]
    pub devices: Option<String>,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
}

/// `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Train a stack of this sweep on the CPU and on each GPU, and compare
    #[arg(long, value_name = "SPEC")]
    pub check: Option<PathBuf>,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
}

/// `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The run directory
    #[arg(value_name = "RUN_DIR")]
    pub run_dir: PathBuf,
    /// Which trial: best (the winner of the report), ensemble (an average of the best), or a trial id, of which 4
    /// characters or more are enough
    #[arg(long, value_name = "TRIAL", default_value = "best")]
    pub trial: String,
    /// Which of the trial's replicates [default: the first that finished]
    #[arg(long, value_name = "N")]
    pub replicate: Option<u32>,
    /// Train the setting on all rows, those of validation and test too, for the median of its replicates' best epochs.
    /// Nobody has measured such a model: its figures are the replicates'
    #[arg(long, conflicts_with = "replicate")]
    pub refit: bool,
    /// As what: a folder for `focalsweep predict`, or one ONNX file for any runtime
    #[arg(long, value_name = "FORMAT", default_value = "folder")]
    pub format: ExportFormat,
    /// Directory to write, new or empty; with --format onnx the file
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The data: .csv, .csv.gz or .parquet
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// The label column
    #[arg(long, value_name = "COLUMN")]
    pub label: String,
    /// The label value that is the rare class [default: 1 or true, else the rarer of two values]
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub positive: Option<String>,
    /// Name of the sweep [default: that of the file]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The sweep file to write [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the file of --out if it is there
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// What `focalsweep export` wrote
    #[arg(value_name = "MODEL_DIR")]
    pub model_dir: PathBuf,
    /// The rows to score: .csv, .csv.gz or .parquet, a folder of Parquet parts, or `-` for standard input: CSV (also
    /// packed), an Arrow stream or file, or Parquet, as its first bytes say
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// .parquet or .csv file to write, or `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// How standard output is written [default: csv]
    #[arg(long, value_enum)]
    pub format: Option<StreamFormat>,
    /// A column of DATA that is copied to the output (may be repeated)
    #[arg(long, value_name = "COLUMN")]
    pub keep: Vec<String>,
    /// .json file to write what is said of the rows to: unfamiliar values, and metrics where DATA has the label
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
}

/// `data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Rows, features, classes, missing values, constant columns
    #[command(after_help = "Examples:
  focalsweep data describe sweeps/focal.yaml          on one screen
  focalsweep data describe sweeps/focal.yaml --all    every column, whatever it holds")]
    Describe(DescribeArgs),
    /// Write a synthetic data set with a rare class
    #[command(after_help = "Example:
  focalsweep data synth --rows 284807 --features 29 --positives 492 --seed 0 --out data/synthetic.parquet")]
    Synth(SynthArgs),
}

/// `data describe`.
#[derive(Debug, Args)]
pub struct DescribeArgs {
    /// The sweep.
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Show every column, and lines in their whole length
    #[arg(long)]
    pub all: bool,
    /// Fit a small model under a random split, one by time and one by groups, and show what it comes to
    #[arg(long)]
    pub split_check: bool,
}

/// `data synth`.
#[derive(Debug, Args)]
pub struct SynthArgs {
    /// Rows in all
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub rows: u64,
    /// Feature columns
    #[arg(long, value_name = "D", allow_negative_numbers = true)]
    pub features: u32,
    /// Rows of the rare class
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub positives: u64,
    /// Seed of the generator
    #[arg(long, value_name = "S", default_value_t = 0, allow_negative_numbers = true)]
    pub seed: u64,
    /// .parquet or .csv file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Numbers within the bounds that the sweep file has.
fn within(bounds: &RangeInclusive<u32>) -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(i64::from(*bounds.start())..=i64::from(*bounds.end()))
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, such as train.epochs=5".to_owned()),
    }
}
