//! The public interface of the library, read from its sources without the feature `internals`: a snapshot of what there is, how
//! much it is, and that nothing in it mentions a type that is not part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use quote::ToTokens;
use syn::visit::Visit;
use syn::{Attribute, Fields, ImplItem, Item, Meta, TraitItem, UseTree, Visibility};

/// Types, traits, functions, methods and constants that the interface may have.
const MOST: usize = 300;

/// What is public and not a part of the interface, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("batch::Element mentions Plain", "it seals the trait"),
    ("batch::Element::status mentions Status", "for the driver of batches, which shares the trait"),
];

type ModulePath = Vec<String>;

/// The modules of a crate, in the configuration that an embedder builds with all features but `internals`.
struct Crate {
    modules: BTreeMap<ModulePath, Rc<Vec<Item>>>,
}

/// An item of one of the crates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    library: &'static str,
    module: ModulePath,
    name: String,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Item(Place),
    Module(&'static str, ModulePath),
    /// Of another crate.
    Foreign(String),
}

/// Whether an item is there in this configuration.
fn configured(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).all(|attribute| {
        let condition: Meta = attribute.parse_args().expect("a condition");
        holds(&condition)
    })
}

fn holds(condition: &Meta) -> bool {
    let inner = |list: &syn::MetaList| {
        let nested = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
        list.parse_args_with(nested).expect("conditions").into_iter().collect::<Vec<Meta>>()
    };
    match condition {
        Meta::Path(path) if path.is_ident("unix") => true,
        Meta::Path(path) if path.is_ident("test") || path.is_ident("miri") => false,
        Meta::List(list) if list.path.is_ident("not") => !inner(list).iter().any(holds),
        Meta::List(list) if list.path.is_ident("all") => inner(list).iter().all(holds),
        Meta::List(list) if list.path.is_ident("any") => inner(list).iter().any(holds),
        Meta::NameValue(pair) => {
            let (name, value) = (text(&pair.path), text(&pair.value));
            match (name.as_str(), value.trim_matches('"')) {
                ("feature", feature) => feature != "internals",
                ("target_arch", arch) => arch == "x86_64",
                ("target_os", system) => system == "linux",
                ("target_pointer_width", width) => width == "64",
                other => panic!("the test does not know the condition {other:?}"),
            }
        }
        other => panic!("the test does not know the condition {}", text(other)),
    }
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc") && text(attribute).contains("hidden"))
}

/// Tokens as they are written.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (" :", ":"),
        ("& ", "&"),
        (" ;", ";"),
        ("[ ", "["),
        (" ]", "]"),
        (" !", "!"),
        ("->(", "-> ("),
        ("' ", "'"),
    ] {
        text = text.replace(from, to);
    }
    text.replace("->", " -> ").replace("  ", " ")
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

impl Crate {
    fn read(root: &Path) -> Crate {
        let mut library = Crate { modules: BTreeMap::new() };
        let source = std::fs::read_to_string(root).expect("the root of a crate");
        let file = syn::parse_file(&source).expect("Rust");
        library.add(Vec::new(), file.items, root.parent().expect("a folder").to_path_buf());
        library
    }

    fn add(&mut self, path: ModulePath, items: Vec<Item>, folder: PathBuf) {
        let mut kept = Vec::new();
        for item in items {
            let attributes = match &item {
                Item::Const(item) => &item.attrs,
                Item::Enum(item) => &item.attrs,
                Item::Fn(item) => &item.attrs,
                Item::Impl(item) => &item.attrs,
                Item::Macro(item) => &item.attrs,
                Item::Mod(item) => &item.attrs,
                Item::Static(item) => &item.attrs,
                Item::Struct(item) => &item.attrs,
                Item::Trait(item) => &item.attrs,
                Item::Type(item) => &item.attrs,
                Item::Use(item) => &item.attrs,
                other => panic!("the test does not know items such as {}", text(other)),
            };
            if !configured(attributes) {
                continue;
            }
            if let Item::Mod(module) = &item {
                let name = module.ident.to_string();
                let inner = [&path[..], std::slice::from_ref(&name)].concat();
                match &module.content {
                    Some((_, items)) => self.add(inner, items.clone(), folder.join(&name)),
                    None => {
                        let file = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
                        let file = file.iter().find(|file| file.exists()).expect("the file of a module");
                        let source = std::fs::read_to_string(file).expect("the module");
                        let items = syn::parse_file(&source).expect("Rust").items;
                        self.add(inner, items, folder.join(&name));
                    }
                }
            }
            kept.push(item);
        }
        self.modules.insert(path, Rc::new(kept));
    }
}

