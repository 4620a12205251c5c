//! What stands in the status of an object, from what is true of it.
//!
//! Pure: what is there already and what time it is are arguments. Each function answers `None` if the object says all of it
//! already, whatever the times of its conditions, so that at rest nothing is written (I-20).

use std::net::IpAddr;

use contour_api::conditions::{ConditionStatus, DetailedCondition, SubCondition};
use contour_api::core::{LoadBalancerIngress, LoadBalancerStatus, PortStatus};
use contour_api::meta::Time;
use contour_api::networking::{
    IngressLoadBalancerIngress, IngressLoadBalancerStatus, IngressPortStatus, IngressStatus,
};
use contour_api::v1::HTTPProxyStatus;

use super::{Conditions, Problem, Verdict};

/// The type of the one condition of an HTTPProxy that is ours. Others are somebody else's.
const VALID: &str = "Valid";

/// The longest text of an error, in bytes: a little less than the schema allows.
const LONGEST_MESSAGE: usize = 32_760;

/// Where Envoy can be reached: what stands in `status.loadBalancer`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Addresses(Vec<LoadBalancerIngress>);

impl Addresses {
    /// Reads a list of IP addresses and host names, separated by commas.
    ///
    /// Source: `--ingress-status-address`.
    pub fn parse(text: &str) -> Addresses {
        let one = |text: &str| match text.parse::<IpAddr>() {
            Ok(_) => LoadBalancerIngress { ip: Some(text.to_owned()), ..Default::default() },
            Err(_) => LoadBalancerIngress { hostname: Some(text.to_owned()), ..Default::default() },
        };
        Addresses(text.split(',').map(str::trim).filter(|each| !each.is_empty()).map(one).collect())
    }

    /// What a load balancer says of a Service.
    pub fn of_service(status: &LoadBalancerStatus) -> Addresses {
        Addresses(status.ingress.clone().unwrap_or_default())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of_proxy(&self) -> Option<LoadBalancerStatus> {
        (!self.is_empty()).then(|| LoadBalancerStatus { ingress: Some(self.0.clone()) })
    }

    fn of_ingress(&self) -> Option<IngressLoadBalancerStatus> {
        let port = |port: &PortStatus| IngressPortStatus {
            error: port.error.clone(),
            port: port.port,
            protocol: port.protocol.clone(),
        };
        let one = |each: &LoadBalancerIngress| IngressLoadBalancerIngress {
            hostname: each.hostname.clone(),
            ip: each.ip.clone(),
            ports: each.ports.as_ref().map(|ports| ports.iter().map(port).collect()),
        };
        let ingress = self.0.iter().map(one).collect();
        (!self.is_empty()).then_some(IngressLoadBalancerStatus { ingress: Some(ingress) })
    }
}

/// The status of an HTTPProxy of which this is `observed`. `addresses`: `None` leaves those that are there.
pub fn http_proxy(
    conditions: &Conditions,
    addresses: Option<&Addresses>,
    observed: &HTTPProxyStatus,
    now: &Time,
) -> Option<HTTPProxyStatus> {
    let mut status = observed.clone();
    let place = status.conditions.iter().position(|each| each.type_ == VALID);
    let before = place.map(|at| &status.conditions[at]);
    let valid = valid(conditions, before, now);
    status.current_status = Some(conditions.verdict().as_str().to_owned());
    status.description = Some(description(conditions));
    match place {
        Some(at) => status.conditions[at] = valid,
        None => status.conditions.push(valid),
    }
    if let Some(addresses) = addresses {
        status.load_balancer = addresses.of_proxy();
    }
    // An object that has no address may say so in two ways.
    let says = |status: &HTTPProxyStatus| {
        let balancer = status.load_balancer.clone();
        balancer.filter(|each| each.ingress.as_ref().is_some_and(|each| !each.is_empty()))
    };
    let same = status.current_status == observed.current_status
        && status.description == observed.description
        && status.conditions == observed.conditions
        && says(&status) == says(observed);
    (!same).then_some(status)
}

/// The status of an Ingress of which this is `observed`: it has addresses and nothing else. `None` leaves those that are
/// there.
pub fn ingress(addresses: Option<&Addresses>, observed: &IngressStatus) -> Option<IngressStatus> {
    let load_balancer = addresses?.of_ingress();
    let says = |status: Option<&IngressLoadBalancerStatus>| {
        let entries = status.and_then(|each| each.ingress.clone()).unwrap_or_default();
        let without_ports = |mut entry: IngressLoadBalancerIngress| {
            entry.ports = entry.ports.filter(|ports| !ports.is_empty());
            entry
        };
        entries.into_iter().map(without_ports).collect::<Vec<_>>()
    };
    let same = says(load_balancer.as_ref()) == says(observed.load_balancer.as_ref());
    (!same).then_some(IngressStatus { load_balancer })
}

/// The condition `Valid`. If it says what it said `before`, it is since then.
fn valid(
    conditions: &Conditions,
    before: Option<&DetailedCondition>,
    now: &Time,
) -> DetailedCondition {
    let status = match conditions.verdict() {
        Verdict::Valid => ConditionStatus::True,
        Verdict::Invalid | Verdict::Orphaned => ConditionStatus::False,
    };
    let since = before.filter(|before| before.status == status);
    DetailedCondition {
        errors: conditions.errors.iter().map(sub_condition).collect(),
        last_transition_time: since.map_or(now, |before| &before.last_transition_time).clone(),
        message: conditions.message().to_owned(),
        observed_generation: Some(conditions.revision.generation),
        reason: conditions.reason().to_owned(),
        status,
        type_: VALID.to_owned(),
        warnings: conditions.warnings.iter().map(sub_condition).collect(),
    }
}

fn sub_condition(problem: &Problem) -> SubCondition {
    let (kind, reason) = problem.reason.words();
    SubCondition {
        message: shortened(&problem.message).to_owned(),
        reason: reason.to_owned(),
        status: ConditionStatus::True,
        type_: kind.as_str().to_owned(),
    }
}

fn description(conditions: &Conditions) -> String {
    shortened(conditions.description()).to_owned()
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_MESSAGE)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Revision;
    use crate::status::Reason;

