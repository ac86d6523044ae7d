//! The cookie: its attributes, its size, and its neighbours (B30 to B35), through an axum application.

use crate::kit;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, StatusCode, header},
};
use kit::{Browser, Clock, SECOND, Visit, app::app, ask, scope};
use sealed_session::{CookieAttributes, Error, KeyRing, SameSite, Sessions, SessionsBuilder};

type Builder = SessionsBuilder<Visit>;

fn built(configure: impl FnOnce(Builder) -> Builder) -> Sessions<Visit> {
    configure(kit::sessions(kit::ring(), &Clock::new())).build().unwrap()
}

/// Without a store, whatever is wanted.
fn in_cookies(configure: impl FnOnce(Builder) -> Builder) -> Sessions<Visit> {
    configure(kit::sessions_in_cookies(kit::ring(), &Clock::new())).build().unwrap()
}

async fn first_cookie(configure: impl FnOnce(Builder) -> Builder) -> String {
    Browser::new().post(&app(built(configure)), "/add").await.set_cookie().to_owned()
}

fn refused(configure: impl FnOnce(Builder) -> Builder) -> String {
    let error = configure(Sessions::builder(kit::ring())).build().unwrap_err();
    assert!(error.is_configuration(), "{error}");
    error.to_string()
}

#[tokio::test]
async fn b30_the_default_is_a_host_cookie_with_every_protection() {
    let cookie = first_cookie(|builder| builder).await;
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    assert_eq!(scope(&cookie), ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
}

#[tokio::test]
async fn b30_a_domain_or_another_path_drops_host_for_secure() {
    let cookie = first_cookie(|builder| builder.cookie(|c| c.domain("example.org"))).await;
    assert!(cookie.starts_with("__Secure-session="), "{cookie}");
    assert_eq!(scope(&cookie), ["Domain=example.org", "HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    let cookie = first_cookie(|builder| builder.cookie(|c| c.path("/shop"))).await;
    assert!(cookie.starts_with("__Secure-session="), "{cookie}");
    assert_eq!(scope(&cookie), ["HttpOnly", "Path=/shop", "SameSite=Lax", "Secure"]);
}

#[tokio::test]
async fn b30_a_domain_of_one_label_is_allowed_for_localhost_alone() {
    let cookie = first_cookie(|builder| builder.cookie(|c| c.domain("localhost"))).await;
    assert!(scope(&cookie).contains(&"Domain=localhost"), "{cookie}");
    let cookie = first_cookie(|builder| builder.cookie(|c| c.domain("shop1.4you.example"))).await;
    assert!(scope(&cookie).contains(&"Domain=shop1.4you.example"), "{cookie}");
}

#[tokio::test]
async fn b30_a_name_without_prefix_is_taken_as_it_is() {
    let attributes = CookieAttributes::default().name_without_prefix("sid");
    let cookie = first_cookie(|builder| builder.cookie(|_| attributes)).await;
    assert!(cookie.starts_with("sid="), "{cookie}");
}

#[tokio::test]
async fn b30_an_embedded_page_can_have_a_jar_of_its_own() {
    let cookie = first_cookie(|builder| builder.cookie(|c| c.same_site(SameSite::None).partitioned())).await;
    assert_eq!(scope(&cookie), ["HttpOnly", "Partitioned", "Path=/", "SameSite=None", "Secure"]);
}

#[test]
fn b30_combinations_that_browsers_refuse_are_errors() {
    for (what, error) in [
        (
            "SameSite=None needs Secure",
            refused(|b| b.cookie(|c| c.same_site(SameSite::None).insecure_http())),
        ),
        ("Partitioned needs Secure", refused(|b| b.cookie(|c| c.partitioned().insecure_http()))),
        ("allows no domain", refused(|b| b.cookie(|c| c.name("__Host-id").domain("example.org")))),
        ("allows no domain", refused(|b| b.cookie(|c| c.name("__hOsT-id").path("/shop")))),
        ("prefix needs Secure", refused(|b| b.cookie(|c| c.name("__Secure-id").insecure_http()))),
        ("must be a token", refused(|b| b.cookie(|c| c.name("my session")))),
        ("must be a token", refused(|b| b.cookie(|c| c.name("id=1; Path")))),
        ("must be a token", refused(|b| b.cookie(|c| c.name_without_prefix("")))),
        ("must be a token", refused(|b| b.cookie(|c| c.name("")))),
        ("path must begin", refused(|b| b.cookie(|c| c.path("shop")))),
        ("path must begin", refused(|b| b.cookie(|c| c.path("/shop; Domain=example.org")))),
        ("path must begin", refused(|b| b.cookie(|c| c.path("/shop\r\nX-Injected: 1")))),
        ("more than 1024", refused(|b| b.cookie(|c| c.path(format!("/{}", "p".repeat(1024)))))),
        ("domain must be a host name", refused(|b| b.cookie(|c| c.domain("example.org; Path=/")))),
        ("domain must be a host name", refused(|b| b.cookie(|c| c.domain("")))),
        ("browsers accept no cookie for a top-level domain", refused(|b| b.cookie(|c| c.domain("com")))),
        ("browsers accept no cookie for a top-level domain", refused(|b| b.cookie(|c| c.domain(".com")))),
        ("browsers accept no cookie for a top-level domain", refused(|b| b.cookie(|c| c.domain("intranet")))),
        ("not an IP address", refused(|b| b.cookie(|c| c.domain("127.0.0.1")))),
        ("not an IP address", refused(|b| b.cookie(|c| c.domain(".192.168.1.1")))),
        ("not an IP address", refused(|b| b.cookie(|c| c.domain("127.1")))),
        ("not an IP address", refused(|b| b.cookie(|c| c.domain("0x7f.0x1")))),
        ("not an IP address", refused(|b| b.cookie(|c| c.domain("2130706433")))),
        ("domain must be a host name", refused(|b| b.cookie(|c| c.domain("[::1]")))),
        ("domain must be a host name", refused(|b| b.cookie(|c| c.domain("example.org.")))),
        ("above the 4096", refused(|b| b.cookie_limit(4097))),
        ("leaves no room", refused(|b| b.cookie_limit(100))),
        ("realm is longer", refused(|b| b.realm("r".repeat(65_536)))),
    ] {
        assert!(error.contains(what), "`{error}` does not say `{what}`");
    }
}

#[test]
fn names_paths_and_domains_up_to_what_browsers_accept_are_built() {
    let accepts = |attributes: CookieAttributes| {
        let name = attributes.full_name();
        assert!(Sessions::<Visit>::builder(kit::ring()).cookie(|_| attributes).build().is_ok(), "{name}");
        name
    };
    let default = CookieAttributes::default;
    assert_eq!(accepts(default().name("s!#$%&'*+-.^_`|~9")), "__Host-s!#$%&'*+-.^_`|~9");
    assert_eq!(accepts(default().name("__Host-id")), "__Host-id");
    assert_eq!(accepts(default().name("__Secure-id").path("/shop")), "__Secure-id");
    assert_eq!(accepts(default().name("__Http-id").domain("example.org")), "__Http-id");
    assert_eq!(accepts(default().name("id").path("/shop")), "__Secure-id");
    assert_eq!(accepts(default().name("id").domain("example.org").path("/shop")), "__Secure-id");
    assert_eq!(accepts(default().name("id").insecure_http()), "id");
    assert_eq!(accepts(default().name_without_prefix("id")), "id");
    accepts(default().path("/ !~"));
    accepts(default().path(format!("/{}", "p".repeat(1023))));
    accepts(default().domain("a-b_c.example"));
    accepts(default().domain(".Example.org"));
    accepts(default().domain("LocalHost"));
    accepts(default().domain("1.2.3.0xg"));
    accepts(default().domain(format!("{}.org", "d".repeat(1020))));
    accepts(default().same_site(SameSite::None));
    accepts(default().same_site(SameSite::Strict).insecure_http());
}

#[test]
fn each_attribute_is_checked_by_itself() {
    for (what, error) in [
        ("must be a token", refused(|b| b.cookie(|c| c.name("sitzung\u{fc}")))),
        ("must be a token", refused(|b| b.cookie(|c| c.name("id\t")))),
        ("path must begin", refused(|b| b.cookie(|c| c.path("")))),
        ("path must begin", refused(|b| b.cookie(|c| c.path("/\u{e9}")))),
        ("path must begin", refused(|b| b.cookie(|c| c.path("/\x7f")))),
        ("path must begin", refused(|b| b.cookie(|c| c.path("shop").domain("example.org")))),
        ("domain must be a host name", refused(|b| b.cookie(|c| c.domain("example..org")))),
        ("domain must be a host name", refused(|b| b.cookie(|c| c.domain("..example.org")))),
        ("domain must be a host name", refused(|b| b.cookie(|c| c.domain("ex ample.org")))),
        ("not an IP address", refused(|b| b.cookie(|c| c.domain("example.0X1F")))),
        ("not an IP address", refused(|b| b.cookie(|c| c.domain("example.0x")))),
        ("more than 1024", refused(|b| b.cookie(|c| c.domain(format!("{}.org", "d".repeat(1021)))))),
        ("more than 1024", refused(|b| b.cookie(|c| c.path(format!("/{}", "p".repeat(1025)))))),
        ("prefix needs Secure", refused(|b| b.cookie(|c| c.name("__Http-id").insecure_http()))),
        ("prefix needs Secure", refused(|b| b.cookie(|c| c.name("__Host-id").insecure_http()))),
        (
            "allows no domain",
            refused(|b| b.cookie(|c| c.name("__Host-id").domain("example.org").path("/shop"))),
        ),
    ] {
        assert!(error.contains(what), "`{error}` does not say `{what}`");
    }
}

#[tokio::test]
async fn b30_the_header_value_is_marked_sensitive() {
    let answer = Browser::new().post(&app(built(|builder| builder)), "/add").await;
    assert!(answer.headers[header::SET_COOKIE].is_sensitive());
    assert!(!format!("{:?}", answer.headers).contains("__Host-session"));
}

#[tokio::test]
async fn b31_insecure_http_says_so_in_its_name_and_drops_secure_and_the_prefix() {
    let cookie = first_cookie(|builder| builder.cookie(|c| c.insecure_http())).await;
    assert!(cookie.starts_with("session="), "{cookie}");
    assert_eq!(scope(&cookie), ["HttpOnly", "Path=/", "SameSite=Lax"]);
}

#[tokio::test]
async fn b32_the_middleware_does_not_compare_paths() {
    let sessions = built(|builder| builder.cookie(|c| c.path("/shop")));
    let nested = Router::new().nest("/elsewhere", app(sessions));
    let mut browser = Browser::new();
    browser.post(&nested, "/elsewhere/add").await;
    assert_eq!(browser.get(&nested, "/elsewhere/read").await.text(), "1");
}

/// The longest note that fits, found by asking.
async fn longest_note(app: &Router) -> usize {
    let (mut fits, mut too_long) = (0, 5000);
    while too_long - fits > 1 {
        let middle = (fits + too_long) / 2;
        let answer = Browser::new().post(app, &format!("/note/{middle}")).await;
        *(if answer.status.is_success() { &mut fits } else { &mut too_long }) = middle;
    }
    fits
}

#[tokio::test]
async fn b33_name_and_value_of_the_limit_are_sent_and_one_more_fails() {
    for limit in [4096, 1000] {
        let app = app(in_cookies(|builder| {
            builder.cookie_limit(limit).padding(sealed_session::seal::Padding::None)
        }));
        let longest = longest_note(&app).await;
        let answer = Browser::new().post(&app, &format!("/note/{longest}")).await;
        let pair = answer.set_cookie().split("; ").next().unwrap();
        let counted = pair.len() - 1; // name and value, without the `=`
        assert!((limit - 1..=limit).contains(&counted), "{counted} of {limit}: base64 comes in steps of 4/3");
        let mut browser = Browser::new();
        browser.keep(answer.set_cookie());
        assert!(browser.get(&app, "/all").await.text().len() > longest, "and read back");
    }
}

#[tokio::test]
async fn b33_what_does_not_fit_replaces_the_response_and_the_browser_keeps_what_it_had() {
    let app = app(in_cookies(|builder| builder));
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    let answer = browser.post(&app, "/note/5000").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.text(), "");
    assert!(answer.sends_nothing());
    assert_eq!(answer.all("cache-control"), ["no-store"]);
    assert_eq!(browser.get(&app, "/read").await.text(), "1");
}

#[tokio::test]
async fn b33_the_error_names_size_limit_and_way_out() {
    let (log, _guard) = kit::log::Log::record();
    Browser::new().post(&app(in_cookies(|builder| builder)), "/note/5000").await;
    let text = log.text();
    assert!(text.contains("ERROR"), "{text}");
    assert!(text.contains("bytes of 4096; keep less in it"), "{text}");
    assert!(!text.contains("nnnn"), "{text}");
}

#[tokio::test]
async fn b33_a_hook_can_answer_otherwise() {
    let replaced = app(in_cookies(|builder| {
        builder.on_commit_failure(|error: &Error| {
            let (size, limit) = error.size_and_limit().unwrap();
            assert!(size > limit && limit == 4096);
            Some(StatusCode::PAYLOAD_TOO_LARGE)
        })
    }));
    let answer = Browser::new().post(&replaced, "/note/5000").await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);

    let sent = app(in_cookies(|builder| builder.on_commit_failure(|_| None)));
    let answer = Browser::new().post(&sent, "/note/5000").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.sends_nothing());
}

