//! The cache, the stages of the separate dialect, the index, progress, and `Fetch*`.

use std::collections::BTreeSet;
use std::time::Duration;

use contour_xds::cache::{Cache, Publication};
use contour_xds::delta::{self, Delta};
use contour_xds::exchange::View;
use contour_xds::fetch::fetch;
use contour_xds::progress::Progress;
use contour_xds::refusals::Refusals;
use contour_xds::resource::{Audience, Delta as Edits, Dialect, TypeUrl};
use contour_xds::snapshot::Snapshot;
use contour_xds::stream::Stream;
use contour_xds::subscribers::Subscribers;
use contour_xds::time::Moment;
use contour_xds::wire::{DeltaDiscoveryRequest, DiscoveryRequest};

use crate::talk::{SHORT, edits, short};

fn at(milliseconds: u64) -> Moment {
    Moment(Duration::from_millis(milliseconds))
}

fn all(words: &str) -> Edits {
    edits(&words.split_whitespace().collect::<Vec<_>>(), Audience::All)
}

/// What a publication changed, in words.
fn changed(publication: Option<&Publication>) -> String {
    let Some(publication) = publication else { return "nothing".to_owned() };
    let words = publication.changed.iter().map(|(type_url, name)| {
        let sign = if publication.snapshot.contains(*type_url, name) { "" } else { "-" };
        format!("{sign}{}/{name}", short(type_url.as_str()))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A cache whose separate dialect is enabled and that serves `words`.
fn separate(words: &str) -> Cache {
    let mut cache = Cache::default();
    cache.publish(&all(words), at(0));
    cache.enable_separate(&all(words)).expect("was not enabled");
    cache
}

#[test]
fn a_publication_names_what_changed() {
    let mut cache = Cache::default();
    let published = cache.publish(&all("rds/r=1 cds/b=1 cds/a=1"), at(0));
    assert_eq!(changed(published.aggregated.as_ref()), "cds/a cds/b rds/r");
    assert_eq!(changed(published.separate.as_ref()), "nothing");
}

#[test]
fn a_publication_that_changes_nothing_is_none() {
    let mut cache = Cache::default();
    cache.publish(&all("cds/a=1"), at(0));
    let before = cache.snapshot(Dialect::Aggregated).expect("always").clone();
    let published = cache.publish(&all("cds/a=1 -cds/b"), at(0));
    assert_eq!(changed(published.aggregated.as_ref()), "nothing");
    assert_eq!(cache.snapshot(Dialect::Aggregated).expect("always").epoch, before.epoch);
}

#[test]
fn equal_content_is_an_equal_snapshot_whatever_the_order() {
    let mut one = Cache::default();
    one.publish(&all("cds/a=1 cds/b=1 cds/c=1"), at(0));
    let mut other = Cache::default();
    other.publish(&all("cds/c=9"), at(0));
    other.publish(&all("cds/b=1 cds/d=1"), at(0));
    other.publish(&all("-cds/d cds/c=1 cds/a=1"), at(0));
    let table = |cache: &Cache| {
        cache.snapshot(Dialect::Aggregated).expect("always").table(TypeUrl::Cluster).clone()
    };
    assert_eq!(table(&one), table(&other));
    assert_eq!(table(&one).version(), table(&other).version());
}

#[test]
fn the_separate_dialect_shares_what_has_no_config_source() {
    let mut cache = Cache::default();
    cache.publish(&all("cds/a=1 lds/l=1 rds/r=1 eds/a=1"), at(0));
    let own = edits(&["cds/a=separate"], Audience::Only(Dialect::Separate));
    let publication = cache.enable_separate(&own);
    assert_eq!(changed(publication.as_ref()), "cds/a eds/a rds/r");
    let body = |dialect| {
        let snapshot: &Snapshot = cache.snapshot(dialect).expect("enabled");
        snapshot.table(TypeUrl::Cluster).get("a").expect("there").body.clone()
    };
    assert_eq!(&body(Dialect::Aggregated)[..], b"a=1");
    assert_eq!(&body(Dialect::Separate)[..], b"a=separate");
}

#[test]
fn a_change_for_one_dialect_does_not_touch_the_other() {
    let mut cache = separate("cds/a=1");
    let own = edits(&["cds/a=2"], Audience::Only(Dialect::Separate));
    let published = cache.publish(&own, at(0));
    assert_eq!(changed(published.aggregated.as_ref()), "nothing");
    assert_eq!(changed(published.separate.as_ref()), "cds/a");
}

#[test]
fn separate_routes_follow_their_new_clusters() {
    let mut cache = separate("rds/r=1 rds/s=1 lds/l=1");
    let delta = all("cds/a=1>eds/a eds/a=1 rds/r=2>cds/a rds/s=2 lds/l=2>rds/r");
    let published = cache.publish(&delta, at(1_000));
    assert_eq!(changed(published.separate.as_ref()), "cds/a eds/a rds/s");
    assert_eq!(cache.next_deadline(), Some(at(1_500)));
    assert_eq!(changed(cache.retire(at(1_499)).as_ref()), "nothing");
    assert_eq!(changed(cache.retire(at(1_500)).as_ref()), "lds/l rds/r");
    assert_eq!(cache.next_deadline(), None);
}

#[test]
fn separate_routes_do_not_wait_for_what_comes_after_them() {
    let mut cache = separate("rds/r=1");
    cache.publish(&all("cds/a=1 rds/r=2>cds/a"), at(0));
    cache.publish(&all("cds/b=1 rds/r=3>cds/a+cds/b"), at(300));
    cache.publish(&all("cds/c=1 rds/r=4>cds/a+cds/b+cds/c"), at(400));
    let mut shown = Vec::new();
    while let Some(deadline) = cache.next_deadline() {
        let snapshot = cache.retire(deadline).expect("something was due").snapshot;
        let routes = snapshot.table(TypeUrl::RouteConfiguration).get("r").expect("published");
        shown.push((deadline, routes.references().count()));
    }
    // The form in between is never shown; the newest waits for its own clusters, and no longer.
    assert_eq!(shown, [(at(500), 1), (at(900), 3)]);
}

#[test]
fn separate_removals_ripen() {
    let mut cache = separate("cds/a=1>eds/a eds/a=1 rds/r=1>cds/a lds/l=1 lds/m=1");
    let published = cache.publish(&all("-cds/a -eds/a rds/r=2 -lds/m"), at(1_000));
    assert_eq!(changed(published.separate.as_ref()), "-lds/m rds/r");
    assert_eq!(changed(published.aggregated.as_ref()), "-cds/a -eds/a -lds/m rds/r");
    assert_eq!(changed(cache.retire(at(11_000)).as_ref()), "-cds/a -eds/a");
}

#[test]
fn a_removal_that_is_taken_back_never_shows() {
    let mut cache = separate("cds/a=1");
    cache.publish(&all("-cds/a"), at(0));
    let published = cache.publish(&all("cds/a=1"), at(5_000));
    assert_eq!(changed(published.separate.as_ref()), "nothing");
    assert_eq!(changed(cache.retire(at(60_000)).as_ref()), "nothing");
}

#[test]
fn epochs_grow_across_dialects() {
    let mut cache = separate("cds/a=1");
    let first = cache.publish(&all("eds/a=1"), at(0)).aggregated.expect("changed").snapshot.epoch;
    let own = edits(&["cds/a=2"], Audience::Only(Dialect::Separate));
    let second = cache.publish(&own, at(0)).separate.expect("changed").snapshot.epoch;
    assert!(second > first);
}

/// A typed stream that follows one name, and the index that knows it.
fn follow(
    subscribers: &mut Subscribers<usize>,
    key: usize,
    type_url: TypeUrl,
    name: &str,
) -> delta::Stream {
    let mut stream = delta::Stream::typed(type_url);
    let request = DeltaDiscoveryRequest {
        resource_names_subscribe: vec![name.to_owned()],
        ..Default::default()
    };
    let (snapshot, refusals) = (Snapshot::default(), Refusals::default());
    let view = View { snapshot: &snapshot, refusals: &refusals, now: at(0) };
    for change in stream.on_request(request, view).expect("served").interests {
        subscribers.note(key, &change);
    }
    stream
}

#[test]
fn a_change_of_one_assignment_concerns_one_of_ten_thousand_streams() {
    let mut subscribers = Subscribers::default();
    for key in 0..10_000 {
        follow(&mut subscribers, key, TypeUrl::LoadAssignment, &format!("ns/svc-{key}"));
    }
    let mut cache = Cache::default();
    let published = cache.publish(&all("eds/ns/svc-4711=1"), at(0)).aggregated.expect("changed");
    assert_eq!(subscribers.concerned(&published.changed), BTreeSet::from([4_711]));
}

#[test]
fn wildcards_are_concerned_by_every_change_of_their_type() {
    let mut subscribers = Subscribers::default();
    follow(&mut subscribers, 1, TypeUrl::Cluster, "*");
    follow(&mut subscribers, 2, TypeUrl::Listener, "*");
    follow(&mut subscribers, 3, TypeUrl::Cluster, "a");
    let changed = |words: &str| {
        let published = Cache::default().publish(&all(words), at(0));
        published.aggregated.expect("changed").changed
    };
    assert_eq!(subscribers.concerned(&changed("cds/a=1")), BTreeSet::from([1, 3]));
    assert_eq!(subscribers.concerned(&changed("cds/b=1 lds/b=1")), BTreeSet::from([1, 2]));
    assert_eq!(subscribers.concerned(&changed("rds/a=1")), BTreeSet::new());
}

#[test]
fn a_stream_that_ends_leaves_nothing_in_the_index() {
    let mut subscribers = Subscribers::default();
    let one = follow(&mut subscribers, 1, TypeUrl::Cluster, "a");
    let two = follow(&mut subscribers, 2, TypeUrl::Cluster, "a");
    let three = follow(&mut subscribers, 3, TypeUrl::Cluster, "*");
    assert_eq!(subscribers.len(), 2);
    subscribers.forget(1, one.interests());
    subscribers.forget(3, three.interests());
    subscribers.forget(2, two.interests());
    assert!(subscribers.is_empty());
}

/// An aggregated stream, and the progress of it.
struct Watched {
    cache: Cache,
    stream: Stream<Delta>,
    progress: Progress<u8>,
}

impl Watched {
    fn new() -> Watched {
        let (cache, stream) = (Cache::default(), Stream::aggregated());
        Watched { cache, stream, progress: Progress::default() }
    }

    fn view<R>(&mut self, call: impl FnOnce(&mut Stream<Delta>, View<'_>) -> R) -> R {
        let snapshot = self.cache.snapshot(Dialect::Aggregated).expect("always").clone();
        let refusals = Refusals::default();
        let view = View { snapshot: &snapshot, refusals: &refusals, now: at(0) };
        let result = call(&mut self.stream, view);
        let standing = self.stream.standing(view).expect("little is on its way");
        self.progress.reported(1, standing);
        result
    }

    fn ask(&mut self, short: &str, nonce: &str, error: Option<&str>) {
        let type_url = SHORT.iter().find(|(each, _)| *each == short).expect("a type").1;
        let request = DeltaDiscoveryRequest {
            type_url: type_url.as_str().to_owned(),
            response_nonce: nonce.to_owned(),
            error_detail: error
                .map(|text| contour_xds::wire::Status { code: 13, message: text.to_owned() }),
            ..Default::default()
        };
        self.view(|stream, view| stream.on_request(request, view).map(drop)).expect("served");
    }

    fn publish(&mut self, words: &str) -> u64 {
        let published = self.cache.publish(&all(words), at(0)).aggregated.expect("changed");
        self.progress.published(published.snapshot.epoch, [1]);
        published.snapshot.epoch
    }

    fn show(&mut self) {
        self.view(|stream, view| drop(stream.on_publish(view)));
    }
}

#[test]
fn an_epoch_is_accepted_when_every_stream_has_looked_and_acknowledged() {
    let mut watched = Watched::new();
    watched.ask("lds", "", None);
    watched.ask("lds", "1", None);
    let epoch = watched.publish("lds/a=1");
    assert!(!watched.progress.accepted(epoch), "not looked at");
    watched.show();
    assert!(!watched.progress.accepted(epoch), "not answered");
    watched.ask("lds", "2", None);
    assert!(watched.progress.accepted(epoch));
    assert_eq!(watched.progress.unsettled(), 0, "nothing in flight, nothing remembered");
}

#[test]
fn an_older_epoch_is_accepted_before_a_newer_one() {
    let mut watched = Watched::new();
    watched.ask("lds", "", None);
    watched.ask("lds", "1", None);
    let first = watched.publish("lds/a=1");
    watched.show();
    let second = watched.publish("lds/b=1");
    watched.show();
    watched.ask("lds", "2", None);
    assert!(watched.progress.accepted(first));
    assert!(!watched.progress.accepted(second));
}

#[test]
fn a_refused_version_is_lacking_until_another_is_accepted() {
    let mut watched = Watched::new();
    watched.ask("lds", "", None);
    watched.ask("lds", "1", None);
    watched.publish("lds/a=1");
    watched.show();
    watched.ask("lds", "2", None);
    let epoch = watched.publish("lds/a=2");
    watched.show();
    watched.ask("lds", "3", Some("no"));
    assert!(!watched.progress.accepted(epoch));
    let lacking: Vec<_> = watched.progress.lacking(TypeUrl::Listener, "a").collect();
    let good = crate::talk::resource("a", "1").version;
    assert_eq!(lacking.iter().map(|each| each.accepted).collect::<Vec<_>>(), [Some(good)]);
    watched.publish("lds/a=1");
    watched.show();
    watched.ask("lds", "4", None);
    assert!(watched.progress.accepted(epoch));
}

#[test]
fn a_stream_that_ended_counts_no_longer() {
    let mut watched = Watched::new();
    watched.ask("lds", "", None);
    let epoch = watched.publish("lds/a=1");
    assert!(!watched.progress.accepted(epoch));
    watched.progress.closed(&1);
    assert!(watched.progress.accepted(epoch));
}

#[test]
fn fetch_answers_names_and_all() {
    let mut cache = Cache::default();
    cache.publish(&all("eds/a=1 eds/b=1"), at(0));
    let snapshot = cache.snapshot(Dialect::Aggregated).expect("always");
    let bodies = |names: &[&str]| {
        let resource_names = names.iter().map(ToString::to_string).collect();
        let request = DiscoveryRequest { resource_names, ..Default::default() };
        let response = fetch(TypeUrl::LoadAssignment, &request, snapshot);
        response.resources.into_iter().map(|each| each.value).collect::<Vec<_>>()
    };
    assert_eq!(bodies(&[]), ["a=1", "b=1"]);
    assert_eq!(bodies(&["*"]), ["a=1", "b=1"]);
    assert_eq!(bodies(&["b"]), ["b=1"]);
    assert_eq!(bodies(&["c"]), ["\n\u{1}c"], "an assignment without endpoints");
}

#[test]
fn fetch_leaves_out_what_does_not_exist() {
    let request = DiscoveryRequest { resource_names: vec!["r".into()], ..Default::default() };
    let response = fetch(TypeUrl::RouteConfiguration, &request, &Snapshot::default());
    assert_eq!(response.resources, []);
}

#[test]
fn requests_of_unknown_types_end_the_stream() {
    use contour_xds::exchange::BadRequest;
    let (snapshot, refusals) = (Snapshot::default(), Refusals::default());
    let view = View { snapshot: &snapshot, refusals: &refusals, now: at(0) };
    let ask = |mut stream: delta::Stream, type_url: &str| {
        let request = DeltaDiscoveryRequest { type_url: type_url.to_owned(), ..Default::default() };
        stream.on_request(request, view).err()
    };
    assert_eq!(ask(Stream::aggregated(), ""), Some(BadRequest::NoType));
    assert_eq!(ask(Stream::typed(TypeUrl::Cluster), ""), None);
    assert_eq!(ask(Stream::aggregated(), "x"), Some(BadRequest::UnknownType("x".to_owned())));
}
