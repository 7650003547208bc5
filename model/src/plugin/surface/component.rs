//! The functions and types of the interfaces that a component exports, as WIT would write them: `func(name: string) -> list<u8>`.
//!
//! A type that the interface gives a name is told once, under that name; where a function takes it, its name stands. Whatever
//! can't be told in a bounded number of characters is told with a digest of the whole component, so that it never counts as
//! unchanged.

use std::collections::{BTreeMap, HashMap};

use wasmparser::component_types::{
    AliasableResourceId, ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType, ComponentFuncTypeId,
    ComponentInstanceTypeId, ComponentValType, ResourceId,
};
use wasmparser::names::KebabString;
use wasmparser::types::Types;
use wasmparser::{Parser, ValidPayload, Validator, WasmFeatures};

/// The most characters that a type is told in.
const MAX_CHARACTERS: usize = 4_000;
/// The deepest that types are told within one another.
const MAX_DEPTH: usize = 24;

/// What the exported interface of each name has: `interface#function`, `interface#type`. Nothing if the component isn't valid, or
/// isn't one; the code of its functions isn't looked at.
pub(super) fn interfaces<'n>(bytes: &[u8], names: impl IntoIterator<Item = &'n str>) -> BTreeMap<String, String> {
    let Some(types) = types(bytes) else { return BTreeMap::new() };
    let digest = std::cell::OnceCell::new();
    let digest = || digest.get_or_init(|| super::short_digest(bytes)).clone();
    let mut told = BTreeMap::new();
    for name in names {
        match types.component_item_for_export(name).map(|item| item.ty) {
            Some(ComponentEntityType::Instance(instance)) => {
                let interface = Interface::new(&types, instance);
                told.extend(interface.items(&digest).into_iter().map(|(item, word)| (format!("{name}#{item}"), word)));
            }
            Some(ComponentEntityType::Func(function)) => {
                let nameless = Interface { types: &types, instance: None, names: HashMap::new(), resources: HashMap::new() };
                told.insert(name.to_owned(), nameless.words(&digest, |words| words.function(function)));
            }
            _ => {}
        }
    }
    told
}

fn types(bytes: &[u8]) -> Option<Types> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut types = None;
    for payload in Parser::new(0).parse_all(bytes) {
        if let ValidPayload::End(end) = validator.payload(&payload.ok()?).ok()? {
            // The last one is the component's own.
            types = Some(end);
        }
    }
    types
}

/// An exported interface, and the names that it gives to types.
struct Interface<'t> {
    types: &'t Types,
    instance: Option<ComponentInstanceTypeId>,
    names: HashMap<ComponentDefinedTypeId, &'t str>,
    resources: HashMap<ResourceId, &'t str>,
}

impl<'t> Interface<'t> {
    fn new(types: &'t Types, instance: ComponentInstanceTypeId) -> Self {
        let (mut names, mut resources) = (HashMap::new(), HashMap::new());
        for (name, item) in &types[instance].exports {
            match item.ty {
                ComponentEntityType::Type { created: ComponentAnyTypeId::Defined(id), .. } => drop(names.insert(id, name.as_str())),
                ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. } => {
                    resources.insert(id.resource(), name.as_str());
                }
                _ => {}
            }
        }
        Self { types, instance: Some(instance), names, resources }
    }

    fn items(&self, digest: &dyn Fn() -> String) -> Vec<(&'t str, String)> {
        let Some(instance) = self.instance else { return Vec::new() };
        let told = self.types[instance].exports.iter().filter_map(|(name, item)| {
            let word = match item.ty {
                ComponentEntityType::Func(function) => self.words(digest, |words| words.function(function)),
                ComponentEntityType::Type { referenced: ComponentAnyTypeId::Defined(ty), .. } => {
                    self.words(digest, |words| words.definition(ty))
                }
                ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(_), .. } => "resource".to_owned(),
                _ => return None,
            };
            Some((name.as_str(), word))
        });
        told.collect()
    }

    fn words(&self, digest: &dyn Fn() -> String, tell: impl FnOnce(&mut Words<'_, 't>)) -> String {
        let mut words = Words { interface: self, text: String::new(), depth: 0, is_whole: true };
        tell(&mut words);
        if words.is_whole { words.text } else { format!("{}… (in {})", words.text, digest()) }
    }
}

/// A type as it's being told.
struct Words<'i, 't> {
    interface: &'i Interface<'t>,
    text: String,
    depth: usize,
    is_whole: bool,
}

