//! Ids of trials and jobs, which become parts of file names.

/// Longest id.
const MOST: usize = 80;

/// Whether `text` may name a trial or a job: lower-case letters, digits and `-`. An id that was read is looked at
/// before it becomes part of a path.
pub fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MOST).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_no_other_folder() {
        assert!(["job-00001", "job-00007ab", "e2cb95a1827c07bc"].into_iter().all(is_id));
        let long = "a".repeat(81);
        for text in ["", ".", "..", "../../x", "a/b", "a\\b", "A", "a b", "ä", "a\0", long.as_str()] {
            assert!(!is_id(text), "{text:?}");
        }
    }
}
