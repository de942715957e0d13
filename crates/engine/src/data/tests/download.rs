use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::super::download::{Limits, fetch_within};
use super::super::fetch;
use super::super::fingerprint::hex;
use super::*;
use focalsweep_core::spec::SynthSpec;

/// What the server does with one request; the requests after the last answer are refused.
#[derive(Clone)]
enum Answer {
    /// All of it, or the rest when a range is asked for.
    All,
    /// All of it from the start, whatever range is asked for.
    AllFromStart,
    /// Promises all that is asked for, sends so many bytes, then closes.
    Cut(usize),
    /// All of it in chunks, its length not said.
    Chunked,
    Status(&'static str),
    /// To another path of this server.
    Redirect,
    /// To this address.
    SendOn(&'static str),
    /// Promises so many bytes and sends none.
    Promise(u64),
    /// Says nothing until the other end goes.
    Silent,
}

struct Server {
    url: String,
    /// The `Range` of each request, `-` where there is none.
    ranges: Receiver<String>,
}

fn serve(content: Vec<u8>, answers: Vec<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/rows.csv", listener.local_addr().unwrap());
    let (tell, ranges) = channel();
    thread::spawn(move || {
        for answer in answers {
            let Ok((stream, _)) = listener.accept() else { return };
            let range = asked_range(&stream);
            let _ = tell.send(range.map_or("-".to_owned(), |from: usize| from.to_string()));
            let _ = reply(stream, &content, range.unwrap_or(0), &answer);
        }
    });
    Server { url, ranges }
}

fn asked_range(stream: &TcpStream) -> Option<usize> {
    let mut range = None;
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(from) = line.strip_prefix("range: bytes=") {
            range = Some(from.trim_end_matches('-').parse().unwrap());
        }
    }
    range
}

fn reply(mut stream: TcpStream, content: &[u8], from: usize, answer: &Answer) -> std::io::Result<()> {
    let last = |status: &str, headers: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    let partial = |stream: &mut TcpStream| {
        let rest = content.len() - from;
        let headers = if from > 0 {
            last(
                "206 Partial Content",
                &format!(
                    "Content-Length: {rest}\r\nContent-Range: bytes {from}-{}/{}\r\n",
                    content.len() - 1,
                    content.len()
                ),
            )
        } else {
            last("200 OK", &format!("Content-Length: {rest}\r\n"))
        };
        stream.write_all(headers.as_bytes())
    };
    match answer {
        Answer::All if from >= content.len() => {
            stream.write_all(last("416 Range Not Satisfiable", "Content-Length: 0\r\n").as_bytes())
        }
        Answer::All => {
            partial(&mut stream)?;
            stream.write_all(&content[from..])
        }
        Answer::AllFromStart => {
            stream.write_all(last("200 OK", &format!("Content-Length: {}\r\n", content.len())).as_bytes())?;
            stream.write_all(content)
        }
        Answer::Cut(bytes) => {
            partial(&mut stream)?;
            stream.write_all(&content[from..from + bytes])
        }
        Answer::Chunked => {
            stream.write_all(last("200 OK", "Transfer-Encoding: chunked\r\n").as_bytes())?;
            for chunk in content.chunks(1000) {
                write!(stream, "{:x}\r\n", chunk.len())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        Answer::Status(status) => stream.write_all(last(status, "Content-Length: 0\r\n").as_bytes()),
        Answer::SendOn(url) => {
            stream.write_all(last("302 Found", &format!("Location: {url}\r\nContent-Length: 0\r\n")).as_bytes())
        }
        Answer::Promise(bytes) => stream.write_all(last("200 OK", &format!("Content-Length: {bytes}\r\n")).as_bytes()),
        Answer::Silent => std::io::Read::read(&mut stream, &mut [0]).map(|_| ()),
        Answer::Redirect => {
            stream.write_all(last("302 Found", "Location: /elsewhere.csv\r\nContent-Length: 0\r\n").as_bytes())
        }
    }
}

/// Bytes that no two ranges have in common.
fn content() -> Vec<u8> {
    (0..40_000u32).flat_map(u32::to_le_bytes).collect()
}

struct Fetched {
    result: Result<(), String>,
    steps: Vec<(u64, Option<u64>)>,
    folder: TempDir,
    ranges: Vec<String>,
}

impl Fetched {
    fn source(&self) -> PathBuf {
        self.folder.path().join("in/rows.csv")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("in/rows.csv.part")
    }

    fn is_whole(&self) -> bool {
        self.result.is_ok() && std::fs::read(self.source()).unwrap() == content() && !self.part().exists()
    }

    fn left_nothing(&self) -> bool {
        std::fs::read_dir(self.folder.path().join("in")).unwrap().count() == 0
    }
}

/// Fetches with `part` bytes there from an earlier time.
fn fetched(answers: Vec<Answer>, part: &[u8], change: impl FnOnce(&mut DataSpec)) -> Fetched {
    fetched_within(&WIDE, answers, part, change)
}

/// Limits that no test here comes near.
const WIDE: Limits = Limits { silence: Duration::from_secs(60), time: Duration::from_secs(600), bytes: 1 << 40 };

fn fetched_within(limits: &Limits, answers: Vec<Answer>, part: &[u8], change: impl FnOnce(&mut DataSpec)) -> Fetched {
    let server = serve(content(), answers);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("in/rows.csv");
    if !part.is_empty() {
        std::fs::create_dir(folder.path().join("in")).unwrap();
        write(source.with_extension("csv.part"), part).unwrap();
    }
    let mut spec = spec(&source, "y");
    spec.url = Some(server.url.clone());
    spec.sha256 = Some(hex(&Sha256::digest(content())).to_uppercase());
    change(&mut spec);
    let mut steps = Vec::new();
    let result = fetch_within(&spec, limits, &mut |bytes, total| steps.push((bytes, total)));
    let ranges = server.ranges.try_iter().collect();
    let result = result.map_err(|error| said(&error).replace(&server.url, "URL"));
    Fetched { result, steps, folder, ranges }
}

#[test]
fn a_download_is_verified_and_its_progress_told() {
    let got = fetched(vec![Answer::All], &[], |_| ());
    assert!(got.is_whole(), "{:?}", got.result);
    assert_eq!(got.steps.first(), Some(&(0, Some(160_000))));
    assert_eq!(got.steps.last(), Some(&(160_000, Some(160_000))));
    let got = fetched(vec![Answer::Redirect, Answer::Chunked], &[], |_| ());
    assert!(got.is_whole(), "{:?}", got.result);
    assert_eq!(got.steps.last(), Some(&(160_000, None)));
}

#[test]
fn a_source_that_is_there_is_left_alone() {
    let (_folder, path) = file("rows.csv", "mine");
    let spec = DataSpec { url: Some("http://127.0.0.1:1/x".into()), sha256: Some("00".into()), ..spec(&path, "y") };
    fetch(&spec, &mut |_, _| panic!("nothing is to be fetched")).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), b"mine");
}

#[test]
fn a_wrong_checksum_keeps_nothing() {
    let wrong = "0".repeat(64);
    let got = fetched(vec![Answer::All], &[], |spec| spec.sha256 = Some(wrong.clone()));
    let right = hex(&Sha256::digest(content()));
    let told = got.result.clone().unwrap_err();
    let expected = format!("URL has SHA-256 {right}, but `data.sha256` is {wrong}; nothing was kept");
    assert!(told.starts_with(&expected), "{told}");
    assert!(got.left_nothing());
}

#[test]
fn a_cut_connection_is_taken_up_where_it_broke() {
    let got = fetched(vec![Answer::Cut(50_000), Answer::Cut(60_000), Answer::All], &[], |_| ());
    assert!(got.is_whole(), "{:?}", got.result);
    assert_eq!(got.ranges, ["-", "50000", "110000"]);
    let totals: Vec<Option<u64>> = got.steps.iter().map(|step| step.1).collect();
    assert!(totals.iter().all(|total| *total == Some(160_000)), "{totals:?}");
}

#[test]
fn a_download_that_keeps_breaking_is_kept_for_the_next_time() {
    let got = fetched(vec![Answer::Cut(1_000), Answer::Cut(2_000), Answer::Cut(3_000)], &[], |_| ());
    let told = got.result.clone().unwrap_err();
    assert!(told.starts_with("cannot fetch URL: the connection "), "{told}");
    assert!(told.contains("6000 bytes are in") && told.ends_with("run again to go on from there"), "{told}");
    assert!(!got.source().exists());
    assert_eq!(std::fs::read(got.part()).unwrap(), content()[..6_000]);
    // The next time.
    let again = fetched(vec![Answer::All], &content()[..6_000], |_| ());
    assert!(again.is_whole(), "{:?}", again.result);
    assert_eq!(again.ranges, ["6000"]);
    assert_eq!(again.steps.first(), Some(&(6_000, Some(160_000))));
}

#[test]
fn a_server_without_ranges_sends_all_again() {
    let got = fetched(vec![Answer::AllFromStart], &content()[..6_000], |_| ());
    assert!(got.is_whole(), "{:?}", got.result);
    assert_eq!(got.ranges, ["6000"]);
    assert_eq!(got.steps.last(), Some(&(160_000, Some(160_000))));
}

#[test]
fn a_part_of_another_file_is_thrown_away() {
    let got = fetched(vec![Answer::All, Answer::All], &[7; 6_000], |_| ());
    assert!(got.is_whole(), "{:?}", got.result);
    assert_eq!(got.ranges, ["6000", "-"]);
    let longer = [7; 200_000];
    let got = fetched(vec![Answer::All, Answer::All], &longer, |_| ());
    assert!(got.is_whole(), "{:?}", got.result);
    assert_eq!(got.ranges, ["200000", "-"]);
}

#[test]
fn a_part_that_is_all_of_it_is_taken() {
    let got = fetched(vec![Answer::All], &content(), |_| ());
    assert!(got.is_whole(), "{:?}", got.result);
    assert_eq!(got.ranges, ["160000"]);
}

#[test]
fn refusals_are_told() {
    let got = fetched(vec![Answer::Status("404 Not Found")], &[], |_| ());
    let told = got.result.clone().unwrap_err();
    assert!(told.starts_with("cannot fetch URL: the server answers 404 Not Found | check `data.url`"), "{told}");
    assert!(got.left_nothing());
    let got = fetched(vec![Answer::Status("503 Service Unavailable"), Answer::All], &[], |_| ());
    assert!(got.is_whole(), "a server may recover: {:?}", got.result);
    let got = fetched(vec![], &[], |spec| spec.url = Some("http://127.0.0.1:1/rows.csv".into()));
    assert!(got.result.clone().unwrap_err().contains("check the network"), "{:?}", got.result);
    assert!(got.left_nothing());
    let got = fetched(vec![], &[], |spec| spec.url = Some("no address".into()));
    assert!(got.result.clone().unwrap_err().contains("check `data.url`"), "{:?}", got.result);
    assert!(got.left_nothing());
    let got = fetched(vec![], &[], |spec| spec.sha256 = None);
    assert!(got.result.unwrap_err().starts_with("`data.url` needs `data.sha256`"));
}

#[test]
fn a_file_larger_than_allowed_is_not_kept() {
    let small = Limits { bytes: 100_000, ..WIDE };
    for answer in [Answer::All, Answer::Chunked] {
        let got = fetched_within(&small, vec![answer], &[], |_| ());
        let told = got.result.clone().unwrap_err();
        assert!(told.starts_with("cannot fetch URL: there is room for 97.7 KiB, and "), "{told}");
        assert!(got.left_nothing());
        assert!(got.steps.iter().all(|step| step.0 <= 100_000), "{:?}", got.steps);
    }
    let got = fetched(vec![Answer::Promise(1 << 60)], &[], |_| ());
    let told = got.result.clone().unwrap_err();
    assert!(told.contains("it has 1.0 EiB") && told.contains("free some space"), "{told}");
    assert!(got.left_nothing());
}

#[test]
fn a_server_that_is_silent_or_slow_is_given_up() {
    let hasty = Limits { silence: Duration::from_millis(50), ..WIDE };
    let got = fetched_within(&hasty, vec![Answer::Silent, Answer::Silent, Answer::Silent], &[], |_| ());
    assert!(got.result.clone().unwrap_err().contains("timeout"), "{:?}", got.result);
    assert!(got.left_nothing());
    let none = Limits { time: Duration::ZERO, ..WIDE };
    let got = fetched_within(&none, vec![Answer::All], &[], |_| ());
    let told = got.result.clone().unwrap_err();
    assert!(told.contains("which is too slow") && told.contains("run again to go on from there"), "{told}");
    let have = std::fs::read(got.part()).unwrap();
    assert!(!have.is_empty() && content().starts_with(&have), "what has come is kept");
}

#[test]
fn only_https_or_this_machine_is_asked() {
    let got = fetched(vec![], &[], |spec| spec.url = Some("http://192.0.2.1/rows.csv".into()));
    let told = got.result.clone().unwrap_err();
    assert!(told.contains("is not https") && told.contains("write an https address"), "{told}");
    assert!(got.left_nothing());
    let got = fetched(vec![Answer::SendOn("http://192.0.2.1/rows.csv")], &[], |_| ());
    assert!(got.result.clone().unwrap_err().contains("http://192.0.2.1/rows.csv is not https"), "{:?}", got.result);
    assert!(got.left_nothing());
    let got = fetched(vec![Answer::Redirect; 12], &[], |_| ());
    assert!(got.result.clone().unwrap_err().contains("redirect"), "{:?}", got.result);
}

#[cfg(unix)]
#[test]
fn a_part_that_is_not_ours_is_left_alone() {
    let (folder, mine) = file("mine", "mine");
    let source = folder.path().join("rows.csv");
    let part = folder.path().join("rows.csv.part");
    let spec = DataSpec { url: Some("http://127.0.0.1:1/x".into()), sha256: Some("00".into()), ..spec(&source, "y") };
    let refused = || said(&fetch(&spec, &mut |_, _| ()).unwrap_err());
    std::os::unix::fs::symlink(&mine, &part).unwrap();
    assert!(refused().starts_with("cannot write "), "a link is not followed");
    std::fs::remove_file(&part).unwrap();
    std::fs::hard_link(&mine, &part).unwrap();
    assert!(refused().contains("a file with other names too"), "{}", refused());
    std::fs::remove_file(&part).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&part).status().unwrap();
    assert!(made.success());
    assert!(refused().contains("it is a pipe"), "{}", refused());
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    assert!(part.exists());
}

