//! The guestbook's pages.

use axum::{
    Form, Router,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sealed_session::{Error, Session, Sessions};
use serde::{Deserialize, Serialize};

/// The session data: everything that the guestbook knows about a visitor.
#[derive(Default, Serialize, Deserialize)]
pub struct Visitor {
    name: Option<String>,
    visits: u32,
    signatures: Vec<String>,
}

#[derive(Deserialize)]
struct Signature {
    name: String,
}

const LONGEST_NAME: usize = 60;
/// The number of entries that are kept. It is small enough for the session to always fit in its cookie.
const MOST_SIGNATURES: usize = 10;

pub fn router(sessions: Sessions<Visitor>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/sign", post(sign))
        .route("/view", get(view))
        .route("/clear", post(clear))
        .layer(sessions)
}

async fn home(session: Session<Visitor>, headers: HeaderMap) -> Result<Response, Error> {
    session.update(|visitor| visitor.visits = visitor.visits.saturating_add(1));
    let body = session.read(|visitor| {
        html! {
            @match &visitor.name {
                Some(name) => h1 { "Welcome back, " (name) "!" },
                None => h1 { "Hello, visitor!" },
            }
            form method="post" action="/sign" {
                label for="name" { "Your name" }
                input id="name" name="name" required maxlength=(LONGEST_NAME) autocomplete="name";
                button { "Sign the guestbook" }
            }
        }
    });
    let page = page(&session, body)?;
    // A plain cookie of the application, beside the session's cookie.
    Ok(match headers.get(header::COOKIE).is_some_and(|cookies| cookies.to_str().is_ok_and(has_visited)) {
        true => page.into_response(),
        false => ([(header::SET_COOKIE, "visited=yes; Path=/; Max-Age=31536000; SameSite=Lax")], page)
            .into_response(),
    })
}

fn has_visited(cookies: &str) -> bool {
    cookies.split(';').any(|cookie| cookie.trim() == "visited=yes")
}

async fn sign(session: Session<Visitor>, Form(form): Form<Signature>) -> Result<Redirect, StatusCode> {
    let name = form.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    session.update(|visitor| {
        visitor.name = Some(name.to_owned());
        visitor.signatures.push(name.to_owned());
        let surplus = visitor.signatures.len().saturating_sub(MOST_SIGNATURES);
        visitor.signatures.drain(..surplus);
    });
    Ok(Redirect::to("/"))
}

async fn view(session: Session<Visitor>) -> Result<Html<String>, Error> {
    let body = session.read(|visitor| {
        html! {
            h1 { "The guestbook" }
            @if visitor.signatures.is_empty() {
                p { "Nobody has signed yet." }
            } @else {
                ol { @for name in &visitor.signatures { li { (name) } } }
            }
        }
    });
    page(&session, body)
}

async fn clear(session: Session<Visitor>) -> Redirect {
    session.destroy();
    Redirect::to("/")
}

/// Puts a body into a page, with the session's properties at the foot.
fn page(session: &Session<Visitor>, body: Markup) -> Result<Html<String>, Error> {
    let size = session.size()?;
    let visits = session.read(|visitor| visitor.visits);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Guestbook" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                nav { a href="/" { "Home" } " " a href="/view" { "View the guestbook" } }
                main { (body) }
                footer {
                    p { "Visits: " (visits) ". Bytes of the cookie used: " (size.used) " of " (size.limit) "." }
                    form method="post" action="/clear" { button.quiet { "Clear everything" } }
                }
            }
        }
    };
    Ok(Html(page.into_string()))
}

const STYLE: &str = "
:root { color-scheme: light dark; --accent: #2b6a4d; --line: #8884; }
body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 0 auto; padding: 1.5rem; }
nav a { margin-right: 1rem; color: var(--accent); }
main { margin: 2.5rem 0; }
h1 { font-size: 1.8rem; line-height: 1.2; }
form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; }
input { flex: 1 1 12rem; }
input, button { font: inherit; padding: .5rem .8rem; border: 1px solid var(--line); border-radius: .4rem; }
button { background: var(--accent); color: #fff; border-color: transparent; cursor: pointer; }
button.quiet { background: none; color: inherit; border-color: var(--line); }
footer { border-top: 1px solid var(--line); padding-top: 1rem; font-size: .9rem; }
";
