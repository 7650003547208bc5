//! What a datasource plugin is asked, and the table that it answers.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{RequestContext, or_default};

/// A query in a plugin's own language.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DataQuery {
    /// The query.
    pub query: String,
    /// Values for it; `null` if there are none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
}

/// What do the tables say? What a datasource plugin is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QueryRequest {
    /// The query.
    pub query: DataQuery,
    /// The request that's being answered.
    #[serde(default, deserialize_with = "or_default")]
    pub context: RequestContext,
}

impl QueryRequest {
    /// A query without parameters.
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: DataQuery { query: query.into(), parameters: Value::Null }, context: RequestContext::default() }
    }

    /// With these parameters.
    #[must_use]
    pub fn with(mut self, parameters: impl Into<Value>) -> Self {
        self.query.parameters = parameters.into();
        self
    }
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// `string`, `integer`, `float`, `boolean`, `json`, …
    pub data_type: String,
}

/// What a datasource plugin answers. A row has a value for each column, always: there's no way to make another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// A table with these columns, by name and data type, and no rows.
    pub fn new<N: Into<String>, T: Into<String>>(columns: impl IntoIterator<Item = (N, T)>) -> Self {
        let column = |(name, data_type): (N, T)| Column { name: name.into(), data_type: data_type.into() };
        Self { columns: columns.into_iter().map(column).collect(), rows: Vec::new() }
    }

    /// Add a row: its values in the order of the columns. Values that are missing are `null`; more than there are columns is an error.
    pub fn row(&mut self, values: impl IntoIterator<Item = Value>) -> crate::Result<()> {
        let mut values: Vec<Value> = values.into_iter().collect();
        if values.len() > self.columns.len() {
            crate::fail!("a row of {} values in a table of {} columns", values.len(), self.columns.len());
        }
        values.resize(self.columns.len(), Value::Null);
        self.rows.push(values);
        Ok(())
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, each in the order of the columns.
    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }
}

/// As the protocol has it: each row an object.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            columns: &'a [Column],
            rows: Vec<Map<String, Value>>,
        }

        let object = |row: &Vec<Value>| self.columns.iter().map(|column| column.name.clone()).zip(row.iter().cloned()).collect();
        Wire { columns: &self.columns, rows: self.rows.iter().map(object).collect() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            columns: Vec<Column>,
            rows: Vec<Map<String, Value>>,
        }

        let Wire { columns, rows } = Wire::deserialize(deserializer)?;
        let in_order = |row: &Map<String, Value>| columns.iter().map(|column| row.get(&column.name).cloned().unwrap_or_default()).collect();
        let rows = rows.iter().map(in_order).collect();
        Ok(Self { columns, rows })
    }
}
