//! Patterns of column names: `*` stands for any characters, `?` for one.

/// Whether `name` is what `pattern` says: the name itself, or one that its `*` and `?` fit.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    if pattern == name {
        return true;
    }
    if !is_pattern(pattern) {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // The last `*`, and where what it stands for ends so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, end)) => {
                    star = Some((at, end + 1));
                    (p, n) = (at + 1, end + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// Whether it may stand for several names.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, character by character.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, rest) => rest.is_none(),
            (Some(('*', more)), None) => by_definition(more, name),
            (Some(('*', more)), Some((_, rest))) => by_definition(more, name) || by_definition(pattern, rest),
            (Some(('?', more)), Some((_, rest))) => by_definition(more, rest),
            (Some((c, more)), Some((d, rest))) => c == d && by_definition(more, rest),
            (Some(_), None) => false,
        }
    }

    #[test]
    fn a_name_with_a_star_is_itself() {
        assert!(fits("a*", "a*") && fits("tmp_*", "tmp_") && fits("tmp_*", "tmp_é"));
        assert!(!fits("tmp_*", "Tmp_1") && !fits("id", "id2") && fits("?d", "id"));
    }

    proptest! {
        #[test]
        fn patterns_fit_by_their_definition(pattern in "[ab*?]{0,7}", name in "[ab?]{0,8}") {
            let [p, n] = [&pattern, &name].map(|text| text.chars().collect::<Vec<char>>());
            prop_assert_eq!(fits(&pattern, &name), pattern == name || by_definition(&p, &n));
        }
    }
}
