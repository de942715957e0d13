//! Reader of `data`; `read_types.rs` has what it says of columns and of the text of a file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::bounds::{ANY, NOT_NEGATIVE, POSITIVE};
use super::fields::{At, Reader, Section};
use super::keys;
use super::scalar::Resolved;
use super::types::{DataSpec, Scalar, SynthSpec, defaults};

const SOURCE: &str = "the path of a .csv, .csv.gz or .parquet file, or of a folder of Parquet parts";
const WEIGHT: &str = "the name of a column of weights";

impl Reader {
    pub(super) fn data(&mut self, at: &At<'_>) -> Option<DataSpec> {
        let section = self.section(at, keys::DATA)?;
        let source = self.required(&section, "source", SOURCE);
        let source = source.and_then(|at| self.source(at));
        let label = self.required(&section, "label", "the name of the label column");
        let label = label.and_then(|at| self.text(at, "the name of the label column"));
        self.origins(&section);
        let data = DataSpec {
            beside: None,
            url: section.get_some("url").and_then(|at| self.url(at)),
            sha256: section.get_some("sha256").and_then(|at| self.sha256(at)),
            synth: section.get_some("synth").and_then(|at| self.synth(at)),
            positive: section.get_some("positive").and_then(|at| self.scalar(at, "a value of the label column")),
            weight: section.get_some("weight").and_then(|at| self.text(at, WEIGHT)).map(str::to_owned),
            csv: section.get_some("csv").and_then(|at| self.csv(at)).unwrap_or_default(),
            types: section.get_some("types").and_then(|at| self.types(at)).unwrap_or_default(),
            bad_values: section.get("bad_values").and_then(|at| self.word(at)).unwrap_or_default(),
            datetime: section.get_some("datetime").and_then(|at| self.datetime(at)).unwrap_or_default(),
            deduplicate: section.get("deduplicate").and_then(|at| self.boolean(at)).unwrap_or_default(),
            drop: section.get("drop").and_then(|at| self.columns(at)).unwrap_or_default(),
            log: section.get("log").and_then(|at| self.log(at)).unwrap_or_default(),
            categorical: section.get("categorical").and_then(|at| self.columns(at)).unwrap_or_default(),
            min_level_count: section
                .get("min_level_count")
                .and_then(|at| self.whole(at, 0, u64::from(u32::MAX)))
                .unwrap_or_else(defaults::min_level_count),
            standardize: section.get("standardize").and_then(|at| self.boolean(at)).unwrap_or_else(defaults::yes),
            clip: section.get_some("clip").and_then(|at| self.number(at, POSITIVE)),
            // Last, so that all the others have been read when one of these is missing.
            source: source?,
            label: label?.to_owned(),
        };
        self.columns_of_one_kind(&section, &data);
        self.types_that_fit(&section, &data);
        self.weight_that_fits(&section, &data);
        Some(data)
    }

    fn source(&mut self, at: &At<'_>) -> Option<PathBuf> {
        let path = self.text(at, SOURCE)?;
        let lower = path.to_lowercase();
        let is_file = [".csv", ".csv.gz", ".parquet"].iter().any(|end| lower.ends_with(end));
        let is_folder = path.ends_with('/') || path.rsplit('/').next().is_some_and(|last| !last.contains('.'));
        if is_file || is_folder {
            return Some(PathBuf::from(path));
        }
        let help = "a folder whose name has a point ends with `/` here".to_owned();
        self.fault(at, format!("found the path `{path}`, expected {SOURCE}"), Some(help));
        None
    }

    fn url(&mut self, at: &At<'_>) -> Option<String> {
        let url = self.text(at, "an http:// or https:// address")?;
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if host.is_some_and(|host| !host.is_empty() && !url.contains(char::is_whitespace)) {
            return Some(url.to_owned());
        }
        self.fault(at, format!("found `{url}`, expected an http:// or https:// address"), None);
        None
    }