#[test]
fn one_process_fetches_at_a_time() {
    let (folder, part) = file("rows.csv.part", "");
    let other = std::fs::File::open(&part).unwrap();
    other.lock().unwrap();
    let source = folder.path().join("rows.csv");
    let spec = DataSpec { url: Some("http://127.0.0.1:1/x".into()), sha256: Some("00".into()), ..spec(&source, "y") };
    let told = said(&fetch(&spec, &mut |_, _| ()).unwrap_err());
    assert!(told.contains("another process is fetching it"), "{told}");
    assert!(part.exists());
}

#[test]
#[cfg(unix)]
fn links_of_others_are_not_written_through_by_a_part_and_followed_to_the_file() {
    use std::os::unix::fs::symlink;

    let (folder, theirs) = file("theirs", "theirs");
    let at = |name: &str| folder.path().join(name);
    symlink("theirs", at("rows.csv.part")).unwrap();
    std::fs::create_dir(at("far")).unwrap();
    symlink("far/real.csv", at("link.csv")).unwrap();
    let fetched = |name: &str| {
        let server = serve(content(), vec![Answer::All]);
        let (url, sha256) = (Some(server.url), Some(hex(&Sha256::digest(content()))));
        fetch(&DataSpec { url, sha256, ..spec(&at(name), "y") }, &mut |_, _| ())
    };
    let told = said(&fetched("rows.csv").unwrap_err());
    assert!(told.contains("it is a link"), "{told}");
    assert_eq!(std::fs::read_to_string(theirs).unwrap(), "theirs");
    fetched("link.csv").unwrap();
    assert!(at("link.csv").is_symlink() && std::fs::read(at("far/real.csv")).unwrap() == content());
}

#[test]
fn synthetic_data_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("s.parquet");
    let synth = Some(SynthSpec { rows: 100, features: 3, positives: 10, seed: 0 });
    let spec = DataSpec { synth, ..spec(&source, "Class") };
    fetch(&spec, &mut |_, _| ()).unwrap();
    assert_eq!(super::super::load(&spec, &SplitSpec::default()).unwrap().positives(), 10);
    let made = std::fs::metadata(&source).unwrap().modified().unwrap();
    fetch(&spec, &mut |_, _| ()).unwrap();
    assert_eq!(std::fs::metadata(&source).unwrap().modified().unwrap(), made);
}
