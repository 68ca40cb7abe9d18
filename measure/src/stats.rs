//! Medians, ratios with their spread by bootstrap, and geometric means.

use serde::Serialize;

/// Pairs of resampled medians behind one interval.
pub const BOOTSTRAP_DRAWS: usize = 2000;

/// A small generator of random numbers (SplitMix64): orders the engines and draws the bootstrap samples.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts a sequence; the same seed gives the same one.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Puts the items in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// A value and the interval that holds it with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The value itself.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// The value with the middle 95 % of the draws.
    fn from_draws(value: f64, draws: &[f64]) -> Self {
        let mut sorted = draws.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self {
            value,
            low: quantile_of_sorted(&sorted, 0.025),
            high: quantile_of_sorted(&sorted, 0.975),
        }
    }
}

/// How many times slower one engine is than another, with the draws that its interval comes from.
#[derive(Clone, Debug)]
pub struct Ratio {
    /// Ratio of the medians and its interval.
    pub estimate: Estimate,
    draws: Vec<f64>,
}

/// The ratio of the medians of `samples` and `base`, which were taken in the same rounds: a resampled round brings
/// both of its values, so that what disturbed both engines cancels.
///
/// # Panics
/// When the two differ in length or are empty.
pub fn ratio_of_medians(samples: &[f64], base: &[f64], random: &mut Random) -> Ratio {
    assert_eq!(
        samples.len(),
        base.len(),
        "one sample of each engine per round"
    );
    let rounds = samples.len();
    let mut drawn = vec![0.0; rounds];
    let mut drawn_base = vec![0.0; rounds];
    let draws: Vec<f64> = (0..BOOTSTRAP_DRAWS)
        .map(|_| {
            for slot in 0..rounds {
                let round = random.below(rounds);
                drawn[slot] = samples[round];
                drawn_base[slot] = base[round];
            }
            median_in_place(&mut drawn) / median_in_place(&mut drawn_base)
        })
        .collect();
    let estimate = Estimate::from_draws(median(samples) / median(base), &draws);
    Ratio { estimate, draws }
}

/// The geometric mean of ratios, whose interval combines the draws of each.
///
/// # Panics
/// When there are no ratios.
pub fn geometric_mean(ratios: &[&Ratio]) -> Estimate {
    assert!(!ratios.is_empty(), "a mean of nothing");
    let mean =
        |logs: &mut dyn Iterator<Item = f64>| (logs.sum::<f64>() / ratios.len() as f64).exp();
    let draws: Vec<f64> = (0..BOOTSTRAP_DRAWS)
        .map(|draw| mean(&mut ratios.iter().map(|ratio| ratio.draws[draw].ln())))
        .collect();
    let value = mean(&mut ratios.iter().map(|ratio| ratio.estimate.value.ln()));
    Estimate::from_draws(value, &draws)
}

/// The middle value; of an even number of values, the mean of the two in the middle.
///
/// # Panics
/// When there are no values.
pub fn median(values: &[f64]) -> f64 {
    median_in_place(&mut values.to_vec())
}

/// The quantile of values, interpolated between neighbours; `at` is between 0 and 1.
///
/// # Panics
/// When there are no values.
pub fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, at)
}

fn median_in_place(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile_of_sorted(values, 0.5)
}

fn quantile_of_sorted(sorted: &[f64], at: f64) -> f64 {
    let position = at * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = position.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * (position - position.floor())
}

#[cfg(test)]
mod tests {
    use super::{Random, geometric_mean, median, quantile, ratio_of_medians};

    #[test]
    fn median_of_even_and_odd_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(quantile(&[0.0, 10.0], 0.25), 2.5);
    }

    #[test]
    fn ratio_of_constant_samples_has_no_spread() {
        let ratio = ratio_of_medians(&[6.0; 9], &[3.0; 9], &mut Random::new(1)).estimate;
        assert_eq!((ratio.value, ratio.low, ratio.high), (2.0, 2.0, 2.0));
    }

    #[test]
    fn interval_of_noisy_samples_holds_the_ratio_and_has_a_width() {
        let mut random = Random::new(7);
        let mut noisy = |center: f64| -> Vec<f64> {
            (0..25)
                .map(|_| center * (1.0 + random.below(1000) as f64 / 10_000.0))
                .collect()
        };
        let (slow, fast) = (noisy(30.0), noisy(20.0));
        let ratio = ratio_of_medians(&slow, &fast, &mut Random::new(2)).estimate;
        assert!(ratio.low < 1.5 && 1.5 < ratio.high, "{ratio:?}");
        assert!(
            ratio.low < ratio.value && ratio.value < ratio.high,
            "{ratio:?}"
        );
        assert!(ratio.high - ratio.low < 0.2, "{ratio:?}");
    }

    #[test]
    fn disturbance_of_whole_rounds_cancels() {
        let base: Vec<f64> = (1..=21).map(f64::from).collect();
        let twice: Vec<f64> = base.iter().map(|value| 2.0 * value).collect();
        let ratio = ratio_of_medians(&twice, &base, &mut Random::new(3)).estimate;
        assert_eq!((ratio.low, ratio.high), (2.0, 2.0));
    }

    #[test]
    fn geometric_mean_of_a_ratio_and_its_inverse_is_one() {
        let mut random = Random::new(4);
        let double = ratio_of_medians(&[2.0; 5], &[1.0; 5], &mut random);
        let half = ratio_of_medians(&[1.0; 5], &[2.0; 5], &mut random);
        let mean = geometric_mean(&[&double, &half]);
        assert!((mean.value - 1.0).abs() < 1e-12 && (mean.high - mean.low).abs() < 1e-12);
    }

    #[test]
    fn shuffle_keeps_every_item_and_reaches_every_order() {
        let mut random = Random::new(5);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut items = [1, 2, 3];
            random.shuffle(&mut items);
            seen.insert(items);
            assert_eq!(items.iter().sum::<i32>(), 6);
        }
        assert_eq!(seen.len(), 6);
    }
}