/// The names that a `use` binds, with their paths; those of globs without a name.
fn bindings(tree: &UseTree, prefix: &[String], found: &mut Vec<(Option<String>, Vec<String>)>) {
    let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => bindings(&path.tree, &with(&path.ident), found),
        UseTree::Name(name) if name.ident == "self" => found.push((prefix.last().cloned(), prefix.to_vec())),
        UseTree::Name(name) => found.push((Some(name.ident.to_string()), with(&name.ident))),
        UseTree::Rename(rename) => found.push((Some(rename.rename.to_string()), with(&rename.ident))),
        UseTree::Glob(_) => found.push((None, prefix.to_vec())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| bindings(tree, prefix, found)),
    }
}

/// Whether a macro's definition or call has this type, and its public functions and constants.
fn of_macro(item: &syn::ItemMacro, name: &str) -> Option<Vec<String>> {
    let words: Vec<String> = item
        .mac
        .tokens
        .to_string()
        .split(|c: char| !(c.is_alphanumeric() || "_$#()<>".contains(c)))
        .filter(|word| !word.is_empty())
        .map(str::to_string)
        .collect();
    let defines = |pair: &[String]| matches!(pair[0].as_str(), "enum" | "struct") && pair[1] == name;
    if item.mac.path.is_ident("entity") && words.iter().any(|word| word == name) {
        return Some(Vec::new());
    }
    if !words.windows(2).any(defines) {
        return None;
    }
    let public = words.windows(3).filter(|three| three[0] == "pub");
    let public = public.filter(|three| matches!(three[1].as_str(), "fn" | "const"));
    Some(
        public
            .map(|three| format!("{} {}", three[1], three[2].split(['<', '(']).next().unwrap_or("")))
            .collect(),
    )
}

struct Api {
    crates: BTreeMap<&'static str, Crate>,
    /// What the root shows, and as what.
    shown: BTreeMap<Place, String>,
    /// Crates that it shows.
    foreign: BTreeSet<String>,
    lines: Vec<String>,
    count: usize,
    leaks: BTreeSet<String>,
}

impl Api {
    /// What a path that is written in a module leads to; `None` for names of the prelude.
    fn resolve(&self, library: &'static str, module: &[String], path: &[String]) -> Option<Found> {
        let mut at = match path[0].as_str() {
            "crate" => Found::Module(library, Vec::new()),
            "self" => Found::Module(library, module.to_vec()),
            "super" => Found::Module(library, module[..module.len() - 1].to_vec()),
            name => self.name(library, module, name)?,
        };
        for name in &path[1..] {
            at = match at {
                Found::Module(library, module) if name == "super" => {
                    Found::Module(library, module[..module.len() - 1].to_vec())
                }
                Found::Module(library, module) => self.name(library, &module, name)?,
                // A variant or an associated item.
                Found::Item(place) => return Some(Found::Item(place)),
                Found::Foreign(name) => return Some(Found::Foreign(name)),
            };
        }
        Some(at)
    }

