//! How much may a query ask for?
//!
//! A call's time is limited by its host, and a query that uses it up is stopped without words. These limits come before, with words. What's
//! asked for is counted before anything is validated, since validation isn't free either.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, Document, FragmentDefinition, Selection};
use apollo_compiler::response::{GraphQLError, JsonMap};
use mockforge_plugin_sdk::serde_json;

use crate::settings::Settings;

/// How long a query's text may be, and its variables, in bytes.
pub(crate) const LONGEST: usize = 64 << 10;
/// How many words, signs and blanks it may have.
pub(crate) const TOKENS: usize = 40_000;
/// How deep anything in its text may be nested: the parser's own stack.
pub(crate) const NESTED: usize = 100;
/// How much of what's wrong is said.
pub(crate) const ERRORS: usize = 20;
/// How many values an answer may have.
pub(crate) const VALUES: usize = 20_000;
/// So many bytes of arguments, or of a value that's one of them, cost as much as a value: each field reads all of its own.
pub(crate) const BYTES: usize = 64;

/// What's wrong with a request, without a place in it.
pub(crate) fn error(message: impl Into<String>) -> GraphQLError {
    GraphQLError { message: message.into(), locations: Vec::new(), path: Vec::new(), extensions: JsonMap::default() }
}

/// Are they short enough? Variables count as JSON: each field that has one as an argument gets a copy.
pub(crate) fn check_length(query: &str, variables: &JsonMap) -> Result<(), Vec<GraphQLError>> {
    let variables = serde_json::to_string(variables).map_or(0, |json| json.len());
    for (length, what) in [(query.len(), "query is"), (variables, "variables are")] {
        if length > LONGEST {
            return Err(vec![error(format!("the {what} longer than {LONGEST} bytes"))]);
        }
    }
    Ok(())
}

/// Are there no more fields than may be, and none deeper? Fragments count wherever they're used, so that small ones that use one another aren't a
/// large query; and once by themselves, since validation looks at unused ones too.
pub(crate) fn check_selections(document: &Document, settings: &Settings) -> Result<(), Vec<GraphQLError>> {
    let fragment = |definition: &Definition| match definition {
        Definition::FragmentDefinition(fragment) => Some((fragment.name.to_string(), (**fragment).clone())),
        _ => None,
    };
    let fragments: HashMap<String, FragmentDefinition> = document.definitions.iter().filter_map(fragment).collect();
    let most = usize::from(settings.max_fields);
    let mut count = Count { fragments: &fragments, left: most, deepest: usize::from(settings.max_depth) };
    for definition in &document.definitions {
        let selections = match definition {
            Definition::OperationDefinition(operation) => &operation.selection_set,
            Definition::FragmentDefinition(fragment) => &fragment.selection_set,
            _ => continue,
        };
        count.visit(selections, 1).map_err(|excess| {
            vec![error(match excess {
                Excess::Fields => format!("the query asks for more than {most} fields"),
                Excess::Depth => format!("the query is deeper than {}, or its fragments use one another in a circle", settings.max_depth),
            })]
        })?;
    }
    Ok(())
}

enum Excess {
    Fields,
    Depth,
}

struct Count<'a> {
    fragments: &'a HashMap<String, FragmentDefinition>,
    left: usize,
    deepest: usize,
}

impl Count<'_> {
    fn visit(&mut self, selections: &[Selection], depth: usize) -> Result<(), Excess> {
        if depth > self.deepest {
            return Err(Excess::Depth);
        }
        for selection in selections {
            self.left = self.left.checked_sub(1).ok_or(Excess::Fields)?;
            match selection {
                Selection::Field(field) if field.selection_set.is_empty() => {}
                Selection::Field(field) => self.visit(&field.selection_set, depth + 1)?,
                Selection::InlineFragment(inline) => self.visit(&inline.selection_set, depth + 1)?,
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(spread.fragment_name.as_str()) {
                        self.visit(&fragment.selection_set, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }
}
