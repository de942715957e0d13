//! A source of several files: a folder, or a pattern, of Parquet parts, with values in the names of folders.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::error::DataError;
use super::format::Format;

/// Folders below folders that are looked into.
const MOST_DEPTH: usize = 32;

/// The files of a source, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) files: Vec<PathBuf>,
    /// Columns that folders name, as `year` in `year=2024/part.parquet`.
    pub(super) keys: Vec<String>,
    /// What they say of each file; `None` where the value is missing.
    pub(super) values: Vec<Vec<Option<String>>>,
}

impl Parts {
    /// A source that is one file.
    pub(super) fn single(path: &Path) -> Self {
        Self { files: vec![path.to_path_buf()], keys: Vec::new(), values: vec![Vec::new()] }
    }

    /// The parts of a folder or of a pattern; `None` where `path` is neither.
    ///
    /// # Errors
    /// There is none; files that are no Parquet are among them; the folders do not name the same columns.
    pub(super) fn of(path: &Path) -> Result<Option<Self>, DataError> {
        let mut files = Vec::new();
        let mut root = PathBuf::new();
        if path.is_dir() {
            root = path.to_path_buf();
            walk(path, &mut files, 0).map_err(|error| DataError::file("read", path, error))?;
        } else if !path.exists() && is_pattern(path) {
            matching(path, &mut files).map_err(|error| DataError::file("read", path, error))?;
        } else {
            return Ok(None);
        }
        files.sort();
        if files.is_empty() {
            return Err(DataError::NoParts { path: path.to_path_buf() });
        }
        if let Some(other) = files.iter().find(|file| !matches!(Format::by_name(file), Ok(Format::Parquet))) {
            return Err(DataError::PartFormat { path: other.clone() });
        }
        let of_file = |file: &PathBuf| pairs(file.strip_prefix(&root).unwrap_or(file));
        let all: Vec<Vec<(String, Option<String>)>> = files.iter().map(of_file).collect();
        let keys: Vec<String> = all[0].iter().map(|(key, _)| key.clone()).collect();
        for (file, pairs) in files.iter().zip(&all) {
            if !pairs.iter().map(|(key, _)| key).eq(&keys) {
                let expected = if keys.is_empty() { "no values".to_owned() } else { keys.join(", ") };
                return Err(DataError::PartFolders { path: file.clone(), first: files[0].clone(), expected });
            }
        }
        let values = all.into_iter().map(|pairs| pairs.into_iter().map(|(_, value)| value).collect()).collect();
        Ok(Some(Self { files, keys, values }))
    }
}

/// Whether a path has wildcards.
pub(super) fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// Parquet files below a folder. Names that begin with `_` or `.` are of the programs that write them.
fn walk(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> std::io::Result<()> {
    if depth > MOST_DEPTH {
        return Err(std::io::Error::other("folders lie deeper than any data does"));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with(['_', '.']) {
            continue;
        }
        if path.is_dir() {
            walk(&path, files, depth + 1)?;
        } else if matches!(Format::by_name(&path), Ok(Format::Parquet)) {
            files.push(path);
        }
    }
    Ok(())
}

/// The files that a pattern names, folder by folder.
fn matching(pattern: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut found = vec![PathBuf::new()];
    let components: Vec<Component<'_>> = pattern.components().collect();
    for (at, component) in components.iter().enumerate() {
        let text = component.as_os_str().to_string_lossy();
        let mut next = Vec::new();
        for folder in &found {
            if !text.contains(['*', '?', '[']) {
                next.push(folder.join(component));
                continue;
            }
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let Ok(entries) = fs::read_dir(folder) else { continue };
            for entry in entries {
                let name = entry?.file_name();
                let shown = name.to_string_lossy();
                if fits(&text, &shown) && (text.starts_with('.') || !shown.starts_with('.')) {
                    next.push(if folder == Path::new(".") { PathBuf::from(&name) } else { folder.join(&name) });
                }
            }
        }
        let is_last = at + 1 == components.len();
        found = next.into_iter().filter(|path| if is_last { path.exists() } else { path.is_dir() }).collect();
    }
    for path in found {
        if path.is_dir() { walk(&path, files, 0)? } else { files.push(path) }
    }
    Ok(())
}

/// Whether a name fits a pattern of `*`, `?`, `[a-z]` and `[!a-z]`.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where the last star was, and how much of the name it has taken.
    let (mut p, mut n, mut star) = (0, 0, None);
    loop {
        if p == pattern.len() && n == name.len() {
            return true;
        }
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
            continue;
        }
        let step = name.get(n).and_then(|&c| one(&pattern[p..], c));
        match (step, star) {
            (Some(taken), _) => (p, n) = (p + taken, n + 1),
            (None, Some((at, taken))) if taken < name.len() => {
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
}

/// How much of the pattern a character takes, when it fits.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => {
            let end = pattern.iter().skip(2).position(|&c| c == ']')? + 2;
            let inside = &pattern[1..end];
            let (negated, mut inside) = match inside.first() {
                Some('!') => (true, &inside[1..]),
                _ => (false, inside),
            };
            let mut hit = false;
            while let Some((&low, rest)) = inside.split_first() {
                match rest {
                    ['-', high, rest @ ..] => {
                        hit |= (low..=*high).contains(&c);
                        inside = rest;
                    }
                    rest => {
                        hit |= low == c;
                        inside = rest;
                    }
                }
            }
            (hit != negated).then_some(end + 1)
        }
        literal => (*literal == c).then_some(1),
    }
}

/// `key=value` of the folders of a path. Hive writes what is no letter as `%` and two digits.
fn pairs(file: &Path) -> Vec<(String, Option<String>)> {
    let folders = file.parent().into_iter().flat_map(Path::components);
    let pair = |folder: Component<'_>| {
        let text = folder.as_os_str().to_string_lossy().into_owned();
        let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty())?;
        let value = unescaped(value);
        Some((unescaped(key), (value != "__HIVE_DEFAULT_PARTITION__").then_some(value)))
    };
    folders.filter_map(pair).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = std::str::from_utf8(after.get(..2).unwrap_or_default()).ok();
        let code = code.filter(|_| byte == b'%').and_then(|code| u8::from_str_radix(code, 16).ok());
        (rest, _) = match code {
            Some(code) => (&after[2..], bytes.push(code)),
            None => (after, bytes.push(byte)),
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
