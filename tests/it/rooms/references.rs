//! Which file of `src` refers to which: every `use` and every path, resolved through re-exports to the file that defines
//! the item. Code of tests (`#[cfg(test)]`) is left out, and so are references of a `mod.rs` or a `registry.rs` to
//! its own folder, whose contents it lists.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};
use syn::{
    Attribute, ImplItem, Item, LitStr, Macro, Stmt, TraitItem, UseTree, Visibility,
    spanned::Spanned,
    visit::{self, Visit},
};

/// How many imports a name may lead through.
const MAX_IMPORTS: usize = 32;

/// A place in a file, with the path that stands there.
#[derive(Debug, Clone)]
pub struct Mention {
    pub line: usize,
    pub path: String,
}

/// The source as files and what they mention.
#[derive(Debug, Default)]
pub struct Source {
    /// By path below `src`, with `/`.
    pub files: Vec<String>,
    /// Of two files: the first mention of the second by the first.
    pub references: BTreeMap<(usize, usize), Mention>,
    /// Paths into other crates, by file.
    pub external: Vec<(usize, Mention)>,
    /// Where `unsafe` stands, by file.
    pub unsafe_code: Vec<(usize, usize)>,
}

#[derive(Debug)]
enum Name {
    Module(usize),
    Item,
    Import(Vec<String>),
}

#[derive(Debug, Default)]
struct Module {
    file: usize,
    parent: Option<usize>,
    names: HashMap<String, Vec<Name>>,
    globs: Vec<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Module(usize),
    File(usize),
}

impl Source {
    /// Reads the crate whose roots are `lib.rs` and `main.rs` in `folder`.
    pub fn read(folder: &Path) -> Self {
        let mut reader = Reader { folder: folder.to_owned(), ..Reader::default() };
        let library = reader.file("lib.rs", None);
        let program = reader.file("main.rs", None);
        reader.roots = vec![library, program];
        let bodies = std::mem::take(&mut reader.bodies);
        for (module, items) in &bodies {
            let mut mentions = Mentions { reader: &mut reader, module: *module };
            items.iter().for_each(|item| mentions.visit_item(item));
        }
        reader.source
    }

    /// The first folder of a file, or its own name.
    pub fn room(&self, file: usize) -> &str {
        self.files[file].split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Files that refer to each other in a circle: for each group, its files and one shortest circle.
    pub fn circles(&self) -> Vec<(Vec<usize>, Vec<usize>)> {
        let reachable: Vec<Vec<Option<usize>>> = (0..self.files.len()).map(|from| self.before(from)).collect();
        let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
        for file in 0..self.files.len() {
            if reachable[file][file].is_none() || groups.iter().any(|(files, _)| files.contains(&file)) {
                continue;
            }
            let group: Vec<usize> = (0..self.files.len())
                .filter(|other| reachable[file][*other].is_some() && reachable[*other][file].is_some())
                .collect();
            let circles = group.iter().map(|start| {
                let mut circle = vec![*start];
                let mut at = reachable[*start][*start].unwrap();
                while at != *start {
                    circle.push(at);
                    at = reachable[*start][at].unwrap();
                }
                circle.push(*start);
                circle.reverse();
                circle
            });
            let shortest = circles.min_by_key(Vec::len).unwrap();
            groups.push((group, shortest));
        }
        groups
    }

    /// For each file that can be reached from `from`: the file before it on a shortest way.
    fn before(&self, from: usize) -> Vec<Option<usize>> {
        let mut before = vec![None; self.files.len()];
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for ((_, to), _) in self.references.range((at, 0)..(at + 1, 0)) {
                if before[*to].is_none() {
                    before[*to] = Some(at);
                    queue.push_back(*to);
                }
            }
        }
        before
    }
}

#[derive(Default)]
struct Reader {
    folder: PathBuf,
    source: Source,
    modules: Vec<Module>,
    /// The library, and the binary.
    roots: Vec<usize>,
    bodies: Vec<(usize, Vec<Item>)>,
}

impl Reader {
    /// Reads a file and the files of its modules.
    fn file(&mut self, path: &str, parent: Option<usize>) -> usize {
        let text = fs::read_to_string(self.folder.join(path)).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        self.source.files.push(path.to_owned());
        let file = self.source.files.len() - 1;
        self.module(file, parent, parsed.items, &folder_of(path))
    }

