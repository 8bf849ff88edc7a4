//! The logical ids of resources that are known by a name.

/// Converts `quote-price` into `QuotePrice`.
pub fn logical_id(name: &str) -> String {
    name.split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<Vec<char>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logical_ids_are_in_camel_case() {
        assert_eq!(logical_id("quote-price"), "QuotePrice");
    }
}
