//! Guides: the pages of `docs/`, whose examples are compiled like any other.
//!
//! | guide | contents |
//! |---|---|
//! | [`sign_in`] | a whole application with a sign-in form, a protected page and a sign-out button |
//! | [`configuration`] | every builder method, its default, and when to change it |
//! | [`migrating`] | names in express-session, tower-sessions, `PrivateCookieJar`, actix-session and iron-session, and here |
//! | [`revocation`] | ending sessions early: "log out everywhere", back-channel logout |
//! | [`key_rotation`] | making, deploying and rotating keys, and what to do after a leak |
//! | [`deployment`] | proxies, tenants, rolling deployments, changing the session type |
//! | [`overflow`] | stores for sessions that outgrow their cookies: limits, conflicts, failures |
//! | [`faq`] | questions and answers |
//! | [`speed`] | measurements |
//! | [`comparison`] | other crates |

// A guide links to another with a reference, such as `[limits][overflow.md#limits]`, and defines it at its end for
// GitHub. In Markdown the first definition of a reference wins, so these definitions lead to the modules here.
macro_rules! guides {
    ($($name:ident: $file:literal,)*) => { $(
        #[doc = "[configuration.md#choosing-an-encoding]: crate::guide::configuration#choosing-an-encoding"]
        #[doc = "[deployment.md#changing-the-cookie-or-the-realm]: crate::guide::deployment#changing-the-cookie-or-the-realm"]
        #[doc = "[deployment.md#changing-the-session-type]: crate::guide::deployment#changing-the-session-type"]
        #[doc = "[deployment.md#header-buffers]: crate::guide::deployment#header-buffers"]
        #[doc = "[faq.md]: crate::guide::faq"]
        #[doc = "[key-rotation.md]: crate::guide::key_rotation"]
        #[doc = "[overflow.md]: crate::guide::overflow"]
        #[doc = "[overflow.md#conflicts]: crate::guide::overflow#conflicts"]
        #[doc = "[revocation.md]: crate::guide::revocation"]
        #[doc = "[speed.md]: crate::guide::speed"]
        #[doc = ""]
        #[doc = include_str!($file)]
        pub mod $name {}
    )* };
}

guides! {
    sign_in: "../docs/sign-in.md",
    configuration: "../docs/configuration.md",
    migrating: "../docs/migrating.md",
    revocation: "../docs/revocation.md",
    key_rotation: "../docs/key-rotation.md",
    deployment: "../docs/deployment.md",
    overflow: "../docs/overflow.md",
    faq: "../docs/faq.md",
    speed: "../docs/speed.md",
    comparison: "../docs/comparison.md",
}
