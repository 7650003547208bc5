//! The example plugins in the sandbox, out of the registry in `examples/`: what a project configures, and what they answer.
//! What they do in each case, their own tests say.

use std::path::Path;

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

/// 1.1.0 is a component, written with the SDK; 1.0.0 a json/1 module. A project sees that only where it looks at the lock.
#[test]
fn datasource_csv_answers_as_it_did_before_it_was_a_component() {
    let config = "[config.datasource-csv]\ntables.users = \"\"\"\nid,name,admin\n1,Ada,true\n2,Grace,false\n3,,\n\"\"\"\n";
    let new = using("datasource-csv", config);
    let old = using("datasource-csv", config);
    old.write("mockforge-plugins.toml", old.read("mockforge-plugins.toml").replace("\"^1\"", "\"=1.0.0\""));
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
