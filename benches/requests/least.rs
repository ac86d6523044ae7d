//! The least that sessions can add to a request through axum: one extension, a look at the clock, and the [`Floor`] of
//! opening and sealing, without any promise.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use axum::{
    Router,
    extract::{FromRequestParts, Request},
    routing::{Route, get},
};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY},
    request::Parts,
};
use tower::{Service, layer::layer_fn, service_fn};

use crate::{
    App, NAME, PAGE,
    floor::{AES_GCM, Floor},
    in_axum,
    login::{Visit, login},
};

thread_local!(static FLOOR: Floor = Floor::new(AES_GCM));

/// The use that a handler makes of its session.
#[derive(Clone, Copy)]
pub enum Act {
    Nothing,
    Read,
    Change,
}

/// The place of a request's session.
#[derive(Clone)]
struct Slot(Arc<Mutex<State>>);

struct State {
    _began: SystemTime,
    visit: Option<Visit>,
    has_changed: bool,
}

/// A session that was asked for.
struct Asked(Slot);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let slot: &Slot = parts.extensions.get().expect("the layer has added it");
        let cookies = parts.headers[COOKIE].to_str().expect("it is text");
        let value = cookies.split("; ").find_map(|pair| pair.strip_prefix(NAME)?.strip_prefix('='));
        let visit = FLOOR.with(|floor| floor.open(value.expect("it has one")));
        slot.with(|state| state.visit = Some(visit));
        Ok(Self(slot.clone()))
    }
}

impl Slot {
    fn with<R>(&self, run: impl FnOnce(&mut State) -> R) -> R {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the application, and the text of its session cookie.
pub fn app(act: Act) -> (App, String) {
    let page = match act {
        Act::Nothing => get(async || PAGE.to_string()),
        Act::Read => get(async |Asked(slot): Asked| {
            slot.with(|state| state.visit.as_ref().map_or(0, |visit| visit.since)).to_string()
        }),
        Act::Change => get(async |Asked(slot): Asked| {
            slot.with(|state| {
                state.has_changed = true;
                state.visit.as_mut().map_or(0, |visit| {
                    visit.since += 1;
                    visit.since - 1
                })
            })
            .to_string()
        }),
    };
    let router = Router::new().route("/", page).layer(layer_fn(|mut inner: Route| {
        service_fn(move |mut request: Request| {
            let state = State { _began: SystemTime::now(), visit: None, has_changed: false };
            let slot = Slot(Arc::new(Mutex::new(state)));
            request.extensions_mut().insert(slot.clone());
            let response = inner.call(request);
            async move {
                let mut response = response.await?;
                slot.with(|state| {
                    let Some(visit) = &state.visit else { return };
                    let headers = response.headers_mut();
                    headers.insert(VARY, HeaderValue::from_static("Cookie"));
                    if state.has_changed {
                        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                        let value = FLOOR.with(|floor| floor.seal(visit, false));
                        let cookie = format!("{NAME}={value}; Path=/; Secure; HttpOnly; SameSite=Lax");
                        headers.append(SET_COOKIE, HeaderValue::try_from(cookie).expect("it is text"));
                    }
                });
                Ok::<_, Infallible>(response)
            }
        })
    }));
    (in_axum::answering(router), FLOOR.with(|floor| floor.seal(&login(), false)))
}
