//! Drawing an index by weights in constant time, by Walker's alias method as Vose builds it.

use crate::random::Random;

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// With a draw below this the slot itself is chosen, else its alias.
    below: u32,
    alias: u32,
}

/// A table of weights.
#[derive(Debug)]
pub(crate) struct Alias {
    slots: Vec<Slot>,
}

impl Alias {
    /// The table of positive weights, of which there must be one at least.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut scaled: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut slots: Vec<Slot> =
            (0..weights.len()).map(|index| Slot { below: u32::MAX, alias: index as u32 }).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..weights.len()).partition(|index| scaled[*index] < 1.0);
        while let (Some(one), Some(other)) = (small.pop(), large.last().copied()) {
            slots[one] = Slot { below: (scaled[one] * 4_294_967_296.0) as u32, alias: other as u32 };
            scaled[other] -= 1.0 - scaled[one];
            if scaled[other] < 1.0 {
                large.pop();
                small.push(other);
            }
        }
        Self { slots }
    }

    #[inline]
    pub(crate) fn draw(&self, random: &mut Random) -> u32 {
        let draw = random.next();
        let index = ((draw >> 32) * self.slots.len() as u64) >> 32;
        let slot = self.slots[index as usize];
        if (draw as u32) < slot.below { index as u32 } else { slot.alias }
    }
}

#[cfg(test)]
mod tests {
    use super::Alias;
    use crate::random::Random;

    #[test]
    fn indexes_are_drawn_as_often_as_their_weights_say() {
        let alias = Alias::new(&[1.0, 2.0, 3.0, 0.5, 3.5]);
        let mut random = Random::stream(1, 0);
        let mut draws = [0_u32; 5];
        for _ in 0..100_000 {
            draws[alias.draw(&mut random) as usize] += 1;
        }
        for (drawn, expected) in draws.into_iter().zip([10_000, 20_000, 30_000, 5_000, 35_000]) {
            assert!(drawn.abs_diff(expected) < 800, "{draws:?}");
        }
    }
}
