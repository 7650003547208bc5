//! What's the value of this field?
//!
//! In this order: what the configuration says, what an argument says (`customer(id: 7) { id }` is 7, and what a mutation is given comes back), and
//! else something made up of where it is: of the object that it's a field of, its name and its arguments. An object that has an id is made up of
//! that, so that it's the same object wherever it's met.

use std::cell::Cell;
use std::rc::Rc;

use apollo_compiler::ast::Type;
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::schema::{ExtendedType, ObjectType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};
use mockforge_plugin_sdk::serde_json::{self, Map, Value};

use crate::limits::{BYTES, VALUES};
use crate::settings::Settings;
use crate::values::{Key, leaf};

/// What's fitting for all fields of one answer.
pub(crate) struct Mock<'m> {
    schema: &'m Valid<Schema>,
    settings: &'m Settings,
    left: Cell<usize>,
    is_overdrawn: Cell<bool>,
}

impl<'m> Mock<'m> {
    pub(crate) fn new(schema: &'m Valid<Schema>, settings: &'m Settings) -> Self {
        Self { schema, settings, left: Cell::new(VALUES), is_overdrawn: Cell::new(false) }
    }

    /// The object that an operation begins with.
    pub(crate) fn root<'s>(&'s self, type_name: &Name) -> Object<'s, 'm> {
        let key = Key::new(self.settings.seed).with(type_name);
        Object { mock: self, type_name: type_name.clone(), key, id: None, said: Rc::default(), given: Rc::default(), passes_on: false }
    }

    /// Why there's no answer, if it was more than may be.
    pub(crate) fn overdrawn(&self) -> Option<String> {
        self.is_overdrawn.get().then(|| format!("the answer has more than {VALUES} values"))
    }

    /// So many values more.
    fn spend(&self, values: usize) -> Result<(), FieldError> {
        match self.left.get().checked_sub(values) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                // Smaller ones don't go on from here.
                self.left.set(0);
                self.is_overdrawn.set(true);
                Err(failed("too much"))
            }
        }
    }
}

fn failed(message: impl Into<String>) -> FieldError {
    FieldError { message: message.into() }
}

/// An object of the answer.
pub(crate) struct Object<'s, 'm> {
    mock: &'s Mock<'m>,
    type_name: Name,
    key: Key,
    /// Its id, of which its key is made.
    id: Option<Value>,
    /// What the configuration says of its fields.
    said: Rc<Map<String, Value>>,
    /// What arguments say of them.
    given: Rc<Map<String, Value>>,
    /// It has no field that arguments name: they're its objects'.
    passes_on: bool,
}

/// A field that's to have a value.
struct Field<'f> {
    /// `Type.field`.
    place: String,
    name: &'f str,
    key: Key,
    given: Rc<Map<String, Value>>,
    /// How many items a list has at most, by its arguments.
    most: usize,
    info: &'f ResolveInfo<'f>,
}

impl ObjectValue for Object<'_, '_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        self.mock.spend(1)?;
        let settings = self.mock.settings;
        let field = self.field(info)?;
        if let Some(message) = settings.errors.get(&field.place) {
            return Err(failed(message));
        }
        if settings.nulls.contains(&field.place) {
            return Ok(ResolvedValue::null());
        }
        let ty = &info.field_definition().ty;
        if let Some(said) = self.said.get(field.name) {
            return self.said_value(&field, ty, field.key, said);
        }
        if let Some(said) = self.configured(&field.place, field.key) {
            return self.said_value(&field, ty, field.key, said);
        }
        if let Some(given) = self.given.get(field.name).filter(|given| self.is_leaf_of(ty, given)) {
            self.mock.spend(length(given) / BYTES)?;
            return Ok(ResolvedValue::leaf(json(ty, given)));
        }
        match &self.id {
            Some(id) if field.name == "id" => {
                self.mock.spend(length(id) / BYTES)?;
                Ok(ResolvedValue::leaf(json(ty, id)))
            }
            _ => self.made_up(&field, ty, field.key),
        }
    }
}

impl<'s, 'm> Object<'s, 'm> {
    fn field<'f>(&self, info: &'f ResolveInfo<'f>) -> Result<Field<'f>, FieldError> {
        let name = info.field_name();
        let arguments = info.arguments();
        let written = if arguments.is_empty() { String::new() } else { serde_json::to_string(arguments).unwrap_or_default() };
        self.mock.spend(written.len() / BYTES)?;
        let given = if arguments.is_empty() && self.passes_on { Rc::clone(&self.given) } else { Rc::new(flat(arguments)) };
        let paging = ["first", "last", "limit"].iter().filter_map(|name| given.get(*name)?.as_u64());
        let most = paging.min().map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        Ok(Field { place: format!("{}.{name}", self.type_name), name, key: self.key.with(name).with(&written), given, most, info })
    }

