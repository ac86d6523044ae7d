//! The tutorial's handlers. The comment above each one shows the same in express.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::Query,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use sealed_session::{Error, Session, Sessions};
use serde::Deserialize;

pub fn router(sessions: Sessions) -> Router {
    Router::new()
        .route("/foo", get(views))
        .route("/bar", get(views))
        .route("/login", post(login))
        .route("/whoami", get(whoami))
        .route("/touch", post(touch))
        .route("/forget", post(forget))
        .route("/logout", post(logout))
        .layer(sessions)
}

// req.session.views ??= {}; req.session.views[pathname] = (req.session.views[pathname] || 0) + 1
async fn views(session: Session, uri: Uri) -> Result<String, Error> {
    let path = uri.path();
    let views = session.update_value("views", |views: Option<BTreeMap<String, u32>>| {
        let mut views = views.unwrap_or_default();
        *views.entry(path.to_owned()).or_default() += 1;
        views
    })?;
    Ok(format!("you viewed this page {} times", views[path]))
}

#[derive(Deserialize)]
struct Login {
    user: String,
}

// req.session.regenerate(err => { req.session.user = user; req.session.save(err => …) })
async fn login(session: Session, Query(login): Query<Login>) -> Result<String, Error> {
    session.destroy(); // what follows is a new session, with a new id
    session.insert("user", &login.user)?;
    session.save().await?; // from here on, the session is known to fit
    Ok(format!("hello, {}", login.user))
}

// if (req.session.user) … else res.status(401)
async fn whoami(session: Session) -> Result<Response, Error> {
    Ok(match session.get::<String>("user")? {
        Some(user) => user.into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    })
}

// req.session.touch()
async fn touch(session: Session) -> &'static str {
    session.touch();
    "renewed"
}

// delete req.session.views
async fn forget(session: Session) -> Result<&'static str, Error> {
    let views: Option<BTreeMap<String, u32>> = session.remove("views")?;
    Ok(if views.is_some() { "forgotten" } else { "nothing to forget" })
}

// req.session.destroy()
async fn logout(session: Session) -> &'static str {
    session.destroy();
    "goodbye"
}
