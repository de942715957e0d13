//! Bad sweep files, data, arguments and run directories: what is said, the exit code, and that nothing is written.
//!
//! Each group is one snapshot in `tests/snapshots`, to be read as a person would: does it name the place, what was
//! expected, and the way out?

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch};
use common::{Said, files, focalsweep, program};
use parquet::arrow::ArrowWriter;
use rayon::prelude::*;
use tempfile::TempDir;

/// A sweep without faults.
const GOOD: &str = "\
name: tiny
data:
  source: rows.csv
  label: y
train: {epochs: 2, batch_size: 16}
parameters:
  loss: {value: focal}
  alpha: {values: [0.25, 0.5]}
";

/// Data without faults: 40 rows, 8 positives, a number, a word and a truth.
fn good_rows() -> String {
    let rows =
        (0..40).map(|row| format!("{}.5,{},{},{}", row * 7 % 11, ["red", "blue"][row % 2], row % 3 == 0, row % 5 / 4));
    let lines: Vec<String> = std::iter::once("x,colour,flag,y".to_owned()).chain(rows).collect();
    lines.join("\n") + "\n"
}

type Prepare = dyn Fn(&Path) + Send + Sync;

/// A fault to be made.
struct Case {
    name: String,
    args: Vec<String>,
    code: i32,
    /// Written beside, or over, the good ones.
    files: Vec<(String, Vec<u8>)>,
    /// More to be done in the folder beforehand.
    prepare: Option<Box<Prepare>>,
}

fn case(name: &str, code: i32, args: &str) -> Case {
    let args = args.split_whitespace().map(str::to_owned).collect();
    Case { name: name.to_owned(), args, code, files: Vec::new(), prepare: None }
}

impl Case {
    fn with(mut self, file: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((file.to_owned(), bytes.into()));
        self
    }

    fn prepared(mut self, prepare: impl Fn(&Path) + Send + Sync + 'static) -> Self {
        self.prepare = Some(Box::new(prepare));
        self
    }

    fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Runs it in a folder of its own. Tells what was said, and what was not as bad input is to be met.
    fn told(&self) -> (String, Vec<String>) {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("sweep.yaml"), GOOD).unwrap();
        fs::write(folder.path().join("rows.csv"), good_rows()).unwrap();
        for (name, bytes) in &self.files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        if let Some(prepare) = &self.prepare {
            prepare(folder.path());
        }
        let before = files(folder.path());
        let Said { code, stdout, stderr } = focalsweep(folder.path(), &self.args);
        let mut wrong = Vec::new();
        if code != Some(self.code) {
            wrong.push(format!("{}: exit code {code:?}, expected {}", self.name, self.code));
        }
        if !stdout.is_empty() {
            wrong.push(format!("{}: on stdout {stdout:?}", self.name));
        }
        let after = files(folder.path());
        if after != before {
            let changed: Vec<&String> =
                after.iter().filter(|(name, bytes)| before.get(*name) != Some(bytes)).map(|(name, _)| name).collect();
            wrong.push(format!("{}: wrote {changed:?}", self.name));
        }
        let lines: Vec<&str> = stderr.lines().map(str::trim_end).collect();
        let code = code.map_or("none".to_owned(), |code| code.to_string());
        let told =
            format!("# {}\n$ focalsweep {}\n{}\nexit code {code}\n", self.name, self.args.join(" "), lines.join("\n"));
        (told, wrong)
    }
}

/// All that is said to `cases` as one snapshot.
fn snapshot(name: &str, cases: &[Case]) {
    let (told, wrong): (Vec<String>, Vec<Vec<String>>) = cases.par_iter().map(Case::told).unzip();
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.add_filter(r"(device `cuda\S*` is not available:) .*", "$1 WHY"); // each machine has its own reason
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT");
    settings.add_filter(r"/[^\s`]*/\.tmp\w+", "TEMP");
    settings.bind(|| insta::assert_snapshot!(name, told.join("\n\n")));
}

