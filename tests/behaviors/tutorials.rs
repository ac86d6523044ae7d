//! What the tutorials build (B60 to B62, B64), and the examples that show it.

use crate::{kit, login};

#[path = "../../examples/guestbook/app.rs"]
mod guestbook;
#[path = "../../examples/key_value/app.rs"]
mod key_value;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::get,
};
use kit::{Answer, Browser, Clock, app::app};
use sealed_session::{Key, KeyRing, Session, Sessions};

#[tokio::test]
async fn b60_the_visit_counter() {
    async fn count(views: Session<u32>) -> String {
        views.update(|views| {
            *views += 1;
            format!("You have viewed this page {views} times")
        })
    }
    let app = Router::new().route("/", get(count)).layer(Sessions::<u32>::new(kit::ring()).unwrap());
    let (mut one, mut other) = (Browser::new(), Browser::new());
    for times in 1..=3 {
        assert_eq!(one.get(&app, "/").await.text(), format!("You have viewed this page {times} times"));
    }
    assert_eq!(other.get(&app, "/").await.text(), "You have viewed this page 1 times");
}

fn guestbook_of(ring: KeyRing) -> Router {
    guestbook::router(Sessions::builder(ring).realm("guestbook").build().unwrap())
}

async fn sign(browser: &mut Browser, app: &Router, name: &str) -> Answer {
    submit(browser, app, "/sign", &format!("name={name}")).await
}

/// Submits a form.
async fn submit(browser: &mut Browser, app: &Router, path: &str, fields: &str) -> Answer {
    let mut request = browser.request("POST", path);
    *request.body_mut() = Body::from(fields.to_owned());
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    request.headers_mut().insert(header::CONTENT_TYPE, form);
    browser.send(app, request).await
}

/// The CSRF token in a page's form.
fn token(page: &Answer) -> String {
    let (_, rest) = page.text().split_once("name=\"csrf\" value=\"").expect("the page has a form");
    rest.split('"').next().unwrap().to_owned()
}

async fn sign_in(browser: &mut Browser, app: &Router, name: &str, password: &str, more: &str) -> Answer {
    let csrf = token(&browser.get(app, "/").await);
    submit(browser, app, "/login", &format!("csrf={csrf}&name={name}&password={password}{more}")).await
}

fn login_app() -> Router {
    let sessions = Sessions::builder(kit::ring()).realm("login").subject(login::subject);
    login::router(sessions.build().unwrap())
}

