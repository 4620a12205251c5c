//! Rust sources as tokens: comments and the text of strings are no code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

use super::root;

/// A source file.
pub struct Source {
    /// Relative to the workspace.
    pub path: PathBuf,
    /// As it stands in the file.
    pub text: String,
    tokens: Vec<Token>,
}

/// Something that code names: a path such as `std::env::var`, with what its first word was imported as put in front; or a
/// macro such as `println!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The path or macro.
    pub name: String,
    /// From 1.
    pub line: usize,
}

/// A function with a body.
pub struct Function {
    /// Its name.
    pub name: String,
    /// From `fn`, from 1.
    pub line: usize,
    /// To the closing brace.
    pub lines: usize,
}

impl Source {
    /// Reads a text.
    pub fn new(path: &Path, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), tokens: tokens(text) }
    }

    /// Every source of the workspace.
    pub fn all() -> Vec<Source> {
        let mut sources = Vec::new();
        for directory in ["crates", "xtask"] {
            read(&root().join(directory), Path::new(directory), &mut sources);
        }
        sources.sort_by(|one, other| one.path.cmp(&other.path));
        sources
    }

    /// The product's sources of a crate: what is built without `cfg(test)`.
    pub fn product(name: &str) -> Vec<Source> {
        let directory = Path::new("crates").join(name).join("src");
        let mut sources = Vec::new();
        read(&root().join(&directory), &directory, &mut sources);
        assert!(!sources.is_empty(), "{} has sources", directory.display());
        // A module `tests` in files of its own; that it is declared for tests only is checked where it is declared.
        sources.retain(|source| {
            !source
                .path
                .components()
                .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
        });
        sources.into_iter().map(Source::without_tests).collect()
    }

    /// Without the items that are built for tests only.
    fn without_tests(mut self) -> Source {
        let mut kept = Vec::new();
        let mut rest = self.tokens.as_slice();
        while let Some((token, more)) = rest.split_first() {
            rest = match attribute(rest) {
                Some((text, behind)) if text == "cfg(test)" => behind_item(behind),
                _ => {
                    kept.push(token.clone());
                    more
                }
            };
        }
        self.tokens = kept;
        self
    }

    /// `path:line: text`, for a message.
    pub fn at(&self, line: usize, text: &str) -> String {
        format!("{}:{line}: {text}", self.path.display())
    }

    /// Everything that the code names.
    pub fn mentions(&self) -> Vec<Mention> {
        let mut mentions = Vec::new();
        let mut imported = BTreeMap::new();
        let mut rest = self.tokens.as_slice();
        while let Some(token) = rest.first() {
            rest = match token.text.as_str() {
                "use" => import(&rest[1..], &[], &mut imported, &mut mentions),
                _ if token.is_word => path(rest, &mut mentions),
                _ => &rest[1..],
            };
        }
        for mention in &mut mentions {
            if let Some((first, more)) = mention.name.split_once("::")
                && let Some(full) = imported.get(first)
            {
                mention.name = format!("{full}::{more}");
            }
        }
        mentions
    }

    /// Where these tokens stand one after the other, whatever blanks are between them: the lines.
    pub fn lines_with(&self, sequence: &[&str]) -> Vec<usize> {
        let windows = self.tokens.windows(sequence.len());
        let found = windows.filter(|window| {
            window.iter().zip(sequence).all(|(token, expect)| token.text == *expect)
        });
        found.map(|window| window[0].line).collect()
    }

    /// Every attribute, without blanks: `derive(Clone,Debug)`.
    pub fn attributes(&self) -> Vec<Mention> {
        let begins = (0..self.tokens.len()).map(|at| &self.tokens[at..]);
        begins
            .filter_map(|rest| Some(Mention { name: attribute(rest)?.0, line: rest[0].line }))
            .collect()
    }

    /// Every function with a body, also those inside others and inside macros.
    pub fn functions(&self) -> Vec<Function> {
        (0..self.tokens.len()).filter_map(|at| function(&self.tokens[at..])).collect()
    }
}