#[tokio::test]
async fn b33_a_layer_further_out_can_make_a_page_of_the_error() {
    use axum::{middleware::map_response, response::Response};
    let app =
        app(in_cookies(|builder| builder)).layer(map_response(async |response: Response| {
            match response.extensions().get::<Arc<Error>>() {
                Some(error) if error.is_too_large() => Response::new(Body::from("your basket is full")),
                _ => response,
            }
        }));
    assert_eq!(Browser::new().post(&app, "/note/5000").await.text(), "your basket is full");
}

#[tokio::test]
async fn b33_a_handler_can_ask_how_many_bytes_are_left() {
    let app = app(in_cookies(|builder| builder));
    let mut browser = Browser::new();
    browser.post(&app, "/note/1000").await;
    let left: usize = browser.get(&app, "/left").await.text().parse().unwrap();
    let fitting = format!("/note/{}", 1000 + left);
    assert_eq!(browser.clone().post(&app, &fitting).await.status, StatusCode::OK);
    let too_long = format!("/note/{}", 1000 + left + 1);
    assert_eq!(browser.clone().post(&app, &too_long).await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn b33_a_renewal_that_no_longer_fits_loses_nothing() {
    let ring = kit::ring();
    let clock = Clock::new();
    let wide = app(kit::sessions_in_cookies(ring.clone(), &clock).build().unwrap());
    let narrow = app(kit::sessions_in_cookies(ring, &clock).cookie_limit(1000).build().unwrap());
    let mut browser = Browser::new();
    browser.post(&wide, "/note/2000").await;
    clock.advance(kit::HOUR);
    let answer = browser.get(&narrow, "/all").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text().contains("nnnn"));
    assert!(answer.sends_nothing());
}

/// A browser's one session cookie as `name=value`.
async fn pair(app: &Router) -> String {
    let mut browser = Browser::new();
    browser.post(app, "/add").await;
    browser.cookie_header().unwrap()
}

async fn views(app: &Router, headers: &[&[u8]]) -> String {
    let mut request = Request::get("/read").body(Body::empty()).unwrap();
    for header in headers {
        request.headers_mut().append(header::COOKIE, HeaderValue::from_bytes(header).unwrap());
    }
    ask(app, request).await.text().to_owned()
}

#[tokio::test]
async fn b34_other_cookies_change_nothing_whatever_they_are_made_of() {
    let app = app(built(|builder| builder));
    let pair = pair(&app).await;
    let many = (0..500).map(|i| format!("c{i}={i}; ")).collect::<String>();
    for others in [
        &b"a=b; "[..],
        b"=; ",
        b"; ; ;",
        b"no equals sign; ",
        b"a=\"quoted; ",
        b"\xff\xfe=\x80\xff; ",
        b"x__Host-session=planted; ",
        b"__Host-sessionx=planted; ",
        b"__host-session=another name; ",
        many.as_bytes(),
    ] {
        let before = [others, pair.as_bytes()].concat();
        assert_eq!(views(&app, &[&before]).await, "1", "before: {others:?}");
        let after = [pair.as_bytes(), b"; ", others].concat();
        assert_eq!(views(&app, &[&after]).await, "1", "after: {others:?}");
    }
}

#[tokio::test]
async fn b35_the_session_is_found_in_any_of_several_headers() {
    let app = app(built(|builder| builder));
    let pair = pair(&app).await;
    assert_eq!(views(&app, &[b"a=1", pair.as_bytes(), b"b=2"]).await, "1");
}

#[tokio::test]
async fn b35_of_two_cookies_of_the_name_the_one_issued_last_wins() {
    let clock = Clock::new();
    let app = app(kit::sessions(kit::ring(), &clock).build().unwrap());
    let mut browser = Browser::new();
    browser.post(&app, "/add").await;
    let older = browser.cookie_header().unwrap();
    clock.advance(SECOND);
    browser.post(&app, "/add").await;
    let newer = browser.cookie_header().unwrap();
    let (older, newer) = (older.as_bytes(), newer.as_bytes());
    assert_eq!(views(&app, &[&[older, b"; ", newer].concat()]).await, "2");
    assert_eq!(views(&app, &[&[newer, b"; ", older].concat()]).await, "2");
    assert_eq!(views(&app, &[older, newer]).await, "2");
}

#[tokio::test]
async fn b35_a_planted_cookie_before_the_browsers_own_changes_nothing() {
    let app = app(built(|builder| builder));
    let own = pair(&app).await;
    assert_eq!(views(&app, &[b"__Host-session=planted; ", own.as_bytes()]).await, "1");
}

#[tokio::test]
async fn b35_at_most_two_are_tried() {
    let app = app(built(|builder| builder));
    let own = pair(&app).await;
    assert_eq!(views(&app, &[b"__Host-session=one; __Host-session=two; ", own.as_bytes()]).await, "0");
}

/// Browsers send `name=value`, and `; ` between cookies (RFC 6265bis, sections 4.2.1 and 5.8.3). They have trimmed spaces
/// and tabs around the name when the cookie was set, so a name with white space has been written by something else.
#[tokio::test]
async fn b34_white_space_between_name_and_equals_sign_makes_another_cookie() {
    let app = app(built(|builder| builder));
    let own = pair(&app).await;
    let (name, value) = own.split_once('=').unwrap();
    for space in [" ", "\t", "  ", "\u{a0}", "\u{2000}"] {
        let other = format!("{name}{space}={value}");
        assert_eq!(views(&app, &[other.as_bytes()]).await, "0", "{space:?}");
        let before = format!("{other}; {name}{space}=; {own}");
        assert_eq!(views(&app, &[before.as_bytes()]).await, "1", "it takes no place: {space:?}");
    }
    for space in ["\u{a0}", "\u{2000}", "\u{feff}"] {
        assert_eq!(
            views(&app, &[format!("{space}{own}").as_bytes()]).await,
            "0",
            "{space:?} before the name"
        );
    }
}

#[tokio::test]
async fn b34_spaces_and_tabs_around_a_cookie_are_none_of_it() {
    let app = app(built(|builder| builder));
    let own = pair(&app).await;
    for header in
        [format!("a=1;{own};b=2"), format!(" {own} "), format!("a=1;\t{own}\t; b=2"), format!("  {own}  ;")]
    {
        assert_eq!(views(&app, &[header.as_bytes()]).await, "1", "{header:?}");
    }
}

#[test]
fn b35_so_many_former_names_and_realms_are_read_and_no_more() {
    let with = |count: usize| {
        let former = (0..count).map(|i| CookieAttributes::default().name(format!("former{i}")));
        let builder: Builder = Sessions::builder(kit::ring());
        former.fold(builder, |builder, former| builder.accept_previous("tests", |_| former)).build()
    };
    assert!(with(8).is_ok());
    let error = with(9).unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(
        error.to_string(),
        "9 previous realms or cookies are accepted, but each costs every request, so 8 is the limit: remove those \
         whose sessions have ended"
    );
}

/// Two applications over the same ring: as it was deployed before, and as it is now.
struct Move {
    before: Router,
    after: Router,
    clock: Clock,
}

impl Move {
    fn new(old: CookieAttributes, new: CookieAttributes, realm: &str) -> Self {
        let ring = kit::ring();
        let clock = Clock::new();
        let build = |builder: Builder| app(builder.build().unwrap());
        let before = build(kit::sessions(ring.clone(), &clock).cookie(|_| old.clone()));
        let after =
            build(kit::sessions(ring, &clock).realm(realm).cookie(|_| new).accept_previous("tests", |_| old));
        Self { before, after, clock }
    }
}

#[tokio::test]
async fn b35_a_changed_name_logs_nobody_out_and_the_old_cookie_is_removed() {
    let old = CookieAttributes::default().name_without_prefix("sid").path("/shop");
    let app = Move::new(old, CookieAttributes::default(), "tests");
    let mut browser = Browser::new();
    let first = browser.post(&app.before, "/add").await;
    let answer = browser.get(&app.after, "/read").await;
    assert_eq!(answer.text(), "1");
    let cookies = answer.set_cookies();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies[0].starts_with("sid=;") && cookies[0].ends_with("Max-Age=0"), "{cookies:?}");
    assert_eq!(scope(cookies[0]), scope(first.set_cookie()), "removed with its own attributes");
    assert!(cookies[1].starts_with("__Host-session="));
    assert_eq!(browser.value("sid"), None);
    let settled = browser.get(&app.after, "/read").await;
    assert_eq!(settled.text(), "1");
    assert!(settled.sends_nothing());
}

