//! The pages of the login example.

use std::time::Duration;

use axum::{
    Form, Router,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{DOCTYPE, Markup, html};
use sealed_session::{Error, Session, Sessions, flash::Flash};
use serde::{Deserialize, Serialize};

const FOURTEEN_DAYS: Duration = Duration::from_secs(14 * 24 * 3600);

#[derive(Default, Serialize, Deserialize)]
pub struct Visit {
    user: Option<String>,
    flash: Flash,
}

#[derive(Deserialize)]
struct Login {
    csrf: String,
    name: String,
    password: String,
    /// A checkbox, which browsers send only if it is checked.
    remember: Option<String>,
}

#[derive(Deserialize)]
struct Logout {
    csrf: String,
}

pub fn router(sessions: Sessions<Visit>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/login", post(login))
        .route("/dashboard", get(dashboard))
        .route("/logout", post(logout))
        .route("/logout-elsewhere", post(logout_elsewhere))
        .layer(sessions)
}

/// Checks the password. A real application looks up the user and verifies a password hash.
fn verify(form: &Login) -> Option<String> {
    (form.name == "ada" && form.password == "lovelace").then(|| form.name.clone())
}

async fn home(session: Session<Visit>) -> Result<Response, Error> {
    if session.read(|visit| visit.user.is_some()) {
        return Ok(Redirect::to("/dashboard").into_response());
    }
    let csrf = session.csrf_token()?;
    Ok(page(
        &session,
        html! {
            h1 { "Sign in" }
            form method="post" action="/login" {
                input type="hidden" name="csrf" value=(csrf);
                p { label { "Name " input name="name" required autocomplete="username"; } }
                p { label { "Password " input name="password" type="password" required autocomplete="current-password"; } }
                p { label { input type="checkbox" name="remember"; " Remember me for fourteen days" } }
                button { "Sign in" }
            }
        },
    ))
}

async fn login(session: Session<Visit>, Form(form): Form<Login>) -> Result<Response, Error> {
    session.verify_csrf(&form.csrf)?; // answers 403
    let Some(user) = verify(&form) else {
        session.update(|visit| visit.flash.error("Wrong name or password."));
        return Ok(Redirect::to("/").into_response());
    };
    session.cycle_id(); // against session fixation
    session.update(|visit| {
        visit.flash.success(format!("Welcome, {user}."));
        visit.user = Some(user);
    });
    match form.remember {
        Some(_) => session.remember(FOURTEEN_DAYS)?,
        None => session.end_with_browser(), // clears an earlier "remember me" on a shared computer
    }
    Ok(Redirect::to("/dashboard").into_response())
}

async fn dashboard(session: Session<Visit>) -> Result<Response, Error> {
    let Some(user) = session.read(|visit| visit.user.clone()) else {
        return Ok((StatusCode::UNAUTHORIZED, Html("Please <a href=\"/\">sign in</a>.")).into_response());
    };
    let csrf = session.csrf_token()?;
    Ok(page(
        &session,
        html! {
            h1 { "Dashboard of " (user) }
            form method="post" action="/logout" {
                input type="hidden" name="csrf" value=(csrf);
                button { "Sign out" }
            }
            form method="post" action="/logout-elsewhere" {
                input type="hidden" name="csrf" value=(csrf);
                button { "Log out everywhere else" }
            }
        },
    ))
}

async fn logout(session: Session<Visit>, Form(form): Form<Logout>) -> Result<Redirect, Error> {
    session.verify_csrf(&form.csrf)?;
    session.destroy();
    Ok(Redirect::to("/"))
}

/// Ends all other sessions of the user. This one goes on, under a new id.
async fn logout_elsewhere(session: Session<Visit>, Form(form): Form<Logout>) -> Result<Redirect, Error> {
    session.verify_csrf(&form.csrf)?;
    session.revoke_others().await?;
    session.update(|visit| visit.flash.success("You are logged out everywhere else."));
    Ok(Redirect::to("/dashboard"))
}

/// The user of a session, whose sessions can be ended everywhere.
pub fn subject(visit: &Visit) -> Option<String> {
    visit.user.clone()
}

/// Puts a body into a page, below the flash messages.
fn page(session: &Session<Visit>, body: Markup) -> Response {
    let messages = session.update(|visit| visit.flash.take());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Login" }
                style { "body { font: 1.05rem/1.6 system-ui; max-width: 30rem; margin: 3rem auto; padding: 0 1rem }" }
            }
            body {
                @for message in &messages { p role="status" { strong { (message.text) } } }
                (body)
            }
        }
    };
    Html(page.into_string()).into_response()
}
