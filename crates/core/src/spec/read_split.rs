//! Reader of `split`.

use super::bounds::INSIDE_UNIT;
use super::fields::{At, Reader, Section};
use super::keys;
use super::node::Kind;
use super::scalar::Resolved;
use super::types::{By, Folds, KnownGroups, Scalar, Span, SplitBy, SplitSpec, TestRows};
use super::words::Word;

impl Reader {
    pub(super) fn split(&mut self, at: &At<'_>) -> Option<SplitSpec> {
        let section = self.section(at, keys::SPLIT)?;
        let before = self.faults.len();
        let default = SplitSpec::default();
        let by = self.split_by(&section)?;
        let folds = section.get_some("folds").and_then(|at| self.whole(at, 2, 1_000));
        let repeats_at = section.get_some("repeats");
        let repeats = repeats_at.map_or(Some(1), |at| self.whole(at, 1, 1_000));
        let folds = folds.zip(repeats).map(|(folds, repeats)| Folds { folds, repeats });
        let is_share = |key: &str| match &by {
            SplitBy::Column { validation, .. } => key == "validation" && validation.is_none(),
            _ => true,
        };
        let share = |reader: &mut Self, key: &str, default: f64| {
            let at = section.get(key).filter(|_| is_share(key));
            at.and_then(|at| reader.number(at, INSIDE_UNIT)).unwrap_or(default)
        };
        let (test, validation) = (share(self, "test", default.test), share(self, "validation", default.validation));
        let split = SplitSpec {
            by,
            test,
            validation,
            stratify: section.get("stratify").and_then(|at| self.boolean(at)).unwrap_or(default.stratify),
            test_rows: section.get("test_rows").and_then(|at| self.word::<TestRows>(at)).unwrap_or(default.test_rows),
            calibration: section.get_some("calibration").and_then(|at| self.number(at, INSIDE_UNIT)),
            folds,
        };
        // Folds that could not be read exclude nothing.
        if split.folds.is_some() || section.get_some("folds").is_none() {
            self.keys_of_this_split(&section, &split);
        }
        if self.faults.len() == before {
            self.something_to_train_on(&section, &split);
        }
        if let Some(Folds { folds, repeats }) = split.folds
            && u64::from(folds) * u64::from(repeats) > Folds::MOST
        {
            let message = format!("{folds} folds, repeated {repeats} times, are more than {} replicates", Folds::MOST);
            self.fault_at(section.key_place.clone(), &section.path, message, None);
        }
        Some(split)
    }

    /// `None` goes with a noted fault.
    fn split_by(&mut self, section: &Section<'_>) -> Option<SplitBy> {
        let words = match section.get("by") {
            Some(at) => self.by_words(at)?,
            None => {
                let implied = self.implied(section)?;
                vec![implied]
            }
        };
        let (group, time) = (words.contains(&By::Group), words.contains(&By::Time));
        if words.contains(&By::Column) {
            return self.by_column(section);
        }
        let group_column = group.then(|| self.named_column(section, "group_column", "whose values are the groups"));
        if !time {
            return group_column.map_or(Some(SplitBy::Random), |column| column.map(|column| SplitBy::Group { column }));
        }
        let column = self.named_column(section, "time_column", "that orders the rows");
        let mut span = |key: &str| section.get_some(key).and_then(|at| self.span(at));
        let (gap, label_delay, window) = (span("gap"), span("label_delay"), span("window"));
        if let (Some(gap), Some(delay), Some(at)) = (gap, label_delay, section.get("gap")) {
            match gap.is_below(delay) {
                Some(false) => {}
                Some(true) => {
                    let message = format!("found {gap}, expected at least `split.label_delay`, {delay}");
                    self.fault(at, message, None);
                }
                None => {
                    let message = format!("found {gap} beside `split.label_delay` {delay}, expected both of one kind");
                    self.fault(at, message, None);
                }
            }
        }
        if let (Some(at), Some(window)) = (section.get("window"), window)
            && window.is_zero()
        {
            self.fault(at, "found 0, expected how far training rows go back", None);
        }
        let new_only = section.get("new_groups").and_then(|at| self.boolean(at)).unwrap_or(false);
        let groups = group_column.map(|column| column.map(|column| KnownGroups { column, new_only }));
        let groups = groups.map_or(Some(None), |groups| groups.map(Some))?;
        Some(SplitBy::Time { column: column?, gap, label_delay, window, groups })
    }

    /// `split.by` where it is absent: random, unless a key of another kind says that it was forgotten.
    fn implied(&mut self, section: &Section<'_>) -> Option<By> {
        for (key, word) in [("group_column", "group"), ("time_column", "time"), ("column", "column")] {
            if let Some(at) = section.get(key) {
                let message = format!("`split.by` is missing, expected `by: {word}` beside `{key}`");
                self.fault_at(at.key_place.clone(), &at.path, message, None);
                return None;
            }
        }
        Some(By::Random)
    }

    fn by_words(&mut self, at: &At<'_>) -> Option<Vec<By>> {
        let Kind::List(_) = &at.node.kind else { return self.word::<By>(at).map(|by| vec![by]) };
        let items = self.list(at, "a list of words")?;
        let words: Vec<By> = items.iter().map(|item| self.word::<By>(item)).collect::<Option<_>>()?;
        let fits = matches!(words.as_slice(), [_] | [By::Time, By::Group] | [By::Group, By::Time]);
        if !fits {
            let known: Vec<&str> = By::WORDS.iter().map(|(word, _)| *word).collect();
            self.expected(at, &format!("`[time, group]` or one of {}", known.join(", ")), None);
        }
        fits.then_some(words)
    }

