//! Events over gRPC.

use std::pin::Pin;

use futures_util::Stream;
use qx_api::grpc::v1;
use qx_api::grpc::v1::event_service_server::EventService;
use tonic::{Request, Response, Status};

use super::caller;
use crate::app::App;
use crate::callers::Caller;
use crate::rest::events::Feed;
use crate::rest::stream::{Source, Step};

/// Answers `quantix.v1.EventService`.
pub(super) struct EventApi {
    pub(super) app: App,
}

#[tonic::async_trait]
impl EventService for EventApi {
    type FollowStream = Pin<Box<dyn Stream<Item = Result<v1::Event, Status>> + Send + 'static>>;

    async fn follow(
        &self,
        request: Request<v1::FollowEventsRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let caller = caller(&request)?;
        let feed = Feed::new(&self.app, &caller, request.get_ref().since)?;
        let first = Some((self.app.clone(), caller, feed));
        let events = futures_util::stream::unfold(first, async |left| {
            let (app, mut caller, mut feed) = left?;
            match next(&app, &mut caller, &mut feed).await {
                Step::Item(event) => Some((Ok(event.into()), Some((app, caller, feed)))),
                // The last that it hears.
                Step::TooSlow(event) => Some((Ok(event.into()), None)),
                Step::End => None,
            }
        });
        Ok(Response::new(Box::pin(events)))
    }
}

async fn next(app: &App, caller: &mut Caller, feed: &mut Feed) -> Step<qx_api::rest::Event> {
    tokio::select! {
        // In this order: who may listen no longer hears nothing more.
        biased;
        () = caller.identity.validity.ended() => Step::End,
        () = app.closing() => Step::End,
        step = feed.next() => step,
    }
}
