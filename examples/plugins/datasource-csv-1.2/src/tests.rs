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
        #[cfg(not(feature = "files"))]
        ("select * from 'data/orders.csv'", "should have a table where it has `'data/orders.csv'`"),
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

#[cfg(feature = "files")]
mod files {
    use super::*;

    const ORDERS: &str = "id,customer,total\n1,Ada,19.5\n2,Grace,7\n3,Ada,2\n";

    fn harness() -> PluginTestHarness {
        let host = MockHost::default()
            .with_asset("data/products.csv", include_str!("../data/products.csv"))
            .with_file("data/orders.csv", ORDERS)
            .with_file("data/2026/orders.csv", "id\n4\n")
            .with_file("data/bytes.csv", [0xff])
            .with_file("data/products.csv", "id\n1\n")
            .with_file("secret.csv", "token\ns3cret\n");
        PluginTestHarness::new(mockforge_plugin()).with_host(host)
    }

    #[test]
    fn files_of_the_project_are_tables() {
        let rows = |query: &str| harness().query(QueryRequest::new(query)).unwrap().rows().to_vec();
        assert_eq!(rows("select id from 'data/orders.csv' where customer = 'Ada' order by total limit 1"), [[json!(3)]]);
        assert_eq!(rows("select count(*) from 'data/orders.csv' where total > 5"), [[json!(2)]]);
        assert_eq!(rows("select * from 'data/2026/orders.csv'"), [[json!(4)]]);
    }

    #[test]
    fn a_name_is_no_file_of_the_project() {
        let count = |query: &str| harness().query(QueryRequest::new(query)).unwrap().rows()[0][0].clone();
        assert_eq!(count("select count(*) from 'data/products.csv'"), json!(1));
        assert_eq!(count("select count(*) from products"), json!(10));
    }

    #[test]
    fn what_is_not_granted_is_not_read() {
        let denied = harness().denying_everything();
        let error = denied.query(QueryRequest::new("select * from 'data/orders.csv'")).unwrap_err().to_string();
        assert_eq!(error, "the file `data/orders.csv`: `data/orders.csv` isn't in a folder that was approved");
        for (file, why) in [
            ("secret.csv", "approved"),
            ("../secret.csv", "isn't a path"),
            ("data/../secret.csv", "isn't a path"),
            ("data/none.csv", "there's no `data/none.csv`"),
            ("data", "is a folder"),
            ("data/bytes.csv", "utf-8"),
        ] {
            let error = harness().query(QueryRequest::new(format!("select * from '{file}'"))).unwrap_err().to_string();
            assert!(error.starts_with(&format!("the file `{file}`: ")) && error.contains(why), "{error}");
        }
    }
}
