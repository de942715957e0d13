//! Readers of `model`, `train`, `operating_point`, `rank` and `launch`.

use super::bounds::{
    ABOVE_HALF_BELOW_ONE, ABOVE_ZERO_TO_1000, ABOVE_ZERO_TO_ONE, ANY, BATCH, BELOW_HALF, FROM_ZERO_BELOW_ONE,
    INSIDE_UNIT, MAX_LAYERS, MAX_WIDTH, NOT_NEGATIVE, POSITIVE,
};
use super::fields::{At, Reader};
use super::keys;
use super::node::Kind;
use super::scalar::Resolved;
use super::types::{
    Activation, Backend, Devices, EarlyStopping, Epochs, Goal, InitialBias, LaunchSpec, Launcher, Margins, ModelSpec,
    Monitor, OperatingPoint, Optimizer, Order, RankSpec, Reduction, Split, Stopping, TrainSpec,
};
use super::words::Word;
use crate::metrics::catalogue::{Metric, Test};

impl Reader {
    pub(super) fn model(&mut self, at: &At<'_>) -> Option<ModelSpec> {
        let section = self.section(at, keys::MODEL)?;
        let defaults = ModelSpec::default();
        Some(ModelSpec {
            hidden: section.get("hidden").and_then(|at| self.hidden(at)).unwrap_or(defaults.hidden),
            activation: section
                .get("activation")
                .and_then(|at| self.word::<Activation>(at))
                .unwrap_or(defaults.activation),
            dropout: section
                .get("dropout")
                .and_then(|at| self.number(at, FROM_ZERO_BELOW_ONE))
                .unwrap_or(defaults.dropout),
            initial_bias: section
                .get("initial_bias")
                .and_then(|at| self.initial_bias(at))
                .unwrap_or(defaults.initial_bias),
        })
    }

    pub(super) fn hidden(&mut self, at: &At<'_>) -> Option<Vec<usize>> {
        let items = self.list(at, "a list of layer widths, such as [16] or []")?;
        if items.len() > MAX_LAYERS {
            self.fault(at, format!("found {} hidden layers, expected at most {MAX_LAYERS}", items.len()), None);
            return None;
        }
        // All items are read before the first `None` ends it, so that each fault is told.
        let widths: Vec<Option<usize>> = items.iter().map(|item| self.whole(item, 1, MAX_WIDTH)).collect();
        widths.into_iter().collect()
    }

    pub(super) fn initial_bias(&mut self, at: &At<'_>) -> Option<InitialBias> {
        match at.node.resolved() {
            Some(Resolved::Int(_) | Resolved::Float(_)) => self.number(at, ANY).map(InitialBias::Value),
            _ if at.node.word() == Some("prior") => Some(InitialBias::Prior),
            _ => {
                let help = at.node.word().and_then(|word| keys::nearest(word, &["prior"]));
                self.expected(at, "`prior` or a number", help.map(|word| format!("did you mean `{word}`?")));
                None
            }
        }
    }

    pub(super) fn train(&mut self, at: &At<'_>) -> Option<TrainSpec> {
        let section = self.section(at, keys::TRAIN)?;
        let defaults = TrainSpec::default();
        Some(TrainSpec {
            epochs: section.get("epochs").and_then(|at| self.epochs(at)).unwrap_or(defaults.epochs),
            batch_size: section
                .get("batch_size")
                .and_then(|at| self.whole_within(at, BATCH))
                .unwrap_or(defaults.batch_size),
            optimizer: section.get("optimizer").and_then(|at| self.word::<Optimizer>(at)).unwrap_or(defaults.optimizer),
            learning_rate: section
                .get("learning_rate")
                .and_then(|at| self.number(at, POSITIVE))
                .unwrap_or(defaults.learning_rate),
            weight_decay: section
                .get("weight_decay")
                .and_then(|at| self.number(at, NOT_NEGATIVE))
                .unwrap_or(defaults.weight_decay),
            reduction: section.get("reduction").and_then(|at| self.word::<Reduction>(at)).unwrap_or(defaults.reduction),
            epsilon: section.get_some("epsilon").and_then(|at| self.number(at, BELOW_HALF)),
            early_stopping: match section.get("early_stopping") {
                Some(at) => self.stopping(at).unwrap_or(defaults.early_stopping),
                None if self.recorded => Stopping::None,
                None => defaults.early_stopping,
            },
            backend: section.get("backend").and_then(|at| self.word::<Backend>(at)).unwrap_or(defaults.backend),
        })
    }

