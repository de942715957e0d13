//! Sweeps that are searched: what is read, and what is refused.

use crate::spec::{
    Distribution, Domain, Drawn, EarlyRule, EarlyTerminate, Epochs, Method, Span, Spec, SpecFaults, Target, parse,
    to_yaml,
};

const HEAD: &str = "name: t\ndata: {source: d.csv, label: y}\n";

fn read(rest: &str) -> Result<Spec, String> {
    let told = |faults: SpecFaults| faults.lines().collect::<Vec<_>>().join("\n");
    let spec = parse("t", &format!("{HEAD}{rest}")).map_err(told)?;
    assert_eq!(parse("t", &to_yaml(&spec).unwrap()).map_err(told)?, spec, "{rest}");
    Ok(spec)
}

#[test]
fn a_search_is_read_and_written() {
    let spec = read(
        "method: tpe\nrun_cap: 200\nwave: 32\nbudget: 10m\ntarget: {val_auc: 0.98}\nparameters:\n  \
         loss: {values: [focal, bce], probabilities: [0.75, 0.25]}\n  alpha: {min: 0.05, max: 0.95}\n  \
         gamma: {min: 0, max: 5, q: 0.5, distribution: q_uniform}\n  \
         learning_rate: {min: -9, max: -2, distribution: log_uniform}\n  batch_size: {min: 32, max: 512}\n  \
         weight_decay: {min: 1e-6, max: 1e-2, distribution: log_uniform_values}\n  \
         initial_bias: {mu: -3, sigma: 1, distribution: normal}\n  dropout: {min: 0.1, max: 0.5, count: 5}\n",
    )
    .unwrap();
    assert_eq!((spec.method, spec.run_cap, spec.wave), (Method::Tpe, Some(200), Some(32)));
    assert_eq!(spec.budget.and_then(Span::seconds), Some(600.0));
    assert_eq!(spec.target, Some(Target { metric: "val_auc".into(), value: 0.98 }));
    let space = &spec.parameters.spaces()[0];
    let drawn = |distribution, of, q| Drawn { distribution, of, q };
    assert_eq!(space.alpha, Some(Domain::Drawn(drawn(Distribution::Uniform, [0.05, 0.95], None))));
    assert_eq!(space.gamma, Some(Domain::Drawn(drawn(Distribution::QUniform, [0.0, 5.0], Some(0.5)))));
    assert_eq!(space.learning_rate, Some(Domain::Drawn(drawn(Distribution::LogUniform, [-9.0, -2.0], None))));
    // Whole numbers where the parameter has no others.
    assert_eq!(space.batch_size, Some(Domain::Drawn(drawn(Distribution::IntUniform, [32.0, 512.0], None))));
    assert_eq!(space.dropout, Some(Domain::Range { min: 0.1, max: 0.5, count: 5 }));
    for method in ["random", "sobol"] {
        read(&format!("method: {method}\nrun_cap: 9\nparameters: {{dropout: {{min: 0, max: 0.9}}}}\n")).unwrap();
    }
    // A space with an end needs no other.
    read("method: random\nparameters: {dropout: {values: [0, 0.5]}, batch_size: {min: 2, max: 9}}\n").unwrap();
}

