//! A component of `mockforge:plugin`: typed calls over the canonical ABI, `wasi:http` for requests.
//!
//! Each type has bindings of its own, for its own world: what a plugin exports is put together of those that it names, and what it
//! doesn't use isn't imported.
#![allow(missing_docs, reason = "bindings are made by wit-bindgen")]

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::marker::PhantomData;

use serde_json::{Map, Value};

use self::shared::mockforge::plugin::host;
use self::shared::mockforge::plugin::types as wit;
#[cfg(feature = "files")]
use crate::files::Entry;
use crate::plugin::{Config as _, Plugin};
use crate::types::{
    AuthRequest, Body, Credentials, DataQuery, FunctionCall, GenerateRequest, Headers, QueryRequest, Request, RequestContext,
    TemplateContext,
};
#[cfg(feature = "http")]
use crate::types::{HttpRequest, HttpResponse};
use crate::{Call, Error, Host, Level, Result};

/// What every world imports.
pub mod shared {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package mockforge:sdk; world host-only { import mockforge:plugin/host@0.1.0; }",
        world: "mockforge:sdk/host-only",
        generate_all,
    });
}

macro_rules! worlds {
    ($($module:ident = $world:literal),*) => {
        $(
            /// The bindings of a type.
            pub mod $module {
                wit_bindgen::generate!({
                    path: "../wit",
                    world: $world,
                    pub_export_macro: true,
                    with: {
                        "mockforge:plugin/types@0.1.0": crate::guest::component::shared::mockforge::plugin::types,
                        "mockforge:plugin/host@0.1.0": crate::guest::component::shared::mockforge::plugin::host,
                    },
                });
            }
        )*
    };
}

worlds!(auth = "auth-plugin", template = "template-plugin", response = "response-plugin", datasource = "datasource-plugin");

/// What a component exports for a type of the crate's. Each type's `export!` wants a name in the crate that it's in.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    (Auth, $plugin:ty) => {
        const _: () = {
            type Plugin = $crate::__private::component::Of<$plugin>;
    $crate::__private::component::auth::export!(Plugin with_types_in $crate::__private::component::auth);
        };
    };
    (Template, $plugin:ty) => {
        const _: () = {
            type Plugin = $crate::__private::component::Of<$plugin>;
    $crate::__private::component::template::export!(Plugin with_types_in $crate::__private::component::template);
        };
    };
    (Response, $plugin:ty) => {
        const _: () = {
            type Plugin = $crate::__private::component::Of<$plugin>;
    $crate::__private::component::response::export!(Plugin with_types_in $crate::__private::component::response);
        };
    };
    (Datasource, $plugin:ty) => {
        const _: () = {
            type Plugin = $crate::__private::component::Of<$plugin>;
    $crate::__private::component::datasource::export!(Plugin with_types_in $crate::__private::component::datasource);
        };
    };
}

/// A plugin as a component exports it.
#[derive(Debug)]
pub struct Of<P>(PhantomData<P>);

/// A plugin, made for this call, and asked.
fn asked<P: Plugin, T>(ask: impl FnOnce(P) -> Result<T>) -> core::result::Result<T, String> {
    let made = || P::new(P::Config::read(serde_json::from_str(&host::config())?)?);
    made().and_then(ask).map_err(|error| error.to_string())
}

fn json(text: &str) -> Result<Value> {
    Ok(serde_json::from_str(text)?)
}

/// An object that may be absent.
fn object(text: Option<&String>) -> Result<Map<String, Value>> {
    match text.map(|text| json(text)).transpose()? {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => crate::fail!("not an object"),
    }
}

fn body(body: Option<wit::Body>) -> Result<Option<Body>> {
    match body {
        None => Ok(None),
        Some(wit::Body::Text(text)) => Ok(Some(Body::Text(text))),
        Some(wit::Body::Json(text)) => Ok(Some(Body::Json(json(&text)?))),
    }
}

fn context(given: wit::RequestContext) -> Result<RequestContext> {
    let wit::RequestContext { method, uri, headers, body: given } = given;
    Ok(RequestContext { method, uri, headers: headers.into_iter().collect(), body: body(given)? })
}

fn in_order(headers: &Headers) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

impl<P: crate::Auth + 'static> auth::exports::mockforge::plugin::auth::Guest for Of<P> {
    fn authenticate(
        given: wit::RequestContext,
        credentials: auth::exports::mockforge::plugin::auth::Credentials,
    ) -> core::result::Result<auth::exports::mockforge::plugin::auth::Verdict, String> {
        asked(|plugin: P| {
            let credentials = Credentials { kind: credentials.kind, token: credentials.token, data: object(credentials.data.as_ref())? };
            let verdict = plugin.authenticate(AuthRequest { context: context(given)?, credentials }, &Outside)?;
            Ok(auth::exports::mockforge::plugin::auth::Verdict {
                authenticated: verdict.authenticated,
                user_id: verdict.user_id,
                claims: verdict.claims.into_iter().map(|(name, value)| (name, value.to_string())).collect(),
            })
        })
    }
}