impl Words<'_, '_> {
    fn say(&mut self, text: &str) {
        if self.text.len() + text.len() > MAX_CHARACTERS {
            self.is_whole = false;
        } else if self.is_whole {
            self.text.push_str(text);
        }
    }

    fn function(&mut self, function: ComponentFuncTypeId) {
        let types = self.interface.types;
        let ty = &types[function];
        self.say(if ty.async_ { "async func(" } else { "func(" });
        self.list(ty.params.iter(), |words, (name, ty)| {
            words.say(&format!("{name}: "));
            words.value(*ty);
        });
        self.say(")");
        if let Some(result) = ty.result {
            self.say(" -> ");
            self.value(result);
        }
    }

    /// What a type is, under whatever name.
    fn definition(&mut self, ty: ComponentDefinedTypeId) {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.is_whole = false;
        }
        if self.is_whole {
            let types = self.interface.types;
            self.defined(&types[ty]);
        }
        self.depth -= 1;
    }

    fn value(&mut self, ty: ComponentValType) {
        match ty {
            ComponentValType::Primitive(primitive) => self.say(&primitive.to_string()),
            ComponentValType::Type(ty) => match self.interface.names.get(&ty) {
                Some(name) => self.say(name),
                None => self.definition(ty),
            },
        }
    }

    fn defined(&mut self, ty: &ComponentDefinedType) {
        match ty {
            ComponentDefinedType::Primitive(primitive) => self.say(&primitive.to_string()),
            ComponentDefinedType::Record(record) => {
                self.say("record { ");
                self.list(record.fields.iter(), |words, (name, ty)| {
                    words.say(&format!("{name}: "));
                    words.value(*ty);
                });
                self.say(" }");
            }
            ComponentDefinedType::Variant(variant) => {
                self.say("variant { ");
                self.list(variant.cases.iter(), |words, (name, case)| {
                    words.say(name);
                    words.payload(case.ty);
                });
                self.say(" }");
            }
            ComponentDefinedType::List { element, .. } => self.of("list", &[Some(*element)]),
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                self.say("list<");
                self.value(*element);
                self.say(&format!(", {length}>"));
            }
            ComponentDefinedType::Map { key, value, .. } => self.of("map", &[Some(*key), Some(*value)]),
            ComponentDefinedType::Tuple(tuple) => {
                let all: Vec<_> = tuple.types.iter().copied().map(Some).collect();
                self.of("tuple", &all);
            }
            ComponentDefinedType::Flags(names) => self.named("flags", names.iter().map(KebabString::as_str)),
            ComponentDefinedType::Enum(names) => self.named("enum", names.iter().map(KebabString::as_str)),
            ComponentDefinedType::Option { ty, .. } => self.of("option", &[Some(*ty)]),
            ComponentDefinedType::Result { ok, err, .. } => self.of("result", &[*ok, *err]),
            ComponentDefinedType::Own(resource) => self.handle("own", *resource),
            ComponentDefinedType::Borrow(resource) => self.handle("borrow", *resource),
            ComponentDefinedType::Future { ty, .. } => self.of("future", &[*ty]),
            ComponentDefinedType::Stream { ty, .. } => self.of("stream", &[*ty]),
        }
    }

    /// `result<_, string>`, `list<u8>`.
    fn of(&mut self, what: &str, types: &[Option<ComponentValType>]) {
        self.say(what);
        self.say("<");
        self.list(types.iter(), |words, ty| match ty {
            Some(ty) => words.value(*ty),
            None => words.say("_"),
        });
        self.say(">");
    }

    fn payload(&mut self, ty: Option<ComponentValType>) {
        if let Some(ty) = ty {
            self.say("(");
            self.value(ty);
            self.say(")");
        }
    }

    fn named<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n str>) {
        self.say(what);
        self.say(" { ");
        self.list(names, Words::say);
        self.say(" }");
    }

    fn handle(&mut self, what: &str, resource: AliasableResourceId) {
        let name = self.interface.resources.get(&resource.resource()).copied().unwrap_or("resource");
        self.say(&format!("{what}<{name}>"));
    }

    fn list<T>(&mut self, items: impl Iterator<Item = T>, mut tell: impl FnMut(&mut Self, T)) {
        for (position, item) in items.enumerate() {
            if !self.is_whole {
                return;
            }
            if position > 0 {
                self.say(", ");
            }
            tell(self, item);
        }
    }
}
