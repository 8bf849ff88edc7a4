//! Numbers that look like chance and are not.

/// A seeded stream of numbers: SplitMix64 (Steele, Lea and Flood, 2014). The same seed gives the same stream.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of `seed` for what is called `name`, so that two names share nothing.
    pub fn named(name: &str, seed: u64) -> Self {
        // FNV-1a, 64 bits.
        let hash =
            name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut random = Self(hash ^ seed.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.number();
        random
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A stream of its own, which further draws from this one do not change.
    pub const fn fork(&mut self) -> Self {
        Self(self.number())
    }

    /// A number below `end`; 0 where `end` is 0.
    pub const fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.number() % end as u64) as usize }
    }

    /// A number from `least` to `most`, both included.
    pub const fn between(&mut self, least: i64, most: i64) -> i64 {
        if most <= least { least } else { least + (self.number() % (most - least + 1).unsigned_abs()).cast_signed() }
    }

    /// True in `percent` of 100 cases.
    pub const fn chance(&mut self, percent: u64) -> bool {
        self.number() % 100 < percent
    }

    /// One of `choices`; nothing where there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_name_gives_others() {
        let draw = |mut random: Random| [(); 8].map(|()| random.number());
        assert_eq!(draw(Random::named("a", 7)), draw(Random::named("a", 7)));
        assert_ne!(draw(Random::named("a", 7)), draw(Random::named("b", 7)));
        assert_ne!(draw(Random::named("a", 7)), draw(Random::named("a", 8)));
    }

    #[test]
    fn ranges_hold_their_ends() {
        let mut random = Random::new(1);
        let drawn: Vec<i64> = (0..200).map(|_| random.between(-1, 1)).collect();
        assert_eq!([drawn.contains(&-1), drawn.contains(&0), drawn.contains(&1)], [true; 3]);
        assert!(drawn.iter().all(|n| (-1..=1).contains(n)));
        assert_eq!((random.below(0), random.between(5, 5), random.pick::<u8>(&[])), (0, 5, None));
    }
}