    fn epochs(&mut self, at: &At<'_>) -> Option<Epochs> {
        if at.node.word() == Some(Epochs::AUTO) {
            return Some(Epochs::Auto);
        }
        if let Some(near) = at.node.word().and_then(|word| keys::nearest(word, &[Epochs::AUTO])) {
            self.expected(at, "`auto` or a whole number", Some(format!("did you mean `{near}`?")));
            return None;
        }
        self.whole(at, 1, 1_000_000).map(Epochs::Count)
    }

    /// `auto`, `none` (or `null`, as it was written before there was another default) or a rule.
    fn stopping(&mut self, at: &At<'_>) -> Option<Stopping> {
        let [auto, none] = Stopping::WORDS;
        match at.node.word() {
            None if matches!(at.node.kind, Kind::Map(_)) => self.early_stopping(at).map(Stopping::Rule),
            Some(word) if word == auto => Some(Stopping::Auto),
            Some(word) if word == none || (at.node.is_null() && !at.node.is_blank()) => Some(Stopping::None),
            word => {
                let help = match at.node.resolved() {
                    Some(Resolved::Bool(true)) => Some(format!("write `{auto}`")),
                    Some(Resolved::Bool(false)) => Some(format!("write `{none}`")),
                    _ => word.and_then(|word| {
                        let metrics = Monitor::WORDS.iter().map(|(metric, _)| *metric);
                        match keys::nearest(word, &metrics.collect::<Vec<_>>()) {
                            Some(metric) => Some(format!("write `{{metric: {metric}}}`")),
                            None => keys::nearest(word, &[auto, none]).map(|near| format!("did you mean `{near}`?")),
                        }
                    }),
                };
                self.expected(at, &format!("`{auto}`, `{none}` or a mapping with `metric` and `patience`"), help);
                None
            }
        }
    }

    fn early_stopping(&mut self, at: &At<'_>) -> Option<EarlyStopping> {
        let section = self.section(at, keys::EARLY_STOPPING)?;
        let defaults = EarlyStopping::default();
        let metric_at = section.get("metric");
        let read = metric_at.and_then(|at| self.word::<Monitor>(at));
        let metric = read.unwrap_or(defaults.metric);
        let natural = metric.goal();
        let goal_at = section.get("goal");
        let goal = goal_at.and_then(|at| self.word::<Goal>(at)).unwrap_or(natural);
        // A metric that could not be read contradicts nothing.
        if let Some(at) = goal_at
            && goal != natural
            && (read.is_some() || metric_at.is_none())
        {
            let (metric, expected) = (metric.word(), natural.word());
            self.fault(at, format!("found `{}` for {metric}, expected `{expected}`", goal.word()), None);
        }
        Some(EarlyStopping {
            metric,
            goal,
            patience: section.get("patience").and_then(|at| self.whole(at, 1, 1_000_000)).unwrap_or(defaults.patience),
            min_delta: section
                .get("min_delta")
                .and_then(|at| self.number(at, NOT_NEGATIVE))
                .unwrap_or(defaults.min_delta),
            restore_best_weights: section
                .get("restore_best_weights")
                .and_then(|at| self.boolean(at))
                .unwrap_or(defaults.restore_best_weights),
        })
    }