    fn name(&self, library: &'static str, module: &[String], name: &str) -> Option<Found> {
        let place = || Place { library, module: module.to_vec(), name: name.to_string() };
        let mut globs = Vec::new();
        for item in self.crates[library].modules.get(module)?.iter() {
            let defined = match item {
                Item::Const(item) => item.ident == name,
                Item::Enum(item) => item.ident == name,
                Item::Fn(item) => item.sig.ident == name,
                Item::Struct(item) => item.ident == name,
                Item::Trait(item) => item.ident == name,
                Item::Type(item) => item.ident == name,
                Item::Macro(item) => of_macro(item, name).is_some(),
                Item::Mod(item) if item.ident == name => {
                    return Some(Found::Module(library, [module, &[name.to_string()]].concat()));
                }
                Item::Use(item) => {
                    let mut bound = Vec::new();
                    bindings(&item.tree, &[], &mut bound);
                    for (binding, path) in bound {
                        match binding {
                            Some(binding) if binding == name => return self.outside(library, module, &path),
                            Some(_) => {}
                            None => globs.push(path),
                        }
                    }
                    false
                }
                _ => false,
            };
            if defined {
                return Some(Found::Item(place()));
            }
        }
        globs.iter().find_map(|path| match self.outside(library, module, path)? {
            Found::Module(library, module) => self.name(library, &module, name),
            Found::Item(_) | Found::Foreign(_) => None,
        })
    }

    /// A path of a `use`, which may begin with a crate.
    fn outside(&self, library: &'static str, module: &[String], path: &[String]) -> Option<Found> {
        let local = |name: &str| {
            let names = self.crates[library].modules.get(module);
            names
                .into_iter()
                .flat_map(|items| items.iter())
                .any(|item| matches!(item, Item::Mod(item) if item.ident == name))
        };
        match path[0].as_str() {
            "crate" | "self" | "super" => self.resolve(library, module, path),
            "nc_runtime" if path.len() == 1 => Some(Found::Module("nc_runtime", Vec::new())),
            "nc_runtime" => self.resolve("nc_runtime", &[], &path[1..]),
            name if local(name) => self.resolve(library, module, path),
            name => Some(Found::Foreign(name.to_string())),
        }
    }

    /// Shows what a module of the root makes public.
    fn show(&mut self, module: &[String], prefix: &str) {
        let items = Rc::clone(&self.crates["crate"].modules[module]);
        for item in items.iter() {
            match item {
                Item::Use(item) if is_public(&item.vis) => {
                    let mut bound = Vec::new();
                    bindings(&item.tree, &[], &mut bound);
                    for (name, path) in bound {
                        let name = name.expect("the interface names what it shows");
                        match self.outside("crate", module, &path) {
                            Some(Found::Item(place)) => {
                                self.shown.entry(place).or_insert(format!("{prefix}{name}"));
                            }
                            Some(Found::Foreign(name)) => {
                                self.foreign.insert(name);
                            }
                            other => panic!("{name} is shown and not found: {other:?}"),
                        }
                    }
                }
                Item::Mod(item) if is_public(&item.vis) => {
                    let name = item.ident.to_string();
                    let inner = [module, std::slice::from_ref(&name)].concat();
                    self.show(&inner, &format!("{prefix}{name}::"));
                }
                Item::Mod(_) | Item::Use(_) => {}
                other => panic!("the root shows modules and what they have, and this is: {}", text(other)),
            }
        }
    }