fn read(directory: &Path, relative: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(directory).expect("a directory of sources").flatten() {
        let (path, relative) = (entry.path(), relative.join(entry.file_name()));
        if path.is_dir() {
            read(&path, &relative, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::new(&relative, &std::fs::read_to_string(&path).expect("text")));
        }
    }
}

/// A token. `::` is one; comments and blanks are none.
#[derive(Clone, Debug)]
struct Token {
    text: String,
    /// From 1.
    line: usize,
    /// Whether it is an identifier or a keyword.
    is_word: bool,
}

fn tokens(text: &str) -> Vec<Token> {
    let (mut at, mut line) = (0, 1);
    let mut tokens: Vec<Token> = Vec::new();
    let mut colon_before = false;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let token_text = &text[at..at + token.len as usize];
        let is_colon = token.kind == TokenKind::Colon;
        match token.kind {
            TokenKind::Whitespace
            | TokenKind::LineComment { .. }
            | TokenKind::BlockComment { .. } => {}
            TokenKind::Colon if colon_before => {
                tokens.last_mut().expect("the colon before").text.push(':');
            }
            kind => tokens.push(Token {
                text: token_text.to_owned(),
                line,
                is_word: matches!(kind, TokenKind::Ident | TokenKind::RawIdent),
            }),
        }
        colon_before = is_colon && !colon_before;
        at += token_text.len();
        line += token_text.matches('\n').count();
    }
    tokens
}

/// What is behind the group that `tokens` begin with, and the group's last token.
fn behind_group(tokens: &[Token]) -> (&[Token], &Token) {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&tokens[at + 1..], token);
        }
    }
    panic!("a group that begins in line {} has an end", tokens[0].line)
}

/// The attribute that `tokens` begin with, without blanks, and what is behind it.
fn attribute(tokens: &[Token]) -> Option<(String, &[Token])> {
    let group = match tokens {
        [hash, group @ ..] if hash.text == "#" => match group {
            [bang, group @ ..] if bang.text == "!" => group,
            group => group,
        },
        _ => return None,
    };
    group.first().filter(|open| open.text == "[")?;
    let (behind, _) = behind_group(group);
    let inner = &group[1..group.len() - behind.len() - 1];
    Some((inner.iter().map(|token| token.text.as_str()).collect(), behind))
}

/// What is behind the item that `tokens` begin with.
fn behind_item(tokens: &[Token]) -> &[Token] {
    const WITHOUT_BODY: [&str; 4] = ["const", "static", "type", "use"];
    let mut rest = tokens;
    let mut has_body = true;
    while let [token, more @ ..] = rest {
        match token.text.as_str() {
            "{" if has_body => return behind_group(rest).0,
            "(" | "[" | "{" => rest = behind_group(rest).0,
            // The comma ends a field; the last one may be without, and ends with what surrounds it.
            ";" | "," => return more,
            ")" | "]" | "}" => return rest,
            word => {
                let is_function = more.first().is_some_and(|next| next.text == "fn");
                has_body &= !WITHOUT_BODY.contains(&word) || is_function;
                rest = more;
            }
        }
    }
    rest
}

/// The function that `tokens` begin with; none if it has no body, or is a type such as `fn(u8)`.
fn function(tokens: &[Token]) -> Option<Function> {
    let [keyword, name, signature @ ..] = tokens else { return None };
    if keyword.text != "fn" || !name.is_word {
        return None;
    }
    let mut rest = signature;
    loop {
        match rest.first()?.text.as_str() {
            "(" | "[" => rest = behind_group(rest).0,
            "{" => break,
            ";" | ")" | "]" | "}" => return None,
            _ => rest = &rest[1..],
        }
    }
    let (_, last) = behind_group(rest);
    let lines = last.line - keyword.line + 1;
    Some(Function { name: name.text.clone(), line: keyword.line, lines })
}

