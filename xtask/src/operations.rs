//! That no operation of a structure is forgotten: `tests/operations.toml` says for each which tests
//! stop it, interrupt it, model it and fuzz it, or why one of these does not apply.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use proc_macro2::{TokenStream, TokenTree};
use serde::Deserialize;
use syn::{Attribute, Expr, ImplItem, Item, ItemImpl, Lit, Meta, Type, Visibility};

use crate::gates::{Source, rust_files, sources};
use crate::workspace::Workspace;

/// Where the operations are.
const STRUCTURES: [&str; 4] = ["src/counter/", "src/ring/", "src/snapshot/", "src/stack/"];
/// What the documentation of an operation has.
const MARK: &str = "**Progress**";
/// The methods of traits that are operations: others are at work on the same slots, or the same value.
const OF_TRAITS: [(&str, &str); 7] = [
    ("Local", "Drop"),
    ("Permits", "Drop"),
    ("PoolBox", "Drop"),
    ("Guard", "Drop"),
    ("Guard", "Clone"),
    ("overwriting::Producer", "Drop"),
    ("overwriting::Consumer", "Drop"),
];
/// Files whose types are named with the module, because another structure has types of that name.
const QUALIFIED: [(&str, &str); 5] = [
    ("src/ring/mpmc/ring.rs", "mpmc"),
    ("src/ring/overwriting/handles.rs", "overwriting"),
    ("src/ring/turn/batch.rs", "turn"),
    ("src/ring/turn/iter.rs", "turn"),
    ("src/ring/turn/ring.rs", "turn"),
];
const TABLE: &str = "tests/operations.toml";

/// What the table says of one operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    stalled: Cover,
    interrupted: Cover,
    loom: Cover,
    fuzz: Cover,
}

/// Names of tests, or why there is none.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Cover {
    Tests(Vec<String>),
    None { because: String },
}

/// The tests that exist, in the order of `Entry`'s columns.
#[derive(Debug, Default)]
struct Known {
    stalled: BTreeSet<String>,
    interrupted: BTreeSet<String>,
    loom: BTreeSet<String>,
    fuzz: BTreeSet<String>,
}

/// Checks the table against the sources and the tests.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let operations = operations(&sources(workspace)?)?;
    ensure!(!operations.is_empty(), "no operation found: this check looks for the wrong thing");
    let text = fs::read_to_string(workspace.path(TABLE))
        .with_context(|| format!("cannot read {TABLE}"))?;
    let table = toml::from_str(&text).with_context(|| format!("{TABLE} is not as it should be"))?;
    let complaints = judge(&operations, &table, &Known::find(workspace)?);
    ensure!(complaints.is_empty(), "{TABLE}:\n{}", complaints.join("\n"));
    Ok(())
}

/// What is wrong with the table, a line each.
fn judge(
    operations: &BTreeSet<String>,
    table: &BTreeMap<String, Entry>,
    known: &Known,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for operation in operations.iter().filter(|operation| !table.contains_key(*operation)) {
        complaints.push(format!("`{operation}` is missing: which tests stop and interrupt it?"));
    }
    for (operation, entry) in table {
        if !operations.contains(operation) {
            complaints.push(format!("`{operation}` is listed, but there is no such operation"));
        }
        let columns = [
            ("stalled", &entry.stalled, &known.stalled),
            ("interrupted", &entry.interrupted, &known.interrupted),
            ("loom", &entry.loom, &known.loom),
            ("fuzz", &entry.fuzz, &known.fuzz),
        ];
        for (column, cover, known) in columns {
            let complaint = match cover {
                Cover::Tests(names) if names.is_empty() => Some("lists nothing".to_owned()),
                Cover::Tests(names) => {
                    let absent = names.iter().find(|name| !known.contains(*name));
                    absent.map(|name| format!("names `{name}`, which does not exist"))
                }
                Cover::None { because } => {
                    because.trim().is_empty().then(|| "gives no reason".to_owned())
                }
            };
            complaints.extend(complaint.map(|said| format!("`{operation}`: {column} {said}")));
        }
    }
    complaints
}

