//! The payload that every comparison uses: a signed-in user with `n` lines in the basket. `cart(5)` is 465 bytes as
//! compact JSON (serde_json) and 190 bytes as postcard; `cart(0)`, `cart(20)` and `cart(80)` serve for other sizes.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub sku: String,
    pub qty: u32,
    pub price_cents: u64,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cart {
    pub user_id: u64,
    pub csrf: [u8; 16],
    pub name: String,
    pub email: String,
    pub locale: String,
    pub roles: Vec<String>,
    pub items: Vec<Item>,
    pub flash: Vec<String>,
}

pub fn cart(n: usize) -> Cart {
    Cart {
        user_id: 123_456_789,
        csrf: [7; 16],
        name: "Ada Lovelace".into(),
        email: "ada@example.org".into(),
        locale: "en-GB".into(),
        roles: vec!["admin".into(), "editor".into()],
        items: (0..n)
            .map(|i| Item {
                sku: format!("SKU-{i:06}-BLUE"),
                qty: i as u32 % 9 + 1,
                price_cents: 1999 + i as u64,
            })
            .collect(),
        flash: vec!["Item added to your cart".into()],
    }
}