/// Reads the tree of a `use` behind `prefix`: what it imports, and under which names. Returns what is behind the tree and
/// the token that ends it.
fn import<'a>(
    mut rest: &'a [Token],
    prefix: &[String],
    imported: &mut BTreeMap<String, String>,
    mentions: &mut Vec<Mention>,
) -> &'a [Token] {
    let mut words = prefix.to_vec();
    while let [token, more @ ..] = rest {
        rest = more;
        match token.text.as_str() {
            "::" => {}
            "{" => {
                rest = import(rest, &words, imported, mentions);
                words = prefix.to_vec();
            }
            "as" => {
                imported.insert(rest[0].text.clone(), words.join("::"));
                rest = &rest[1..];
            }
            "," | "}" | ";" => {
                if words.len() > prefix.len() {
                    add_import(&words, token.line, imported, mentions);
                    words = prefix.to_vec();
                }
                if token.text != "," {
                    return rest;
                }
            }
            "self" if !prefix.is_empty() => add_import(prefix, token.line, imported, mentions),
            word => words.push(word.to_owned()),
        }
    }
    rest
}

fn add_import(
    words: &[String],
    line: usize,
    imported: &mut BTreeMap<String, String>,
    mentions: &mut Vec<Mention>,
) {
    let name = words.join("::");
    let last = words.last().expect("an import has words");
    imported.entry(last.clone()).or_insert_with(|| name.clone());
    mentions.push(Mention { name, line });
}

/// Reads the path, or the name of a macro, that `tokens` begin with. Returns what is behind it.
fn path<'a>(tokens: &'a [Token], mentions: &mut Vec<Mention>) -> &'a [Token] {
    let (first, mut rest) = tokens.split_first().expect("a word");
    let mut name = first.text.clone();
    while let [separator, word, more @ ..] = rest
        && separator.text == "::"
        && word.is_word
    {
        name = format!("{name}::{}", word.text);
        rest = more;
    }
    // `a != b` has another token behind the mark.
    if let [mark, open, ..] = rest
        && mark.text == "!"
        && matches!(open.text.as_str(), "(" | "[" | "{")
    {
        name.push('!');
    }
    mentions.push(Mention { name, line: first.line });
    rest
}

#[track_caller]
fn check_mentions(text: &str, expect: &[&str]) {
    let source = Source::new(Path::new("sample.rs"), text).without_tests();
    let found: Vec<String> = source.mentions().into_iter().map(|mention| mention.name).collect();
    for name in expect {
        assert!(found.iter().any(|found| found == name), "{name} is not in {found:?}");
    }
}

#[test]
fn an_import_is_a_mention_and_so_is_its_use() {
    check_mentions(
        "use std::{env, io::{self, Read as R}};",
        &["std::env", "std::io", "std::io::Read"],
    );
    check_mentions("use std::{a::{b, c}, d};", &["std::a::b", "std::a::c", "std::d"]);
    check_mentions("use std::thread; fn f() { thread::sleep(d) }", &["std::thread::sleep"]);
    check_mentions(
        "use std::time as t; fn f() { t::Instant::now() }",
        &["std::time::Instant::now"],
    );
    check_mentions("fn f() { print!(\"{}\", std::env::var(\"A\")) }", &["print!", "std::env::var"]);
}

#[test]
fn strings_comments_and_tests_are_no_mentions() {
    let text = "// std::env\nconst A: &str = \"std::env\";\n#[cfg(test)]\nmod tests { use std::env; }\n\
                #[cfg(test)]\nuse std::{env};\nfn f() { #[cfg(test)] fn g() { std::env::x() } std::fs::y() }";
    let source = Source::new(Path::new("sample.rs"), text).without_tests();
    let names: Vec<String> = source.mentions().into_iter().map(|each| each.name).collect();
    assert!(!names.iter().any(|name| name.starts_with("std::env")), "{names:?}");
    assert!(names.contains(&"std::fs::y".to_owned()), "{names:?}");
}