    fn module(&mut self, file: usize, parent: Option<usize>, items: Vec<Item>, folder: &str) -> usize {
        self.modules.push(Module { file, parent, ..Module::default() });
        let id = self.modules.len() - 1;
        let mut rest = Vec::new();
        for item in items.into_iter().filter(|item| !is_test(attributes(item))) {
            if let Item::Mod(module) = item {
                let name = module.ident.to_string();
                let inner = format!("{folder}{name}");
                let child = match module.content {
                    Some((_, items)) => self.module(file, Some(id), items, &format!("{inner}/")),
                    None => {
                        let flat = format!("{inner}.rs");
                        let path = if self.folder.join(&flat).exists() { flat } else { format!("{inner}/mod.rs") };
                        self.file(&path, Some(id))
                    }
                };
                self.name(id, name, Name::Module(child));
                continue;
            }
            match &item {
                Item::Use(item) => self.imports(id, &item.tree, &mut Vec::new()),
                Item::Fn(item) => self.name(id, item.sig.ident.to_string(), Name::Item),
                Item::Struct(item) => self.name(id, item.ident.to_string(), Name::Item),
                Item::Enum(item) => self.name(id, item.ident.to_string(), Name::Item),
                Item::Trait(item) => self.name(id, item.ident.to_string(), Name::Item),
                Item::Type(item) => self.name(id, item.ident.to_string(), Name::Item),
                Item::Const(item) => self.name(id, item.ident.to_string(), Name::Item),
                Item::Static(item) => self.name(id, item.ident.to_string(), Name::Item),
                Item::Macro(item) => {
                    if let Some(name) = &item.ident {
                        self.name(id, name.to_string(), Name::Item);
                    }
                }
                _ => {}
            }
            rest.push(item);
        }
        self.bodies.push((id, rest));
        id
    }

    fn name(&mut self, module: usize, name: String, what: Name) {
        self.modules[module].names.entry(name).or_default().push(what);
    }

    fn imports(&mut self, module: usize, tree: &UseTree, prefix: &mut Vec<String>) {
        for (path, name) in leaves(tree, prefix) {
            match name {
                Some(name) => self.name(module, name, Name::Import(path)),
                None => self.modules[module].globs.push(path),
            }
        }
    }

    fn resolve(&self, module: usize, path: &[String], depth: usize) -> Option<Target> {
        let mut segments = path.iter().map(String::as_str).enumerate();
        let (_, first) = segments.next()?;
        let mut at = match first {
            "crate" => Target::Module(self.root(module)),
            "epoca" if self.root(module) != self.roots[0] => Target::Module(self.roots[0]),
            "self" => Target::Module(module),
            "super" => Target::Module(self.modules[module].parent?),
            name => self.lookup(module, name, path.len() == 1, depth)?,
        };
        for (index, segment) in segments {
            at = match (at, segment) {
                (Target::Module(module), "super") => Target::Module(self.modules[module].parent?),
                (Target::Module(module), name) => self
                    .lookup(module, name, index + 1 == path.len(), depth)
                    // A macro makes what is not written.
                    .unwrap_or(Target::File(self.modules[module].file)),
                (file, _) => file,
            };
        }
        Some(at)
    }

    fn lookup(&self, module: usize, name: &str, is_last: bool, depth: usize) -> Option<Target> {
        if depth > MAX_IMPORTS {
            return None;
        }
        let of = &self.modules[module];
        let mut known: Vec<&Name> = of.names.get(name).into_iter().flatten().collect();
        // `sum::sum`: a module and a function may have one name.
        known.sort_by_key(|name| matches!(name, Name::Module(_)) == is_last);
        let named = known.into_iter().find_map(|name| match name {
            Name::Module(id) => Some(Target::Module(*id)),
            Name::Item => Some(Target::File(of.file)),
            Name::Import(path) => self.resolve(module, path, depth + 1),
        });
        named.or_else(|| {
            of.globs.iter().find_map(|path| match self.resolve(module, path, depth + 1)? {
                Target::Module(from) => self.lookup(from, name, is_last, depth + 1),
                Target::File(_) => None,
            })
        })
    }