/// `run` of the good sweep with one part written otherwise.
fn edited(name: &str, from: &str, to: &str) -> Case {
    assert_eq!(GOOD.matches(from).count(), 1, "{name}: {from:?} is not there once");
    case(name, 2, "run sweep.yaml").with("sweep.yaml", GOOD.replace(from, to))
}

/// `run` of the good sweep with more lines.
fn with_lines(name: &str, lines: &str) -> Case {
    case(name, 2, "run sweep.yaml").with("sweep.yaml", format!("{GOOD}{lines}\n"))
}

/// `run` of the good sweep with other parameters.
fn with_parameters(name: &str, lines: &str) -> Case {
    let (before, _) = GOOD.split_once("parameters:\n").unwrap();
    case(name, 2, "run sweep.yaml").with("sweep.yaml", format!("{before}parameters:\n{lines}\n"))
}

/// `run` of the good sweep with more under `data`.
fn with_data(name: &str, lines: &str) -> Case {
    edited(name, "  label: y\n", &format!("  label: y\n{lines}\n"))
}

/// `run` of a sweep that only has this text.
fn text(name: &str, text: impl Into<Vec<u8>>) -> Case {
    case(name, 2, "run sweep.yaml").with("sweep.yaml", text)
}

#[test]
fn sweep_files_that_are_none() {
    snapshot(
        "sweep_files_that_are_none",
        &[
            case("no such file", 2, "run sweeep.yaml"),
            case("no such folder", 2, "validate nowhere/sweep.yaml"),
            case("a folder", 2, "plan folder").prepared(|folder| fs::create_dir(folder.join("folder")).unwrap()),
            text("empty", ""),
            text("comments only", "# to do\n"),
            text("not text", b"name: caf\xe9\n"),
            text("a list", "- name: tiny\n"),
            text("a word", "tiny\n"),
            text("tabs", "name: tiny\ndata:\n\tsource: rows.csv\n"),
            text("a bracket left open", "name: tiny\nparameters: {loss: {value: focal}\n"),
            text("a colon too many", "name: tiny: focal\n"),
            text("two documents", format!("{GOOD}---\n{GOOD}")),
            text("merge keys", "name: tiny\ndata: &d {source: rows.csv, label: y}\nmodel: {<<: *d}\n"),
            text("an anchor that is not there", "name: *tiny\n"),
            text("too deep", format!("name: {}{}\n", "[".repeat(40), "]".repeat(40))),
        ],
    );
}

/// The reader's own tests have more of these; here is one of each kind, through the whole program.
#[test]
fn sweep_files_with_faults() {
    snapshot(
        "sweep_files_with_faults",
        &[
            text("nothing that is needed", "seed: 1\n"),
            edited(
                "several faults at once",
                GOOD,
                "nmae: tiny\ndata:\n  source: rows.txt\n  lable: y\n  clip: -1\n\
             split: {test: 0.9, validation: 0.2}\n\
             replicates: 0\ntrain: {epochs: many, learning_rate: 1e-3, early_stoping: {patience: 3}}\nmethod: gird\n\
             parameters:\n  alpha: {values: [0.25, 2]}\n  gama: {min: 1}\nlaunch: {launcher: pbs}\n",
            ),
            edited("an unknown key", "parameters:", "paramters:"),
            with_lines("a key that is like no other", "colour: red"),
            with_lines("a key of another part", "epochs: 5"),
            with_lines("a key twice", "name: again"),
            edited("a name that is no folder's", "name: tiny", "name: my sweeps/tiny"),
            edited("a source of unknown format", "rows.csv", "rows.xlsx"),
            with_data("url without sha256", "  url: http://example.org/rows.csv"),
            with_data("sha256 too short", "  url: http://example.org/rows.csv\n  sha256: 76274b69"),
            with_data("more positives than rows", "  synth: {rows: 100, features: 2, positives: 200}"),
            with_data("the label dropped", "  drop: [x, y]"),
            with_data("standardize is a word", "  standardize: yes"),
            with_lines("no rows left to train on", "split: {test: 0.5, validation: 0.5}"),
            with_lines("a seed below 0", "seed: -1"),
            with_lines("a layer of nothing", "model: {hidden: [16, 0]}"),
            with_lines("an unknown activation", "model: {activation: rleu}"),
            edited("half an epoch", "epochs: 2", "epochs: 1.5"),
            edited("an infinite step", "epochs: 2", "learning_rate: .inf"),
            edited("the wrong goal", "epochs: 2", "early_stopping: {metric: val_auc, goal: minimize}"),
            with_lines("method of another program", "method: bayes"),
            with_lines("tpe that would learn from test rows", "method: tpe\nrun_cap: 4\nrank: {on: test}"),
            with_lines("a wave of a grid", "wave: 4"),
            with_lines("a budget without a unit", "budget: 600"),
            with_lines("early_terminate", "early_terminate: {type: asha}"),
            with_lines(
                "an unknown launcher in the file",
                "launch: {launcher: pbs, slurm: {gres: gpu:1, gpus: 1, time: soon, sbatch: [--array=1]}}",
            ),
            with_lines("an unknown device", "launch: {devices: gpu}"),
            with_lines("an unknown metric", "rank: {by: [auk, fn]}"),
            with_lines("two operating points", "operating_point: {max_fpr: 0.01, min_recall: 0.9}"),
            with_lines("an operating point that cannot be", "operating_point: {max_fpr: 5}"),
        ],
    );
}

