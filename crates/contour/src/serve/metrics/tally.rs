//! How many objects are in which condition, counted from what changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contour_builder::{Conditions, Kind, ObjectName, ObjectRef, Verdict, status};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{MetricFamily, MetricType};

use super::family::{desc, family, gauge};

/// How many HTTPProxies and Ingresses are in which condition. Costs what changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// What was true last of each object that is counted.
    known: BTreeMap<ObjectRef, Arc<Conditions>>,
    /// HTTPProxies by namespace.
    proxies: Counts<(Arc<str>,)>,
    /// HTTPProxies with a virtual host, by namespace.
    roots: Counts<(Arc<str>,)>,
    /// By namespace.
    orphaned: Counts<(Arc<str>,)>,
    /// By namespace and virtual host, which is empty for a child.
    valid: Counts<(Arc<str>, Arc<str>)>,
    /// By namespace and virtual host.
    invalid: Counts<(Arc<str>, Arc<str>)>,
    /// Problems of Ingresses by namespace and reason.
    problems: Counts<(Arc<str>, Arc<str>)>,
}

/// How often each key was counted; what is zero is not there.
#[derive(Debug, PartialEq, Eq)]
struct Counts<K>(BTreeMap<K, usize>);

impl<K> Default for Counts<K> {
    fn default() -> Counts<K> {
        Counts(BTreeMap::new())
    }
}

/// Whether something is counted or no longer.
#[derive(Clone, Copy)]
enum Step {
    In,
    Out,
}

impl<K: Ord> Counts<K> {
    fn count(&mut self, key: K, step: Step) {
        match (step, self.0.get_mut(&key)) {
            (Step::In, Some(count)) => *count += 1,
            (Step::In, None) => drop(self.0.insert(key, 1)),
            (Step::Out, Some(count)) if *count > 1 => *count -= 1,
            (Step::Out, _) => drop(self.0.remove(&key)),
        }
    }
}

impl Tally {
    /// Takes in what changed.
    pub(super) fn apply(&mut self, delta: &status::Delta) {
        for (object, now) in delta {
            let before = match now {
                Some(now) => self.known.insert(object.clone(), Arc::clone(now)),
                None => self.known.remove(object),
            };
            if let Some(before) = before {
                self.count(object, &before, Step::Out);
            }
            if let Some(now) = now {
                self.count(object, now, Step::In);
            }
        }
    }

    fn count(&mut self, object: &ObjectRef, conditions: &Conditions, step: Step) {
        match object.kind {
            Kind::HttpProxy => self.count_proxy(&object.name, conditions, step),
            Kind::Ingress => {
                for problem in &conditions.errors {
                    let (_, reason) = problem.reason.words();
                    let key = (Arc::clone(&object.name.namespace), reason.into());
                    self.problems.count(key, step);
                }
            }
            _ => {}
        }
    }

    fn count_proxy(&mut self, name: &ObjectName, conditions: &Conditions, step: Step) {
        let namespace = || Arc::clone(&name.namespace);
        let host: Option<Arc<str>> = conditions.hosts.first().map(|host| host.as_str().into());
        self.proxies.count((namespace(),), step);
        if host.is_some() {
            self.roots.count((namespace(),), step);
        }
        let host = host.unwrap_or_default();
        match conditions.verdict() {
            Verdict::Valid => self.valid.count((namespace(), host), step),
            Verdict::Invalid => self.invalid.count((namespace(), host), step),
            Verdict::Orphaned => self.orphaned.count((namespace(),), step),
        }
    }
}

/// Whether this replica writes statuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It does, and tells in what condition HTTPProxies are.
    Leader,
    /// Another one does, and tells.
    #[default]
    Follower,
}

/// The tally as metrics. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Tallied {
    state: Arc<Mutex<(Tally, Role)>>,
    descs: Arc<Descs>,
}

#[derive(Debug)]
struct Descs {
    proxies: Desc,
    roots: Desc,
    orphaned: Desc,
    valid: Desc,
    invalid: Desc,
    problems: Desc,
}

impl Tallied {
    pub(super) fn new() -> Tallied {
        let by_namespace = |name, help| desc(name, help, &["namespace"]);
        let by_host = |name, help| desc(name, help, &["namespace", "vhost"]);
        let descs = Descs {
            proxies: by_namespace("contour_httpproxy", "HTTPProxies, whatever their status."),
            roots: by_namespace("contour_httpproxy_root", "HTTPProxies with a virtual host."),
            orphaned: by_namespace(
                "contour_httpproxy_orphaned",
                "HTTPProxies that no root leads to.",
            ),
            valid: by_host("contour_httpproxy_valid", "HTTPProxies that are served as written."),
            invalid: by_host("contour_httpproxy_invalid", "HTTPProxies with errors."),
            problems: desc(
                "contour_ingress_problems",
                "What is wrong with Ingresses, by the reason.",
                &["namespace", "reason"],
            ),
        };
        Tallied { state: Arc::default(), descs: Arc::new(descs) }
    }

