//! `response-graphql`: what does a server of this schema answer to this query?
//!
//! Queries are parsed, validated and executed as the specification has it, by `apollo-compiler`; introspection too. What's in the
//! answer is made up: values that fit their types and look like their names, the same ones for the same question, unless the
//! configuration says them.

mod limits;
mod mock;
mod request;
mod settings;
#[cfg(test)]
mod tests;
mod values;

use apollo_compiler::executable::{Operation, OperationType};
use apollo_compiler::introspection::check_max_depth;
use apollo_compiler::parser::Parser;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::GraphQLError;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema};
use mock::Mock;
use mockforge_plugin_sdk::prelude::*;
use request::{Asked, Refusal, Reply};
use settings::Settings;

/// The schema of the package.
const SHOP: &str = "schema/shop.graphql";

struct GraphQl {
    settings: Settings,
}

impl Plugin for GraphQl {
    type Config = Settings;

    fn about() -> About {
        plugin_config! {
            name: "GraphQL mock server",
            entry: "response_graphql.wasm",
            include: ["schema/**"],
            keywords: ["graphql", "response", "mock", "schema"],
            mockforge: ">=0.3, <2",
        }
    }

    fn new(settings: Settings) -> Result<Self> {
        Ok(Self { settings })
    }
}

impl Response for GraphQl {
    fn generate(&self, request: GenerateRequest, host: &dyn Host) -> Result<ResponseData> {
        let asked = match Asked::of(&request) {
            Ok(asked) => asked,
            Err(refusal) => return refusal.response(),
        };
        let schema = self.schema(host)?;
        let reply = self.answer(&schema, &asked).unwrap_or_else(Reply::refused);
        reply.response(asked.accepts)
    }
}

impl GraphQl {
    fn schema(&self, host: &dyn Host) -> Result<Valid<Schema>> {
        let packaged;
        let text = match &self.settings.schema {
            Some(text) => text,
            None => {
                packaged = host.asset_text(SHOP)?;
                &packaged
            }
        };
        let schema = Schema::parse_and_validate(text, "schema").map_err(|invalid| first_of(&invalid.errors))?;
        self.settings.fit(&schema)?;
        Ok(schema)
    }

    /// The answer, or what's wrong with the request.
    fn answer(&self, schema: &Valid<Schema>, asked: &Asked) -> Result<Reply, Vec<GraphQLError>> {
        let document = self.document(schema, asked)?;
        let refused = |error: apollo_compiler::request::RequestError| vec![error.to_graphql_error(&document.sources)];
        let operation = document.operations.get(asked.operation_name.as_deref()).map_err(refused)?;
        asked.may(operation).map_err(Refusal::into_errors)?;
        check_max_depth(&document, operation).map_err(refused)?;
        let mock = Mock::new(schema, &self.settings);
        let executed = Execution::new(schema, &document)
            .operation(operation)
            .raw_variable_values(&asked.variables)
            .enable_schema_introspection(self.settings.introspection)
            .execute_sync(&mock.root(operation.object_type()))
            .map_err(refused)?;
        match mock.overdrawn() {
            Some(words) => Err(vec![limits::error(words)]),
            None => Ok(Reply::executed(executed)),
        }
    }

    fn document(&self, schema: &Valid<Schema>, asked: &Asked) -> Result<Valid<ExecutableDocument>, Vec<GraphQLError>> {
        limits::check_length(&asked.query, &asked.variables)?;
        let mut parser = Parser::new().recursion_limit(limits::NESTED).token_limit(limits::TOKENS);
        let parsed = parser.parse_ast(&asked.query, "query").map_err(|invalid| all_of(&invalid.errors))?;
        limits::check_selections(&parsed, &self.settings)?;
        parsed.to_executable_validate(schema).map_err(|invalid| all_of(&invalid.errors))
    }
}

/// What's wrong with a query, each with its place; the first of it, where that's much.
fn all_of(errors: &DiagnosticList) -> Vec<GraphQLError> {
    errors.iter().take(limits::ERRORS).map(|error| error.to_json()).collect()
}

/// The first of what's wrong with the schema.
fn first_of(errors: &DiagnosticList) -> Error {
    let Some(first) = errors.iter().next() else { return Error::new("the schema isn't one") };
    let place = first.line_column_range().map_or_else(String::new, |range| format!(", line {}", range.start.line));
    Error::new(format!("the schema{place}: {}", first.error))
}

fn is_subscription(operation: &Operation) -> bool {
    operation.operation_type == OperationType::Subscription
}

/// What hash maps start with. They're asked by name and never listed, and an answer is to be the same each time; whoever looks for collisions
/// finds the limits of `limits`.
#[cfg(target_family = "wasm")]
#[expect(unsafe_code, reason = "it's how `getrandom` calls it")]
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(out: *mut u8, length: usize) -> Result<(), getrandom::Error> {
    // SAFETY: by the caller's promise so many bytes may be written there.
    unsafe { core::ptr::write_bytes(out, 0x5a, length) };
    Ok(())
}

export_plugin!(GraphQl: Response);