#[test]
fn parameters_with_faults() {
    snapshot(
        "parameters_with_faults",
        &[
            with_parameters("nothing", ""),
            with_parameters("an empty list", "  []"),
            with_parameters("an unknown one", "  loss: {value: focal}\n  alhpa: {value: 0.5}"),
            with_parameters("an unknown loss", "  loss: {value: fokal}"),
            with_parameters("a value without `value`", "  loss: focal"),
            with_parameters("a value twice", "  learning_rate: {values: [1e-3, 0.001]}"),
            with_parameters("a range that runs backwards", "  learning_rate: {min: 1, max: 0.5, count: 3}"),
            with_parameters("a range of rows by halves", "  batch_size: {min: 1, max: 2, count: 3}"),
            with_parameters("a distribution", "  learning_rate: {min: 1e-4, max: 1e-2, distribution: log_uniform}"),
            with_parameters("alpha of 1", "  loss: {value: focal}\n  alpha: {values: [0.5, 1]}"),
            with_parameters("alpha that no loss reads", "  alpha: {values: [0.25, 0.5]}"),
            with_parameters("hidden as one list", "  hidden: {values: [16, 8]}"),
            with_parameters(
                "too many trials",
                "  learning_rate: {min: 0.1, max: 0.5, count: 10000}\n\
             \x20 weight_decay: {min: 0.1, max: 0.5, count: 10000}\n  dropout: {min: 0.1, max: 0.5, count: 10000}",
            ),
            with_parameters(
                "a fault in the second space",
                "  - {loss: {value: bce}}\n  - {loss: {value: focal}, gamma: {value: two}}",
            ),
        ],
    );
}

#[test]
fn overrides_with_faults() {
    let set = |name: &str, value: &str| case(name, 2, "run sweep.yaml --set").arg(value);
    snapshot(
        "overrides_with_faults",
        &[
            set("an unknown key", "train.epoch=5"),
            set("no value", "train.epochs"),
            set("no key", "=5"),
            set("a value that does not fit", "train.epochs=five"),
            set("a key below a word", "name.first=x"),
            set("an empty step", "train..epochs=5"),
            set("a value that is no YAML", "parameters.alpha.values=[0.1, 0.2"),
            set("an unknown parameter", "parameters.gama.value=2"),
            set("a space that is not there", "parameters.3.alpha.value=0.5").with(
                "sweep.yaml",
                GOOD.replace("  loss: {value: focal}\n  alpha: {values: [0.25, 0.5]}", "  - {loss: {value: bce}}"),
            ),
            set("a fault in the file and one here", "seed=-1")
                .with("sweep.yaml", GOOD.replace("epochs: 2", "epochs: 0")),
        ],
    );
}

