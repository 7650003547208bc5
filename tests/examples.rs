//! The example plugins in the sandbox, out of the registry in `examples/`: what a project configures, and what they answer.
//! What they do in each case, their own tests say.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::Machine;
use crate::support::env::tree;

const REGISTRY: &str = "[registries]\ndefault = \"file:../registry/\"\n\n";

/// A project that has the plugin of this name, configured like this.
fn using(plugin: &str, config: &str) -> Machine {
    let machine = Machine::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for (path, bytes) in tree(&examples.join("registry")) {
        machine.write(&format!("../registry/{path}"), bytes);
    }
    machine.write("mockforge-plugins.toml", format!("[plugins]\n{plugin} = \"^1\"\n\n{REGISTRY}{config}"));
    machine
}

fn asked(machine: &Machine, plugin: &str, call: &str, request: &Value) -> Value {
    let run = machine.ok(["run", plugin, call, &request.to_string()]);
    serde_json::from_str(&run.stdout).expect("an answer is JSON")
}

/// What `mfp examples X` and `mfp test` show, of the modules that are committed: each plugin has requests, and answers as it says.
#[test]
fn every_example_answers_as_its_own_manifest_says() {
    let machine = Machine::new();
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugins");
    let folders = std::fs::read_dir(&plugins).expect("it's there").map(|entry| entry.expect("it's readable").path());
    let mut tested = 0;
    for folder in folders.filter(|folder| folder.join("plugin.yaml").is_file()) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("the examples keep to plain names");
        let is_packaged = |path: &str| {
            Path::new(path).extension().is_some_and(|ending| ending == "wasm")
                || path == "plugin.yaml"
                || path.starts_with("data/")
                || path.starts_with("schema/")
        };
        for (path, bytes) in tree(&folder).into_iter().filter(|(path, _)| is_packaged(path)) {
            machine.write(&format!("{name}/{path}"), bytes);
        }
        let run = machine.mfp(["test", "--no-build", "--only", "", "--json", name]);
        assert_eq!(run.code, 0, "{name}: {}", run.all());
        let document = run.json();
        let requests = document["requests"].as_array().expect("they're listed");
        assert!(requests.len() >= 2 && requests.iter().all(|request| request["passed"] == true), "{name}: {document}");
        tested += 1;
    }
    assert!(tested >= 14, "{tested}");
}

fn testdata(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugins/auth-jwt/testdata").join(name);
    std::fs::read_to_string(file).expect("it's committed")
}

#[test]
fn auth_jwt_knows_who_signed() {
    let (rsa, p256) = (testdata("pub.pem"), testdata("ec.pem"));
    let config = format!(
        "[config.auth-jwt]\naudience = [\"shop\"]\n\n[[config.auth-jwt.keys]]\nkid = \"2026\"\npublic_key = \"\"\"\n{rsa}\"\"\"\n\n\
         [[config.auth-jwt.keys]]\npublic_key = \"\"\"\n{p256}\"\"\"\n"
    );
    let machine = using("auth-jwt", &config);
    let bearer = |token: &str| asked(&machine, "auth-jwt", "authenticate", &json!({ "type": "bearer", "token": token }));
    let token = testdata("rs256.jwt");
    assert_eq!(bearer(&token)["user_id"], "ada");
    assert_eq!(bearer(&testdata("pss.jwt")), json!({ "authenticated": false, "user_id": "", "claims": {} }));
    assert_eq!(bearer(&testdata("es256.jwt"))["authenticated"], false, "it's for no audience");
    let (input, _) = token.rsplit_once('.').expect("a token has dots");
    assert_eq!(bearer(&format!("{input}."))["authenticated"], false);
}

#[test]
fn auth_jwks_runs_only_where_the_network_is_approved() {
    let machine = using("auth-jwks", "[config.auth-jwks]\njwks_url = \"https://login.example/jwks\"\n");
    let run = machine.mfp(["run", "auth-jwks", "authenticate", "{\"type\": \"bearer\", \"token\": \"x\"}"]);
    assert_ne!(run.code, 0);
    assert!(run.all().contains("mfp::approval::missing") && run.all().contains("auth-jwks"), "{}", run.all());
}

#[test]
fn auth_basic_checks_hashes_of_every_kind() {
    let config = r#"
[config.auth-basic]
htpasswd = """
grace:$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1
ada:$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4
"""
users.openwall = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
claims.ada = { roles = ["admin"] }
"#;
    let machine = using("auth-basic", config);
    let enters = |username: &str, password: &str| {
        let data = json!({ "username": username, "password": password });
        asked(&machine, "auth-basic", "authenticate", &json!({ "type": "basic", "data": data }))
    };
    assert_eq!(enters("ada", "password"), json!({ "authenticated": true, "user_id": "ada", "claims": { "roles": ["admin"] } }));
    assert_eq!((&enters("grace", "Hello world!")["user_id"], &enters("openwall", "U*U")["user_id"]), (&json!("grace"), &json!("openwall")));
    for (name, password) in [("ada", "Password"), ("eve", "password"), ("grace", "password")] {
        assert_eq!(enters(name, password), json!({ "authenticated": false, "user_id": "", "claims": {} }));
    }
}

