//! Cases: manifests in, resources and conditions out.
//!
//! `NAME.yaml` holds plain manifests, the smallest that show something, with a comment on top that says why. A line
//! `# --- step: TITLE` begins a further step, whose documents are added to, or replace, those before; a line
//! `# delete: KIND NAMESPACE/NAME` takes one away. A line `# --- config` begins the configuration file that holds from this
//! step on; it ends with the document. Its comments that begin with `# flags: ` are flags beside it. `NAME.out.yaml` holds what each step comes to.
//!
//! Every case is run in several ways that have to agree (I-5, I-6): all objects at once; one by one in shuffled orders;
//! each applied twice, with unrelated objects added and removed in between; and, of several steps, the objects that are
//! left alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use contour::config;
use contour::serve::start::Config;
use contour_builder::{Change, ObjectRef};
use contour_k8s::source::directory::{Directory, Scan};
use contour_xds::resource::Dialect;
use serde::Deserialize;
use serde_json::Value;

use crate::render;
use crate::world::{Resources, Work, World};

/// How many shuffled orders are tried.
const ORDERS: u64 = 3;

/// One step of a case.
#[derive(Clone, Debug)]
pub struct Step {
    /// What happens in it; empty for the first.
    pub title: String,
    /// The configuration that holds from here on, if it is another than before.
    pub config: Option<Config>,
    /// What changes, as the directory source tells it.
    pub changes: Vec<Change>,
    /// What the directory source found wrong.
    pub findings: Vec<String>,
}

/// Every case below `root`, by name.
pub fn all(root: &Path) -> Vec<(String, PathBuf)> {
    let mut cases = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).expect("the directory of cases").flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name =
                path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
            let is_output = name.ends_with(".out.yaml");
            if let Some(stem) = name.strip_suffix(".yaml").filter(|_| !is_output) {
                cases.push((stem.to_owned(), path));
            }
        }
    }
    cases.sort();
    cases
}

/// Reads a case: writes the objects of each step into a directory, and lets the directory source say what changed.
pub fn read(path: &Path) -> Vec<Step> {
    let text = std::fs::read_to_string(path).expect("a case");
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let mut directory = Directory::open(scratch.path()).expect("an empty directory");
    let mut files = BTreeMap::new();
    let mut steps = Vec::new();
    for (title, text) in split_steps(&text) {
        let (config, text) = take_config(&text);
        let config = config.map(|text| configuration(path, text));
        edit_files(&mut files, &text);
        write_files(scratch.path(), &files);
        let Scan { changes, report } = directory.scan();
        let findings = report.findings.iter().map(ToString::to_string).collect();
        steps.push(Step { title, config, changes, findings });
    }
    steps
}

/// The configuration file that a step has, and the rest of the step.
fn take_config(step: &str) -> (Option<&str>, String) {
    const MARK: &str = "# --- config\n";
    let Some((before, config)) = step.split_once(MARK) else { return (None, step.to_owned()) };
    let (config, after) = config.split_once("\n---\n").unwrap_or((config, ""));
    (Some(config), format!("{before}\n---\n{after}"))
}

fn configuration(case: &Path, text: &str) -> Config {
    let settings = config::file::parse(&case.display().to_string(), text);
    let settings = settings.unwrap_or_else(|problems| panic!("{problems}"));
    let flags = text.lines().filter_map(|line| line.strip_prefix("# flags: "));
    let flags = contour::cli::settings(flags.flat_map(str::split_whitespace));
    let (flags, nowhere) =
        (flags.unwrap_or_else(|error| panic!("{error}")), config::Environment::default());
    let resolved = config::resolve(&flags, config::Base::File(&settings), &nowhere);
    let resolved = resolved.unwrap_or_else(|problems| panic!("{problems}"));
    Config { builder: resolved.builder, envoy: resolved.envoy }
}

