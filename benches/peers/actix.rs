//! The same application in actix-web.

use std::sync::Arc;

use actix_http::Request;
use actix_session::{Session, SessionMiddleware, storage::CookieSessionStore};
use actix_web::{
    App, Error,
    body::{MessageBody, to_bytes},
    cookie::Key,
    dev::{Service, ServiceResponse},
    test::{TestRequest, init_service},
    web::{self, ServiceConfig, get},
};
use axum::http::{HeaderValue, Response, header::SET_COOKIE};

use crate::{
    apps::{Ask, PAGE},
    data::Data,
    ready,
};

async fn fill<T: Data>(session: Session, value: web::Data<T>) -> &'static str {
    session.insert("data", &**value).unwrap();
    ""
}

fn load<T: Data>(session: &Session) -> T {
    session.get("data").unwrap().expect("it was filled")
}

async fn read<T: Data>(session: Session) -> String {
    load::<T>(&session).sum().to_string()
}

async fn change<T: Data>(session: Session) -> &'static str {
    let mut data = load::<T>(&session);
    data.change();
    session.insert("data", data).unwrap();
    ""
}

fn pages<T: Data>(value: &Arc<T>) -> impl FnOnce(&mut ServiceConfig) {
    let value = web::Data::from(value.clone());
    move |config| {
        config.app_data(value);
        config.route("/", get().to(async || PAGE));
        config.route("/fill", get().to(fill::<T>));
        config.route("/read", get().to(read::<T>));
        config.route("/change", get().to(change::<T>));
    }
}

pub async fn plain<T: Data>(value: &Arc<T>) -> Ask {
    boxed(init_service(App::new().configure(pages(value))).await)
}

pub async fn session<T: Data>(value: &Arc<T>) -> Ask {
    let sessions = SessionMiddleware::new(CookieSessionStore::default(), Key::generate());
    boxed(init_service(App::new().wrap(sessions).configure(pages(value))).await)
}

fn boxed<S, B>(app: S) -> Ask
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    Box::new(move |page, cookie| {
        let mut request = TestRequest::with_uri(page);
        if let Some(cookie) = cookie {
            request = request.insert_header(("cookie", cookie.as_bytes()));
        }
        let answer = ready(app.call(request.to_request())).unwrap();
        assert!(answer.status().is_success());
        let set =
            answer.headers().get("set-cookie").map(|set| HeaderValue::from_bytes(set.as_bytes()).unwrap());
        let body = ready(to_bytes(answer.into_body())).unwrap_or_else(|_| panic!("it is there already"));
        let mut response = Response::new(body);
        if let Some(set) = set {
            response.headers_mut().insert(SET_COOKIE, set);
        }
        response
    })
}
