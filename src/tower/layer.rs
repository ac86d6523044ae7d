use tower_layer::Layer;

use super::SessionService;
use crate::{Payload, Sessions};

impl<S, T: Payload> Layer<S> for Sessions<T> {
    type Service = SessionService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        self.wrap(inner)
    }
}
