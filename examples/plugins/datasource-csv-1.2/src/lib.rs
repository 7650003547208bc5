//! `datasource-csv`: what do these CSV tables answer to a question in a little SQL?
//!
//! A table is a file of the project (`'data/orders.csv'`), CSV text from the configuration (`tables.<name>`) or the file `data/<name>.csv` of
//! this package. The language stands in the README; whatever isn't in it is an error that says so.
//!
//! With the feature `files` this is version 1.2. Version 1.1, which had no files of the project, is the same without it. The language and the
//! tables (`csv`, `query`, `run`, `table`) know nothing of the SDK: 1.0, which is from before it, has them too.

mod csv;
mod query;
mod run;
mod table;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use mockforge_plugin_sdk::prelude::*;
use query::Source;

struct Csv {
    tables: BTreeMap<String, String>,
}

#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// CSV texts by table name, the header in the first line; one hides a table of the package
    #[serde(default)]
    tables: BTreeMap<String, String>,
}

impl Plugin for Csv {
    type Config = Settings;

    fn about() -> About {
        plugin_config! {
            id: "datasource-csv",
            name: "CSV tables",
            entry: "datasource_csv.wasm",
            include: ["data/**"],
            keywords: ["csv", "sql", "table", "data"],
            mockforge: ">=0.3, <2",
            #[cfg(feature = "files")]
            files: ["data"],
            #[cfg(not(feature = "files"))]
            version: "1.1.0",
            #[cfg(not(feature = "files"))]
            description: "Answers questions in a small SQL from CSV tables in its package or in the configuration",
        }
    }

    fn new(Settings { tables }: Settings) -> Result<Self> {
        Ok(Self { tables })
    }
}

impl Datasource for Csv {
    fn query(&self, request: QueryRequest, host: &dyn Host) -> Result<Table> {
        let query = query::parse(&request.query.query, &request.query.parameters).map_err(Error::new)?;
        self.answer(&query, host).map_err(|error| error.context(&query.source))
    }
}

impl Csv {
    fn answer(&self, query: &query::Query, host: &dyn Host) -> Result<Table> {
        let text = self.text(&query.source, host)?;
        let table = table::Table::read(csv::parse(&text).map_err(Error::new)?).map_err(Error::new)?;
        let found = run::run(query, &table).map_err(Error::new)?;
        let mut answer = Table::new(found.columns.iter().map(|(name, kind)| (*name, kind.name())));
        for row in found.rows {
            answer.row(row)?;
        }
        Ok(answer)
    }

    fn text(&self, source: &Source, host: &dyn Host) -> Result<Cow<'_, str>> {
        match source {
            Source::Named(name) => match self.tables.get(name) {
                Some(text) => Ok(Cow::Borrowed(text)),
                None => packaged(name, host).map(Cow::Owned),
            },
            #[cfg(feature = "files")]
            Source::File(path) => host.file_text(path).map(Cow::Owned),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(out, "table `{name}`"),
            #[cfg(feature = "files")]
            Self::File(path) => write!(out, "the file `{path}`"),
        }
    }
}

fn packaged(name: &str, host: &dyn Host) -> Result<String> {
    let file = format!("data/{name}.csv");
    host.asset_text(&file).with_context(|| format!("`tables.{name}` isn't in the configuration, and {file} isn't in the package"))
}

export_plugin!(Csv: Datasource; plugin_yaml = if cfg!(feature = "files") { "plugin.yaml" } else { "../datasource-csv-1.1/plugin.yaml" });