    fn sha256(&mut self, at: &At<'_>) -> Option<String> {
        let digits = self.text(at, "64 hexadecimal digits")?;
        let count = digits.chars().count();
        if count == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(digits.to_ascii_lowercase());
        }
        let found = match digits.chars().find(|c| !c.is_ascii_hexdigit()) {
            Some(c) => format!("`{}` among {count} characters", c.escape_default()),
            None => format!("{count} of them"),
        };
        self.fault(at, format!("expected 64 hexadecimal digits, found {found}"), None);
        None
    }

    fn synth(&mut self, at: &At<'_>) -> Option<SynthSpec> {
        let section = self.section(at, keys::SYNTH)?;
        let rows = self.required(&section, "rows", "the number of rows");
        let rows = rows.and_then(|at| self.whole(at, 2, 10_000_000_000));
        let features = self.required(&section, "features", "the number of feature columns");
        let features = features.and_then(|at| self.whole(at, 1, 100_000));
        let positives_at = self.required(&section, "positives", "the number of rows of the rare class");
        let positives = positives_at.and_then(|at| self.whole(at, 1, 10_000_000_000));
        let seed = section.get("seed").and_then(|at| self.whole(at, 0, u64::MAX)).unwrap_or(0);
        let (rows, features, positives): (u64, u32, u64) = (rows?, features?, positives?);
        if positives >= rows {
            let message = format!("found {positives} positives of {rows} rows, expected fewer positives than rows");
            self.fault(positives_at?, message, None);
        }
        Some(SynthSpec { rows, features, positives, seed })
    }

    /// What a missing source is made from: one of `url` and `synth`.
    fn origins(&mut self, section: &Section<'_>) {
        let Some(url) = section.get_some("url") else { return };
        if section.get_some("sha256").is_none() {
            let message = "`sha256` is missing, expected the checksum of the file behind `url`";
            self.fault_at(url.key_place.clone(), &url.path, message, None);
        }
        if let Some(synth) = section.get_some("synth") {
            let message = "found both `url` and `synth`, expected one way to make the source";
            self.fault_at(synth.key_place.clone(), &synth.path, message, None);
        }
    }

    fn columns_of_one_kind(&mut self, section: &Section<'_>, data: &DataSpec) {
        for (key, names) in [
            ("drop", data.drop.iter().collect::<Vec<_>>()),
            ("log", data.log.keys().collect()),
            ("categorical", data.categorical.iter().collect()),
        ] {
            let Some(at) = section.get(key) else { continue };
            for name in names {
                let message = if *name == data.label {
                    format!("`{name}` is the label, expected feature columns")
                } else if key != "drop" && data.drop.contains(name) {
                    format!("`{name}` is dropped, expected columns that are kept")
                } else if key == "categorical" && data.log.contains_key(name) {
                    format!("`{name}` is under `log` too, expected columns that are categories")
                } else {
                    continue;
                };
                self.fault(at, message, None);
            }
        }
    }

    /// A scalar as it was written.
    pub(super) fn scalar(&mut self, at: &At<'_>, expected: &str) -> Option<Scalar> {
        match at.node.resolved() {
            Some(Resolved::Bool(value)) => Some(Scalar::Bool(value)),
            Some(Resolved::Int(value)) => match i64::try_from(value) {
                Ok(value) => Some(Scalar::Int(value)),
                Err(_) => self.number(at, ANY).map(Scalar::Float),
            },
            Some(Resolved::Float(_)) => self.number(at, ANY).map(Scalar::Float),
            Some(Resolved::Text | Resolved::Null) | None => {
                self.text(at, expected).map(|text| Scalar::Text(text.to_owned()))
            }
        }
    }

    pub(super) fn columns(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        let items = self.list(at, "a list of column names")?;
        Some(items.iter().filter_map(|item| self.text(item, "a column name")).map(str::to_owned).collect())
    }

    fn log(&mut self, at: &At<'_>) -> Option<BTreeMap<String, f64>> {
        let columns = self.mapping(at, "a mapping from column to offset, such as {Amount: 0.001}")?;
        let offset = |(name, at): (&str, At<'_>)| Some((name.to_owned(), self.number(&at, NOT_NEGATIVE)?));
        Some(columns.into_iter().filter_map(offset).collect())
    }
}
