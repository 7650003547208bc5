//! Questions and answers. What's wrong with a text or a question, the modules' own tests say.

use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::testing::{MockHost, PluginTestHarness};

use crate::mockforge_plugin;

const USERS: &str = "id,name,admin,since\n1,Ada,true,2.5\n2,Grace,false,\n3,\"Hopper, \"\"G\"\"\",false,7\n";

fn harness() -> PluginTestHarness {
    let host = MockHost::default().with_asset("data/products.csv", include_str!("../data/products.csv")).with_asset("data/bad.csv", [0xff]);
    PluginTestHarness::new(mockforge_plugin())
        .with_host(host)
        .config(json!({ "tables": { "users": USERS } }))
        .expect("a good configuration")
}

fn rows(query: &str, parameters: Value) -> Vec<Vec<Value>> {
    harness().query(QueryRequest::new(query).with(parameters)).expect("an answer").rows().to_vec()
}

#[test]
fn tables_of_the_configuration_and_of_the_package_are_asked() {
    assert_eq!(rows("select name from users where admin = true", json!({})), [[json!("Ada")]]);
    let cheap = rows("select name, price from products where price < 8 order by price", json!({}));
    assert_eq!(cheap, [[json!("Earl Grey"), json!(5.2)], [json!("Assam"), json!(6.5)], [json!("House Espresso"), json!(7.4)]]);
}

#[test]
fn rows_are_filtered_sorted_cut_and_counted() {
    assert_eq!(rows("SELECT id FROM users ORDER BY since DESC LIMIT 2", json!({})), [[json!(3)], [json!(1)]]);
    assert_eq!(rows("select id from users order by since offset 1", json!({})), [[json!(1)], [json!(3)]]);
    assert_eq!(rows("select count(*) from users where since is not null", json!({})), [[json!(2)]]);
    assert_eq!(rows("select id from users where name like :n and id >= 2", json!({ "n": "%G%" })), [[json!(2)], [json!(3)]]);
    assert_eq!(rows("select * from users limit 0", json!({})).len(), 0);
}

#[test]
fn columns_have_their_types() {
    let table = harness().query(QueryRequest::new("select * from users")).unwrap();
    let types: Vec<&str> = table.columns().iter().map(|column| column.data_type.as_str()).collect();
    assert_eq!(types, ["integer", "string", "boolean", "float"]);
}

#[test]
fn a_value_is_never_read_as_a_question() {
    for value in ["' or 1=1", "Ada'; drop table users", "x' order by id --", "%"] {
        assert!(rows("select id from users where name = :n", json!({ "n": value })).is_empty());
    }
}

#[test]
fn what_cannot_be_answered_is_said() {
    for (query, why) in [
        ("", "select"),
        ("select * from nothing", "`nothing`"),
        ("select * from \"../../etc/passwd\"", "isn't in the package"),
        ("select * from bad", "data/bad.csv"),
        ("select nme from users", "`nme`"),
        ("select * from users where id = 'x'", "can't be compared"),
        ("select * from users where name = :n", "n"),
        ("select * from users; drop table users", "means nothing"),
        ("select * from users limit -1", "limit"),
        ("select * from users union select 1", "should end"),
    ] {
        let error = harness().query(QueryRequest::new(query)).unwrap_err().to_string();
        assert!(error.contains(why), "{query}: {error}");
    }
}

#[test]
fn a_large_table_is_answered() {
    let text = std::iter::once("id,name".to_owned()).chain((0..20_000).map(|id| format!("{id},name {id}"))).collect::<Vec<_>>().join("\n");
    let harness = PluginTestHarness::new(mockforge_plugin()).config(json!({ "tables": { "large": text } })).unwrap();
    let answer = harness.query(QueryRequest::new("select id from large where name like '%9_9' order by id desc limit 1")).unwrap();
    assert_eq!(answer.rows(), [[json!(19_999)]]);
}