// === What there is ===

/// The operations in the files of the structures, as `Type::name`.
fn operations(sources: &[Source]) -> Result<BTreeSet<String>> {
    let mut operations = BTreeSet::new();
    let of_structures =
        sources.iter().filter(|(path, _)| STRUCTURES.iter().any(|folder| path.starts_with(folder)));
    for (path, text) in of_structures {
        let file = syn::parse_file(text).with_context(|| format!("cannot parse {path}"))?;
        for item in file.items {
            if let Item::Impl(block) = item {
                operations_of(path, &block, &mut operations)?;
            }
        }
    }
    Ok(operations)
}

fn operations_of(path: &str, block: &ItemImpl, operations: &mut BTreeSet<String>) -> Result<()> {
    let Some(owner) = name_of(path, &block.self_ty) else { return Ok(()) };
    if let Some((_, of_trait, _)) = &block.trait_ {
        let is_operation = |&&(of, name): &&(&str, &str)| of == owner && of_trait.is_ident(name);
        if let Some((_, name)) = OF_TRAITS.iter().find(is_operation) {
            operations.insert(format!("{owner}::{}", name.to_lowercase()));
        }
        return Ok(());
    }
    for item in &block.items {
        let ImplItem::Fn(function) = item else { continue };
        let is_public = matches!(function.vis, Visibility::Public(_));
        if !is_public || is_hidden(&function.attrs) {
            continue;
        }
        let name = format!("{owner}::{}", function.sig.ident);
        if documentation(&function.attrs).contains(MARK) {
            let is_new = operations.insert(name.clone());
            ensure!(is_new, "{path}: there is another `{name}`: one of them is to be qualified");
        } else {
            let borrows_self =
                function.sig.receiver().is_some_and(|receiver| receiver.reference.is_some());
            let touches_memory = borrows_self && function.sig.constness.is_none();
            if touches_memory {
                bail!("{path}: the documentation of `{name}` does not say {MARK}");
            }
        }
    }
    Ok(())
}

fn name_of(path: &str, owner: &Type) -> Option<String> {
    let Type::Path(owner) = owner else { return None };
    let name = owner.path.segments.last()?.ident.to_string();
    let module = QUALIFIED.iter().find(|(file, _)| *file == path);
    Some(module.map_or_else(|| name.clone(), |(_, module)| format!("{module}::{name}")))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("doc") && list.tokens.to_string() == "hidden"
    })
}

fn documentation(attributes: &[Attribute]) -> String {
    attributes.iter().filter_map(|it| value_of(it, "doc")).collect::<Vec<_>>().join("\n")
}

/// What comes after the `=` of an attribute of that name.
fn value_of(attribute: &Attribute, name: &str) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let Expr::Lit(value) = &pair.value else { return None };
    let Lit::Str(text) = &value.lit else { return None };
    pair.path.is_ident(name).then(|| text.value())
}