#[tokio::test]
async fn b35_a_changed_realm_logs_nobody_out() {
    let app = Move::new(CookieAttributes::default(), CookieAttributes::default(), "renamed");
    let mut browser = Browser::new();
    browser.post(&app.before, "/add").await;
    let answer = browser.get(&app.after, "/read").await;
    assert_eq!(answer.text(), "1");
    answer.set_cookie(); // one name, one Set-Cookie
    assert!(!answer.removes());
    assert!(browser.get(&app.after, "/read").await.sends_nothing());
    assert_eq!(browser.get(&app.before, "/read").await.text(), "0", "it has moved");
}

#[tokio::test]
async fn b35_changed_attributes_of_the_same_name_log_nobody_out() {
    let attributes = |path| CookieAttributes::default().name_without_prefix("sid").path(path);
    let app = Move::new(attributes("/shop"), attributes("/"), "tests");
    let mut browser = Browser::new();
    browser.post(&app.before, "/add").await;
    assert_eq!(browser.get(&app.after, "/read").await.text(), "1");
    let answer = browser.post(&app.after, "/add").await;
    assert_eq!(answer.set_cookies().len(), 2, "the old path's is removed with the next that is set");
    assert_eq!(browser.cookie_header().unwrap().matches("sid=").count(), 1);
    assert_eq!(browser.get(&app.after, "/read").await.text(), "2");
}

