//! The flags of `contour serve`, made from the table of settings.

use std::collections::BTreeMap;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::Settings;
use crate::config::given;
use crate::config::key::{Flag, Key, Kind, Literal};
use crate::config::keys;
use crate::config::settings::{Origin, Value};

/// What was given by flags that are settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Given(pub(super) Settings);

/// The settings that have flags, by flag.
fn flags() -> BTreeMap<&'static str, (Flag, Vec<&'static Key>)> {
    let mut flags: BTreeMap<_, (Flag, Vec<&Key>)> = BTreeMap::new();
    for key in keys::all() {
        if let Some(flag) = key.flag {
            flags.entry(flag.name).or_insert((flag, Vec::new())).1.push(key);
        }
    }
    flags
}

impl clap::Args for Given {
    fn augment_args(command: Command) -> Command {
        flags().values().fold(command, |command, (flag, keys)| {
            if matches!(keys[0].kind, Kind::Boolean) {
                command.arg(switch(*flag, keys)).arg(switched_off(*flag))
            } else {
                command.arg(valued(*flag, keys))
            }
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Given::augment_args(command)
    }
}

impl clap::FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Given, clap::Error> {
        let mut settings = Settings::default();
        for (name, (_, keys)) in flags() {
            let Some(value) = value(matches, name, keys[0].kind) else { continue };
            for key in keys {
                settings.set(key, value.clone(), Origin::Flag(name));
            }
        }
        Ok(Given(settings))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let Given(settings) = Given::from_arg_matches(matches)?;
        self.0.overlay(&settings);
        Ok(())
    }
}

/// What was given for a flag.
fn value(matches: &ArgMatches, name: &str, kind: Kind) -> Option<Value> {
    let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    match kind {
        Kind::Boolean if typed(name) => Some(Value::Boolean(true)),
        Kind::Boolean if typed(&opposite(name)) => Some(Value::Boolean(false)),
        Kind::Boolean => None,
        Kind::Words(_) => {
            let each = matches.get_many::<Value>(name)?;
            let texts = each.filter_map(|value| match value {
                Value::Texts(items) => Some(items.clone()),
                _ => None,
            });
            Some(Value::Texts(texts.flatten().collect()))
        }
        _ => matches.get_one::<Value>(name).cloned(),
    }
}

fn opposite(name: &str) -> String {
    format!("no-{name}")
}

fn switch(flag: Flag, keys: &[&Key]) -> Arg {
    named(flag, keys).action(ArgAction::SetTrue)
}

/// `--no-debug`: says no where a file says yes.
fn switched_off(flag: Flag) -> Arg {
    let name = opposite(flag.name);
    Arg::new(name.clone())
        .long(name)
        .action(ArgAction::SetTrue)
        .hide(true)
        .conflicts_with(flag.name)
}

fn valued(flag: Flag, keys: &[&'static Key]) -> Arg {
    let (key, name) = (keys[0], flag.name);
    let repeated = matches!(key.kind, Kind::Words(_));
    named(flag, keys)
        .value_name(flag.value)
        .action(if repeated { ArgAction::Append } else { ArgAction::Set })
        .value_parser(move |text: &str| given::value(key, &Origin::Flag(name), text))
}

fn named(flag: Flag, keys: &[&Key]) -> Arg {
    let arg = Arg::new(flag.name).long(flag.name).help(help(keys));
    match flag.short {
        Some(letter) => arg.short(letter),
        None => arg,
    }
}

/// What a flag is for, and what holds without it.
fn help(keys: &[&Key]) -> String {
    let abouts: Vec<&str> = keys.iter().map(|key| key.about).collect();
    let words = match keys[0].kind {
        Kind::Word(words) | Kind::Words(words) => Some(format!("[possible: {}]", words.join(", "))),
        _ => None,
    };
    let default = match keys[0].default {
        Literal::Unset | Literal::Boolean(_) | Literal::Texts(_) => None,
        Literal::Integer(number) => Some(format!("[default: {number}]")),
        Literal::Seconds(seconds) => Some(format!("[default: {seconds}s]")),
        Literal::Text(text) => Some(format!("[default: {text}]")),
    };
    let variable = keys[0].environment.map(|variable| format!("[env: {}]", variable.name()));
    let parts = [Some(abouts.join("; ")), words, default, variable];
    parts.into_iter().flatten().collect::<Vec<String>>().join(" ")
}

/// What flags of `contour serve` say.
///
/// # Errors
/// What is wrong with them.
pub(super) fn parse<'a>(flags: impl IntoIterator<Item = &'a str>) -> Result<Settings, clap::Error> {
    let command = <Given as clap::Args>::augment_args(Command::new("serve").no_binary_name(true));
    let matches = command.try_get_matches_from(flags)?;
    Ok(<Given as clap::FromArgMatches>::from_arg_matches(&matches)?.0)
}
