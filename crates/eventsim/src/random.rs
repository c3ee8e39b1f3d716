//! The source of chance: SplitMix64, and what is drawn from it.
//!
//! The generator is that of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators"
//! (OOPSLA 2014), with the constants of Sebastiano Vigna's public-domain `splitmix64.c`
//! (<https://prng.di.unimi.it/splitmix64.c>). It is here, not in a dependency, because the bytes of a data
//! set must never change with a version of something else. Logarithms and the like come from `libm`, which
//! computes them in software: those of the standard library differ in their last bits from one machine to
//! the next.

use std::f64::consts::TAU;

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
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Any 32-bit number, all equally likely.
    #[inline]
    pub(crate) fn next_u32(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    /// A number below `end`, all equally likely; 0 if `end` is.
    #[inline]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
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

    /// One of a table's entries, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, table: &[T]) -> T {
        table[self.below(table.len() as u64) as usize]
    }

    /// A number from 0 up to 1, without 1.
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An exponentially distributed number.
    #[inline]
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -libm::log(1.0 - self.unit()) * mean
    }

    /// A normally distributed number of mean 0 and deviation 1, by Box and Muller's method.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(TAU * self.unit())
    }
}

/// SplitMix64's output function, which is also a good hash of a number.
#[inline]
pub(crate) fn mix(state: u64) -> u64 {
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
        let mut draws: Vec<f64> = (0..100_000).map(|_| random.exponential(10_000.0)).collect();
        draws.sort_unstable_by(f64::total_cmp);
        let mean = draws.iter().sum::<f64>() / 100_000.0;
        assert!((9_900.0..10_100.0).contains(&mean), "mean {mean}");
        let median = draws[50_000];
        assert!((6_830.0..7_030.0).contains(&median), "median {median}");
    }

    #[test]
    fn normal_numbers_have_their_mean_and_deviation() {
        let mut random = Random::stream(2, 0);
        let draws: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 100_000.0;
        let variance = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>() / 100_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "mean {mean}, variance {variance}");
    }

    #[test]
    fn numbers_stay_below_their_end() {
        let mut random = Random::stream(7, 7);
        assert!((0..10_000).all(|_| random.below(3) < 3 && random.rank(5) < 5 && random.unit() < 1.0));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn draws_are_the_same_on_every_machine() {
        let mut random = Random::stream(1, 1);
        let bits = [random.exponential(90.0).to_bits(), random.normal().to_bits()];
        assert_eq!(bits, [0x4029_5d09_567e_b4ee, 0xbff7_5b98_4920_c652], "{bits:#x?}");
    }
}