    fn root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.modules[module].parent {
            module = parent;
        }
        module
    }

    /// Records that `module` has `path`.
    fn mention(&mut self, module: usize, path: &[String], line: usize) {
        let from = self.modules[module].file;
        let mention = Mention { line, path: path.join("::") };
        match self.resolve(module, path, 0) {
            Some(Target::File(to)) if to != from && !self.is_below(to, from) => {
                self.source.references.entry((from, to)).or_insert(mention);
            }
            None if path.len() > 1 && path[0].starts_with(|first: char| first.is_ascii_lowercase()) => {
                self.source.external.push((from, mention));
            }
            _ => {}
        }
    }

    /// Whether `file` lies in the folder whose contents `shown` lists: a `mod.rs`, or a registry of layers.
    fn is_below(&self, file: usize, shown: usize) -> bool {
        let (file, shown) = (&self.source.files[file], &self.source.files[shown]);
        let folder = shown.strip_suffix("registry.rs").map_or_else(|| folder_of(shown), str::to_owned);
        shown != "main.rs" && file.starts_with(&folder)
    }
}

/// The folder of a file's modules: of `a/mod.rs` and of `a.rs` it is `a/`.
fn folder_of(path: &str) -> String {
    match path {
        "lib.rs" | "main.rs" => String::new(),
        path => format!("{}/", path.trim_end_matches("/mod.rs").trim_end_matches(".rs")),
    }
}

/// Every path of a `use`, with the name that it gets; none for a glob.
fn leaves(tree: &UseTree, prefix: &mut Vec<String>) -> Vec<(Vec<String>, Option<String>)> {
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            let found = leaves(&path.tree, prefix);
            prefix.pop();
            found
        }
        UseTree::Name(name) => leaf(prefix, &name.ident.to_string(), None),
        UseTree::Rename(name) => leaf(prefix, &name.ident.to_string(), Some(name.rename.to_string())),
        UseTree::Glob(_) => vec![(prefix.clone(), None)],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, prefix)).collect(),
    }
}

fn leaf(prefix: &[String], name: &str, rename: Option<String>) -> Vec<(Vec<String>, Option<String>)> {
    let mut path = prefix.to_vec();
    if name != "self" {
        path.push(name.to_owned());
    }
    let name = rename.or_else(|| path.last().cloned());
    vec![(path, name)]
}

struct Mentions<'r> {
    reader: &'r mut Reader,
    module: usize,
}

impl Mentions<'_> {
    fn mention(&mut self, path: &[String], span: proc_macro2::Span) {
        self.reader.mention(self.module, path, span.start().line);
    }

    fn mark_unsafe(&mut self, span: proc_macro2::Span) {
        let file = self.reader.modules[self.module].file;
        self.reader.source.unsafe_code.push((file, span.start().line));
    }

    /// Paths among tokens that are not parsed: those of macros and attributes.
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        use proc_macro2::TokenTree::{Group, Ident, Literal, Punct};
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                Group(group) => self.tokens(group.stream()),
                Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<LitStr>(&literal.to_string())
                        && let Ok(path) = text.parse::<syn::Path>()
                    {
                        self.mention(&names(&path), literal.span());
                    }
                }
                Ident(first) => {
                    let mut path = vec![first.to_string()];
                    let is_colon = |at: usize| matches!(tokens.get(at), Some(Punct(punct)) if punct.as_char() == ':');
                    while is_colon(at + 1)
                        && is_colon(at + 2)
                        && let Some(Ident(next)) = tokens.get(at + 3)
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    if first == "unsafe" {
                        self.mark_unsafe(first.span());
                    }
                    self.mention(&path, first.span());
                }
                Punct(_) => {}
            }
            at += 1;
        }
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test(attributes(item)) {
            return;
        }
        if let Item::Use(item) = item {
            for (path, name) in leaves(&item.tree, &mut Vec::new()) {
                // What a glob brings is mentioned where it is used.
                if name.is_some() {
                    self.mention(&path, item.span());
                }
            }
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &item.attrs,
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            TraitItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_test(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        // A `use` within a function is known to the whole module: names are few enough.
        if let Stmt::Item(Item::Use(item)) = statement {
            self.reader.imports(self.module, &item.tree, &mut Vec::new());
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.mention(&names(path), path.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if !attribute.path().is_ident("doc")
            && let syn::Meta::List(list) = &attribute.meta
        {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.mark_unsafe(block.span());
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = &signature.unsafety {
            self.mark_unsafe(word.span());
        }
        visit::visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(word) = &item.unsafety {
            self.mark_unsafe(word.span());
        }
        visit::visit_item_impl(self, item);
    }
}

fn names(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
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
        _ => &[],
    }
}

/// Whether an item is compiled for tests alone.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let words = match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string(),
            syn::Meta::Path(path) if path.is_ident("test") => return true,
            _ => return false,
        };
        words == "test" || words.starts_with("all (test") || words.starts_with("all(test")
    })
}
