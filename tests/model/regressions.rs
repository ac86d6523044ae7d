//! What the model has found, as short as it can be told.

use crate::{
    holds,
    steps::{
        Mood::{Down, Hanging, Lying, Well},
        Policy::{self, LastWriteWins, Merge, Refuse},
        Step::{self, Begin, Copy, Deliver, Finish, HangUp, Pass, Proceed, Revoke, Visit},
        Verb::{
            self, Add, Bulk, Clear, CycleId, CycleIdKeepTimeout, Destroy, Pause, Remember, RevokeOthers,
            Save, SignIn,
        },
        Whose,
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

#[test]
fn a_session_can_revoke_the_others_twice_in_one_request() {
    for policy in Policy::ALL {
        holds(policy, [visit(&[SignIn(0)]), visit(&[RevokeOthers, RevokeOthers]), visit(&[])]);
    }
}

#[test]
fn a_visitor_who_signs_in_after_a_revocation_can_revoke_the_others() {
    let revoke = Revoke { node: 0, whose: Whose::User(0) };
    for policy in Policy::ALL {
        for verbs in [&[CycleId, SignIn(0), RevokeOthers][..], &[SignIn(0), RevokeOthers]] {
            holds(policy, [visit(&[Add]), revoke.clone(), Pass(12), visit(verbs), visit(&[])]);
        }
    }
}

#[test]
fn a_session_that_was_emptied_and_is_not_empty_with_the_changes_of_another_request_goes_on() {
    let load = PROCEED;
    let signs_in = visit(&[SignIn(0), Add, Bulk(300)]);
    holds(Merge, [signs_in, begin(&[Clear]), load, visit(&[Add]), FINISH, Pass(12), visit(&[])]);
}

#[test]
fn a_session_that_is_empty_with_the_changes_of_another_request_ends_in_its_older_cookies_too() {
    let load = PROCEED;
    let signs_in = [visit(&[SignIn(0)]), visit(&[Bulk(300)])];
    let ends = [begin(&[Bulk(0)]), load, visit(&[Clear, Bulk(300)]), FINISH];
    holds(Merge, [&signs_in[..], &ends].concat());
}

#[test]
fn a_request_that_takes_longer_than_the_idle_timeout_does_not_bring_an_ended_session_back() {
    for policy in Policy::ALL {
        for then in [&[Add][..], &[CycleId]] {
            let slow = begin(&[&[Pause], then].concat());
            let deliver = Deliver { which: 0 };
            holds(policy, [visit(&[SignIn(0)]), slow, visit(&[Destroy]), Pass(4 * 3600), FINISH, deliver]);
        }
    }
}

#[test]
fn a_second_sign_out_is_a_success_only_if_other_nodes_know_that_the_session_has_ended() {
    let hung_up = [begin(&[Destroy, Pause]), HangUp { which: 0 }];
    let thief = Visit { browser: 1, node: 1, verbs: vec![CycleId], moods: vec![] };
    let copy = Copy { from: 0, to: 1, back: 0 };
    for policy in Policy::ALL {
        let ends = [copy.clone(), visit(&[Destroy]), thief.clone()];
        holds(policy, [&[visit(&[SignIn(0)])], &hung_up[..], &ends].concat());
    }
}

#[test]
fn a_session_that_may_have_ended_long_ago_does_not_end_others() {
    let load = PROCEED;
    for policy in Policy::ALL {
        for bulk in [0, 300] {
            let slow = begin(&[Pause, RevokeOthers]);
            let load = if bulk == 0 { vec![] } else { vec![load.clone()] };
            let signs_in = [visit(&[SignIn(1), Bulk(bulk)]), slow];
            let ends = [visit(&[Destroy]), Pass(FIVE_DAYS), visit(&[SignIn(1)]), FINISH, visit(&[])];
            holds(policy, [&signs_in[..], &load, &ends].concat());
        }
    }
}

#[test]
fn a_session_that_ends_the_others_of_another_user_is_ended_with_those_of_its_own() {
    let revoke = Revoke { node: 0, whose: Whose::User(0) };
    for policy in Policy::ALL {
        let switches = begin(&[SignIn(1), RevokeOthers, Pause]);
        holds(policy, [visit(&[SignIn(0)]), switches, revoke.clone(), FINISH]);
    }
}

#[test]
fn a_copy_of_a_persistent_cookie_does_not_open_after_its_session_was_made_to_end_with_the_browser_and_ended()
{
    let ends = visit(&[Verb::EndWithBrowser]);
    for policy in Policy::ALL {
        holds(policy, [visit(&[SignIn(1), Remember]), ends.clone(), visit(&[Destroy]), Pass(FIVE_DAYS)]);
    }
}

#[test]
fn a_value_whose_save_failed_is_not_kept_in_place_of_the_one_before_it() {
    let verbs = vec![Bulk(300), Save, Bulk(0), Save, Bulk(300)];
    for policy in Policy::ALL {
        holds(policy, [Visit { browser: 0, node: 0, verbs: verbs.clone(), moods: vec![(1, Lying)] }]);
    }
}

#[test]
fn a_session_whose_save_under_a_new_id_failed_takes_the_change_of_another_request_with_it() {
    let load = PROCEED;
    let saves = begin(&[CycleIdKeepTimeout, Bulk(300), Save]);
    let fails = Proceed { which: 0, mood: Down };
    for policy in Policy::ALL {
        holds(policy, [visit(&[Bulk(300)]), saves.clone(), load.clone(), visit(&[Bulk(0)]), fails.clone()]);
    }
}

#[test]
fn a_slow_request_of_a_visitor_does_not_bring_back_the_session_of_the_user_who_has_signed_in_since() {
    let slow = Begin { browser: 1, node: 0, verbs: vec![Pause] };
    let steals = [visit(&[Add]), Copy { from: 0, to: 1, back: 0 }, visit(&[SignIn(1)]), slow];
    for policy in Policy::ALL {
        holds(policy, [&steals[..], &[visit(&[Destroy]), Pass(3 * 3600)]].concat());
    }
}