    pub(super) fn operating_point(&mut self, at: &At<'_>) -> Option<OperatingPoint> {
        let section = self.section(at, keys::OPERATING_POINT)?;
        let expected =
            "one of `max_fpr`, `min_recall`, `min_precision`, `max_alerts_per_1000`, or `fn_cost` with `fp_cost`";
        let max_fpr = section.get("max_fpr");
        let min_recall = section.get("min_recall");
        let min_precision = section.get("min_precision");
        let max_alerts = section.get("max_alerts_per_1000");
        let costs = section.get("fn_cost").or(section.get("fp_cost"));
        let confidence = section.get_some("confidence");
        if let Some(at) = confidence.filter(|_| max_fpr.is_none()) {
            let message = "`confidence` is of `max_fpr` alone, expected both or neither".to_owned();
            let help = "write `{max_fpr: 0.001, confidence: 0.95}`, or leave `confidence` out".to_owned();
            self.fault_at(at.key_place.clone(), &at.path, message, Some(help));
            return None;
        }
        match (max_fpr, min_recall, min_precision, max_alerts, costs) {
            (Some(at), None, None, None, None) => {
                let confidence = confidence.map(|at| self.number(at, ABOVE_HALF_BELOW_ONE));
                let max_fpr = self.number(at, INSIDE_UNIT)?;
                Some(OperatingPoint::MaxFpr { max_fpr, confidence: confidence.flatten() })
            }
            (None, Some(at), None, None, None) => {
                self.number(at, ABOVE_ZERO_TO_ONE).map(|min_recall| OperatingPoint::MinRecall { min_recall })
            }
            (None, None, Some(at), None, None) => {
                self.number(at, ABOVE_ZERO_TO_ONE).map(|min_precision| OperatingPoint::MinPrecision { min_precision })
            }
            (None, None, None, Some(at), None) => self
                .number(at, ABOVE_ZERO_TO_1000)
                .map(|max_alerts_per_1000| OperatingPoint::AlertBudget { max_alerts_per_1000 }),
            (None, None, None, None, Some(_)) => {
                let fn_cost = self.required(&section, "fn_cost", "the cost of a missed positive");
                let fn_cost = fn_cost.and_then(|at| self.number(at, POSITIVE));
                let fp_cost = self.required(&section, "fp_cost", "the cost of a false alarm");
                let fp_cost = fp_cost.and_then(|at| self.number(at, POSITIVE));
                Some(OperatingPoint::Cost { fn_cost: fn_cost?, fp_cost: fp_cost? })
            }
            (None, None, None, None, None) => {
                // An unknown key has been told already and was perhaps meant to be the rule.
                if matches!(&at.node.kind, Kind::Map(entries) if entries.is_empty()) {
                    self.expected(at, expected, None);
                }
                None
            }
            _ => {
                let found: Vec<String> = section.fields().map(|(key, _)| format!("`{key}`")).collect();
                let message = format!("found {}, expected {expected}", found.join(" and "));
                self.fault_at(at.key_place.clone(), &at.path, message, None);
                None
            }
        }
    }

    pub(super) fn rank(&mut self, at: &At<'_>) -> Option<RankSpec> {
        let section = self.section(at, keys::RANK)?;
        let defaults = RankSpec::default();
        Some(RankSpec {
            by: section.get("by").and_then(|at| self.rank_keys(at)).unwrap_or(defaults.by),
            on: section.get("on").and_then(|at| self.word::<Split>(at)).unwrap_or(defaults.on),
            order: section.get("order").and_then(|at| self.word::<Order>(at)).unwrap_or(defaults.order),
            margin: section.get("margin").map(|at| self.margins(at)).unwrap_or_default(),
        })
    }

