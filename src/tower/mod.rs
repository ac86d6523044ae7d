//! [`Sessions`](crate::Sessions) as a tower layer.
//!
//! The layer leaves a place for the session among the request's extensions, which costs a look at the clock and
//! little more. Nothing is opened until a handler asks, by the axum extractor or by
//! [`Sessions::open`](crate::Sessions::open). When the handler has answered, what it asked for is committed to the
//! response. A session that can't be kept replaces the response, by default with an empty 500
//! ([`on_commit_failure`](crate::SessionsBuilder::on_commit_failure)), which is why the response's body must have a
//! default.
//!
//! ```
//! use http::{Request, Response};
//! use sealed_session::{KeyRing, Sessions};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! #[derive(Default, serde::Serialize, serde::Deserialize)]
//! struct Visit { views: u32 }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
//! let handle = sessions.clone();
//! let service = sessions.layer(service_fn(move |request: Request<String>| {
//!     let opening = handle.open(&request);
//!     async move {
//!         let views = opening.await?.update(|visit| { visit.views += 1; visit.views });
//!         Ok::<_, sealed_session::Error>(Response::new(views.to_string()))
//!     }
//! }));
//! let response = service.oneshot(Request::new(String::new())).await?;
//! assert_eq!(response.body(), "1");
//! assert!(response.headers().contains_key("set-cookie"));
//! # Ok(())
//! # }
//! ```

mod future;
mod layer;
mod service;
pub(crate) mod slot;

pub use future::ResponseFuture;
pub use service::SessionService;
