//! The same application over each contender's sessions: its pages fill the session, read it, and change one field of it.

#![allow(dead_code)] // each benchmark uses a part

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::FromRef,
    http::{
        Request, StatusCode,
        header::{COOKIE, HeaderValue, SET_COOKIE},
    },
    response::Response,
    routing::get,
};
use axum_extra::extract::cookie::{Cookie, Key, PrivateCookieJar, SameSite};
use sealed_session::{KeyRing, Session, Sessions, SessionsBuilder};
use seshcookie::{Session as Seshcookie, SessionConfig, SessionKeys, SessionLayer};
use tower::ServiceExt;

use crate::data::Data;

/// Asks an application for a page, with these cookies.
pub type Ask = Box<dyn Fn(&str, Option<&HeaderValue>) -> Response<Bytes>>;

/// An application without sessions, under the same layers as the others.
pub fn plain() -> Router {
    Router::new().route("/", get(async || PAGE))
}

/// The page of a handler that uses no session.
pub const PAGE: &str = "1823456789";

/// With all defaults but what `choose` changes.
pub fn sealed_session<T: Data>(
    value: &Arc<T>,
    choose: impl FnOnce(SessionsBuilder<T>) -> SessionsBuilder<T>,
) -> Router {
    let value = value.clone();
    let builder = Sessions::builder(KeyRing::generate().unwrap()).realm("shop");
    let fill = async move |session: Session<T>| session.update(|data| *data = (*value).clone());
    plain()
        .route("/fill", get(fill))
        .route("/read", get(async |session: Session<T>| session.read(T::sum).to_string()))
        .route("/change", get(async |session: Session<T>| session.update(T::change)))
        .layer(choose(builder).build().unwrap())
}

/// The pages over tower-sessions, without their layer. The versions differ in nothing that is used here.
macro_rules! over_tower_sessions {
    ($($version:ident)*) => {$(
        pub fn $version<T: Data>(value: &Arc<T>) -> Router {
            use $version::Session;

            async fn load<T: Data>(session: &Session) -> T {
                session.get("data").await.unwrap().expect("it was filled")
            }
            async fn read<T: Data>(session: Session) -> String {
                load::<T>(&session).await.sum().to_string()
            }
            async fn change<T: Data>(session: Session) {
                let mut data = load::<T>(&session).await;
                data.change();
                session.insert("data", data).await.unwrap();
            }
            let value = value.clone();
            let fill = async move |session: Session| session.insert("data", &*value).await.unwrap();
            plain()
                .route("/fill", get(fill))
                .route("/read", get(read::<T>))
                .route("/change", get(change::<T>))
        }
    )*};
}

over_tower_sessions!(tower_sessions tower_sessions_redis tower_sessions_cookie_store);

#[derive(Clone)]
struct Keys(Key);

impl FromRef<Keys> for Key {
    fn from_ref(keys: &Keys) -> Self {
        keys.0.clone()
    }
}

/// With the attributes that ours has.
pub fn private_cookie_jar<T: Data>(value: &Arc<T>) -> Router {
    fn cookie<T: Data>(data: &T) -> Cookie<'static> {
        let text = serde_json::to_string(data).unwrap();
        let cookie = Cookie::build(("__Host-session", text)).path("/").secure(true).http_only(true);
        cookie.same_site(SameSite::Lax).build()
    }
    fn load<T: Data>(jar: &PrivateCookieJar) -> T {
        serde_json::from_str(jar.get("__Host-session").expect("it was filled").value()).unwrap()
    }
    async fn change<T: Data>(jar: PrivateCookieJar) -> PrivateCookieJar {
        let mut data = load::<T>(&jar);
        data.change();
        jar.add(cookie(&data))
    }
    let value = value.clone();
    Router::new()
        .route("/", get(async || PAGE))
        .route("/fill", get(async move |jar: PrivateCookieJar| jar.add(cookie(&*value))))
        .route("/read", get(async |jar: PrivateCookieJar| load::<T>(&jar).sum().to_string()))
        .route("/change", get(change::<T>))
        .with_state(Keys(Key::generate()))
}

pub fn seshcookie<T: Data>(value: &Arc<T>) -> Router {
    let value = value.clone();
    let read = async |session: Seshcookie<T>| session.get().await.expect("it was filled").sum().to_string();
    let change = async |session: Seshcookie<T>| {
        session.modify(|data| data.as_mut().expect("it was filled").change()).await;
    };
    let keys = SessionKeys::new(&crate::floor::random::<32>()).unwrap();
    plain()
        .route("/fill", get(async move |session: Seshcookie<T>| session.insert((*value).clone()).await))
        .route("/read", get(read))
        .route("/change", get(change))
        .layer(SessionLayer::<T>::new(keys, SessionConfig::default()).unwrap())
}

/// Asks for a page, with the visitor's cookie if there is one.
pub async fn ask(app: &Router, page: &str, cookie: Option<&HeaderValue>) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = page.parse().expect("it is a path");
    if let Some(cookie) = cookie {
        request.headers_mut().insert(COOKIE, cookie.clone());
    }
    let response = app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    assert_eq!(response.status(), StatusCode::OK);
    response
}

/// The cookie that a response sets, as a browser sends it back.
pub fn cookie<B>(response: &Response<B>) -> Option<HeaderValue> {
    let set = response.headers().get(SET_COOKIE)?.as_bytes();
    let end = set.iter().position(|byte| *byte == b';').unwrap_or(set.len());
    Some(HeaderValue::from_bytes(&set[..end]).unwrap())
}