    fn time(second: i64) -> Time {
        serde_json::from_value(format!("2026-01-01T00:00:{second:02}Z").into()).expect("a time")
    }

    fn of(generation: i64, problems: &[(Reason, &str)]) -> Conditions {
        let errors = problems.iter().map(|(reason, text)| Problem::new(*reason, *text)).collect();
        let revision = Revision { generation, uid: 0 };
        Conditions { revision, errors, ..Conditions::default() }
    }

    /// The status after these conditions were true one after the other, each a second later.
    fn after(steps: &[Conditions]) -> HTTPProxyStatus {
        let mut status = HTTPProxyStatus::default();
        for (second, conditions) in (0..).zip(steps) {
            let rendered = http_proxy(conditions, None, &status, &time(second));
            status = rendered.unwrap_or(status);
        }
        status
    }

    fn only(status: &HTTPProxyStatus) -> &DetailedCondition {
        let [condition] = status.conditions.as_slice() else { panic!("{status:?}") };
        condition
    }

    #[test]
    fn a_valid_proxy_says_so() {
        let status = after(&[of(3, &[])]);
        assert_eq!(status.current_status.as_deref(), Some("valid"));
        assert_eq!(status.description.as_deref(), Some("Valid HTTPProxy"));
        let expect = DetailedCondition {
            errors: vec![],
            last_transition_time: time(0),
            message: "Valid HTTPProxy".to_owned(),
            observed_generation: Some(3),
            reason: "Valid".to_owned(),
            status: ConditionStatus::True,
            type_: "Valid".to_owned(),
            warnings: vec![],
        };
        assert_eq!(only(&status), &expect);
    }

    #[test]
    fn errors_stand_in_their_order() {
        let errors = [(Reason::ServiceUnresolved, "one"), (Reason::IncludeNotFound, "two")];
        let status = after(&[of(1, &errors)]);
        assert_eq!(status.current_status.as_deref(), Some("invalid"));
        let condition = only(&status);
        assert_eq!(
            (condition.status, &*condition.reason),
            (ConditionStatus::False, "ErrorPresent")
        );
        let found: Vec<_> = condition
            .errors
            .iter()
            .map(|each| (&*each.type_, &*each.reason, &*each.message, each.status))
            .collect();
        let expect = [
            ("ServiceError", "ServiceUnresolvedReference", "one", ConditionStatus::True),
            ("IncludeError", "IncludeNotFound", "two", ConditionStatus::True),
        ];
        assert_eq!(found, expect);
    }

    #[test]
    fn an_orphan_is_described_by_its_error() {
        let status = after(&[of(1, &[(Reason::Orphaned, "nobody includes it")])]);
        assert_eq!(status.current_status.as_deref(), Some("orphaned"));
        assert_eq!(status.description.as_deref(), Some("nobody includes it"));
    }