#[test]
fn template_crypto_names_keys_and_keeps_them() {
    let machine =
        using("template-crypto", "[config.template-crypto.keys]\nwebhook = \"Jefe\"\norders = \"base64:AAAAAAAAAAAAAAAAAAAAAA==\"\n");
    let run = |function: &str, args: Value| asked(&machine, "template-crypto", function, &args);
    let mac = run("hmac", json!(["sha256", "webhook", "what do ya want for nothing?"]));
    assert_eq!(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    let (one, other) = (run("encrypt", json!(["orders", "No. 7"])), run("encrypt", json!(["orders", "No. 7"])));
    assert_ne!(one, other, "each has a nonce of its own");
    assert_eq!((run("decrypt", json!(["orders", one])), run("decrypt", json!(["orders", other]))), (json!("No. 7"), json!("No. 7")));
    let hash = run("argon2", json!(["secret", 256, 2]));
    assert_eq!(run("argon2_verify", json!(["secret", hash])), true);
    let number = run("random_int", json!([1, 6]));
    assert!((1..=6).contains(&number.as_i64().expect("a number")), "{number}");
}

#[test]
fn template_custom_has_the_functions_of_the_configuration() {
    let config = "[config.template-custom.functions.greeting]\ntext = \"Hello, {name|title}! It's {mood|default:fine}.\"\nparameters = [\"name\", \"mood\"]\n";
    let machine = using("template-custom", config);
    let run = |function: &str, args: Value| asked(&machine, "template-custom", function, &args);
    assert_eq!(run("greeting", json!(["ada lovelace"])), "Hello, Ada Lovelace! It's fine.");
    assert_eq!(run("mask", json!(["4111111111111111", 4])), "************1111");
    let functions = asked(&machine, "template-custom", "functions", &json!({}));
    assert!(functions.as_array().is_some_and(|all| all.iter().any(|function| function["name"] == "greeting")), "{functions}");
}

/// From 1.1.0 on it's a component, written with the SDK; 1.0.0 is a json/1 module. A project sees that only where it looks at the lock.
#[test]
fn datasource_csv_answers_as_it_did_before_it_was_a_component() {
    let config = "[config.datasource-csv]\ntables.users = \"\"\"\nid,name,admin\n1,Ada,true\n2,Grace,false\n3,,\n\"\"\"\n";
    let of = |requirement: &str| {
        let machine = using("datasource-csv", config);
        machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml").replace("\"^1\"", requirement));
        machine
    };
    let (new, old) = (of("\"~1.1\""), of("\"=1.0.0\""));
    for query in [
        "select name, price from products where price < 8 order by price",
        "select * from users where name is not null order by id desc",
        "select count(*) from users where admin = false",
        "select capital from countries where name like '%an%' limit 2 offset 1",
        "select * from users limit 0",
    ] {
        let answers = [&new, &old].map(|machine| {
            let run = machine.mfp(["run", "datasource-csv", "query", &json!({ "query": query }).to_string()]);
            (run.code, serde_json::from_str::<Value>(&run.stdout).unwrap_or_default())
        });
        assert_eq!(answers[0], answers[1], "{query}");
    }
    let wrong = new.mfp(["run", "datasource-csv", "query", "{\"query\": \"select nme from users\"}"]);
    assert!(wrong.code != 0 && wrong.all().contains("there's no column `nme`; there are id, name, admin"), "{}", wrong.all());
    assert!(new.read("plugins.lock").contains("version = \"1.1.0\""));
}

