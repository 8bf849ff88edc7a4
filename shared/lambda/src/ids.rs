//! Ids: sortable by the time they were made, and readable aloud.

use carryout_environment::Ids;
use uuid::Uuid;

/// Crockford's base 32, lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A fresh id: the prefix and a UUID of version 7 as 26 characters of Crockford's base 32.
///
/// ```
/// let id = carryout_lambda::ids::new_id("ord");
/// assert!(id.starts_with("ord_") && id.len() == 30);
/// ```
pub fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", encode(Uuid::now_v7().as_u128()))
}

/// Makes ids by [`new_id`].
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn new_id(&self, prefix: &str) -> String {
        new_id(prefix)
    }
}

fn encode(value: u128) -> String {
    (0..26).rev().map(|place| char::from(ALPHABET[((value >> (place * 5)) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_every_bit_and_keeps_the_order() {
        assert_eq!(encode(0), "0".repeat(26));
        assert_eq!(encode(u128::MAX), format!("7{}", "z".repeat(25)));
        assert_eq!(encode(33), format!("{}11", "0".repeat(24)));
        assert!(encode(1 << 80) > encode((1 << 80) - 1));
    }

    #[test]
    fn later_ids_sort_behind_earlier_ones() {
        let ids: Vec<String> = (0..100).map(|_| new_id("ord")).collect();
        assert!(ids.is_sorted());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