fn split_steps(text: &str) -> Vec<(String, String)> {
    let mut steps = vec![(String::new(), String::new())];
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("# --- step") {
            let title = title.trim_start_matches(':').trim().to_owned();
            steps.push((title, String::new()));
        } else {
            let (_, step) = steps.last_mut().expect("at least one step");
            step.push_str(line);
            step.push('\n');
        }
    }
    steps
}

/// Puts each document of a step into a file of its own, named after the object, and takes away what the step deletes.
fn edit_files(files: &mut BTreeMap<String, String>, text: &str) {
    for line in text.lines() {
        if let Some(deleted) = line.strip_prefix("# delete: ") {
            let name = file_name(&deleted.replace('/', " "));
            files.remove(&name).unwrap_or_else(|| panic!("{deleted} is there to be deleted"));
        }
    }
    for document in text.split("\n---\n") {
        let value: serde_yaml_ng::Value =
            serde_yaml_ng::from_str(document).expect("a document of a case is YAML");
        let Some(kind) = value["kind"].as_str() else { continue };
        let meta = &value["metadata"];
        let namespace = meta["namespace"].as_str().unwrap_or("default");
        let name = meta["name"].as_str().expect("a name");
        files.insert(file_name(&format!("{kind} {namespace} {name}")), document.to_owned());
    }
}

fn file_name(object: &str) -> String {
    format!("{}.yaml", object.split_whitespace().collect::<Vec<_>>().join("."))
}

fn write_files(directory: &Path, files: &BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).expect("the directory").flatten() {
        if !files.contains_key(&*entry.file_name().to_string_lossy()) {
            std::fs::remove_file(entry.path()).expect("a file to remove");
        }
    }
    for (name, text) in files {
        std::fs::write(directory.join(name), text).expect("a file to write");
    }
}

/// Runs a case in every way.
///
/// # Errors
/// What does not agree: two ways, or the two dialects.
pub fn run(steps: &[Step], usual: &Resources) -> Result<String, String> {
    let mut at_once = World::default();
    let mut shown = String::new();
    let mut earlier: Vec<Change> = Vec::new();
    let mut config = Config::default();
    for (at, step) in steps.iter().enumerate() {
        if let Some(next) = &step.config {
            config = next.clone();
        }
        let work = match &step.config {
            Some(config) => at_once.apply_with(config, step.changes.clone()),
            None => at_once.apply(step.changes.clone()),
        };
        if !work.faults.is_empty() {
            return Err(format!("step {at}: {:?}", work.faults));
        }
        check_dialects(&at_once).map_err(|error| format!("step {at}: {error}"))?;
        for order in 0..ORDERS {
            let world = one_by_one(&config, &earlier, &step.changes, order);
            agree(&at_once, &world)
                .map_err(|error| format!("step {at}, order {order}: {error}"))?;
        }
        let world = with_noise(&config, &earlier, &step.changes);
        agree(&at_once, &world).map_err(|error| format!("step {at}, with noise: {error}"))?;
        earlier.extend(step.changes.iter().cloned());
        let world = from_scratch(&config, &earlier);
        agree(&at_once, &world).map_err(|error| format!("step {at}, from scratch: {error}"))?;
        shown.push_str(&show(step, &work, &at_once, usual));
    }
    Ok(shown)
}

fn show(step: &Step, work: &Work, world: &World, usual: &Resources) -> String {
    let mut value = render::step(&step.title, work, world, usual);
    if !step.findings.is_empty() {
        let findings = step.findings.iter().map(|each| Value::from(each.as_str())).collect();
        value["findings"] = Value::Array(findings);
    }
    format!("---\n{}", render::yaml(&value))
}

/// Nothing but the objects that are left in the end.
fn from_scratch(config: &Config, changes: &[Change]) -> World {
    let mut left: BTreeMap<ObjectRef, Vec<Change>> = BTreeMap::new();
    for change in changes {
        match change {
            Change::Apply(object) => {
                left.insert(object.reference(), vec![change.clone()]);
            }
            // On top of the last good form, if there is one.
            Change::Unreadable(reference, ..) => {
                left.entry(reference.clone()).or_default().push(change.clone());
            }
            Change::Delete(reference) => {
                left.remove(reference);
            }
            Change::Config(_) => {}
        }
    }
    let mut world = World::default();
    world.apply_with(config, left.into_values().flatten().collect());
    world
}

