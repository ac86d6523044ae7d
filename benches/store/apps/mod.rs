//! The same application over each contender's sessions: its session is a `Cart`, and its pages fill it, read it, and
//! change one field of it.

#![allow(dead_code)] // each benchmark uses a part

use std::{fmt, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{
        Request, StatusCode,
        header::{COOKIE, HeaderValue, SET_COOKIE},
    },
    response::Response,
    routing::get,
};
use sealed_session::{KeyRing, Session, Sessions, store::Store};
use tower::ServiceExt;

use crate::cart5::{Cart, cart};

/// The lines of a basket that makes 20 kB.
pub const LINES: usize = 1047;

/// What fills a session, and the lengths of what it serialises to.
pub struct Data {
    what: &'static str,
    pub cart: Cart,
    json: usize,
    pub postcard: usize,
}

impl Data {
    fn new(what: &'static str, cart: Cart) -> Arc<Self> {
        let json = serde_json::to_string(&cart).unwrap().len();
        let postcard = postcard::to_allocvec(&cart).unwrap().len();
        Arc::new(Self { what, cart, json, postcard })
    }

    /// Many small values.
    pub fn basket(lines: usize) -> Arc<Self> {
        Self::new("a basket", cart(lines))
    }

    /// One large value: what costs least to serialise, and as much as any other to encrypt.
    pub fn text(length: usize) -> Arc<Self> {
        Self::new("one text", Cart { flash: vec!["x".repeat(length)], ..cart(0) })
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes as JSON and {} as postcard", self.what, self.json, self.postcard)
    }
}

/// With all defaults but the store.
pub fn sealed_session(data: &Arc<Data>, store: impl Store) -> Router {
    let data = data.clone();
    let ring = KeyRing::generate().unwrap();
    let sessions = Sessions::<Cart>::builder(ring).realm("shop").store(store).build().unwrap();
    let fill = move |session: Session<Cart>| async move { session.update(|cart| *cart = data.cart.clone()) };
    Router::new()
        .route("/fill", get(fill))
        .route("/read", get(async |session: Session<Cart>| session.read(Cart::sum).to_string()))
        .route("/change", get(async |session: Session<Cart>| session.update(Cart::change)))
        .layer(sessions)
}

/// With all defaults but the store. The two versions differ in nothing that is used here.
macro_rules! over_tower_sessions {
    ($($version:ident)*) => {$(
        pub fn $version(data: &Arc<Data>, store: impl $version::SessionStore + Clone) -> Router {
            use $version::{Session, SessionManagerLayer};

            async fn load(session: &Session) -> Cart {
                session.get("cart").await.unwrap().expect("it was filled")
            }
            async fn fill(session: Session, data: Arc<Data>) {
                session.insert("cart", &data.cart).await.unwrap();
            }
            async fn read(session: Session) -> String {
                load(&session).await.sum().to_string()
            }
            async fn change(session: Session) {
                let mut cart = load(&session).await;
                cart.change();
                session.insert("cart", cart).await.unwrap();
            }
            let data = data.clone();
            Router::new()
                .route("/fill", get(move |session| fill(session, data)))
                .route("/read", get(read))
                .route("/change", get(change))
                .layer(SessionManagerLayer::new(store))
        }
    )*};
}

over_tower_sessions!(tower_sessions tower_sessions_redis);

impl Cart {
    /// Looks at every line.
    pub fn sum(&self) -> u64 {
        self.user_id + self.items.iter().map(|item| u64::from(item.qty) * item.price_cents).sum::<u64>()
    }

    fn change(&mut self) {
        self.user_id += 1;
    }
}

/// Asks for a page, with the visitor's cookie if there is one.
pub async fn ask(app: &Router, page: &'static str, cookie: Option<&HeaderValue>) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = axum::http::Uri::from_static(page);
    if let Some(cookie) = cookie {
        request.headers_mut().insert(COOKIE, cookie.clone());
    }
    let response = app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), StatusCode::OK);
    response
}

/// The cookie that a response sets, as a browser sends it back.
pub fn cookie(response: &Response) -> Option<HeaderValue> {
    let set = response.headers().get(SET_COOKIE)?.as_bytes();
    let end = set.iter().position(|byte| *byte == b';').unwrap_or(set.len());
    Some(HeaderValue::from_bytes(&set[..end]).unwrap())
}