    /// Looks at the types that something public mentions.
    fn check(
        &mut self,
        place: &Place,
        what: &str,
        generics: &[&syn::Generics],
        node: impl FnOnce(&mut Mentions),
    ) {
        let mut mentions = Mentions::default();
        for generics in generics {
            mentions.visit_generics(generics);
            mentions.own.extend(generics.type_params().map(|parameter| parameter.ident.to_string()));
        }
        node(&mut mentions);
        for path in mentions.paths {
            if path[0] == "Self" || mentions.own.contains(&path[0]) {
                continue;
            }
            let found = match path[0].as_str() {
                "nc_runtime" | "std" => self.outside(place.library, &place.module, &path),
                _ => self.resolve(place.library, &place.module, &path),
            };
            let leak = match found {
                Some(Found::Item(place)) => !self.shown.contains_key(&place),
                Some(Found::Module(..)) => true,
                Some(Found::Foreign(name)) => {
                    name != "std" && name != "core" && !self.foreign.contains(&name)
                }
                None => !KNOWN.contains(&path[0].as_str()),
            };
            if leak {
                self.leaks.insert(format!("{what} mentions {}", path.join("::")));
            }
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.lines.push(format!("{}{text}", "    ".repeat(indent)));
    }

    fn function(&mut self, place: &Place, of: &str, outer: &syn::Generics, signature: &syn::Signature) {
        let what = format!("{of}::{}", signature.ident);
        self.check(place, &what, &[outer, &signature.generics], |mentions| {
            signature.inputs.iter().for_each(|input| mentions.visit_fn_arg(input));
            mentions.visit_return_type(&signature.output);
        });
        self.line(1, &text(signature));
        self.count += 1;
    }

    fn fields(&mut self, place: &Place, of: &str, generics: &syn::Generics, fields: &Fields, all: bool) {
        for (k, field) in fields.iter().enumerate() {
            if all || is_public(&field.vis) {
                let name = field.ident.as_ref().map_or(k.to_string(), ToString::to_string);
                let what = format!("{of}.{name}");
                self.check(place, &what, &[generics], |mentions| mentions.visit_type(&field.ty));
            }
        }
    }

    /// Prints an item that is shown, with its methods.
    fn print(&mut self, place: &Place, name: &str) {
        let items = Rc::clone(&self.crates[place.library].modules[&place.module]);
        self.count += 1;
        for item in items.iter() {
            match item {
                Item::Const(item) if item.ident == place.name => {
                    self.line(0, &format!("const {name}: {}", text(&item.ty)));
                }
                Item::Struct(item) if item.ident == place.name => {
                    let public = item.fields.iter().filter(|field| is_public(&field.vis));
                    let public: Vec<String> =
                        public.filter_map(|field| field.ident.as_ref().map(ToString::to_string)).collect();
                    self.line(
                        0,
                        &format!("struct {name} {{ {} }}", public.join(", ")).replace("{  }", "{ }"),
                    );
                    self.fields(place, name, &item.generics, &item.fields, false);
                }
                Item::Enum(item) if item.ident == place.name => {
                    let open = item.attrs.iter().any(|attribute| attribute.path().is_ident("non_exhaustive"));
                    let variants: Vec<String> =
                        item.variants.iter().map(|variant| variant.ident.to_string()).collect();
                    let more = if open { ", …" } else { "" };
                    self.line(0, &format!("enum {name} {{ {}{more} }}", variants.join(", ")));
                    for variant in &item.variants {
                        let of = format!("{name}::{}", variant.ident);
                        self.fields(place, &of, &item.generics, &variant.fields, true);
                    }
                }
                Item::Trait(item) if item.ident == place.name => {
                    self.line(0, &format!("trait {name}"));
                    self.check(place, name, &[&item.generics], |mentions| {
                        item.supertraits.iter().for_each(|bound| mentions.visit_type_param_bound(bound));
                    });
                    for member in &item.items {
                        match member {
                            TraitItem::Fn(member) if !is_hidden(&member.attrs) => {
                                self.function(place, name, &item.generics, &member.sig);
                            }
                            TraitItem::Const(member) if !is_hidden(&member.attrs) => {
                                self.line(1, &format!("const {}: {}", member.ident, text(&member.ty)));
                                self.check(place, name, &[], |mentions| mentions.visit_type(&member.ty));
                                self.count += 1;
                            }
                            TraitItem::Type(member) => {
                                if !is_hidden(&member.attrs) {
                                    self.line(1, &format!("type {}", member.ident));
                                    self.count += 1;
                                }
                            }
                            TraitItem::Fn(_) | TraitItem::Const(_) => {}
                            other => panic!("the test does not know members such as {}", text(other)),
                        }
                    }
                }
                Item::Macro(item) => {
                    if let Some(members) = of_macro(item, &place.name) {
                        self.line(0, &format!("type {name}, by a macro"));
                        self.count += members.len();
                        members.iter().for_each(|member| self.line(1, member));
                    }
                }
                _ => {}
            }
        }
        self.methods(place, name);
    }

    /// The public inherent methods of a type, wherever in its crate they are.
    fn methods(&mut self, place: &Place, name: &str) {
        let modules = self.crates[place.library].modules.clone();
        for (module, items) in modules {
            for item in items.iter() {
                let Item::Impl(block) = item else { continue };
                if block.trait_.is_some() {
                    continue;
                }
                let syn::Type::Path(of) = &*block.self_ty else { continue };
                let path: Vec<String> =
                    of.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                if self.resolve(place.library, &module, &path) != Some(Found::Item(place.clone())) {
                    continue;
                }
                let here = Place { library: place.library, module: module.clone(), name: String::new() };
                for member in &block.items {
                    match member {
                        ImplItem::Fn(member)
                            if is_public(&member.vis)
                                && configured(&member.attrs)
                                && !is_hidden(&member.attrs) =>
                        {
                            self.function(&here, name, &block.generics, &member.sig);
                        }
                        ImplItem::Const(member) if is_public(&member.vis) && configured(&member.attrs) => {
                            self.line(1, &format!("const {}: {}", member.ident, text(&member.ty)));
                            self.check(&here, name, &[], |mentions| mentions.visit_type(&member.ty));
                            self.count += 1;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Names of the prelude and of the language that types are made of.
const KNOWN: &[&str] = &[
    "Option",
    "Result",
    "Vec",
    "String",
    "Box",
    "Iterator",
    "Into",
    "From",
    "IntoIterator",
    "FnMut",
    "Fn",
    "Clone",
    "Copy",
    "Send",
    "Sync",
    "Default",
    "PartialEq",
    "ToString",
    "ExactSizeIterator",
    "DoubleEndedIterator",
    "Sized",
    "AsRef",
    "bool",
    "char",
    "str",
    "f32",
    "f64",
    "i32",
    "i64",
    "i128",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "isize",
];

/// The paths that a signature mentions, and its type parameters.
#[derive(Default)]
struct Mentions {
    paths: Vec<Vec<String>>,
    own: BTreeSet<String>,
}

impl<'a> Visit<'a> for Mentions {
    fn visit_path(&mut self, path: &'a syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }
    fn visit_attribute(&mut self, _: &'a Attribute) {}
    fn visit_pat(&mut self, _: &'a syn::Pat) {}
    fn visit_assoc_type(&mut self, assoc: &'a syn::AssocType) {
        self.visit_type(&assoc.ty);
    }
}

#[test]
fn public_interface() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = BTreeMap::from([
        ("crate", Crate::read(&root.join("src/lib.rs"))),
        ("nc_runtime", Crate::read(&root.join("runtime/src/lib.rs"))),
    ]);
    let mut api = Api {
        crates,
        shown: BTreeMap::new(),
        foreign: BTreeSet::new(),
        lines: Vec::new(),
        count: 0,
        leaks: BTreeSet::new(),
    };
    api.show(&[], "");
    let mut shown: Vec<(String, Place)> =
        api.shown.iter().map(|(place, name)| (name.clone(), place.clone())).collect();
    shown.sort();
    for (name, place) in shown {
        api.print(&place, &name);
    }
    let excepted = |leak: &str| EXCEPTIONS.iter().any(|(known, _)| *known == leak);
    let leaks: Vec<&String> = api.leaks.iter().filter(|leak| !excepted(leak)).collect();
    assert!(leaks.is_empty(), "what is public mentions what is not: {leaks:#?}");
    println!("{} public items", api.count);
    assert!(api.count <= MOST, "{} public items", api.count);
    insta::assert_snapshot!("public_interface", format!("{} items\n\n{}\n", api.count, api.lines.join("\n")));
}