#[test]
fn datasource_csv_reads_files_of_the_project_once_that_is_approved() {
    let machine = using("datasource-csv", "");
    machine.write("data/orders.csv", "id,customer,total\n1,Ada,19.5\n2,Grace,7\n3,Ada,2\n");
    machine.write("secret.csv", "token\ns3cret\n");
    let question = |query: &str| json!({ "query": query }).to_string();
    let orders = question("select id, total from 'data/orders.csv' where customer = 'Ada' order by total limit 1");
    let run = machine.mfp(["run", "datasource-csv", "query", &orders]);
    assert!(run.code == 5 && run.all().contains("mfp::approval::missing"), "{}", run.all());
    machine.ok(["approve", "datasource-csv", "--yes"]);
    let answer = asked(&machine, "datasource-csv", "query", &serde_json::from_str(&orders).expect("it's JSON"));
    assert_eq!(answer["rows"], json!([{ "id": 3, "total": 2.0 }]));
    let tables = asked(&machine, "datasource-csv", "query", &json!({ "query": "select count(*) from products" }));
    assert_eq!(tables["rows"], json!([{ "count": 10 }]), "those of its package are there as before");
    for file in ["secret.csv", "data/../secret.csv", "mockforge-plugins.toml", "/etc/passwd"] {
        let run = machine.mfp(["run", "datasource-csv", "query", &question(&format!("select * from '{file}'"))]);
        assert!(run.code != 0 && run.all().contains(&format!("the file `{file}`: ")), "{}", run.all());
        assert!(!run.all().contains("s3cret"), "{}", run.all());
    }
}

/// A GraphQL answer's body, which the protocol has in base64.
fn graphql(machine: &Machine, body: &Value) -> Value {
    let request = json!({ "method": "POST", "path": "/graphql", "headers": { "content-type": "application/json" }, "body": body });
    let response = asked(machine, "response-graphql", "generate", &request);
    assert_eq!((&response["status_code"], &response["content_type"]), (&json!(200), &json!("application/json")));
    let bytes = STANDARD.decode(response["body"].as_str().expect("it's base64")).expect("it's base64");
    serde_json::from_slice(&bytes).expect("it's JSON")
}

#[test]
fn response_graphql_answers_by_a_schema() {
    let shop = using("response-graphql", "");
    let query = "query ($id: ID!) { customer(id: $id) { id name level orders(first: 1) { total } } __type(name: \"Level\") { kind } }";
    let answer = graphql(&shop, &json!({ "query": query, "variables": { "id": 7 } }));
    assert_eq!((&answer["data"]["customer"]["id"], &answer["data"]["__type"]["kind"]), (&json!("7"), &json!("ENUM")), "{answer}");
    assert_eq!(answer, graphql(&shop, &json!({ "query": query, "variables": { "id": 7 } })), "each call has the same answer");

    let config = "[config.response-graphql]\nschema = \"\"\"\ntype Query { me: User! }\ntype User { name: String! age: Int friends: [User!]! }\n\"\"\"\n\
                  lists = { \"User.friends\" = 3 }\n\n[config.response-graphql.values.\"Query.me\"]\nname = \"Ada\"\n";
    let own = using("response-graphql", config);
    let answer = graphql(&own, &json!({ "query": "{ me { name friends { name } } }" }));
    assert_eq!(answer["data"]["me"]["name"], "Ada");
    assert_eq!(answer["data"]["me"]["friends"].as_array().map(Vec::len), Some(3));
    let wrong = graphql(&own, &json!({ "query": "{ me { nam } }" }));
    assert!(wrong["errors"].to_string().contains("`nam`") && wrong.get("data").is_none(), "{wrong}");
}

/// Each of these would take long, if it weren't refused or done with in a call's two seconds. What it's refused with is what its own tests say, with more of
/// each: here a busy machine has to keep up.
#[test]
fn response_graphql_has_an_answer_to_hostile_queries_too() {
    let config = "[config.response-graphql]\nlist_length = 100\nmax_fields = 1000\nmax_depth = 50\n";
    let machine = using("response-graphql", config);
    let nested = |times: usize| format!("{}{{ id }}{}", "{ customer(id: 1) { orders { customer ".repeat(times), "} } }".repeat(times));
    let aliases: String = (0..4000).map(|at| format!("a{at}:product(id:{at}){{id}}")).collect();
    let bomb: String = (0..45).map(|at| format!("fragment f{at} on Customer {{ ...f{0} ...f{0} }} ", at + 1)).collect();
    let same: String = "customers{orders{customer{name}}}".repeat(80);
    for query in [
        "{ customers { orders { products { name } customer { orders { products { name description } } } } } }".to_owned(),
        nested(40),
        format!("{{ {aliases} }}"),
        format!("{{ customer(id: 1) {{ ...f0 }} }} {bomb} fragment f45 on Customer {{ id }}"),
        format!("{{ {same} }}"),
        "{a".repeat(10_000),
        "{".repeat(20_000),
        format!("{{ customers(first: {}1) {{ id }} }}", "[".repeat(20_000)),
        "query ($a: Int) { a ".to_owned() + &"b ".repeat(10_000),
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }".to_owned(),
    ] {
        let answer = graphql(&machine, &json!({ "query": query }));
        assert!(answer["errors"][0]["message"].is_string() || answer["data"].is_object(), "{}", &query[..query.len().min(80)]);
    }
}