/// Bytes of a Parquet file.
fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn good_parquet() -> Vec<u8> {
    let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..40).map(f64::from)));
    let y: ArrayRef = Arc::new(Int64Array::from_iter_values((0..40).map(|row| row % 5 / 4)));
    parquet(vec![("x", x), ("y", y)])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn data_with_faults() {
    // Data in place of the good rows.
    let rows = |name: &str, csv: &str| case(name, 2, "run sweep.yaml").with("rows.csv", csv);
    // The good rows with one line written otherwise.
    let line = |name: &str, number: usize, line: &str| {
        let mut lines: Vec<String> = good_rows().lines().map(str::to_owned).collect();
        lines[number - 1] = line.to_owned();
        rows(name, &(lines.join("\n") + "\n"))
    };
    // Another kind of file.
    let source = |name: &str, file: &str, bytes: Vec<u8>| edited(name, "rows.csv", file).with(file, bytes);
    // The good rows with other labels.
    let labels = |name: &str, label: fn(usize) -> &'static str| {
        let lines: Vec<String> = (0..40).map(|row| format!("{}.5,{}\n", row * 7 % 11, label(row))).collect();
        rows(name, &format!("x,y\n{}", lines.concat()))
    };
    // A column of these cells, nearly all different.
    let numbers = |name: &str, cell: fn(usize) -> String| {
        let lines: Vec<String> = (0..40).map(|row| format!("{},{}\n", cell(row), row % 5 / 4)).collect();
        rows(name, &format!("x,y\n{}", lines.concat()))
    };
    let mut cut = good_parquet();
    cut.truncate(cut.len() / 2);
    let mut flipped = good_parquet();
    flipped[4..20].fill(0xa5);
    let mut torn = gzip(good_rows().as_bytes());
    torn.truncate(torn.len() / 2);
    let dates: ArrayRef = Arc::new(Date32Array::from_iter_values(0..40));
    let y: ArrayRef = Arc::new(Int64Array::from_iter_values((0..40).map(|row| row % 5 / 4)));
    let identifiers: Vec<String> = (0..300).map(|row| format!("c{row},{}\n", row % 5 / 4)).collect();
    snapshot(
        "data_with_faults",
        &[
            edited("no such file", "rows.csv", "row.csv"),
            edited("no such folder", "rows.csv", "data/rows.csv"),
            edited("a folder", "rows.csv", "folder.csv")
                .prepared(|folder| fs::create_dir(folder.join("folder.csv")).unwrap()),
            edited("no such label", "label: y", "label: z"),
            edited("a label in other case", "label: y", "label: Y"),
            with_data("no such column to drop", "  drop: [color]"),
            with_data("no such column to take the logarithm of", "  log: {xx: 1}"),
            with_data("no such category", "  categorical: [flags]"),
            rows("no bytes", ""),
            rows("a header only", "x,y\n"),
            rows("two columns of one name", "x,x,y\n1,2,0\n"),
            rows("the label alone", "y\n1\n0\n0\n0\n1\n1\n0\n"),
            rows("semicolons on most rows", "x;y\n1;0\n2;1;3\n"),
            rows("commas and semicolons", "x;a,b;y\n1;2,3;0\n2;3,4;1\n"),
            rows("lines before the header", "# exported\nx,y\n1,0\n2,1\n"),
            rows("UTF-16 without a mark", "")
                .with("rows.csv", good_rows().encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
            line("too few cells", 7, "1.5,red"),
            line("too many cells", 7, "1.5,red,true,0,9"),
            line("an unclosed quote", 7, "1.5,\"red,true,0"),
            numbers("a word among numbers", |row| if row == 5 { "n.a.".to_owned() } else { format!("{row}.5") }),
            numbers("amounts of money", |row| format!("${row}.50")),
            numbers("decimal commas", |row| format!("\"{row},50\"")),
            numbers("numbers too long", |row| format!("{}", 9_007_199_254_740_992 + row)),
            numbers("times with and without a zone", |row| {
                format!("2024-01-{:02}T00:00:00{}", row % 28 + 1, ["", "Z"][row % 2])
            }),
            line("an infinite number", 7, "inf,red,true,0"),
            line("a number beyond single precision", 7, "1e300,red,true,0"),
            rows("a header that is not UTF-8", "").with(
                "rows.csv",
                good_rows().into_bytes().into_iter().map(|b| if b == b'u' { 0xff } else { b }).collect::<Vec<u8>>(),
            ),
            line("not UTF-8 on a row", 7, "1.5,rouge,true,0").prepared(|folder| {
                let bytes = fs::read(folder.join("rows.csv")).unwrap();
                let at = bytes.windows(5).position(|bytes| bytes == b"rouge").unwrap();
                fs::write(folder.join("rows.csv"), [&bytes[..at], b"\xe9", &bytes[at + 1..]].concat()).unwrap();
            }),
            rows("an identifier", &format!("customer,y\n{}", identifiers.concat())),
            labels("one class", |_| "0"),
            labels("three classes", |row| ["a", "b", "c"][row % 3]),
            labels("spellings of a class", |row| ["sick", "Sick", "well"][row % 3]),
            labels("two classes of one size", |row| ["sick", "well"][row % 2]),
            labels("a row without label", |row| if row == 9 { "" } else { ["0", "1"][row % 2] }),
            labels("labels by the row", |row| {
                ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.1", "1.2"][row % 11]
            }),
            with_data("a positive that is not there", "  positive: 2"),
            labels("two positives", |row| if row < 2 { "1" } else { "0" }),
            labels("two negatives", |row| if row < 2 { "0" } else { "1" }),
            labels("a part without positives", |row| if row < 3 { "1" } else { "0" })
                .with("sweep.yaml", format!("{GOOD}split: {{stratify: false}}\n")),
            rows("nothing but a constant", &format!("x,y\n{}", "1,0\n1,1\n".repeat(20))),
            with_data("the logarithm of a word", "  log: {colour: 1}"),
            with_data("the logarithm of 0", "  log: {x: 0}").with("rows.csv", good_rows().replace("\n0.5,", "\n0,")),
            source("not gzip", "rows.csv.gz", good_rows().into_bytes()),
            source("half a gzip", "rows.csv.gz", torn),
            source("gzip of nothing", "rows.csv.gz", gzip(b"")),
            source("not Parquet", "rows.parquet", good_rows().into_bytes()),
            source("half a Parquet file", "rows.parquet", cut),
            source("a broken Parquet file", "rows.parquet", flipped),
            source("no bytes of Parquet", "rows.parquet", Vec::new()),
            source("dates", "rows.parquet", parquet(vec![("day", dates), ("y", y)])),
            case("described", 2, "data describe sweep.yaml").with("sweep.yaml", GOOD.replace("label: y", "label: z")),
            case("planned", 2, "plan sweep.yaml --format json").with("rows.csv", "x,y\n"),
            case("tried dry", 2, "run sweep.yaml --dry-run").with("rows.csv", "x,y\n"),
        ],
    );
}

