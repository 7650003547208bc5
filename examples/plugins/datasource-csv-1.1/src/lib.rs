//! `datasource-csv`: what do these CSV tables answer to a question in a little SQL?
//!
//! A table is CSV text from the configuration (`tables.<name>`) or the file `data/<name>.csv` of
//! this package. The language stands in the README; whatever isn't in it is an error that says so.

mod csv;
mod query;
mod run;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use mockforge_plugin_sdk::prelude::*;

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
        }
    }

    fn new(Settings { tables }: Settings) -> Result<Self> {
        Ok(Self { tables })
    }
}

impl Datasource for Csv {
    fn query(&self, request: QueryRequest, host: &dyn Host) -> Result<Table> {
        let query = query::parse(&request.query.query, &request.query.parameters).map_err(Error::new)?;
        self.answer(&query, host).map_err(|error| error.context(format!("table `{}`", query.table)))
    }
}

impl Csv {
    fn answer(&self, query: &query::Query, host: &dyn Host) -> Result<Table> {
        let packaged;
        let text = match self.tables.get(&query.table) {
            Some(text) => text,
            None => {
                packaged = self::packaged(&query.table, host)?;
                &packaged
            }
        };
        let table = table::Table::read(csv::parse(text).map_err(Error::new)?).map_err(Error::new)?;
        run::run(query, &table)
    }
}

fn packaged(name: &str, host: &dyn Host) -> Result<String> {
    let file = format!("data/{name}.csv");
    host.asset_text(&file)
        .map_err(|error| error.context(format!("`tables.{name}` isn't in the configuration, and {file} isn't in the package")))
}

export_plugin!(Csv: Datasource);