/// What earlier steps did, at once, then one change after the other in an order of its own, and last the configuration.
fn one_by_one(config: &Config, earlier: &[Change], changes: &[Change], order: u64) -> World {
    let mut world = World::default();
    world.apply(earlier.to_vec());
    let mut changes = changes.to_vec();
    shuffle(&mut changes, order);
    for change in changes {
        world.apply(vec![change]);
    }
    world.apply_with(config, Vec::new());
    world
}

/// Each change twice, with an unrelated host appearing and going in between.
fn with_noise(config: &Config, earlier: &[Change], changes: &[Change]) -> World {
    let mut world = World::default();
    let (noise, silence) = noise();
    world.apply_with(config, earlier.to_vec());
    for change in changes {
        world.apply(vec![change.clone()]);
        world.apply(noise.clone());
        world.apply(vec![change.clone()]);
        world.apply(silence.clone());
    }
    world
}

/// Objects that no case has, and their removal.
fn noise() -> (Vec<Change>, Vec<Change>) {
    const NOISE: &str = "
kind: HTTPProxy
metadata: {name: noise, namespace: noise}
spec: {virtualhost: {fqdn: noise.invalid}, routes: [{services: [{name: noise, port: 1}]}]}
---
kind: Service
metadata: {name: noise, namespace: noise}
spec: {ports: [{port: 1}]}
";
    let objects: Vec<_> = serde_yaml_ng::Deserializer::from_str(NOISE)
        .map(|document| {
            let value = serde_yaml_ng::Value::deserialize(document).expect("YAML");
            if value["kind"] == "Service" {
                let service = serde_yaml_ng::from_value(value).expect("a Service");
                contour_builder::Object::Service(service)
            } else {
                let proxy = serde_yaml_ng::from_value(value).expect("an HTTPProxy");
                contour_builder::Object::HttpProxy(proxy)
            }
        })
        .collect();
    let removals = objects.iter().map(|object| Change::Delete(object.reference())).collect();
    (objects.into_iter().map(Change::Apply).collect(), removals)
}

/// Fisher and Yates, with a generator that gives the same order for the same seed on every machine.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let other = usize::try_from(state % (last as u64 + 1)).expect("an index");
        items.swap(last, other);
    }
}

/// Whether two worlds serve the same bytes and say the same of every object.
fn agree(expect: &World, found: &World) -> Result<(), String> {
    for dialect in Dialect::ALL {
        let (expect, found) = (expect.resources(dialect), found.resources(dialect));
        let names: Vec<_> = expect.keys().chain(found.keys()).collect();
        if let Some((type_url, name)) =
            names.into_iter().find(|key| expect.get(key) != found.get(key))
        {
            return Err(format!("{dialect:?}: {type_url} {name} differs"));
        }
    }
    if expect.graph() != found.graph() {
        return Err(format!("graphs differ: {:#?}\nand {:#?}", expect.graph(), found.graph()));
    }
    if expect.conditions() != found.conditions() {
        let expect = format!("{:#?}", expect.conditions());
        return Err(format!("conditions differ: {expect}\nand {:#?}", found.conditions()));
    }
    Ok(())
}

/// Whether both dialects serve the same but for where things are fetched from, and whether everything that is referred to
/// is there (I-15).
fn check_dialects(world: &World) -> Result<(), String> {
    let [aggregated, separate] = Dialect::ALL.map(|dialect| world.resources(dialect));
    if render::without_config_sources(aggregated) != render::without_config_sources(separate) {
        return Err("the dialects differ in more than config sources".to_owned());
    }
    for ((type_url, name), resource) in aggregated {
        for reference in resource.references() {
            if !aggregated.contains_key(&(reference.type_url, reference.name.clone())) {
                return Err(format!("{type_url} {name} refers to {reference:?}, which is missing"));
            }
        }
    }
    Ok(())
}
