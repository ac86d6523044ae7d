//! A handler, and what a middleware does around it.

use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use sealed_session::Sessions;

use super::gate::Gate;
use crate::{
    judge::{Basket, Call, Ended, PERSISTENT_IDLE},
    steps::Verb,
};

/// Serves one request.
pub(super) async fn handle(
    gate: Gate,
    id: usize,
    sessions: Sessions<Basket>,
    cookie: Option<String>,
    verbs: Vec<Verb>,
) -> Ended {
    let mut request = Request::new(());
    if let Some(cookie) = cookie {
        let pair = format!("{}={cookie}", sessions.cookie_name());
        request.headers_mut().insert(header::COOKIE, pair.parse().unwrap());
    }
    let session = match sessions.open(&request).await {
        Ok(session) => session,
        Err(error) => return Ended::NotOpened(error),
    };
    let mine = || session.read(Basket::clone);
    gate.lock().judge.opened(id, session.arrival(), mine());

    let mut response = Response::new(());
    for (at, verb) in verbs.into_iter().enumerate() {
        match verb {
            // Nobody else ever puts this in.
            Verb::Add => {
                session.update(|basket| basket.things.insert((id * 10 + at) as u32));
            }
            Verb::Take => session.update(|basket| {
                basket.things.pop_first();
            }),
            Verb::Bulk(length) => session.update(|basket| basket.bulk = "x".repeat(length)),
            Verb::Clear => session.clear(),
            Verb::Touch => session.touch(),
            Verb::Remember => session.remember(Duration::from_secs(PERSISTENT_IDLE)).unwrap(),
            Verb::CycleId => session.cycle_id(),
            Verb::CycleIdKeepTimeout => session.cycle_id_keep_timeout(),
            Verb::EndWithBrowser => session.end_with_browser(),
            Verb::Destroy => session.destroy(),
            Verb::SignIn(user) => session.update(|basket| basket.user = Some(user)),
            Verb::RevokeOthers => {
                let ending = gate.lock().judge.begins_to_revoke(id);
                let result = session.revoke_others().await;
                let has_revoked = result.is_ok();
                gate.lock().judge.revoked_others(id, ending, result);
                if !has_revoked {
                    continue;
                }
            }
            Verb::Passive => session.skip_renewal(),
            Verb::Fail => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
            Verb::Pause => {
                gate.pass(Call::Pause).await;
            }
            Verb::Save => {
                let result = session.save().await;
                let mine = mine();
                gate.lock().judge.saved(id, result, mine);
            }
        }
        let mine = mine();
        gate.lock().judge.did(id, verb, mine);
    }
    gate.lock().judge.commits(id);
    let result = sessions.commit(session, &mut response).await;
    let name = format!("{}=", sessions.cookie_name());
    let set = response.headers().get_all(header::SET_COOKIE).iter().next_back().map(|set| {
        let value = set.to_str().unwrap().strip_prefix(&*name).unwrap();
        let value = value.split(';').next().unwrap();
        (!value.is_empty()).then(|| value.to_owned())
    });
    Ended::Committed(result, set)
}
