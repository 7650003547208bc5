//! `datasource-csv`: what do these CSV tables answer to a question in a little SQL?
//!
//! A table is CSV text from the configuration (`tables.<name>`) or the file `data/<name>.csv` of
//! this package. The language stands in the README; whatever isn't in it is an error that says so.

// As in the newer releases: what a question means hasn't changed, only how a plugin talks with its host.
#[path = "../../datasource-csv-1.2/src/csv.rs"]
mod csv;
#[path = "../../datasource-csv-1.2/src/query.rs"]
mod query;
#[path = "../../datasource-csv-1.2/src/run.rs"]
mod run;
#[path = "../../datasource-csv-1.2/src/table.rs"]
mod table;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use json1::{Value, host, json};
use query::Source;
use run::Answer;
use table::Table;

json1::plugin! {
    query_datasource => answer,
}

fn answer(request: &Value) -> Result<Value, String> {
    let text = json1::text_at(request, &["query", "query"])?;
    let query = query::parse(text, &request["query"]["parameters"])?;
    let Source::Named(name) = &query.source;
    let table = open(name)?;
    run::run(&query, &table).map(|answer| written(&answer)).map_err(|error| format!("table `{name}`: {error}"))
}

fn written(answer: &Answer<'_>) -> Value {
    let columns: Vec<Value> = answer.columns.iter().map(|(name, kind)| json!({ "name": name, "data_type": kind.name() })).collect();
    let names = answer.columns.iter().map(|(name, _)| (*name).to_owned());
    let rows: Vec<Value> = answer.rows.iter().map(|row| Value::Object(names.clone().zip(row.iter().cloned()).collect())).collect();
    json!({ "columns": columns, "rows": rows })
}

/// The table `name`: the configuration's, else the package's.
fn open(name: &str) -> Result<Table, String> {
    let text = match &host::config()?["tables"][name] {
        Value::Null => packaged(name)?,
        Value::String(text) => text.clone(),
        _ => return Err(format!("the configuration's `tables.{name}` must be CSV text")),
    };
    let records = csv::parse(&text).map_err(|error| format!("table `{name}`: {error}"))?;
    Table::read(records).map_err(|error| format!("table `{name}`: {error}"))
}

fn packaged(name: &str) -> Result<String, String> {
    let file = format!("data/{name}.csv");
    let base64 = host::asset(&file).map_err(|error| {
        format!(
            "there's no table `{name}`: `tables.{name}` isn't in the configuration, and \
             {file} isn't in the package ({error})"
        )
    })?;
    STANDARD.decode(base64).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| format!("{file} isn't UTF-8 text"))
}
