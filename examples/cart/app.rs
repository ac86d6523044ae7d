//! The shop's handlers.

use axum::{
    Form, Router,
    extract::{RawQuery, State},
    http::StatusCode,
    middleware::map_response,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use sealed_session::{Error, Session, Sessions};
use serde::Deserialize;

use crate::{
    basket::{Article, Basket, Item, Refused},
    page,
};

#[derive(Deserialize)]
struct Order {
    article: Article,
    note: String,
    pieces: u32,
}

#[derive(Deserialize)]
struct Guests {
    change: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    More,
    Fewer,
}

/// Returns the routes. `store` is the name of the store, for the page.
pub fn router(sessions: Sessions<Basket>, store: &'static str) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/add", post(add))
        .route("/remove", post(remove))
        .route("/guests", post(guests))
        .route("/empty", post(empty))
        .with_state(store)
        .layer(sessions)
        // Outside the sessions, because the response is empty if a session cannot be loaded or kept.
        .layer(map_response(page::of_failure))
}

async fn home(
    session: Session<Basket>,
    State(store): State<&'static str>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, Error> {
    let size = session.size()?;
    let moved = query.as_deref() == Some("moved");
    Ok(session.read(|basket| page::home(basket, &page::Whereabouts { size, store, moved })))
}

async fn add(session: Session<Basket>, Form(order): Form<Order>) -> Result<Response, Error> {
    let item = Item { article: order.article, note: order.note.trim().to_owned() };
    change(&session, |basket| basket.add(item, order.pieces))
}

async fn remove(session: Session<Basket>, Form(item): Form<Item>) -> Result<Response, Error> {
    change(&session, |basket| {
        basket.remove(&item);
        Ok(())
    })
}

async fn guests(session: Session<Basket>, Form(guests): Form<Guests>) -> Result<Response, Error> {
    change(&session, |basket| match guests.change {
        Change::More => basket.invite(50),
        Change::Fewer => {
            basket.uninvite(50);
            Ok(())
        }
    })
}

/// Empties the basket. An empty basket is an empty session, so its cookie and its stored data are removed. `destroy`
/// would also remove them, but would lose a change that another tab makes at the same moment.
async fn empty(session: Session<Basket>) -> Redirect {
    session.clear();
    Redirect::to("/")
}

/// Changes the basket, and redirects to the page, which tells whether the change moved the basket.
fn change(
    session: &Session<Basket>,
    change: impl FnOnce(&mut Basket) -> Result<(), Refused>,
) -> Result<Response, Error> {
    let before = session.size()?.in_store;
    if let Err(Refused) = session.update(change) {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    }
    let moved = session.size()?.in_store != before;
    Ok(Redirect::to(if moved { "/?moved" } else { "/" }).into_response())
}
