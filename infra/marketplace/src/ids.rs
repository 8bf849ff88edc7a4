//! Ids that the seed and an index decide, so that a store keeps its id when another one's menu changes.

use fastrand::Rng;

/// Crockford's base32: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const BITS: u32 = 40;
const MASK: u64 = (1 << BITS) - 1;

/// The id of the `index`th thing (below 2^40) of the kind that `prefix` names: `sto_`, then 8 base32 digits.
///
/// Each step is a bijection of 40-bit numbers (multiplying by an odd number, xor, xor with a right shift), so two
/// indices of one kind never share an id.
pub(crate) fn id(prefix: &str, seed: u64, index: usize) -> String {
    let key = stream(seed, prefix, 0).u64(..);
    let mut mixed = (index as u64 ^ key) & MASK;
    for factor in [0x9E_3779_B97F, 0xC2_B2AE_3D27] {
        mixed = mixed.wrapping_mul(factor) & MASK;
        mixed ^= mixed >> 19;
    }
    let digits = (0..BITS / 5).rev().map(|digit| char::from(ALPHABET[(mixed >> (5 * digit) & 31) as usize]));
    prefix.chars().chain(['_']).chain(digits).collect()
}

/// The random numbers of one thing, apart from those of every other.
pub(crate) fn stream(seed: u64, purpose: &str, index: usize) -> Rng {
    // FNV-1a over the purpose and the index.
    let bytes = purpose.bytes().chain((index as u64).to_le_bytes());
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3));
    Rng::with_seed(Rng::with_seed(seed).u64(..) ^ hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_indices_share_an_id() {
        let ids: BTreeSet<_> = (0..100_000).map(|index| id("sto", 7, index)).collect();
        assert_eq!(ids.len(), 100_000);
        assert!(ids.iter().all(|id| id.len() == "sto_".len() + 8));
    }

    #[test]
    fn an_id_depends_on_the_seed_and_the_kind() {
        assert_ne!(id("sto", 7, 1), id("sto", 8, 1));
        assert_ne!(id("sto", 7, 1)[4..], id("itm", 7, 1)[4..]);
    }
}
