//! What the model has found, as short as it can be told.

use crate::{
    holds,
    steps::{
        Mood::{Down, Hanging, Lying, Well},
        Policy::{self, LastWriteWins, Merge, Refuse},
        Step::{self, Begin, Finish, Pass, Proceed, Visit},
        Verb::{self, Add, Bulk, Clear, CycleId, CycleIdKeepTimeout, Destroy, Pause, Remember, Save},
    },
};

fn visit(verbs: &[Verb]) -> Step {
    Visit { browser: 0, node: 0, verbs: verbs.into(), moods: vec![] }
}

fn begin(verbs: &[Verb]) -> Step {
    Begin { browser: 0, node: 0, verbs: verbs.into() }
}

/// The only request in flight goes on to its next call, or from its pause.
const PROCEED: Step = Proceed { which: 0, mood: Well };
const FINISH: Step = Finish { which: 0 };

#[test]
fn a_session_that_is_changed_while_it_returns_stays_in_the_store() {
    for policy in Policy::ALL {
        let (load, replace) = (PROCEED, PROCEED);
        holds(policy, [visit(&[Add, Bulk(300)]), begin(&[Bulk(0)]), load, replace, visit(&[Add]), FINISH]);
    }
}

#[test]
fn a_session_that_is_ended_while_it_returns_is_not_revived() {
    let (load, replace) = (PROCEED, PROCEED);
    holds(Refuse, [visit(&[Add, Bulk(300)]), begin(&[Bulk(0)]), load, replace, visit(&[Destroy]), FINISH]);
}

#[test]
fn what_came_in_between_is_kept_before_its_blob_is_deleted() {
    let (load, extend, create) = (PROCEED, PROCEED, PROCEED);
    let (conflict, reload) = (PROCEED, PROCEED);
    for failing in 0..4 {
        // The call after the reload, or one of the next.
        let down = |at| Proceed { which: 0, mood: if at == failing { Down } else { Well } };
        holds(
            Merge,
            [
                visit(&[Add, Bulk(300)]),
                begin(&[Add, CycleId]),
                load.clone(),
                extend.clone(),
                create.clone(),
                visit(&[Add]),
                conflict.clone(),
                reload.clone(),
                down(0),
                down(1),
                down(2),
                down(3),
            ],
        );
    }
}

#[test]
fn what_was_taken_out_between_two_attempts_is_not_put_back() {
    let (load, conflict) = (PROCEED, PROCEED);
    let (reload, again) = (PROCEED, PROCEED);
    let adds = [visit(&[Add, Bulk(300)]), begin(&[Add]), load, visit(&[Add])];
    let takes = [conflict, reload, visit(&[Clear, Bulk(300)]), again, FINISH];
    holds(Merge, [adds.as_slice(), takes.as_slice()].concat());
}

#[test]
fn what_is_destroyed_is_gone_though_what_follows_fails() {
    for mood in [Down, Lying, Hanging] {
        let (load, create) = (PROCEED, Proceed { which: 0, mood });
        holds(Refuse, [visit(&[Add, Bulk(300)]), begin(&[Destroy, Add, Bulk(300)]), load, create, FINISH]);
    }
}

const FIVE_DAYS: u64 = 5 * 24 * 3600;

/// Seed 1795275019043728286. The request asks that no copy under the old id open any more, and the store has not said that
/// it is so: that is a 503, as for `destroy`. The cookie is removed, since the session is over in any case.
#[test]
fn a_new_id_for_a_session_that_its_handler_has_outlived_is_a_503_if_the_deletion_fails() {
    for mood in [Down, Lying, Hanging] {
        let (load, delete) = (PROCEED, Proceed { which: 0, mood });
        let begins = begin(&[Pause, CycleIdKeepTimeout]);
        for policy in Policy::ALL {
            holds(
                policy,
                [visit(&[Bulk(300)]), begins.clone(), load.clone(), Pass(FIVE_DAYS), PROCEED, delete.clone()],
            );
        }
    }
}

#[test]
fn a_handler_that_has_outlived_its_session_does_not_end_it_for_a_request_that_has_made_it_persistent() {
    let load = PROCEED;
    for policy in Policy::ALL {
        for verbs in [[CycleId, Pause], [Pause, Save]] {
            let others = [visit(&[Bulk(300)]), begin(&verbs), load.clone(), visit(&[Remember])];
            holds(policy, [others.as_slice(), &[Pass(FIVE_DAYS), FINISH, visit(&[])]].concat());
        }
    }
}

#[test]
fn a_cookie_expires_with_its_blob_if_that_was_saved_and_can_not_be_made_to_live_longer() {
    for mood in [Down, Lying, Hanging] {
        let (create, set_expiry) = (PROCEED, Proceed { which: 0, mood });
        let saves = [visit(&[Bulk(100)]), begin(&[Bulk(300), Save, Pause]), create, Pass(31)];
        for policy in Policy::ALL {
            holds(
                policy,
                [saves.as_slice(), &[PROCEED, set_expiry.clone(), Pass(7169), visit(&[])]].concat(),
            );
        }
    }
}

#[test]
fn what_was_saved_under_a_new_id_can_be_taken_back() {
    for policy in Policy::ALL {
        holds(policy, [visit(&[Add, Bulk(300)]), visit(&[CycleId, Bulk(400), Save, Bulk(300)])]);
    }
}

#[test]
fn what_was_saved_under_a_new_id_is_not_lost_to_a_change_under_the_old_one() {
    for policy in [LastWriteWins, Refuse, Merge] {
        let (load, extend, create) = (PROCEED, PROCEED, PROCEED);
        holds(
            policy,
            [
                visit(&[Add, Bulk(300)]),
                begin(&[Add, CycleId, Save, Pause]),
                load,
                extend,
                create,
                visit(&[Add]),
                FINISH,
            ],
        );
    }
}

#[test]
fn a_failed_request_that_saved_the_end_with_the_browser_leaves_the_persistent_session_as_it_was() {
    let ending =
        Visit { browser: 0, node: 1, verbs: vec![Verb::EndWithBrowser, Verb::Fail, Save], moods: vec![] };
    for policy in Policy::ALL {
        holds(policy, [visit(&[Bulk(300), Remember]), ending.clone(), Pass(FIVE_DAYS)]);
    }
}
