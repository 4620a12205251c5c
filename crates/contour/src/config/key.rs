//! What a setting is: where it may be given, of what kind it is, what holds if nobody gives it.

/// A setting. The tables of [`keys`](super::keys) are all there are.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// What it is, in a sentence for people.
    pub about: &'static str,
    /// What may be given.
    pub kind: Kind,
    /// The key of the configuration file, with dots between the levels.
    pub file: Option<&'static str>,
    /// The same in camel case, where the key of upstream's file is in lower case and the `ContourConfiguration` has it so.
    pub file_alias: Option<&'static str>,
    /// The field of a `ContourConfiguration`, below `spec`.
    pub spec: Option<&'static str>,
    /// The flag of `contour serve`.
    pub flag: Option<Flag>,
    /// The variable of the environment.
    pub environment: Option<Variable>,
    /// What holds if nobody says otherwise.
    pub default: Literal,
    /// The same with a `ContourConfiguration`, if it is another.
    pub spec_default: Option<Literal>,
    /// Which of flag and file counts.
    pub precedence: Precedence,
    /// When an edit takes effect.
    pub effect: Effect,
}

/// A flag of `contour serve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Without the dashes.
    pub name: &'static str,
    /// The letter that does as well.
    pub short: Option<char>,
    /// What the help calls its value.
    pub value: &'static str,
}

/// What may be given for a setting.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// True or false.
    Boolean,
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// Any number that is not negative.
    Number,
    /// A Go duration, as in `1m30s`; days and weeks as well. Only flags have these.
    Duration,
    /// Any text. An empty one is as good as none.
    Text,
    /// A Go duration; `infinity` for none; empty for what Envoy does by itself, which also replaces a default.
    Timeout,
    /// One of these, or empty, which is as good as none.
    Word(&'static [&'static str]),
    /// A list of texts. In a flag, with commas between them.
    Texts,
    /// A list of these words. In a flag, one each time that it is given.
    Words(&'static [&'static str]),
    /// Texts by name.
    Map,
    /// An `ExtensionService`: `namespace/name` in the file, with `name` and `namespace` in a `ContourConfiguration`.
    Reference,
    /// A part of the configuration whose presence alone says something.
    Block,
    /// A list of parts, each of these settings.
    Blocks(&'static [&'static Key]),
}

/// What holds if nobody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal {
    /// Nothing in particular: what it becomes is left out.
    Unset,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Seconds.
    Seconds(u64),
    /// A text.
    Text(&'static str),
    /// A list of texts.
    Texts(&'static [&'static str]),
}

/// A variable of the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// Its value is the setting's. An empty one is as good as none.
    Value(&'static str),
    /// The directory that holds `.kube/config`.
    Home,
}

impl Variable {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Variable::Value(name) => name,
            Variable::Home => "HOME",
        }
    }
}

/// Which of flag and file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The flag.
    Flag,
    /// The file: upstream cannot tell a flag from its default here.
    File,
}

/// When an edit takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once.
    AtOnce,
    /// With the next start.
    Restart,
}

impl Key {
    /// A setting that may be given nowhere yet.
    pub const fn new(kind: Kind, about: &'static str) -> Key {
        Key {
            about,
            kind,
            file: None,
            file_alias: None,
            spec: None,
            flag: None,
            environment: None,
            default: Literal::Unset,
            spec_default: None,
            precedence: Precedence::Flag,
            effect: Effect::AtOnce,
        }
    }

    pub(super) const fn file(self, key: &'static str) -> Key {
        Key { file: Some(key), ..self }
    }

    pub(super) const fn alias(self, key: &'static str) -> Key {
        Key { file_alias: Some(key), ..self }
    }

    pub(super) const fn spec(self, path: &'static str) -> Key {
        Key { spec: Some(path), ..self }
    }

    pub(super) const fn flag(self, name: &'static str, value: &'static str) -> Key {
        Key { flag: Some(Flag { name, short: None, value }), ..self }
    }

    pub(super) const fn short(self, letter: char) -> Key {
        let flag = match self.flag {
            Some(flag) => Some(Flag { short: Some(letter), ..flag }),
            None => None,
        };
        Key { flag, ..self }
    }

    pub(super) const fn variable(self, variable: Variable) -> Key {
        Key { environment: Some(variable), ..self }
    }

    pub(super) const fn default(self, default: Literal) -> Key {
        Key { default, ..self }
    }

    pub(super) const fn spec_default(self, default: Literal) -> Key {
        Key { spec_default: Some(default), ..self }
    }

    pub(super) const fn file_first(self) -> Key {
        Key { precedence: Precedence::File, ..self }
    }

    pub(super) const fn restart(self) -> Key {
        Key { effect: Effect::Restart, ..self }
    }

    /// What tells the setting from all others: its field, its key or its flag.
    pub const fn id(&self) -> &'static str {
        match (self.spec, self.file, self.flag) {
            (Some(id), ..) | (None, Some(id), _) | (None, None, Some(Flag { name: id, .. })) => id,
            (None, None, None) => "",
        }
    }
}
