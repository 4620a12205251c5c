//! One gRPC stream: the types a client speaks about on it, and the order among them.

use std::fmt;
use std::marker::PhantomData;

use crate::exchange::{BadRequest, Batch, Interest, Reply, Variant, Verdict, View};
use crate::lane::{Lane, Outstanding, Setting};
use crate::order::{Gate, Lanes, Order};
use crate::refusals::Mark;
use crate::resource::{Name, TypeUrl};
use crate::time::Moment;

/// One gRPC stream. See the [crate]'s description for how to drive it.
///
/// Idle, a stream of one resource is less than a kilobyte.
pub struct Stream<V> {
    service: Service,
    lanes: Vec<(TypeUrl, Lane)>,
    nonces: u64,
    epoch: u64,
    now: Moment,
    variant: PhantomData<V>,
}

/// Which service a stream belongs to.
#[derive(Clone, Debug)]
enum Service {
    /// The aggregated one: many types, with an order among them.
    Aggregated(Box<Order>),
    /// One type. Nothing is known of the client's other streams, so there is no order to keep.
    Typed(TypeUrl),
}

/// What one stream has not brought about yet: for [`crate::progress::Progress`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The epoch of the newest snapshot that it was shown.
    pub epoch: u64,
    /// The resources whose published form its client has not accepted.
    pub outstanding: Vec<Outstanding>,
}

impl<V: Variant> Stream<V> {
    /// A stream of the aggregated service.
    pub fn aggregated() -> Stream<V> {
        Stream::new(Service::Aggregated(Box::default()))
    }

    /// A stream of the service for one type.
    pub fn typed(type_url: TypeUrl) -> Stream<V> {
        Stream::new(Service::Typed(type_url))
    }

    fn new(service: Service) -> Stream<V> {
        Stream {
            service,
            lanes: Vec::new(),
            nonces: 0,
            epoch: 0,
            now: Moment::default(),
            variant: PhantomData,
        }
    }

    /// Takes in a request.
    ///
    /// # Errors
    /// The stream must end if the request's type is missing or not served.
    pub fn on_request(
        &mut self,
        request: V::Request,
        view: View<'_>,
    ) -> Result<Reply<V::Response>, BadRequest> {
        let type_url = self.type_of(V::type_url(&request))?;
        self.advance(view);
        let at = self.lane(type_url);
        let heard = self.lanes[at].1.hear(V::ask(request), view);
        self.note_answer(heard.verdict.as_ref());
        let mut reply = self.reply(view);
        (reply.verdict, reply.marks, reply.interests) =
            (heard.verdict, heard.marks, heard.interests);
        Ok(reply)
    }

    /// Looks at a new snapshot.
    pub fn on_publish(&mut self, view: View<'_>) -> Reply<V::Response> {
        self.advance(view);
        self.reply(view)
    }

    /// Does what had to wait for [`Stream::next_deadline`]. Earlier, or without one, it does nothing.
    pub fn on_time(&mut self, view: View<'_>) -> Reply<V::Response> {
        self.on_publish(view)
    }

    /// The stream ended, whoever ended it: what must be remembered about responses whose answers are lost, for
    /// [`crate::refusals::Refusals::note`]. The stream is of no use afterwards, but for [`Stream::interests`].
    pub fn on_close(&mut self, view: View<'_>) -> Vec<Mark> {
        let mut marks = Vec::new();
        if let (Service::Aggregated(_), Some(clusters), Some(assignments)) =
            (&self.service, self.existing(TypeUrl::Cluster), self.existing(TypeUrl::LoadAssignment))
        {
            let lost = clusters.unanswered_assignments();
            if !lost.is_empty() {
                marks = assignments.doubt(&lost, view);
            }
        }
        marks.extend(self.lanes.iter_mut().flat_map(|(_, lane)| lane.close()));
        marks
    }

    fn existing(&self, type_url: TypeUrl) -> Option<&Lane> {
        let at = self.lanes.binary_search_by_key(&type_url, |(each, _)| *each).ok()?;
        Some(&self.lanes[at].1)
    }

    /// When to call [`Stream::on_time`]; `None` if nothing waits for time to pass.
    pub fn next_deadline(&self) -> Option<Moment> {
        let lanes = self.lanes.iter().filter_map(|(_, lane)| lane.next_deadline());
        let order = match &self.service {
            Service::Aggregated(order) => order.next_deadline(self.now),
            Service::Typed(_) => None,
        };
        lanes.chain(order).min()
    }

    /// Everything the stream is to be woken for: to take it out of the index when it ends.
    pub fn interests(&self) -> impl Iterator<Item = Interest> {
        self.lanes.iter().flat_map(|(type_url, lane)| {
            let subscription = lane.subscription();
            let all = subscription.wildcard().then_some(Interest::All(*type_url));
            let one = |name: &Name| Interest::One(*type_url, name.clone());
            all.into_iter().chain(subscription.names().iter().map(one))
        })
    }

    /// What the client has not accepted of the snapshot in `view`, which must be the one the stream was shown last.
    ///
    /// `None` while thousands of resources are on their way one by one and nothing but an answer came: it costs what is
    /// outstanding, and what was reported last holds but for a few resources that were accepted since.
    pub fn standing(&self, view: View<'_>) -> Option<Standing> {
        if self.lanes.iter().any(|(_, lane)| lane.is_crowded()) {
            return None;
        }
        let mut outstanding = Vec::new();
        for (_, lane) in &self.lanes {
            lane.outstanding(view, &mut outstanding);
        }
        Some(Standing { epoch: self.epoch, outstanding })
    }

