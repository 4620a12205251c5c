//! Which controller an object is for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Config;

/// The class that applies when neither an object nor the configuration names one.
const DEFAULT_CLASS: &str = "contour";

const ANNOTATION: &str = "projectcontour.io/ingress.class";
const LEGACY_ANNOTATION: &str = "kubernetes.io/ingress.class";

/// The ingress class that an object names; none if it names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class(Option<Arc<str>>);

impl Class {
    /// Source: the annotations `projectcontour.io/ingress.class`, else `kubernetes.io/ingress.class`, else
    /// `spec.ingressClassName`. Empty values name none; an empty annotation does not hide what comes after it.
    pub fn of(annotations: Option<&BTreeMap<String, String>>, field: Option<&str>) -> Class {
        let annotation = |key| annotations.and_then(|all| all.get(key)).map(String::as_str);
        [annotation(ANNOTATION), annotation(LEGACY_ANNOTATION), field]
            .into_iter()
            .flatten()
            .find(|class| !class.is_empty())
            .map_or(Class(None), |class| Class(Some(class.into())))
    }

    /// Whether an object of this class is ours. With configured classes, only those; without, `contour` and none.
    pub fn is_ours(&self, config: &Config) -> bool {
        match (config.ingress_classes.as_slice(), self.0.as_deref()) {
            ([], None) => true,
            ([], Some(class)) => class == DEFAULT_CLASS,
            (_, None) => false,
            (ours, Some(class)) => ours.iter().any(|each| each == class),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(annotations: &[(&str, &str)], field: Option<&str>, configured: &[&str], expect: bool) {
        let annotations =
            annotations.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let ingress_classes = configured.iter().map(|&class| class.to_owned()).collect();
        let config = Config { ingress_classes, ..Config::default() };
        assert_eq!(Class::of(Some(&annotations), field).is_ours(&config), expect);
    }

    #[test]
    fn without_configuration_no_class_and_contour_are_ours() {
        check(&[], None, &[], true);
        check(&[], Some("contour"), &[], true);
        check(&[], Some("nginx"), &[], false);
    }

    #[test]
    fn configured_classes_alone_are_ours() {
        check(&[], None, &["internal"], false);
        check(&[], Some("contour"), &["internal"], false);
        check(&[], Some("internal"), &["public", "internal"], true);
    }

    #[test]
    fn an_annotation_beats_the_field() {
        check(&[(LEGACY_ANNOTATION, "nginx")], Some("contour"), &[], false);
        check(&[(ANNOTATION, "contour")], Some("nginx"), &[], true);
    }

    #[test]
    fn our_annotation_beats_the_legacy_one() {
        check(&[(ANNOTATION, "contour"), (LEGACY_ANNOTATION, "nginx")], None, &[], true);
    }

    #[test]
    fn an_empty_annotation_hides_nothing() {
        check(&[(ANNOTATION, ""), (LEGACY_ANNOTATION, "nginx")], None, &[], false);
    }
}