#[test]
fn what_cannot_be_searched_is_refused_with_what_to_write() {
    let with = |parameters: &str| format!("method: random\nrun_cap: 9\nparameters: {{{parameters}}}");
    for (rest, told) in [
        (
            "method: bayes\nparameters: {dropout: {value: 0}}".into(),
            "found `bayes`, expected `grid`, `random`, `sobol`",
        ),
        ("method: tpe\nparameters: {dropout: {min: 0, max: 0.5}}".into(), "would never end, expected `run_cap`"),
        ("wave: 5\nparameters: {dropout: {value: 0}}".into(), "wave: `method: grid` does not read it"),
        ("method: random\nrun_cap: 0\nparameters: {dropout: {value: 0}}".into(), "run_cap"),
        (
            "method: tpe\nrun_cap: 9\nrank: {on: test}\nparameters: {dropout: {value: 0}}".into(),
            "would learn from the test rows",
        ),
        ("method: random\nbudget: 600\nparameters: {dropout: {value: 0}}".into(), "did you mean `600s`?"),
        ("method: random\nbudget: 0s\nparameters: {dropout: {value: 0}}".into(), "expected a time such as `10m`"),
        ("method: random\ntarget: {auc: 0.9}\nparameters: {dropout: {value: 0}}".into(), "did you mean `val_auc`?"),
        (
            "method: random\ntarget: 0.9\nparameters: {dropout: {value: 0}}".into(),
            "expected one metric on the validation",
        ),
        (with("dropout: {min: 0.5, max: 0.1}"), "expected `min` below `max`"),
        (with("dropout: {min: 0, max: 1.5}"), "expected a number from 0 to below 1"),
        (
            with("learning_rate: {min: 1e-4, max: 0.1, distribution: log_uniform}"),
            "this would draw from 1.0001 to 1.1052 (write `learning_rate: {min: 0.0001, max: 0.1, distribution: \
             log_uniform_values}`",
        ),
        (with("weight_decay: {min: 0, max: 0.1, distribution: log_uniform_values}"), "expected 0 < min <= max"),
        (
            with("dropout: {mu: 0, sigma: 1, distribution: normal}"),
            "`normal` draws numbers from -inf to inf, expected a number from 0 to below 1",
        ),
        (with("batch_size: {min: 2, max: 9, distribution: uniform}"), "draws fractions, expected whole numbers"),
        (with("gamma: {min: 2, max: 9, q: 1}, loss: {value: focal}"), "did you mean `distribution: q_uniform`?"),
        (with("dropout: {values: [0, 0.5], probabilities: [0.5, 0.6]}"), "add up to 1.1, expected 1"),
        ("parameters: {dropout: {values: [0, 0.5], probabilities: [0.5, 0.5]}}".into(), "unknown key"),
        (with("dropout: {min: 0, max: 0.5, distribution: triangular}"), "no distribution"),
        (with("optimizer: {min: 0, max: 1}"), "needs a parameter that is a number"),
        (
            "parameters: {dropout: {min: 0, max: 0.5, distribution: uniform}}".into(),
            "or draw from it with `method: random`",
        ),
    ] {
        let rest: String = rest;
        let faults = read(&rest).unwrap_err();
        assert!(faults.contains(told), "{rest}\n{faults}");
    }
}

#[test]
fn early_termination_is_read_and_written() {
    let of = |value: &str, rest: &str| {
        let text = format!("early_terminate: {value}\nparameters: {{dropout: {{value: 0}}}}\n{rest}");
        read(&text).map(|spec| (spec.early_terminate, spec.train.epochs))
    };
    let early = |rule, min_epochs, max_epochs, eta| Some(EarlyTerminate { rule, min_epochs, max_epochs, eta });
    let hyperband = EarlyRule::Hyperband;
    assert_eq!(of("{type: hyperband}", ""), Ok((early(hyperband, None, None, Some(3)), Epochs::Auto)));
    assert_eq!(
        of("{type: hyperband, min_epochs: 2, max_epochs: 81, eta: 4}", ""),
        Ok((early(hyperband, Some(2), Some(81), Some(4)), Epochs::Count(81)))
    );
    assert_eq!(
        of("{type: median, min_epochs: 5}", "train: {epochs: 40}"),
        Ok((early(EarlyRule::Median, Some(5), None, None), Epochs::Count(40)))
    );
    assert_eq!(of("null", ""), Ok((None, Epochs::Auto)));
    for (value, rest, told) in [
        ("{}", "", "early_terminate.type: missing, expected `hyperband` or `median`"),
        ("{type: asha}", "", "found the text `asha`, expected `hyperband` or `median`"),
        ("{type: hyperband, min_iter: 3}", "", "did you mean `min_epochs`?"),
        ("{type: hyperband, min_epochs: 50}", "", "`min_epochs: 33` at most, or a larger `max_epochs`"),
        ("{type: hyperband}", "train: {epochs: 2}", "take `early_terminate` out"),
        ("{type: hyperband, eta: 1}", "", "expected a whole number of at least 2"),
        ("{type: median, eta: 3}", "", "`type: median` does not read it"),
        ("{type: hyperband, max_epochs: 50}", "train: {epochs: 40}", "found 50 beside `train.epochs: 40`"),
        ("{type: hyperband}", "rank: {on: test}", "would choose by the test rows"),
        ("hyperband", "", "expected a mapping"),
    ] {
        let faults = of(value, rest).unwrap_err();
        assert!(faults.contains(told), "{value} {rest}\n{faults}");
    }
}
