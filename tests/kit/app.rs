//! The application of most tests. It has a path for each method of a session.

use std::time::Duration;

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::{any, get},
};
use sealed_session::{Session, Sessions};

use super::Visit;

type S = Session<Visit>;

fn add(session: &S) -> String {
    session.update(|visit| {
        visit.views += 1;
        visit.views.to_string()
    })
}

/// Every path accepts any method. All handlers extract the session, except that of `/peek`.
pub fn routes() -> Router {
    Router::new()
        .route("/peek", any(async || "peeked"))
        .route("/read", any(async |session: S| session.read(|visit| visit.views).to_string()))
        .route("/all", any(async |session: S| session.read(|visit| format!("{visit:?}"))))
        .route("/add", any(async |session: S| add(&session)))
        .route("/same", any(async |session: S| session.update(|visit| *visit = visit.clone())))
        .route(
            "/there-and-back",
            any(async |session: S| {
                session.update(|visit| visit.views += 1);
                session.update(|visit| visit.views -= 1);
            }),
        )
        .route(
            "/note/{length}",
            any(async |Path(length): Path<usize>, session: S| {
                session.update(|visit| visit.notes = vec!["n".repeat(length)]);
            }),
        )
        .route("/clear", any(async |session: S| session.clear()))
        .route("/destroy", any(async |session: S| session.destroy()))
        .route("/renew", any(async |session: S| session.cycle_id()))
        .route("/renew-keep", any(async |session: S| session.cycle_id_keep_timeout()))
        .route(
            "/remember/{seconds}",
            any(async |Path(seconds): Path<u64>, session: S| {
                match session.remember(Duration::from_secs(seconds)) {
                    Ok(()) => (StatusCode::OK, String::new()),
                    Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
                }
            }),
        )
        .route("/forget", any(async |session: S| session.end_with_browser()))
        .route(
            "/add-and-fail",
            any(async |session: S| {
                add(&session);
                StatusCode::INTERNAL_SERVER_ERROR
            }),
        )
        .route(
            "/destroy-and-fail",
            any(async |session: S| {
                session.destroy();
                StatusCode::SERVICE_UNAVAILABLE
            }),
        )
        .route("/id", any(async |session: S| session.id().map_or("none".to_owned(), |id| id.to_string())))
        .route("/arrival", any(async |session: S| format!("{:?}", session.arrival())))
        .route("/left", any(async |session: S| session.size().unwrap().left.to_string()))
        .route(
            "/own-headers",
            get(async |session: S| {
                add(&session);
                (
                    [
                        (header::CACHE_CONTROL, "private"),
                        (header::VARY, "Accept"),
                        (header::SET_COOKIE, "own=1"),
                    ],
                    "",
                )
                    .into_response()
            }),
        )
}

pub fn app(sessions: Sessions<Visit>) -> Router {
    routes().layer(sessions)
}
