//! Which of a plugin's known versions? A set of indexes, as bits.
//!
//! The solver intersects and compares sets of versions all the time. The versions of a plugin are known before it starts,
//! so a set is a row of bits over their indexes; unlike intervals of versions, bits have one spelling for each set of
//! *existing* versions, so that a set without any is seen to be empty at once and proofs stay short.
//!
//! Beyond the bits that are written down, all are alike (`rest`): complements exist, and so does the full set, which stands
//! for "any" of a plugin whose versions aren't known yet.

use std::fmt;

const WORD: u32 = 64;

/// A set of version indexes, or the complement of one. Canonical: equal sets are equal values.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Versions {
    low: u64,
    /// The words above the first; the last one, if any, isn't like `rest`.
    high: Box<[u64]>,
    rest: bool,
}

impl Versions {
    pub(crate) fn none() -> Self {
        Self { low: 0, high: Box::default(), rest: false }
    }

    pub(crate) fn all() -> Self {
        Self { low: u64::MAX, high: Box::default(), rest: true }
    }

    pub(crate) fn one(index: u32) -> Self {
        Self::from_words(words_with([index]), false)
    }

    fn from_words(mut words: Vec<u64>, rest: bool) -> Self {
        while words.len() > 1 && words.last() == Some(&fill(rest)) {
            words.pop();
        }
        let low = words.first().copied().unwrap_or(fill(rest));
        Self { low, high: words.get(1..).unwrap_or_default().into(), rest }
    }

    fn word(&self, at: usize) -> u64 {
        match at {
            0 => self.low,
            _ => self.high.get(at - 1).copied().unwrap_or(fill(self.rest)),
        }
    }

    fn combine(&self, other: &Self, with: impl Fn(u64, u64) -> u64) -> Self {
        let rest = with(fill(self.rest), fill(other.rest)) != 0;
        if self.high.is_empty() && other.high.is_empty() {
            return Self { low: with(self.low, other.low), high: Box::default(), rest };
        }
        let words = 1 + self.high.len().max(other.high.len());
        Self::from_words((0..words).map(|at| with(self.word(at), other.word(at))).collect(), rest)
    }

    pub(crate) fn inverted(&self) -> Self {
        Self { low: !self.low, high: self.high.iter().map(|word| !word).collect(), rest: !self.rest }
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & b)
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a | b)
    }

    pub(crate) fn has(&self, index: u32) -> bool {
        self.word((index / WORD) as usize) >> (index % WORD) & 1 == 1
    }

    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.no_word(other, |a, b| a & !b)
    }

    pub(crate) fn is_apart(&self, other: &Self) -> bool {
        self.no_word(other, |a, b| a & b)
    }

    fn no_word(&self, other: &Self, with: impl Fn(u64, u64) -> u64) -> bool {
        let words = 1 + self.high.len().max(other.high.len());
        with(fill(self.rest), fill(other.rest)) == 0 && (0..words).all(|at| with(self.word(at), other.word(at)) == 0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self == &Self::none()
    }

    /// How many; a set without end counts as `u32::MAX`.
    pub(crate) fn count(&self) -> u32 {
        if self.rest {
            return u32::MAX;
        }
        self.low.count_ones() + self.high.iter().map(|word| word.count_ones()).sum::<u32>()
    }

    /// The largest index; none in an empty set and in one without end.
    pub(crate) fn last(&self) -> Option<u32> {
        let words = if self.rest { 0 } else { 1 + self.high.len() };
        (0..words).rev().find_map(|at| {
            let word = self.word(at);
            (word != 0).then(|| index(at) + WORD - 1 - word.leading_zeros())
        })
    }

    /// The smallest index.
    pub(crate) fn lowest(&self) -> Option<u32> {
        // One word more than is written down, for a set that begins beyond.
        (0..2 + self.high.len()).find_map(|at| {
            let word = self.word(at);
            (word != 0).then(|| index(at) + word.trailing_zeros())
        })
    }

    /// The indexes below `limit`, ascending.
    pub(crate) fn indexes(&self, limit: u32) -> impl DoubleEndedIterator<Item = u32> + '_ {
        (0..limit).filter(|index| self.has(*index))
    }
}

impl FromIterator<u32> for Versions {
    fn from_iter<I: IntoIterator<Item = u32>>(indexes: I) -> Self {
        Self::from_words(words_with(indexes), false)
    }
}

fn words_with(indexes: impl IntoIterator<Item = u32>) -> Vec<u64> {
    let mut words = vec![0u64];
    for index in indexes {
        let at = (index / WORD) as usize;
        if words.len() <= at {
            words.resize(at + 1, 0);
        }
        if let Some(word) = words.get_mut(at) {
            *word |= 1 << (index % WORD);
        }
    }
    words
}

fn fill(rest: bool) -> u64 {
    if rest { u64::MAX } else { 0 }
}

fn index(word: usize) -> u32 {
    u32::try_from(word).unwrap_or(u32::MAX / WORD) * WORD
}

impl fmt::Debug for Versions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = index(1 + self.high.len());
        out.debug_set().entries(self.indexes(written)).finish()?;
        if self.rest { write!(out, "+{written}..") } else { Ok(()) }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Beyond what the strategies produce, so that `rest` is seen.
    const SEEN: u32 = 300;

    fn sets() -> impl Strategy<Value = (Versions, BTreeSet<u32>)> {
        let index = prop_oneof![0u32..8, 60u32..70, 120u32..200];
        (prop::collection::btree_set(index, 0..6), any::<bool>()).prop_map(|(indexes, inverted)| {
            let set: Versions = indexes.iter().copied().collect();
            let others = || (0..SEEN).filter(|index| !indexes.contains(index)).collect();
            if inverted { (set.inverted(), others()) } else { (set, indexes) }
        })
    }

    proptest! {
        #[test]
        fn bits_are_sets((a, model_a) in sets(), (b, model_b) in sets()) {
            let seen = |set: &Versions| set.indexes(SEEN).collect::<BTreeSet<u32>>();
            prop_assert_eq!(seen(&a), model_a.clone());
            prop_assert_eq!(seen(&a.and(&b)), model_a.intersection(&model_b).copied().collect());
            prop_assert_eq!(seen(&a.or(&b)), model_a.union(&model_b).copied().collect());
            prop_assert_eq!(a.is_within(&b), model_a.is_subset(&model_b));
            prop_assert_eq!(a.is_apart(&b), model_a.is_disjoint(&model_b));
            prop_assert_eq!(a == b, model_a == model_b);
            prop_assert_eq!(a.inverted().inverted(), a.clone());
            prop_assert_eq!(a.and(&b).inverted(), a.inverted().or(&b.inverted()));
            prop_assert_eq!(a.is_empty(), model_a.is_empty());
            prop_assert_eq!(a.lowest(), model_a.first().copied());
            if !a.rest {
                prop_assert_eq!(a.last(), model_a.last().copied());
                prop_assert_eq!(a.count() as usize, model_a.len());
            }
        }
    }

    #[test]
    fn small_sets_know_themselves() {
        assert_eq!((0..70).collect::<Versions>().count(), 70);
        assert_eq!(std::iter::empty().collect::<Versions>(), Versions::none());
        assert_eq!(Versions::all(), Versions::none().inverted());
        assert!(Versions::one(65).has(65) && !Versions::one(65).has(1));
    }
}