    fn margins(&mut self, at: &At<'_>) -> Margins {
        let mut margins = Margins::default();
        let names = Test::ALL.map(Test::about);
        for (name, value) in self.mapping(at, "margins by metric, such as {auc: 0.01}").unwrap_or_default() {
            let Some(test) = Test::ALL.into_iter().find(|test| test.about() == name) else {
                let near = keys::nearest(name, &names).map_or_else(
                    || format!("metrics with a margin: {}", names.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                self.fault_at(value.key_place.clone(), &value.path, format!("`{name}` has no margin"), Some(near));
                continue;
            };
            if let Some(margin) = self.margin(&value, Margins::unit(test)) {
                margins.set(test, margin);
            }
        }
        margins
    }

    /// A number above 0, with its unit after it or without.
    fn margin(&mut self, at: &At<'_>, unit: &str) -> Option<f64> {
        let Kind::Scalar { text, .. } = &at.node.kind else { return self.number(at, POSITIVE) };
        let bare = text.strip_suffix(unit).filter(|_| !unit.is_empty());
        let Some(bare) = bare else { return self.number(at, POSITIVE) };
        let number = bare.trim_end().parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite());
        if number.is_none() {
            self.expected(at, &format!("a number above 0, such as `2 {unit}`"), None);
        }
        number
    }

    fn rank_keys(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        let items = self.list(at, "a list of metrics, such as [auc, op_fn]")?;
        if items.is_empty() {
            self.fault(at, "found an empty list, expected at least one metric, such as [auc, op_fn]", None);
        }
        let known = Metric::rank_names();
        let mut by: Vec<String> = Vec::new();
        for item in &items {
            let Some(metric) = self.text(item, "the name of a metric") else { continue };
            if !known.contains(&metric) {
                let bare = metric.strip_prefix("val_").or_else(|| metric.strip_prefix("test_"));
                let help = match bare.filter(|bare| known.contains(bare)) {
                    Some(bare) => format!("did you mean `{bare}`? `rank.on` says whether validation or test ranks"),
                    None => match keys::nearest(metric, &known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("known metrics: {}", known.join(", ")),
                    },
                };
                self.fault(item, format!("unknown metric `{metric}`"), Some(help));
            } else if by.iter().any(|other| other == metric) {
                self.fault(item, format!("`{metric}` is there twice, expected it once"), None);
            }
            by.push(metric.to_owned());
        }
        Some(by)
    }

    pub(super) fn launch(&mut self, at: &At<'_>) -> Option<LaunchSpec> {
        let section = self.section(at, keys::LAUNCH)?;
        Some(LaunchSpec {
            devices: section.get("devices").and_then(|at| self.devices(at)).unwrap_or_default(),
            slots_per_device: section
                .get("slots_per_device")
                .and_then(|at| self.whole(at, 1, 64))
                .unwrap_or(LaunchSpec::default().slots_per_device),
            launcher: section.get("launcher").and_then(|at| self.word::<Launcher>(at)).unwrap_or_default(),
            slurm: section.get_some("slurm").and_then(|at| self.slurm(at)),
        })
    }

    fn devices(&mut self, at: &At<'_>) -> Option<Devices> {
        if !matches!(at.node.kind, Kind::List(_)) {
            return self.device(at, true).map(Devices::Word);
        }
        let items = self.list(at, "a list of devices")?;
        if items.is_empty() {
            self.fault(at, "found an empty list, expected at least one device, such as [cpu]", None);
        }
        let mut devices: Vec<String> = Vec::new();
        for item in &items {
            let Some(device) = self.device(item, false) else { continue };
            if devices.contains(&device) {
                self.fault(item, format!("`{device}` is there twice, expected it once"), None);
            }
            devices.push(device);
        }
        Some(Devices::List(devices))
    }

    /// `cpu`, `cuda`, `cuda:N`, and `auto` where it stands alone.
    fn device(&mut self, at: &At<'_>, alone: bool) -> Option<String> {
        let expected = if alone { "`auto`, `cpu`, `cuda`, `cuda:N` or a list" } else { "`cpu`, `cuda` or `cuda:N`" };
        let device = self.text(at, expected)?;
        let index = device.strip_prefix("cuda:");
        let is_index = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok();
        if matches!(device, "cpu" | "cuda") || (alone && device == "auto") || index.is_some_and(is_index) {
            return Some(device.to_owned());
        }
        let help = if device.contains(',') && alone {
            Some(format!("write `[{}]`", device.split(',').map(str::trim).collect::<Vec<_>>().join(", ")))
        } else {
            let known: &[&str] = if alone { &["auto", "cpu", "cuda"] } else { &["cpu", "cuda"] };
            let near = if device.eq_ignore_ascii_case("gpu") { Some("cuda") } else { keys::nearest(device, known) };
            near.map(|word| format!("did you mean `{word}`?"))
        };
        self.expected(at, expected, help);
        None
    }
}
