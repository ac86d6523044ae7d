use tower_layer::Layer;

use super::SessionService;
use crate::Sessions;

impl<S, T> Layer<S> for Sessions<T> {
    type Service = SessionService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, sessions: self.clone() }
    }
}