impl<P: crate::Template + 'static> template::exports::mockforge::plugin::template::Guest for Of<P> {
    fn execute(
        function_name: String,
        args: Vec<String>,
        given: template::exports::mockforge::plugin::template::TemplateContext,
    ) -> core::result::Result<String, String> {
        asked(|plugin: P| {
            let environment = given.environment.iter().map(|(name, value)| Ok((name.clone(), json(value)?))).collect::<Result<_>>()?;
            let request_context = given.request_context.map(context).transpose()?;
            let args = args.iter().map(|arg| json(arg)).collect::<Result<_>>()?;
            let call = FunctionCall { function_name, args, context: TemplateContext { environment, request_context } };
            Ok(plugin.execute(call, &Outside)?.to_string())
        })
    }

    fn functions() -> core::result::Result<Vec<template::exports::mockforge::plugin::template::Function>, String> {
        use template::exports::mockforge::plugin::template::{Function, Parameter};

        let parameter = |crate::Parameter { name, kind, required, description }| Parameter { name, kind, required, description };
        let function = |crate::Function { name, description, parameters, return_type }| Function {
            name,
            description,
            parameters: parameters.into_iter().map(parameter).collect(),
            return_type,
        };
        asked(|plugin: P| Ok(plugin.functions().into_iter().map(function).collect()))
    }
}

impl<P: crate::Response + 'static> response::exports::mockforge::plugin::response::Guest for Of<P> {
    fn generate(
        given: wit::RequestContext,
        request: response::exports::mockforge::plugin::response::Request,
    ) -> core::result::Result<response::exports::mockforge::plugin::response::ResponseData, String> {
        asked(|plugin: P| {
            let response::exports::mockforge::plugin::response::Request { method, path, headers, body: given_body } = request;
            let request = Request { method, path, headers: headers.into_iter().collect(), body: body(given_body)? };
            let made = plugin.generate(GenerateRequest { context: context(given)?, request }, &Outside)?;
            Ok(response::exports::mockforge::plugin::response::ResponseData {
                status_code: made.status_code,
                headers: in_order(&made.headers),
                body: made.body,
                content_type: made.content_type,
            })
        })
    }
}

impl<P: crate::Datasource + 'static> datasource::exports::mockforge::plugin::datasource::Guest for Of<P> {
    fn query(
        query: datasource::exports::mockforge::plugin::datasource::DataQuery,
        given: wit::RequestContext,
    ) -> core::result::Result<datasource::exports::mockforge::plugin::datasource::DataResult, String> {
        use datasource::exports::mockforge::plugin::datasource::{Column, DataResult};

        asked(|plugin: P| {
            let parameters = query.parameters.as_deref().map(json).transpose()?.unwrap_or_default();
            let asked = QueryRequest { query: DataQuery { query: query.query, parameters }, context: context(given)? };
            let table = plugin.query(asked, &Outside)?;
            let column = |column: &crate::Column| Column { name: column.name.clone(), data_type: column.data_type.clone() };
            Ok(DataResult {
                columns: table.columns().iter().map(column).collect(),
                rows: table.rows().iter().map(|row| row.iter().map(ToString::to_string).collect()).collect(),
            })
        })
    }
}

/// The host that called.
struct Outside;

impl Host for Outside {
    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Trace => host::Level::Trace,
            Level::Debug => host::Level::Debug,
            Level::Info => host::Level::Info,
            Level::Warn => host::Level::Warn,
            Level::Error => host::Level::Error,
        };
        host::log(level, text);
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(host::now_ms()).unwrap_or(i64::MAX)
    }

    fn random(&self, out: &mut [u8]) {
        // The host gives 64 KiB at most at once.
        for part in out.chunks_mut(64 << 10) {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            part.copy_from_slice(&host::random(length));
        }
    }

    fn asset(&self, path: &str) -> Result<Vec<u8>> {
        host::asset(path).map_err(Error::new)
    }

    #[cfg(feature = "files")]
    fn read_file(&self, path: &str) -> Result<Vec<u8>> {
        super::wasi_files::read(path)
    }

    #[cfg(feature = "files")]
    fn list_folder(&self, path: &str) -> Result<Vec<Entry>> {
        super::wasi_files::list(path)
    }

    #[cfg(feature = "files")]
    fn write_file(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let mut nonce = [0; 8];
        self.random(&mut nonce);
        super::wasi_files::write(path, bytes, u64::from_le_bytes(nonce))
    }

    fn call(&self, dependency: &str, call: Call, request: &Value) -> Result<Value> {
        json(&host::call(dependency, call.as_str(), &request.to_string()).map_err(Error::new)?)
    }

    #[cfg(feature = "http")]
    fn http(&self, request: &HttpRequest) -> Result<HttpResponse> {
        super::wasi_http::send(request)
    }
}