#[tokio::test]
async fn b35_a_twin_left_under_the_old_attributes_is_removed_with_the_next_renewal() {
    let attributes = |path| CookieAttributes::default().name_without_prefix("sid").path(path);
    let app = Move::new(attributes("/shop"), attributes("/"), "tests");
    let mut browser = Browser::new();
    browser.post(&app.before, "/add").await;
    let twin = browser.clone();
    app.clock.advance(SECOND);
    let mut fresh = Browser::new();
    fresh.post(&app.after, "/note/3").await;
    app.clock.advance(kit::HOUR); // with the next renewal
    let both = format!("{}; {}", twin.cookie_header().unwrap(), fresh.cookie_header().unwrap());
    let mut request = Request::get("/all").body(Body::empty()).unwrap();
    request.headers_mut().insert(header::COOKIE, both.parse().unwrap());
    let answer = ask(&app.after, request).await;
    assert!(answer.text().contains("nnn"), "the one issued last: {}", answer.text());
    assert_eq!(
        answer.set_cookies().iter().filter(|cookie| cookie.contains("Path=/shop; Max-Age=0")).count(),
        1
    );
    assert_eq!(answer.set_cookies().len(), 2);
}

#[tokio::test]
async fn b35_of_an_old_and_a_new_cookie_the_one_issued_last_wins() {
    let old = CookieAttributes::default().name_without_prefix("sid");
    let app = Move::new(old, CookieAttributes::default(), "tests");
    let mut browser = Browser::new();
    browser.post(&app.after, "/add").await;
    app.clock.advance(SECOND);
    browser.post(&app.before, "/note/3").await; // a node that still runs the old version
    assert!(browser.get(&app.after, "/all").await.text().contains("nnn"));
    assert_eq!(browser.value("sid"), None);
}

