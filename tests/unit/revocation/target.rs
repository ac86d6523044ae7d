use proptest::prelude::*;

use super::*;
use crate::Suite;

fn targets(suite: Suite) -> Targets {
    let master: Vec<u8> = (0..32).collect();
    Targets::new(&Key::from_bytes(master.try_into().unwrap(), suite).unwrap())
}

/// The answers are those of an implementation in Python, written from the documentation of `Targets`.
#[test]
fn targets_are_those_of_an_independent_implementation() {
    let id: Vec<u8> = (0..16).collect();
    let id: [u8; 16] = id.try_into().unwrap();
    for (suite, answers) in [
        (
            Suite::Xaes256Gcm,
            [
                0x0cf0_684f_c5ca_c280,
                0xe756_0b82_db70_45ce,
                0x8065_2d6a_d312_01e6,
                0xcfd9_7e48_da08_4a8b,
                0x1d63_22e0_01b7_978a,
                0x4c92_585a_f99e_86a8,
            ],
        ),
        (
            Suite::XChaCha20Poly1305,
            [
                0xcf22_1b93_ed96_2efc,
                0xe6d4_6efe_b9a8_1aa7,
                0x773c_d780_f4e6_9fab,
                0x1d59_1a90_a5d9_919b,
                0x71f8_da5c_5128_6b97,
                0xf9b6_239c_6303_6959,
            ],
        ),
    ] {
        let targets = targets(suite);
        let found = [
            targets.session("shop", &id),
            targets.other("shop", Scope::Subject, &7),
            targets.other("shop", Scope::Key, &"https://idp.example#sid-1"),
            targets.other("shop", Scope::All, &""),
            targets.other("Café", Scope::Subject, &"Zoë"),
            targets.other("", Scope::Subject, &""),
        ];
        assert_eq!(found.map(|target| target.0), answers, "{suite:?}");
    }
}

#[test]
fn a_text_that_is_written_in_pieces_has_the_target_of_the_whole() {
    let targets = targets(Suite::default());
    let whole = targets.other("shop", Scope::Subject, &"user-7 of 3");
    assert_eq!(targets.other("shop", Scope::Subject, &format_args!("user-{} of {}", 7, 3)), whole);
}

/// One of several texts that are easily confused: parts of each other, with characters of several bytes.
fn text() -> impl Strategy<Value = String> {
    "[a\u{0}\u{2}é7]{0,3}"
}

proptest! {
    #[test]
    fn different_realms_scopes_and_ids_have_different_targets(
        (realm, other_realm, id, other_id) in (text(), text(), text(), text()),
        (scope, other_scope) in (0..3usize, 0..3usize),
    ) {
        let (targets, scopes) = (targets(Suite::default()), [Scope::Subject, Scope::Key, Scope::All]);
        let one = targets.other(&realm, scopes[scope], &id);
        let other = targets.other(&other_realm, scopes[other_scope], &other_id);
        prop_assert_eq!(one == other, (realm, scope, id) == (other_realm, other_scope, other_id));
    }

    #[test]
    fn a_session_is_told_from_every_other_target(realm in text(), id in any::<[u8; 16]>(), text in text()) {
        let targets = targets(Suite::default());
        prop_assert!(targets.session(&realm, &id).is_session());
        prop_assert!(!targets.other(&realm, Scope::Subject, &text).is_session());
    }
}