    fn type_of(&self, url: &str) -> Result<TypeUrl, BadRequest> {
        match (&self.service, url) {
            (Service::Typed(type_url), "") => Ok(*type_url),
            (Service::Aggregated(_), "") => Err(BadRequest::NoType),
            (_, url) => TypeUrl::parse(url).ok_or_else(|| BadRequest::UnknownType(url.to_owned())),
        }
    }

    /// The index of a type's lane, which is made when it is first spoken of.
    fn lane(&mut self, type_url: TypeUrl) -> usize {
        match self.lanes.binary_search_by_key(&type_url, |(each, _)| *each) {
            Ok(at) => at,
            Err(at) => {
                let setting = match &self.service {
                    Service::Aggregated(_) => Setting::Aggregated,
                    Service::Typed(_) => Setting::Typed,
                };
                self.lanes.reserve_exact(1); // a stream of one type has one lane, and there are many
                self.lanes.insert(at, (type_url, Lane::new(type_url, V::STYLE, setting)));
                at
            }
        }
    }

    fn advance(&mut self, view: View<'_>) {
        self.epoch = view.snapshot.epoch;
        self.now = view.now;
        for (_, lane) in &mut self.lanes {
            lane.advance(view);
        }
        if let Service::Aggregated(order) = &mut self.service {
            order.expire(view.now);
        }
    }

    fn note_answer(&mut self, verdict: Option<&Verdict>) {
        if let (Service::Aggregated(order), Some(verdict)) = (&mut self.service, verdict)
            && verdict.type_url == TypeUrl::LoadAssignment
        {
            order.answered(verdict.nonce, verdict.contents.iter().map(|(name, _)| name));
        }
    }

    /// Lets each type say what it may, in the order of the types.
    fn reply(&mut self, view: View<'_>) -> Reply<V::Response> {
        let mut responses = Vec::new();
        for type_url in TypeUrl::ALL {
            let batches = self.compose(type_url, view);
            if type_url == TypeUrl::Cluster {
                self.follow(&batches, view.now);
            }
            responses.extend(batches.into_iter().map(V::tell));
        }
        Reply { responses, verdict: None, marks: Vec::new(), interests: Vec::new() }
    }

    fn compose(&mut self, type_url: TypeUrl, view: View<'_>) -> Vec<Batch> {
        let Ok(at) = self.lanes.binary_search_by_key(&type_url, |(each, _)| *each) else {
            return Vec::new();
        };
        let (before, rest) = self.lanes.split_at_mut(at);
        let Some(((_, lane), after)) = rest.split_first_mut() else { return Vec::new() };
        let gate = match &self.service {
            Service::Aggregated(order) => order.gate(type_url, Lanes { before, after }, view),
            Service::Typed(_) => Gate::open(),
        };
        lane.compose(view, &gate, &mut self.nonces)
    }

    /// Has clusters followed by their load assignments, on an aggregated stream.
    fn follow(&mut self, clusters: &[Batch], now: Moment) {
        let Service::Aggregated(order) = &mut self.service else { return };
        let names: Vec<Name> = clusters.iter().flat_map(|batch| order.sent(batch, now)).collect();
        if !names.is_empty() {
            let at = self.lane(TypeUrl::LoadAssignment);
            for name in &names {
                self.lanes[at].1.owe(name);
            }
        }
    }
}

impl<V> fmt::Debug for Stream<V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<TypeUrl> = self.lanes.iter().map(|(type_url, _)| *type_url).collect();
        out.debug_struct("Stream")
            .field("service", &self.service)
            .field("types", &types)
            .field("nonces", &self.nonces)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::Delta;
    use crate::each::Each;
    use crate::refusals::Refusals;
    use crate::resource::{Name, Resource};
    use crate::snapshot::Snapshot;
    use crate::subscribers::Subscribers;
    use crate::wire::DeltaDiscoveryRequest;

    /// A node of a `BTreeSet<Name>` or `BTreeMap<Name, _>` in an index: eleven entries and a header.
    const fn node(entry: usize) -> usize {
        11 * entry + 16
    }

    #[test]
    fn an_idle_stream_of_one_resource_stays_below_one_kilobyte() {
        let (snapshot, refusals) = (Snapshot::default(), Refusals::default());
        let view = View { snapshot: &snapshot, refusals: &refusals, now: Moment::default() };
        let mut stream = Stream::<Delta>::typed(TypeUrl::LoadAssignment);
        let ask = |names: &[&str], nonce: &str| DeltaDiscoveryRequest {
            resource_names_subscribe: names.iter().map(ToString::to_string).collect(),
            response_nonce: nonce.to_owned(),
            ..Default::default()
        };
        stream.on_request(ask(&["ns/service/80"], ""), view).expect("served");
        stream.on_request(ask(&[], "1"), view).expect("served");

        assert_eq!(stream.lanes.capacity(), 1);
        let at_rest = stream.standing(view).expect("nothing is on its way").outstanding;
        assert_eq!(at_rest, [], "nothing in flight, so nothing that grows is kept");
        let lane = size_of::<(TypeUrl, Lane)>() + size_of::<Each>();
        let names = node(size_of::<Name>());
        let horizon = size_of::<(Name, Option<Resource>)>();
        let index = 2 * node(size_of::<(Name, u64)>()) / 11;
        let total = size_of::<Stream<Delta>>() + lane + names + horizon + index;
        assert!(total < 1_024, "{total} bytes");
        assert!(size_of::<Subscribers<u64>>() < 1_024, "shared by all");
    }
}
