//! What is in a basket, and what becomes of it when two tabs change it at once.

use std::collections::{BTreeMap, BTreeSet};

use sealed_session::Conflict;
use serde::{Deserialize, Serialize};

/// The session: how many there are of what.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Basket {
    lines: BTreeMap<Item, u32>,
}

/// What one line of the basket is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// A number, and not an enum's variant: with that, each new article would change the session's shape, and so end the
    /// sessions that there are.
    pub article: u16,
    pub note: String,
}

pub struct Article {
    pub number: u16,
    pub name: &'static str,
    pub about: &'static str,
}

pub const CATALOGUE: [Article; 4] = [
    Article { number: 1, name: "Mug", about: "Stoneware. We print your note on it." },
    Article { number: 2, name: "Notebook", about: "96 pages, your note on the cover." },
    Article { number: 3, name: "Tote bag", about: "Cotton, your note on one side." },
    Article { number: 4, name: "Apron", about: "Linen, your note on the pocket." },
];

/// A card for each guest, fifty at a time.
pub const PLACE_CARD: Article =
    Article { number: 5, name: "Place card", about: "One for each guest, and so a line for each." };

/// Merges two baskets that began as the same one. What either tab has added is in it, what either has taken out is
/// not: of three mugs, of which one tab has taken all while the other has added one, one remains.
pub fn merge(Conflict { base, theirs, mine }: Conflict<Basket>) -> Basket {
    let mut merged = theirs;
    let touched: BTreeSet<&Item> = base.lines.keys().chain(mine.lines.keys()).collect();
    for item in touched {
        let (before, after) = (base.count(item), mine.count(item));
        let count = merged.count(item).saturating_add(after).saturating_sub(before);
        merged.set(item.clone(), count);
    }
    merged
}

/// That is not for sale, or more than a basket holds.
#[derive(Debug)]
pub struct Refused;

impl Basket {
    pub const MOST_LINES: usize = 250;
    /// In a line.
    pub const MOST_PIECES: u32 = 999;
    /// In characters.
    pub const LONGEST_NOTE: usize = 60;
    /// In bytes: a number, a note and its length, and a count, for each line.
    pub const LARGEST: usize = Self::MOST_LINES * (3 + 1 + 4 * Self::LONGEST_NOTE + 5);

    pub fn lines(&self) -> impl ExactSizeIterator<Item = (&Item, u32)> {
        self.lines.iter().map(|(item, count)| (item, *count))
    }

    /// Adds to a line, or begins one.
    pub fn add(&mut self, item: Item, pieces: u32) -> Result<(), Refused> {
        let count = self.count(&item).saturating_add(pieces);
        let is_new = !self.lines.contains_key(&item);
        if item.article().is_none()
            || item.note.chars().count() > Self::LONGEST_NOTE
            || pieces == 0
            || count > Self::MOST_PIECES
            || (is_new && self.lines.len() >= Self::MOST_LINES)
        {
            return Err(Refused);
        }
        self.set(item, count);
        Ok(())
    }

    /// Takes out a whole line, if it is there.
    pub fn remove(&mut self, item: &Item) {
        self.lines.remove(item);
    }

    /// Adds place cards for so many guests who have none.
    pub fn invite(&mut self, guests: usize) -> Result<(), Refused> {
        if self.lines.len() + guests > Self::MOST_LINES {
            return Err(Refused);
        }
        let cards = (1..).map(Item::place_card).filter(|card| !self.lines.contains_key(card));
        for card in cards.take(guests).collect::<Vec<_>>() {
            self.add(card, 1)?;
        }
        Ok(())
    }

    /// Takes out the last place cards.
    pub fn uninvite(&mut self, guests: usize) {
        let cards = self.lines.keys().rev().filter(|item| item.article == PLACE_CARD.number);
        for card in cards.take(guests).cloned().collect::<Vec<_>>() {
            self.remove(&card);
        }
    }

    fn count(&self, item: &Item) -> u32 {
        self.lines.get(item).copied().unwrap_or(0)
    }

    fn set(&mut self, item: Item, count: u32) {
        match count {
            0 => self.lines.remove(&item),
            _ => self.lines.insert(item, count),
        };
    }
}

impl Item {
    fn place_card(guest: usize) -> Self {
        Self { article: PLACE_CARD.number, note: format!("Guest {guest:03}, table {}", guest.div_ceil(8)) }
    }

    /// `None` if it is in the catalogue no longer.
    pub fn article(&self) -> Option<&'static Article> {
        CATALOGUE.iter().chain([&PLACE_CARD]).find(|article| article.number == self.article)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basket<const LINES: usize>(lines: [(u16, u32); LINES]) -> Basket {
        let line = |(article, count)| (Item { article, note: "for Ada".into() }, count);
        Basket { lines: lines.map(line).into() }
    }

    fn merged(base: Basket, theirs: Basket, mine: Basket) -> Basket {
        merge(Conflict { base, theirs, mine })
    }

    #[test]
    fn a_merged_basket_has_what_either_tab_has_added() {
        assert_eq!(merged(basket([]), basket([(1, 1)]), basket([(2, 1)])), basket([(1, 1), (2, 1)]));
        assert_eq!(merged(basket([(1, 1)]), basket([(1, 2)]), basket([(1, 4)])), basket([(1, 5)]));
        assert_eq!(merged(basket([]), basket([(1, 1)]), basket([(1, 1)])), basket([(1, 2)]));
    }

    #[test]
    fn a_merged_basket_has_nothing_that_either_tab_has_taken_out() {
        assert_eq!(merged(basket([(1, 1), (2, 1)]), basket([(1, 1)]), basket([(2, 1)])), basket([]));
        assert_eq!(merged(basket([(1, 1)]), basket([]), basket([])), basket([]));
        assert_eq!(merged(basket([(1, 3)]), basket([(1, 4)]), basket([])), basket([(1, 1)]));
        assert_eq!(merged(basket([(1, 3)]), basket([]), basket([(1, 4)])), basket([(1, 1)]));
    }

    #[test]
    fn fifty_more_guests_are_always_fifty_lines_until_the_basket_is_full() {
        let mut basket = Basket::default();
        basket.invite(50).unwrap();
        basket.remove(&Item::place_card(7));
        for _ in 0..4 {
            basket.invite(50).unwrap();
        }
        assert_eq!((basket.lines().len(), basket.lines().map(|(_, count)| count).sum::<u32>()), (249, 249));
        basket.invite(50).unwrap_err();
        basket.uninvite(50);
        assert_eq!(basket.lines().len(), 199);
    }
}