#[tokio::test]
async fn b61_login_dashboard_and_logout() {
    let app = login_app();
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/dashboard").await.status, StatusCode::UNAUTHORIZED);

    let refused = sign_in(&mut browser, &app, "ada", "babbage", "").await;
    assert_eq!(refused.headers[header::LOCATION], "/");
    let again = browser.get(&app, "/").await;
    assert!(again.text().contains("Wrong name or password."));
    assert_eq!(browser.get(&app, "/dashboard").await.status, StatusCode::UNAUTHORIZED);

    let before = browser.clone();
    let welcomed = sign_in(&mut browser, &app, "ada", "lovelace", "").await;
    assert_eq!(welcomed.headers[header::LOCATION], "/dashboard");
    assert_eq!(welcomed.attribute("Max-Age"), None);
    let dashboard = browser.get(&app, "/dashboard").await;
    assert!(dashboard.text().contains("Dashboard of ada") && dashboard.text().contains("Welcome, ada."));
    assert!(
        !browser.get(&app, "/dashboard").await.text().contains("Welcome, ada."),
        "a message is shown once"
    );
    let unsigned = before.clone().get(&app, "/dashboard").await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED, "the session of before is not signed in");

    let csrf = token(&browser.get(&app, "/dashboard").await);
    assert!(submit(&mut browser, &app, "/logout", &format!("csrf={csrf}")).await.removes());
    assert_eq!(browser.get(&app, "/dashboard").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn b61_remember_me_outlives_the_browser() {
    let app = login_app();
    let mut browser = Browser::new();
    let answer = sign_in(&mut browser, &app, "ada", "lovelace", "&remember=on").await;
    assert_eq!(answer.attribute("Max-Age"), Some("1209600"));
}

#[tokio::test]
async fn b61_neither_login_nor_logout_without_the_token_of_the_session() {
    let app = login_app();
    let mut browser = Browser::new();
    let stranger = token(&Browser::new().get(&app, "/").await);
    browser.get(&app, "/").await;
    let fields = format!("csrf={stranger}&name=ada&password=lovelace");
    assert_eq!(submit(&mut browser, &app, "/login", &fields).await.status, StatusCode::FORBIDDEN);
    sign_in(&mut browser, &app, "ada", "lovelace", "").await;
    let logout = submit(&mut browser, &app, "/logout", &format!("csrf={stranger}")).await;
    assert_eq!(logout.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get(&app, "/dashboard").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_key_value_tutorial_verb_by_verb() {
    let app = key_value::router(Sessions::key_value(kit::ring()).build().unwrap());
    let mut browser = Browser::new();
    for (path, expected) in [
        ("/foo", "you viewed this page 1 times"),
        ("/foo", "you viewed this page 2 times"),
        ("/bar", "you viewed this page 1 times"),
        ("/touch", "renewed"),
        ("/forget", "forgotten"),
        ("/foo", "you viewed this page 1 times"),
        ("/whoami", ""),
        ("/login?user=ada", "hello, ada"),
        ("/whoami", "ada"),
        ("/forget", "nothing to forget"),
        ("/logout", "goodbye"),
        ("/whoami", ""),
    ] {
        let answer = match path {
            "/foo" | "/bar" | "/whoami" => browser.get(&app, path).await,
            _ => browser.post(&app, path).await,
        };
        assert_eq!(answer.text(), expected, "{path}");
    }
    assert_eq!(Browser::new().get(&app, "/whoami").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn b62_the_guestbook_greets_signs_views_and_clears() {
    let app = guestbook_of(kit::ring());
    let mut browser = Browser::new();
    assert!(browser.get(&app, "/").await.text().contains("Hello, visitor!"));

    let signed = sign(&mut browser, &app, "Ada+%3CLovelace%3E").await;
    assert_eq!(
        (signed.status, &signed.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/".parse().unwrap())
    );
    let home = browser.get(&app, "/").await;
    assert!(home.text().contains("Welcome back, Ada &lt;Lovelace&gt;!"), "{}", home.text());
    assert!(home.text().contains("Visits: 2."), "{}", home.text());

    sign(&mut browser, &app, "Grace").await;
    let view = browser.get(&app, "/view").await;
    assert!(view.text().contains("<li>Ada &lt;Lovelace&gt;</li><li>Grace</li>"), "{}", view.text());

    browser.post(&app, "/clear").await;
    assert!(browser.get(&app, "/view").await.text().contains("Nobody has signed yet."));
    assert!(browser.get(&app, "/").await.text().contains("Hello, visitor!"));
}

#[tokio::test]
async fn b62_a_plain_cookie_lives_beside_the_session() {
    let app = guestbook_of(kit::ring());
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/").await.set_cookies().len(), 2);
    assert_eq!(browser.value("visited"), Some("yes"));
    browser.post(&app, "/clear").await;
    assert_eq!(browser.value("visited"), Some("yes"), "it is not the session's to remove");
    assert_eq!(browser.value("__Host-session"), None);
}

#[tokio::test]
async fn b62_the_size_that_is_shown_is_the_size_that_is_sent() {
    let app = guestbook_of(kit::ring());
    let mut browser = Browser::new();
    let answer = browser.get(&app, "/").await;
    let used = "__Host-session".len() + browser.value("__Host-session").unwrap().len();
    assert!(
        answer.text().contains(&format!("Bytes of the cookie used: {used} of 4096.")),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn b62_a_visitor_who_signs_for_ever_never_overflows_the_cookie() {
    let app = guestbook_of(kit::ring());
    let mut browser = Browser::new();
    let name = "%F0%9F%A6%80".repeat(60); // sixty crabs of four bytes each
    for _ in 0..20 {
        assert_eq!(sign(&mut browser, &app, &name).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(sign(&mut browser, &app, &"n".repeat(61)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(sign(&mut browser, &app, "+").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn b64_a_restart_of_the_server_logs_nobody_out() {
    let keys = Key::generate().unwrap().expose();
    let start = || {
        let ring = KeyRing::parse(keys.as_str()).unwrap();
        app(kit::sessions(ring, &Clock::new()).build().unwrap())
    };
    let mut browser = Browser::new();
    browser.post(&start(), "/add").await;
    assert_eq!(browser.get(&start(), "/read").await.text(), "1");
    let request = Request::get("/read").body(Body::empty()).unwrap();
    assert_eq!(kit::ask(&start(), request).await.text(), "0", "and lets nobody else in");
}
