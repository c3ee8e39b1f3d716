//! The source of chance: SplitMix64, and what is drawn from it.
//!
//! The generator is that of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators"
//! (OOPSLA 2014), with the constants of Sebastiano Vigna's public-domain `splitmix64.c`
//! (<https://prng.di.unimi.it/splitmix64.c>). It is here, not in a dependency, because the sample's
//! bytes must never change with a version of something else; and every draw is integer arithmetic,
//! because the last bits of `exp` and `ln` differ from one machine to the next.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The stream of a number: streams of one seed do not depend on each other, so that, say, one more
    /// user leaves the songs as they are.
    pub(crate) fn stream(seed: u64, number: u64) -> Self {
        Self { state: mix(seed ^ mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15))) }
    }

    /// Any number, all equally likely.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number below `end`, all equally likely; 0 if `end` is.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        scale(self.next(), end)
    }

    /// An index below `end`, of which low ones are more likely: index `r` of `n` about `ln(n / r) / n`.
    pub(crate) fn rank(&mut self, end: usize) -> usize {
        let end = self.below(end as u64) + 1;
        self.below(end) as usize
    }

    /// Whether something with so many chances in a thousand happens.
    pub(crate) fn chance(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// One of a table's entries.
    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, table: &[T; N]) -> T {
        const { assert!(N > 0, "a table without entries") };
        table[self.below(N as u64) as usize]
    }

    /// An exponentially distributed number, by von Neumann's comparison method ("Various techniques used
    /// in connection with random digits", 1951), which needs no logarithm.
    pub(crate) fn exponential(&mut self, mean: u64) -> u64 {
        let mut whole = 0;
        loop {
            let first = self.next();
            let mut last = first;
            let mut falling = 1_u32;
            loop {
                let next = self.next();
                if next > last {
                    break;
                }
                last = next;
                falling += 1;
            }
            if falling % 2 == 1 {
                return whole * mean + scale(first, mean);
            }
            whole += 1;
        }
    }
}

/// `fraction / 2^64` of a number.
fn scale(fraction: u64, number: u64) -> u64 {
    ((u128::from(fraction) * u128::from(number)) >> 64) as u64
}

/// SplitMix64's output function.
fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = Random { state: 1_234_567 };
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn exponential_numbers_have_their_mean_and_median() {
        let mut random = Random::stream(1, 0);
        let mut draws: Vec<u64> = (0..100_000).map(|_| random.exponential(10_000)).collect();
        draws.sort_unstable();
        let mean = draws.iter().sum::<u64>() / 100_000;
        assert!((9_900..10_100).contains(&mean), "mean {mean}");
        let median = draws[50_000];
        assert!((6_830..7_030).contains(&median), "median {median}");
    }

    #[test]
    fn numbers_stay_below_their_end() {
        let mut random = Random::stream(7, 7);
        assert!((0..10_000).all(|_| random.below(3) < 3 && random.rank(5) < 5));
        assert_eq!(random.below(0), 0);
    }
}