/// Answers every request on a port of the loopback with `answer`, for as long as the test runs.
fn serve(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                request.push(byte[0]);
            }
            // A client that has gone is its own affair.
            let _ = stream.write_all(answer);
        }
    });
    format!("http://{address}/rows.csv")
}

#[test]
fn downloads_with_faults() {
    const SUM: &str = "76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89";
    let from = |name: &str, url: &str| {
        let lines = format!("  url: {url}\n  sha256: {SUM}");
        edited(name, "rows.csv\n  label: y\n", &format!("fetched.csv\n  label: y\n{lines}\n"))
    };
    snapshot(
        "downloads_with_faults",
        &[
            from(
                "another file than was promised",
                &serve(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nx,y\n"),
            ),
            from("not found", &serve(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")),
            from(
                "a broken server",
                &serve(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            ),
            from("no HTTP", &serve(b"220 mail.example.org ESMTP\r\n")),
            // Port 1 is no ephemeral one, so nobody is given it by chance.
            from("nobody there", "http://127.0.0.1:1/rows.csv"),
        ],
    );
}

#[test]
fn arguments_with_faults() {
    // Where there is a driver, CUDA may be there too.
    let cuda = Path::new("/proc/driver/nvidia").exists();
    if cuda {
        println!("skipped: `--devices cuda` on a machine without a GPU; there is one here");
    }
    let mut cases = vec![
        case("a word too many", 2, "run sweep.yaml other.yaml"),
        case("no sweep", 2, "run"),
        case("an unknown command", 2, "rnu sweep.yaml"),
        case("an unknown flag", 2, "run sweep.yaml --resum"),
        case("a flag without its value", 2, "run sweep.yaml --out"),
        case("another try of nothing", 2, "run sweep.yaml --retry-failed"),
        case("unknown devices", 2, "run sweep.yaml --devices gpu"),
        case("unknown devices, planned", 2, "plan sweep.yaml --devices cpu,tpu"),
        case("no devices", 2, "run sweep.yaml --devices").arg(""),
        case("an unknown launcher", 2, "run sweep.yaml --launcher pbs"),
        case("an unknown log format", 2, "run sweep.yaml --log-format xml"),
        case("an unknown plan format", 2, "plan sweep.yaml --format yaml"),
        case("an unknown report format", 2, "report runs/tiny --format html"),
        case("a top that is no number", 2, "report runs/tiny --top few"),
        case("an unknown split", 2, "report runs/tiny --on train"),
        case("synth without rows", 2, "data synth --rows 0 --features 3 --positives 1 --out made.csv"),
        case("synth without features", 2, "data synth --rows 10 --features 0 --positives 1 --out made.csv"),
        case("synth without positives", 2, "data synth --rows 10 --features 3 --positives 0 --out made.csv"),
        case("synth of positives only", 2, "data synth --rows 10 --features 3 --positives 10 --out made.csv"),
        case("synth of fewer than no rows", 2, "data synth --rows -5 --features 3 --positives 1 --out made.csv"),
        case("synth of an unknown format", 2, "data synth --rows 10 --features 3 --positives 1 --out made.txt"),
        case("synth below a file", 2, "data synth --rows 10 --features 3 --positives 1 --out rows.csv/made.csv"),
        case("a run below a file", 2, "run sweep.yaml --out rows.csv/runs/tiny"),
        case("a run where no folder can be", 3, "run sweep.yaml --out /proc/tiny"),
        case("a run that is a file", 2, "run sweep.yaml --out rows.csv"),
    ];
    if !cuda {
        cases.push(case("a GPU that is not there", 3, "run sweep.yaml --devices cuda"));
        cases.push(case("the eighth GPU", 3, "run sweep.yaml --devices cuda:7"));
        cases.push(
            case("a GPU that the sweep asks for", 3, "plan sweep.yaml")
                .with("sweep.yaml", format!("{GOOD}launch: {{devices: [cpu, 'cuda:0']}}\n")),
        );
    }
    snapshot("arguments_with_faults", &cases);
}

/// Puts the finished run of the good sweep into `runs/tiny`; it is trained once for all tests.
fn have_run(folder: &Path) {
    static RUN: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("sweep.yaml"), GOOD).unwrap();
        fs::write(folder.path().join("rows.csv"), good_rows()).unwrap();
        let said = focalsweep(folder.path(), ["run", "sweep.yaml", "--no-progress", "--devices", "cpu"]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        files(&folder.path().join("runs"))
    });
    for (name, bytes) in RUN.iter() {
        let path = folder.join("runs").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if !name.ends_with('/') {
            fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn run_directories_with_faults() {
    let change = |file: &'static str, text: &'static str| {
        move |folder: &Path| {
            have_run(folder);
            fs::write(folder.join("runs/tiny").join(file), text).unwrap();
        }
    };
    let change_rows = |folder: &Path| {
        have_run(folder);
        fs::write(folder.join("rows.csv"), good_rows().replace("0.5,", "0.75,")).unwrap();
    };
    let foreign = |folder: &Path| {
        fs::create_dir_all(folder.join("runs/tiny")).unwrap();
        fs::write(folder.join("runs/tiny/thesis.tex"), "\\chapter{1}").unwrap();
    };
    snapshot(
        "run_directories_with_faults",
        &[
            case("a run is there", 2, "run sweep.yaml").prepared(have_run),
            case("somebody else's folder", 2, "run sweep.yaml").prepared(foreign),
            case("somebody else's folder, resumed", 2, "run sweep.yaml --resume").prepared(foreign),
            case("another sweep", 2, "run sweep.yaml --resume --set train.epochs=3 --set seed=1").prepared(have_run),
            case("other data", 2, "run sweep.yaml --resume").prepared(change_rows),
            case("a manifest that is none", 3, "run sweep.yaml --resume").prepared(change("manifest.json", "{")),
            case("a manifest of another program", 2, "run sweep.yaml --resume").prepared(change("manifest.json", "{}")),
            case("a later format", 2, "run sweep.yaml --resume")
                .prepared(change("manifest.json", "{\"format_version\": 99}")),
        ],
    );
}

#[test]
fn reports_with_faults() {
    let change = |file: &'static str, text: Option<&'static str>| {
        move |folder: &Path| {
            have_run(folder);
            let path = folder.join("runs/tiny").join(file);
            match text {
                Some(text) => fs::write(path, text).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
        }
    };
    snapshot(
        "reports_with_faults",
        &[
            case("no such folder", 2, "report runs/none"),
            case("an empty folder", 2, "report runs").prepared(|folder| fs::create_dir(folder.join("runs")).unwrap()),
            case("a file", 2, "report rows.csv"),
            case("a folder that is no run", 2, "report ."),
            case("no results any more", 3, "report runs/tiny").prepared(change("results.parquet", None)),
            case("results that are none", 3, "report runs/tiny").prepared(change("results.parquet", Some("x"))),
            case("a sweep that was changed", 3, "report runs/tiny").prepared(change("sweep.yaml", Some("name: ["))),
            case("a later format", 2, "report runs/tiny")
                .prepared(change("manifest.json", Some("{\"format_version\": 99}"))),
            case("an unknown metric", 2, "report runs/tiny --by auk,fn").prepared(have_run),
            case("a metric with its split", 2, "report runs/tiny --by val_auc").prepared(have_run),
            case("a metric like no other", 2, "report runs/tiny --by speed").prepared(have_run),
            case("no metric", 2, "report runs/tiny --by").arg("").prepared(have_run),
        ],
    );
}

/// Ends the process, whatever becomes of the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_running_process_keeps_its_directory() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("sweep.yaml"), GOOD).unwrap();
    fs::write(folder.path().join("rows.csv"), good_rows()).unwrap();
    let args = ["run", "sweep.yaml", "--devices", "cpu", "--set", "train={epochs: 1000000, early_stopping: none}"];
    let running = program(folder.path()).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut running = Ending(running);
    let manifest = folder.path().join("runs/tiny/manifest.json");
    let started = Instant::now();
    while !manifest.exists() {
        assert!(running.0.try_wait().unwrap().is_none(), "the run ended early");
        assert!(started.elapsed() < Duration::from_secs(120), "the run does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = fs::read(&manifest).unwrap();
    let mut told = String::new();
    for (more, code) in [("--resume", 3), ("--no-progress", 2)] {
        let said = focalsweep(folder.path(), args.iter().chain([&more]));
        assert_eq!((said.code, said.stdout.as_str()), (Some(code), ""), "{}", said.stderr);
        writeln!(told, "$ focalsweep run … {more}\n{}\nexit code {code}\n", said.stderr.trim_end()).unwrap();
    }
    let report = focalsweep(folder.path(), ["report", "runs/tiny"]);
    assert_eq!((report.code, report.stdout.as_str()), (Some(2), ""));
    write!(told, "$ focalsweep report runs/tiny\n{}\nexit code 2", report.stderr.trim_end()).unwrap();
    assert_eq!(fs::read(&manifest).unwrap(), text, "the others left it alone");
    assert!(File::open(folder.path().join("runs/tiny/results.parquet")).is_err());
    insta::assert_snapshot!("a_running_process_keeps_its_directory", told);
}