    /// What the configuration says of a field or a type.
    fn configured(&self, place: &str, key: Key) -> Option<&'s Value> {
        let settings = self.mock.settings;
        settings.values.get(place).or_else(|| key.choose(settings.choices.get(place)?))
    }

    /// A value as the configuration has it.
    fn said_value<'a>(&'a self, field: &Field<'_>, ty: &'a Type, key: Key, said: &'a Value) -> Result<ResolvedValue<'a>, FieldError> {
        match said {
            Value::Array(items) if ty.is_list() => {
                let items: Vec<_> = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| self.said_value(field, ty.item_type(), key.at(at), item))
                    .collect::<Result<_, _>>()?;
                Ok(ResolvedValue::list(items))
            }
            Value::Object(fields) if !ty.is_list() && self.has_fields(ty.inner_named_type()) => {
                self.object(field, ty.inner_named_type(), key, Rc::new(fields.clone()))
            }
            said => {
                self.mock.spend(1)?;
                Ok(ResolvedValue::leaf(json(ty, said)))
            }
        }
    }

    fn made_up<'a>(&'a self, field: &Field<'_>, ty: &'a Type, key: Key) -> Result<ResolvedValue<'a>, FieldError> {
        if ty.is_list() {
            let settings = self.mock.settings;
            let length = usize::from(*settings.lists.get(&field.place).unwrap_or(&settings.list_length)).min(field.most);
            let items: Vec<_> = (0..length).map(|at| self.made_up(field, ty.item_type(), key.at(at))).collect::<Result<_, _>>()?;
            return Ok(ResolvedValue::list(items));
        }
        let of = ty.inner_named_type();
        if let Some(said) = self.configured(of, key) {
            return self.said_value(field, ty, key, said);
        }
        if self.has_fields(of) {
            return self.object(field, of, key, Rc::default());
        }
        self.mock.spend(1)?;
        let Some(definition) = self.mock.schema.types.get(of) else { return Err(failed(format!("there's no type `{of}`"))) };
        Ok(ResolvedValue::leaf(json(ty, &leaf(definition, field.name, &self.type_name, key))))
    }

    /// An object of this type, or of one that implements it or belongs to it.
    fn object<'a>(&'a self, field: &Field<'_>, of: &Name, key: Key, said: Rc<Map<String, Value>>) -> Result<ResolvedValue<'a>, FieldError> {
        self.mock.spend(1)?;
        let seed = Key::new(self.mock.settings.seed);
        let id = |of: &Name| {
            let ty = &self.mock.schema.type_field(of, "id").ok()?.ty;
            let known = said.get("id").or_else(|| field.given.get("id")).filter(|known| self.is_leaf_of(ty, known)).cloned();
            known.or_else(|| Some(leaf(self.mock.schema.types.get(ty.inner_named_type())?, "id", of, key)))
        };
        // Where all that it may be have ids, its id decides what it is.
        let known = id(of);
        let choice = known.as_ref().map_or(key, |id| seed.with(&plain(id)));
        let definition = self.concrete(field, of, choice, said.get("__typename"))?;
        let id = known.or_else(|| id(&definition.name));
        let key = id.as_ref().map_or(key, |id| seed.with(&definition.name).with(&plain(id)));
        let passes_on = !field.given.is_empty() && !field.given.keys().any(|name| definition.fields.contains_key(name.as_str()));
        let given = Rc::clone(&field.given);
        Ok(ResolvedValue::object(Object { mock: self.mock, type_name: definition.name.clone(), key, id, said, given, passes_on }))
    }

    fn concrete(&self, field: &Field<'_>, of: &Name, key: Key, said: Option<&Value>) -> Result<&'m Node<ObjectType>, FieldError> {
        let schema: &'m Valid<Schema> = self.mock.schema;
        if let Some(said) = said {
            let name = said.as_str().unwrap_or_default();
            return schema.get_object(name).ok_or_else(|| failed(format!("the configuration's `__typename` {said} isn't an object type")));
        }
        let mut possible: Vec<&Name> = match schema.types.get(of) {
            Some(ExtendedType::Union(union)) => union.members.iter().map(|member| &member.name).collect(),
            Some(ExtendedType::Interface(_)) => {
                field.info.implementers_map().get(of).map(|those| those.objects.iter().collect()).unwrap_or_default()
            }
            _ => vec![of],
        };
        possible.sort();
        key.choose(&possible).and_then(|name| schema.get_object(name)).ok_or_else(|| failed(format!("no object type is a `{of}`")))
    }

    fn has_fields(&self, of: &Name) -> bool {
        self.mock.schema.types.get(of).is_some_and(|ty| ty.is_object() || ty.is_interface() || ty.is_union())
    }

    /// Would an argument's value do for a field of this type?
    fn is_leaf_of(&self, ty: &Type, given: &Value) -> bool {
        if ty.is_list() {
            return false;
        }
        match (self.mock.schema.types.get(ty.inner_named_type()), given) {
            (Some(ExtendedType::Enum(known)), Value::String(value)) => known.values.contains_key(value.as_str()),
            (Some(ExtendedType::Scalar(scalar)), given) => match scalar.name.as_str() {
                "ID" => given.is_string() || given.is_u64(),
                "String" => given.is_string(),
                "Int" => given.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                "Float" => given.is_number(),
                "Boolean" => given.is_boolean(),
                _ => !given.is_null(),
            },
            _ => false,
        }
    }
}

/// Arguments by name, and what's in those that are objects.
fn flat(arguments: &JsonMap) -> Map<String, Value> {
    let mut all = Map::new();
    let Ok(Value::Object(arguments)) = serde_json::to_value(arguments) else { return all };
    for value in arguments.values() {
        if let Value::Object(inner) = value {
            all.extend(inner.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    all.extend(arguments);
    all
}

/// How much text there is to a value of an argument, about.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| 1 + length(item)).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + 1 + length(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

fn plain(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// A value for the answer. An ID is text, whatever it was made of.
fn json(ty: &Type, value: &Value) -> JsonValue {
    match value {
        Value::Number(number) if ty.inner_named_type() == "ID" => number.to_string().into(),
        value => value.clone().into(),
    }
}