    fn by_column(&mut self, section: &Section<'_>) -> Option<SplitBy> {
        let column = self.named_column(section, "column", "that says which part a row belongs to");
        let mut values = |key: &str| {
            let at = self.required(section, key, "a list of the values of its rows")?.clone();
            self.values_of_part(&at)
        };
        let (train, test) = (values("train"), values("test"));
        let validation = self.validation_of_column(section);
        let (column, train, validation, test) = (column?, train?, validation?, test?);
        let none = Vec::new();
        let mut seen: Vec<(&str, &Scalar)> = Vec::new();
        for (key, values) in [("train", &train), ("validation", validation.as_ref().unwrap_or(&none)), ("test", &test)]
        {
            for value in values {
                let text = value.to_string();
                let other = seen.iter().find(|(_, other)| other.to_string() == text).map(|(other, _)| *other);
                if let (Some(other), Some(at)) = (other, section.get(key)) {
                    let message = if other == key {
                        format!("`{text}` is there twice, expected it once")
                    } else {
                        format!("`{text}` stands under `split.{other}` too, expected each value in one part")
                    };
                    self.fault(at, message, None);
                }
                seen.push((key, value));
            }
        }
        Some(SplitBy::Column { column, train, validation, test })
    }

    /// Values, or `None` where it is a share of the training rows, which is read with the other shares.
    fn validation_of_column(&mut self, section: &Section<'_>) -> Option<Option<Vec<Scalar>>> {
        let what = "a list of the values of its rows, or a share of the training rows";
        let at = self.required(section, "validation", what)?.clone();
        match at.node.resolved() {
            Some(Resolved::Int(_) | Resolved::Float(_)) => Some(None),
            _ => self.values_of_part(&at).map(Some),
        }
    }

    fn values_of_part(&mut self, at: &At<'_>) -> Option<Vec<Scalar>> {
        let items = self.list(at, "a list of the values of its rows, such as [train]")?;
        if items.is_empty() {
            self.fault(at, "found an empty list, expected at least one value", None);
            return None;
        }
        items.iter().map(|item| self.scalar(item, "a value of `split.column`")).collect()
    }

    fn named_column(&mut self, section: &Section<'_>, key: &str, which: &str) -> Option<String> {
        let what = format!("the name of the column {which}");
        let at = self.required(section, key, &what)?.clone();
        self.text(&at, &what).map(str::to_owned)
    }

    /// `7d`, or a number.
    fn span(&mut self, at: &At<'_>) -> Option<Span> {
        let number = match at.node.resolved() {
            Some(Resolved::Int(number)) => Some(number as f64),
            Some(Resolved::Float(number)) => Some(number),
            _ => None,
        };
        let span = match number {
            Some(number) => Span::number(number),
            None => at.node.word().and_then(Span::parse),
        };
        if span.is_none() {
            self.expected(at, Span::EXPECTED, None);
        }
        span
    }

    /// Refuses keys that this split does not read.
    fn keys_of_this_split(&mut self, section: &Section<'_>, split: &SplitSpec) {
        let reads = split.keys();
        for (key, at) in section.fields().filter(|(key, _)| !reads.contains(key)) {
            // `null` takes a key away.
            if !at.node.is_blank() && at.node.is_null() {
                continue;
            }
            let (message, help) = match (key, &split.by, split.folds) {
                ("test" | "test_rows", _, Some(_)) if !matches!(split.by, SplitBy::Time { .. }) => (
                    format!("`{key}` and `folds` exclude each other, expected one of them"),
                    "each fold tests once".to_owned(),
                ),
                ("repeats", _, None) => {
                    ("`repeats` is of `folds`, expected both".to_owned(), "write `{folds: 5, repeats: 2}`".to_owned())
                }
                ("calibration", ..) => (
                    format!("`calibration` is of `by: random`, found `by: {}`", split.words()),
                    "its guarantee holds for rows that are drawn one by one".to_owned(),
                ),
                ("new_groups", ..) => (
                    format!("`new_groups` is of `by: [time, group]`, found `by: {}`", split.words()),
                    "with `by: group` all groups of the test rows are new".to_owned(),
                ),
                ("folds", SplitBy::Time { .. }, _) => (
                    "`folds` is of `by: random` and `by: group`, found `by: time`".to_owned(),
                    "`replicates` are the windows that test, each after its training rows".to_owned(),
                ),
                _ => (
                    format!("`{key}` is not read with `by: {}`", split.words()),
                    format!("it reads {}", reads.join(", ")),
                ),
            };
            self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
        }
    }

    fn something_to_train_on(&mut self, section: &Section<'_>, split: &SplitSpec) {
        let SplitSpec { by, test, validation, calibration, folds, .. } = split;
        if matches!(by, SplitBy::Column { .. }) {
            return;
        }
        let of_test = folds.map_or(*test, |folds| 1.0 / f64::from(folds.folds));
        if of_test + validation + calibration.unwrap_or(0.0) < 1.0 {
            return;
        }
        let test = folds.map_or(format!("`test` {test}"), |folds| format!("one of {} folds", folds.folds));
        let (shares, rows) = match calibration {
            None => (format!("{test} and `validation` {validation}"), "rows"),
            Some(share) => (format!("{test}, `validation` {validation} and `calibration` {share}"), "negatives"),
        };
        let message = format!("{shares} leave no {rows} to train on, expected a sum below 1");
        self.fault_at(section.key_place.clone(), &section.path, message, None);
    }
}