#[tokio::test]
async fn b35_of_an_old_and_a_new_cookie_of_the_same_second_the_new_one_wins() {
    let old = CookieAttributes::default().name_without_prefix("sid");
    let app = Move::new(old, CookieAttributes::default(), "tests");
    let mut browser = Browser::new();
    browser.post(&app.after, "/add").await;
    browser.post(&app.before, "/note/3").await;
    assert_eq!(browser.get(&app.after, "/read").await.text(), "1");
}

#[tokio::test]
async fn b35_destroy_removes_the_old_cookie_too() {
    let old = CookieAttributes::default().name_without_prefix("sid");
    let app = Move::new(old, CookieAttributes::default(), "tests");
    let mut browser = Browser::new();
    browser.post(&app.before, "/add").await;
    browser.post(&app.after, "/destroy").await;
    assert_eq!(browser.cookie_header(), None);
}

#[tokio::test]
async fn b35_without_a_word_the_old_cookie_is_not_read() {
    let ring = kit::ring();
    let clock = Clock::new();
    let before = app(kit::sessions(ring.clone(), &clock).cookie(|c| c.name("old")).build().unwrap());
    let after = app(kit::sessions(ring, &clock).build().unwrap());
    let mut browser = Browser::new();
    browser.post(&before, "/add").await;
    assert_eq!(browser.get(&after, "/read").await.text(), "0");
}

#[tokio::test]
async fn a_cookie_of_one_name_does_not_open_under_another() {
    let ring = kit::ring();
    let clock = Clock::new();
    let theirs = app(kit::sessions(ring.clone(), &clock).cookie(|c| c.name("theirs")).build().unwrap());
    let ours = app(kit::sessions(ring, &clock).build().unwrap());
    let mut browser = Browser::new();
    browser.post(&theirs, "/add").await;
    let mut planted = Browser::holding("__Host-session", browser.value("__Host-theirs").unwrap());
    assert_eq!(planted.get(&ours, "/arrival").await.text(), "Refused(Forged)");
}

#[test]
fn the_hook_and_the_clock_are_the_applications_own() {
    let asked = Arc::new(AtomicBool::new(false));
    let seen = asked.clone();
    let sessions = Sessions::<Visit>::builder(KeyRing::generate().unwrap())
        .clock(move || {
            seen.store(true, SeqCst);
            std::time::SystemTime::now()
        })
        .build()
        .unwrap();
    drop(sessions.open(&Browser::new().request("GET", "/")));
    assert!(asked.load(SeqCst));
}
