//! The fixed tree by which partial sums are added.
//!
//! [`add_pairwise`] adds neighbours, then neighbouring pairs, and so on; the last of an odd number moves up a level
//! unchanged. So every range of items that starts at a multiple of a power of two and is as long (or ends where the
//! items end) has a subtree of its own, whose sum depends on nothing else. That is what lets tasks reduce their
//! blocks alone, and [`Levels`] do it with one pending sum per level.

use crate::abi::PARTIALS;

/// Adds up `items`, `width` numbers each, into the first of them.
pub(super) fn add_pairwise(items: &mut [f64], width: usize) {
    if width == 0 {
        return;
    }
    let len = items.len();
    let mut step = width;
    while step < len {
        for at in (0..len - step).step_by(2 * step) {
            for element in at..at + width {
                items[element] += items[element + step];
            }
        }
        step *= 2;
    }
}

/// The sums of `partials`, one per element, into `sums`. Overwrites the partials.
pub(super) fn add_partials(partials: &mut [f64], sums: &mut [f64]) {
    for (partials, sum) in partials.chunks_exact_mut(PARTIALS).zip(sums) {
        add_pairwise(partials, 1);
        *sum = partials[0];
    }
}

/// The tree of [`add_pairwise`] over items that arrive one after the other.
#[derive(Debug)]
pub(super) struct Levels<'a> {
    pending: &'a mut [f64],
    width: usize,
    count: usize,
}

impl<'a> Levels<'a> {
    /// How many numbers must be provided for `items` items of `width` numbers.
    pub(super) fn space(items: usize, width: usize) -> usize {
        width * (items.max(1).ilog2() as usize + 2)
    }

    pub(super) fn new(pending: &'a mut [f64], width: usize) -> Levels<'a> {
        Levels { pending, width, count: 0 }
    }

    /// Adds an item.
    pub(super) fn push(&mut self, item: &mut [f64]) {
        let mut level = 0;
        while self.count >> level & 1 == 1 {
            add_to_earlier(self.level(level), item);
            level += 1;
        }
        self.level(level).copy_from_slice(item);
        self.count += 1;
    }

    /// The sum of all items into `sum`; without items, −0.0.
    pub(super) fn finish(mut self, sum: &mut [f64]) {
        sum.fill(-0.0);
        let mut first = true;
        for level in 0..usize::BITS as usize {
            if self.count >> level & 1 == 1 {
                if first {
                    sum.copy_from_slice(self.level(level));
                } else {
                    add_to_earlier(self.level(level), sum);
                }
                first = false;
            }
        }
    }

    fn level(&mut self, level: usize) -> &mut [f64] {
        &mut self.pending[level * self.width..][..self.width]
    }
}

/// `later = earlier + later`.
fn add_to_earlier(earlier: &[f64], later: &mut [f64]) {
    for (earlier, later) in earlier.iter().zip(later) {
        *later += *earlier;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_the_documented_one() {
        let mut items = [1e16, 1.0, 1.0, 1.0, 1.0];
        add_pairwise(&mut items, 1);
        assert_eq!(items[0], ((1e16 + 1.0) + (1.0 + 1.0)) + 1.0);
    }

    #[test]
    fn streaming_and_subtrees_give_the_same_bits() {
        for count in 1..70 {
            let items: Vec<f64> =
                (0..2 * count).map(|i| (i as f64 * 0.7).sin() * 10f64.powi(i % 9)).collect();
            let mut whole = items.clone();
            add_pairwise(&mut whole, 2);
            for task in [1, 2, 4, 8, 64] {
                let mut sums = Vec::new();
                for chunk in items.chunks(2 * task) {
                    let mut pending = vec![0.0; Levels::space(task, 2)];
                    let mut levels = Levels::new(&mut pending, 2);
                    for item in chunk.chunks(2) {
                        levels.push(&mut item.to_vec());
                    }
                    let mut sum = [0.0; 2];
                    levels.finish(&mut sum);
                    sums.extend(sum);
                }
                add_pairwise(&mut sums, 2);
                assert_eq!(sums[..2], whole[..2], "{count} items in tasks of {task}");
            }
        }
    }
}
