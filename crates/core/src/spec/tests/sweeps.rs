//! The sweep files of this repository.

use super::super::{Domain, Spec};
use super::read;

fn pairs(spec: &Spec) -> usize {
    let count = |domain: Option<&Domain<f64>>| domain.map_or(1, |domain| domain.expand().len());
    spec.parameters.spaces().iter().map(|space| count(space.alpha.as_ref()) * count(space.gamma.as_ref())).sum()
}

#[test]
fn files_of_the_repository_are_good() {
    for (text, name, expected) in [
        (include_str!("../../../../../sweeps/focal.yaml"), "focal", 81),
        (include_str!("../../../../../sweeps/creditcard.yaml"), "creditcard", 49),
        (include_str!("../../../../../sweeps/comparison.yaml"), "comparison", 9),
        (include_str!("../../../../../sweeps/scale.yaml"), "scale", 49),
    ] {
        let spec = read(text, &[]).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
        assert_eq!((spec.name.as_str(), pairs(&spec)), (name, expected));
        assert!(text.starts_with("# yaml-language-server: $schema=sweep.schema.json\n"), "{name}");
    }
}