    #[test]
    fn what_is_said_already_is_not_said_again() {
        let status = after(&[of(1, &[])]);
        assert_eq!(http_proxy(&of(1, &[]), None, &status, &time(9)), None);
        assert_eq!(http_proxy(&of(1, &[]), Some(&Addresses::default()), &status, &time(9)), None);
    }

    #[test]
    fn a_new_generation_is_no_transition() {
        let status = after(&[of(1, &[]), of(2, &[])]);
        assert_eq!(only(&status).observed_generation, Some(2));
        assert_eq!(only(&status).last_transition_time, time(0));
        let status = after(&[of(1, &[]), of(2, &[(Reason::NothingDefined, "empty")])]);
        assert_eq!(only(&status).last_transition_time, time(1));
    }

    #[test]
    fn what_others_say_stays() {
        let mut status = after(&[of(1, &[])]);
        let theirs = DetailedCondition { type_: "Theirs".to_owned(), ..only(&status).clone() };
        status.conditions.insert(0, theirs.clone());
        let rendered = http_proxy(&of(2, &[]), None, &status, &time(9)).expect("it changes");
        let types: Vec<_> = rendered.conditions.iter().map(|each| &*each.type_).collect();
        assert_eq!(types, ["Theirs", "Valid"]);
        assert_eq!(rendered.conditions[0], theirs);
    }

    #[test]
    fn a_message_fits_the_schema() {
        let status = after(&[of(1, &[(Reason::Orphaned, &"ü".repeat(20_000))])]);
        let message = &only(&status).errors[0].message;
        assert_eq!(message.len(), LONGEST_MESSAGE);
        assert_eq!(status.description.as_ref(), Some(message));
    }

    #[track_caller]
    fn check_addresses(text: &str, expect: &[(&str, &str)]) {
        let addresses = Addresses::parse(text);
        let status =
            http_proxy(&of(1, &[]), Some(&addresses), &HTTPProxyStatus::default(), &time(0));
        let balancer = status.expect("it changes").load_balancer;
        let found: Vec<_> = balancer
            .iter()
            .flat_map(|each| each.ingress.iter().flatten())
            .map(|each| (each.ip.as_deref().unwrap_or(""), each.hostname.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn addresses_are_numbers_or_names() {
        check_addresses("192.0.2.1", &[("192.0.2.1", "")]);
        check_addresses(
            " 2001:db8::1 , lb.example.com,,",
            &[("2001:db8::1", ""), ("", "lb.example.com")],
        );
        check_addresses("", &[]);
    }

    #[test]
    fn addresses_that_are_gone_are_taken_back() {
        let some = Addresses::parse("192.0.2.1");
        let status = http_proxy(&of(1, &[]), Some(&some), &HTTPProxyStatus::default(), &time(0));
        let status = status.expect("it changes");
        assert_eq!(http_proxy(&of(1, &[]), None, &status, &time(1)), None);
        let status = http_proxy(&of(1, &[]), Some(&Addresses::default()), &status, &time(1));
        assert_eq!(status.expect("it changes").load_balancer, None);
    }

    #[test]
    fn an_ingress_has_addresses_and_nothing_else() {
        let some = Addresses::parse("192.0.2.1");
        let status = ingress(Some(&some), &IngressStatus::default()).expect("it changes");
        assert_eq!(ingress(Some(&some), &status), None);
        assert_eq!(ingress(None, &status), None);
        let gone = ingress(Some(&Addresses::default()), &status).expect("it changes");
        assert_eq!(ingress(Some(&Addresses::default()), &gone), None);
    }

    #[test]
    fn ports_of_an_address_are_kept_and_none_is_the_same_as_an_empty_list() {
        let with_ports = |ports: Option<Vec<PortStatus>>| {
            let entry = LoadBalancerIngress {
                ip: Some("192.0.2.1".to_owned()),
                ports,
                ..LoadBalancerIngress::default()
            };
            Addresses::of_service(&LoadBalancerStatus { ingress: Some(vec![entry]) })
        };
        let port = PortStatus { error: None, port: 80, protocol: "TCP".to_owned() };
        let some = with_ports(Some(vec![port]));
        let status = ingress(Some(&some), &IngressStatus::default()).expect("it changes");
        assert_eq!(ingress(Some(&some), &status), None);
        let none = ingress(Some(&with_ports(None)), &status).expect("it changes");
        assert_eq!(ingress(Some(&with_ports(Some(vec![]))), &none), None);
    }
}