    pub(super) fn apply(&self, delta: &status::Delta) {
        self.state().0.apply(delta);
    }

    pub(super) fn set_role(&self, role: Role) {
        self.state().1 = role;
    }

    fn state(&self) -> MutexGuard<'_, (Tally, Role)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Tallied {
    fn desc(&self) -> Vec<&Desc> {
        let Descs { proxies, roots, orphaned, valid, invalid, problems } = &*self.descs;
        vec![proxies, roots, orphaned, valid, invalid, problems]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let state = self.state();
        let (tally, role) = &*state;
        let by_namespace = |desc: &Desc, counts: &Counts<(Arc<str>,)>| {
            let counts = counts.0.iter();
            let series = counts.map(|((namespace,), count)| gauge(desc, &[namespace], *count));
            family(desc, MetricType::GAUGE, series.collect())
        };
        let by_two = |desc: &Desc, counts: &Counts<(Arc<str>, Arc<str>)>| {
            let counts = counts.0.iter();
            let series = counts.map(|((one, two), count)| gauge(desc, &[one, two], *count));
            family(desc, MetricType::GAUGE, series.collect())
        };
        let descs = &*self.descs;
        let mut families = vec![by_two(&descs.problems, &tally.problems)];
        if *role == Role::Leader {
            families.push(by_namespace(&descs.proxies, &tally.proxies));
            families.push(by_namespace(&descs.roots, &tally.roots));
            families.push(by_namespace(&descs.orphaned, &tally.orphaned));
            families.push(by_two(&descs.valid, &tally.valid));
            families.push(by_two(&descs.invalid, &tally.invalid));
        }
        families
    }
}

#[cfg(test)]
mod tests {
    use contour_builder::{Problem, Reason};
    use contour_dag::Domain;

    use super::*;

    fn change(name: &str, host: &str, reasons: &[Reason]) -> (ObjectRef, Option<Arc<Conditions>>) {
        let errors = reasons.iter().map(|&reason| Problem::new(reason, "text")).collect();
        let hosts = Domain::new(host).into_iter().collect();
        let conditions = Conditions { hosts, errors, ..Conditions::default() };
        (proxy(name), Some(Arc::new(conditions)))
    }

    fn proxy(name: &str) -> ObjectRef {
        ObjectRef { kind: Kind::HttpProxy, name: ObjectName::new("shop", name) }
    }

    fn tally(delta: &[(ObjectRef, Option<Arc<Conditions>>)]) -> Tally {
        let mut tally = Tally::default();
        tally.apply(&delta.to_vec());
        tally
    }

    fn counts(counts: &Counts<(Arc<str>,)>) -> Vec<usize> {
        counts.0.values().copied().collect()
    }

    #[test]
    fn roots_of_a_namespace_are_added_up() {
        let tally = tally(&[change("a", "a.example", &[]), change("b", "b.example", &[])]);
        assert_eq!((counts(&tally.proxies), counts(&tally.roots)), (vec![2], vec![2]));
        let hosts: Vec<&str> = tally.valid.0.keys().map(|(_, host)| &**host).collect();
        assert_eq!(hosts, ["a.example", "b.example"]);
    }

    #[test]
    fn a_valid_child_has_an_empty_host_and_an_orphan_none() {
        let tally = tally(&[change("a", "", &[]), change("b", "", &[Reason::Orphaned])]);
        assert_eq!(tally.valid.0.keys().map(|(_, host)| &**host).collect::<Vec<_>>(), [""]);
        assert_eq!((counts(&tally.orphaned), counts(&tally.roots)), (vec![1], vec![]));
    }

    #[test]
    fn what_was_mended_is_counted_elsewhere() {
        let mut tally = tally(&[change("a", "a.example", &[Reason::NothingDefined])]);
        assert_eq!((tally.invalid.0.len(), tally.valid.0.len()), (1, 0));
        tally.apply(&vec![change("a", "a.example", &[])]);
        assert_eq!((tally.invalid.0.len(), tally.valid.0.len()), (0, 1));
    }

    #[test]
    fn what_is_gone_leaves_no_series_behind() {
        let mut tally = tally(&[change("a", "a.example", &[]), change("b", "a.example", &[])]);
        tally.apply(&vec![(proxy("a"), None), (proxy("b"), None), (proxy("c"), None)]);
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn problems_of_ingresses_are_counted_by_reason() {
        let (mut object, conditions) =
            change("a", "a.example", &[Reason::ServiceUnresolved, Reason::NotImplemented]);
        object.kind = Kind::Ingress;
        let tally = tally(&[(object, conditions)]);
        let reasons: Vec<&str> = tally.problems.0.keys().map(|(_, reason)| &**reason).collect();
        assert_eq!(reasons, ["NotImplemented", "ServiceUnresolvedReference"]);
        assert!(tally.proxies.0.is_empty());
    }
}