impl Known {
    fn find(workspace: &Workspace) -> Result<Self> {
        let tests = |path: &str| tests_in(&workspace.path(path));
        let mut known = Self {
            stalled: tests("tests/stalled_threads.rs")?,
            interrupted: tests("tests/nested_interrupts.rs")?,
            ..Self::default()
        };
        let models = workspace.path("tests/loom/tests");
        // Those in folders are modules of a file above.
        for file in rust_files(&models)?.iter().filter(|file| file.parent() == Some(&models)) {
            let module = stem(file);
            known.loom.extend(tests_in(file)?.iter().map(|test| format!("{module}::{test}")));
        }
        let targets = rust_files(&workspace.path("fuzz/fuzz_targets"))?;
        known.fuzz.extend(targets.iter().map(|file| stem(file)));
        Ok(known)
    }
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The names of the tests in a file, with the modules that they are in: inline ones, those that a `path`
/// leads to, and those that a macro of the file makes.
fn tests_in(file: &Path) -> Result<BTreeSet<String>> {
    let cannot = |what: &str| format!("cannot {what} {}", file.display());
    let text = fs::read_to_string(file).with_context(|| cannot("read"))?;
    let parsed = syn::parse_file(&text).with_context(|| cannot("parse"))?;
    tests_among(&parsed.items, file.parent().unwrap_or(Path::new("")))
}

/// The same of `items`, whose modules are in `folder`.
fn tests_among(items: &[Item], folder: &Path) -> Result<BTreeSet<String>> {
    let mut tests = BTreeSet::new();
    for item in items {
        match item {
            Item::Fn(function) if function.attrs.iter().any(|it| it.path().is_ident("test")) => {
                tests.insert(function.sig.ident.to_string());
            }
            Item::Mod(module) => {
                let path = module.attrs.iter().find_map(|it| value_of(it, "path"));
                let inside = match (&module.content, path) {
                    (Some((_, items)), path) => {
                        let name = path.unwrap_or_else(|| module.ident.to_string());
                        tests_among(items, &folder.join(name))?
                    }
                    (None, Some(path)) => tests_in(&folder.join(path))?,
                    (None, None) => continue,
                };
                tests.extend(inside.iter().map(|test| format!("{}::{test}", module.ident)));
            }
            Item::Macro(call) => {
                let definition = items.iter().find_map(|item| {
                    let Item::Macro(definition) = item else { return None };
                    let name = definition.ident.as_ref()?;
                    call.mac.path.is_ident(name).then(|| definition.mac.tokens.clone())
                });
                let Some(definition) = definition else { continue };
                let functions = tests_of_macro(definition);
                for module in names_given(call.mac.tokens.clone()) {
                    tests.extend(functions.iter().map(|test| format!("{module}::{test}")));
                }
            }
            _ => {}
        }
    }
    Ok(tests)
}

/// The tests that a `macro_rules!` writes down.
fn tests_of_macro(tokens: TokenStream) -> Vec<String> {
    let mut tests = Vec::new();
    let mut is_test = false;
    let mut before = String::new();
    for token in tokens {
        let text = token.to_string();
        if let TokenTree::Group(group) = &token {
            is_test |= before == "#" && text == "[test]";
            tests.extend(tests_of_macro(group.stream()));
        } else if before == "fn" && core::mem::take(&mut is_test) {
            tests.push(text.clone());
        }
        before = text;
    }
    tests
}

/// What the call of a macro names, as in `name: what;`.
fn names_given(tokens: TokenStream) -> Vec<String> {
    let tokens: Vec<String> = tokens.into_iter().map(|token| token.to_string()).collect();
    let names = tokens.iter().zip(tokens.iter().skip(1));
    names.filter(|(_, next)| *next == ":").map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn known() -> Known {
        Known {
            stalled: set(&["stalled"]),
            interrupted: set(&["interrupted"]),
            loom: set(&["stack::model"]),
            fuzz: set(&["pool"]),
        }
    }

    /// The complaints about a table that has `column` in the place of one that is good.
    fn complaints(name: &str, column: &str) -> String {
        let good = [
            "stalled = ['stalled']",
            "interrupted = ['interrupted']",
            "loom = ['stack::model']",
            "fuzz = { because = 'there is nothing to fuzz' }",
        ];
        let title = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let lines = good.map(|line| if title(line) == title(column) { column } else { line });
        let table = format!("['{name}']\n{}", lines.join("\n"));
        judge(&set(&["Pool::alloc"]), &toml::from_str(&table).unwrap(), &known()).join("\n")
    }

    #[test]
    fn a_good_table_is_accepted() {
        assert_eq!(complaints("Pool::alloc", ""), "");
        assert_eq!(complaints("Pool::alloc", "fuzz = ['pool']"), "");
    }

    #[test]
    fn a_missing_operation_and_a_stale_entry_are_found() {
        let said = complaints("Pool::grow", "");
        assert!(said.contains("`Pool::alloc` is missing"), "{said}");
        assert!(said.contains("`Pool::grow` is listed, but there is no such operation"), "{said}");
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        for (column, absent) in [
            ("stalled = ['stalled', 'gone']", "stalled names `gone`"),
            ("interrupted = ['stalled']", "interrupted names `stalled`"),
            ("loom = ['model']", "loom names `model`"),
            ("fuzz = ['pools']", "fuzz names `pools`"),
        ] {
            let said = complaints("Pool::alloc", column);
            assert!(said.contains(absent), "{said}");
        }
    }

    #[test]
    fn neither_tests_nor_a_reason_is_found() {
        assert!(complaints("Pool::alloc", "loom = []").contains("loom lists nothing"));
        let said = complaints("Pool::alloc", "loom = { because = ' ' }");
        assert!(said.contains("loom gives no reason"), "{said}");
    }

    #[test]
    fn a_column_that_is_missing_or_misspelt_is_found() {
        let three = "['Pool::alloc']\nstalled = ['a']\ninterrupted = ['a']\nloom = ['a']\n";
        assert!(toml::from_str::<BTreeMap<String, Entry>>(three).is_err());
        let five = format!("{three}fuzz = ['a']\nfuz = ['a']\n");
        assert!(toml::from_str::<BTreeMap<String, Entry>>(&five).is_err());
    }

    #[test]
    fn tests_in_modules_and_of_macros_are_found() {
        let text = "
            mod common;
            #[test] fn one() {}
            fn none() {}
            mod inside { #[test] #[should_panic] fn two() {} fn none() {} }
            macro_rules! make {
                ($($name:ident: $ring:ident;)+) => {$(
                    mod $name { fn none() {} #[test] fn three() {} fn none() {} }
                )+};
            }
            #[cfg(unix)]
            make! { a: Ring; b: Ring; }
        ";
        let parsed = syn::parse_file(text).unwrap();
        let tests = tests_among(&parsed.items, Path::new("")).unwrap();
        assert_eq!(tests, set(&["one", "inside::two", "a::three", "b::three"]));
    }

    fn found(text: &str) -> Result<BTreeSet<String>> {
        operations(&[
            ("src/stack/pool.rs".to_owned(), text.to_owned()),
            ("src/mem/slot.rs".to_owned(), "impl Slot { pub fn read(&self) {} }".to_owned()),
        ])
    }

    #[test]
    fn operations_are_the_documented_public_functions_and_one_drop() {
        let text = "
            impl<T, const N: usize> Pool<T, N> {
                /// Allocates.
                ///
                /// **Progress** lock-free.
                pub fn alloc(&self) {}
                /// **Progress** none of anybody's business.
                #[doc(hidden)]
                pub fn inside(&self) {}
                /// **Progress** private.
                fn slot(&self) {}
                pub const fn capacity(&self) -> usize { N }
                pub fn into_parts(self) {}
            }
            impl<T> Drop for PoolBox<'_, T> { fn drop(&mut self) {} }
            impl<T> Drop for Pool<T> { fn drop(&mut self) {} }
        ";
        assert_eq!(found(text).unwrap(), set(&["Pool::alloc", "PoolBox::drop"]));
    }

    #[test]
    fn two_operations_of_one_name_are_found() {
        let text = "impl End { /// Pushes.\n /// **Progress** wait-free.\n pub fn push(&self) {} }";
        let two = |second: &str| {
            let first = ("src/ring/spsc/handles.rs".to_owned(), text.to_owned());
            operations(&[first, (second.to_owned(), text.to_owned())])
        };
        let error = two("src/ring/other.rs").unwrap_err().to_string();
        assert!(error.contains("there is another `End::push`"), "{error}");
        let (file, module) = QUALIFIED[0];
        assert_eq!(two(file).unwrap(), set(&["End::push", &format!("{module}::End::push")]));
    }

    #[test]
    fn an_operation_without_its_progress_is_found() {
        let error = found("impl Pool { /// Frees.\n pub fn free(&self) {} }").unwrap_err();
        assert!(error.to_string().contains("`Pool::free` does not say"), "{error}");
    }
}
