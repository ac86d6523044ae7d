//! A basket's content, and the merge of two tabs' changes.

use std::collections::{BTreeMap, BTreeSet};

use sealed_session::Conflict;
use serde::{Deserialize, Serialize};

/// The session data: the number of pieces of each item. It has the self-describing encoding, so that a new article
/// needs no migration.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Basket {
    lines: BTreeMap<Item, u32>,
}

/// The item of one line: an article with a note on it. Its fields have short names in the session, where each line
/// repeats them, and long names in forms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    #[serde(rename = "a", alias = "article")]
    pub article: Article,
    #[serde(rename = "n", alias = "note")]
    pub note: String,
}

/// An article. Sessions and forms refer to it by its number, so that its name can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Article {
    #[serde(rename = "1")]
    Mug = 1,
    #[serde(rename = "2")]
    Notebook,
    #[serde(rename = "3")]
    ToteBag,
    #[serde(rename = "4")]
    Apron,
    /// A card for each guest, added fifty at a time.
    #[serde(rename = "5")]
    PlaceCard,
}

pub const CATALOGUE: [Article; 4] = [Article::Mug, Article::Notebook, Article::ToteBag, Article::Apron];

impl Article {
    pub fn number(self) -> u8 {
        self as u8
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Mug => "Mug",
            Self::Notebook => "Notebook",
            Self::ToteBag => "Tote bag",
            Self::Apron => "Apron",
            Self::PlaceCard => "Place card",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Self::Mug => "Stoneware. We print your note on it.",
            Self::Notebook => "96 pages, your note on the cover.",
            Self::ToteBag => "Cotton, your note on one side.",
            Self::Apron => "Linen, your note on the pocket.",
            Self::PlaceCard => "One for each guest, and so a line for each.",
        }
    }
}

/// Merges two baskets that began as the same one. The result has everything that either tab added, without anything
/// that either tab removed. For example, if one tab removes all of three mugs while the other adds one, one mug
/// remains.
pub fn merge(Conflict { base, theirs, mine }: Conflict<Basket>) -> Option<Basket> {
    let mut merged = theirs;
    let touched: BTreeSet<&Item> = base.lines.keys().chain(mine.lines.keys()).collect();
    for item in touched {
        let (before, after) = (base.count(item), mine.count(item));
        let count = merged.count(item).saturating_add(after).saturating_sub(before);
        merged.set(item.clone(), count);
    }
    Some(merged)
}

/// The error for a change that a basket does not allow.
#[derive(Debug)]
pub struct Refused;

impl Basket {
    pub const MOST_LINES: usize = 250;
    /// The most pieces in a line.
    pub const MOST_PIECES: u32 = 999;
    /// The longest note, in characters.
    pub const LONGEST_NOTE: usize = 60;
    /// The size of a full basket, in bytes: for each line the names of its two fields, an article, a note with its
    /// length, and a count.
    pub const LARGEST: usize = Self::MOST_LINES * (5 + 2 + 2 + 4 * Self::LONGEST_NOTE + 3);

    pub fn lines(&self) -> impl ExactSizeIterator<Item = (&Item, u32)> {
        self.lines.iter().map(|(item, count)| (item, *count))
    }

    /// Adds pieces to a line, or adds a line.
    pub fn add(&mut self, item: Item, pieces: u32) -> Result<(), Refused> {
        let count = self.count(&item).saturating_add(pieces);
        let is_new = !self.lines.contains_key(&item);
        if item.note.chars().count() > Self::LONGEST_NOTE
            || pieces == 0
            || count > Self::MOST_PIECES
            || (is_new && self.lines.len() >= Self::MOST_LINES)
        {
            return Err(Refused);
        }
        self.set(item, count);
        Ok(())
    }

    /// Removes a whole line, if it is there.
    pub fn remove(&mut self, item: &Item) {
        self.lines.remove(item);
    }

    /// Adds place cards for this many guests.
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

    /// Removes the last place cards.
    pub fn uninvite(&mut self, guests: usize) {
        let cards = self.lines.keys().rev().filter(|item| item.article == Article::PlaceCard);
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
        Self { article: Article::PlaceCard, note: format!("Guest {guest:03}, table {}", guest.div_ceil(8)) }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Article::{Apron, Mug},
        *,
    };

    fn basket<const LINES: usize>(lines: [(Article, u32); LINES]) -> Basket {
        let line = |(article, count)| (Item { article, note: "for Ada".into() }, count);
        Basket { lines: lines.map(line).into() }
    }

    fn merged(base: Basket, theirs: Basket, mine: Basket) -> Basket {
        merge(Conflict { base, theirs, mine }).expect("two baskets always merge")
    }

    #[test]
    fn a_merged_basket_has_what_either_tab_has_added() {
        assert_eq!(
            merged(basket([]), basket([(Mug, 1)]), basket([(Apron, 1)])),
            basket([(Mug, 1), (Apron, 1)])
        );
        assert_eq!(merged(basket([(Mug, 1)]), basket([(Mug, 2)]), basket([(Mug, 4)])), basket([(Mug, 5)]));
        assert_eq!(merged(basket([]), basket([(Mug, 1)]), basket([(Mug, 1)])), basket([(Mug, 2)]));
    }

    #[test]
    fn a_merged_basket_has_nothing_that_either_tab_has_taken_out() {
        assert_eq!(
            merged(basket([(Mug, 1), (Apron, 1)]), basket([(Mug, 1)]), basket([(Apron, 1)])),
            basket([])
        );
        assert_eq!(merged(basket([(Mug, 1)]), basket([]), basket([])), basket([]));
        assert_eq!(merged(basket([(Mug, 3)]), basket([(Mug, 4)]), basket([])), basket([(Mug, 1)]));
        assert_eq!(merged(basket([(Mug, 3)]), basket([]), basket([(Mug, 4)])), basket([(Mug, 1)]));
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
