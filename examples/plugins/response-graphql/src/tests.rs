//! Questions and answers.

use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::testing::{MockHost, PluginTestHarness};

use crate::mockforge_plugin;

const ZOO: &str = "
    type Query {
      animal(id: ID!): Animal
      animals(limit: Int, kind: Kind): [Animal!]!
      nearest(lat: Float!, lng: Float!): [[Int!]]
      pets: [Pet!]
      me: Keeper!
      maybe: Keeper
      when: Stamp
      anything: JSON
    }
    type Mutation { addKeeper(input: KeeperInput!): Added! feed(id: ID!, grams: Int! = 10): Animal! }
    type Subscription { escaped: Animal! }
    interface Animal { id: ID! name: String! kind: Kind! }
    type Lion implements Animal { id: ID! name: String! kind: Kind! grams: Int! roars: Boolean! keeper: Keeper! }
    type Snake implements Animal { id: ID! name: String! kind: Kind! length: Float! }
    type Cat { name: String! }
    type Dog { name: String! age: Int }
    union Pet = Cat | Dog
    type Keeper { id: ID! name: String! age: Int nickname: String boss: Keeper tags: [String!]! }
    type Added { ok: Boolean! keeper: Keeper! }
    input KeeperInput { name: String! age: Int }
    enum Kind { MAMMAL REPTILE }
    scalar Stamp
    scalar JSON
";

fn zoo(mut config: Value) -> PluginTestHarness {
    config["schema"] = ZOO.into();
    PluginTestHarness::new(mockforge_plugin()).config(config).expect("a good configuration")
}

fn shop() -> PluginTestHarness {
    let host = MockHost::default().with_asset("schema/shop.graphql", include_str!("../schema/shop.graphql"));
    PluginTestHarness::new(mockforge_plugin()).with_host(host)
}

fn post(body: Value) -> GenerateRequest {
    GenerateRequest::of(Request::new("POST", "/graphql").header("content-type", "application/json").body(body))
}

fn get(uri: &str) -> GenerateRequest {
    let mut request = GenerateRequest::of(Request::new("GET", "/graphql"));
    request.context.uri = uri.to_owned();
    request
}

fn asked(harness: &PluginTestHarness, request: GenerateRequest) -> (u16, Value) {
    let response = harness.generate(request).expect("an answer");
    (response.status_code, mockforge_plugin_sdk::serde_json::from_slice(&response.body).expect("it's JSON"))
}

fn answer(harness: &PluginTestHarness, query: &str, variables: Value) -> Value {
    asked(harness, post(json!({ "query": query, "variables": variables }))).1
}

/// The data of an answer without errors.
fn data(harness: &PluginTestHarness, query: &str) -> Value {
    let mut answer = answer(harness, query, json!({}));
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"].take()
}

/// The first error of an answer.
fn error(harness: &PluginTestHarness, query: &str) -> String {
    let answer = answer(harness, query, json!({}));
    answer["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn what_is_asked_is_answered_in_its_shape() {
    let zoo = zoo(json!({}));
    let query = "{ me { name years: age boss { name boss { id } } tags } nearest(lat: 1.5, lng: 2) }";
    let answer = data(&zoo, query);
    assert!(answer["me"]["name"].is_string() && answer["me"]["years"].is_i64(), "{answer}");
    assert!(answer["me"]["boss"]["boss"]["id"].is_string() && answer["me"].get("age").is_none(), "{answer}");
    assert_eq!((answer["me"]["tags"].as_array().unwrap().len(), answer["nearest"][1].as_array().unwrap().len()), (2, 2));
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["me", "nearest"]);
}

#[test]
fn the_same_question_has_the_same_answer() {
    let query = "{ a: me { name age tags } b: me { name age tags } maybe { name age tags } }";
    let one = data(&zoo(json!({})), query);
    assert_eq!(one, data(&zoo(json!({})), query));
    assert_eq!(one["a"], one["b"], "whatever it's called");
    assert_ne!(one["a"], one["maybe"]);
    assert_ne!(one, data(&zoo(json!({ "seed": 1 })), query));
}

#[test]
fn an_object_is_the_same_wherever_it_is_met() {
    let zoo = zoo(json!({ "list_length": 9 }));
    let fields = "__typename id name kind ... on Lion { roars keeper { id age } } ... on Snake { length }";
    let all = data(&zoo, &format!("{{ animals {{ {fields} }} }}"));
    let animals = all["animals"].as_array().unwrap();
    assert!(animals.iter().any(|animal| animal["__typename"] == "Lion") && animals.iter().any(|animal| animal["__typename"] == "Snake"));
    for animal in animals {
        let one = data(&zoo, &format!("{{ animal(id: {}) {{ {fields} }} }}", animal["id"]));
        let kind = |animal: &Value| animal["__typename"].clone();
        assert_eq!((kind(&one["animal"]), &one["animal"]), (kind(animal), animal));
    }
}

#[test]
fn arguments_come_back_in_fields_of_their_names() {
    let zoo = zoo(json!({}));
    assert_eq!(data(&zoo, "{ animal(id: \"x-7\") { id } }")["animal"]["id"], "x-7");
    let kinds = data(&zoo, "{ animals(kind: REPTILE, limit: 1) { kind } }");
    assert_eq!(kinds, json!({ "animals": [{ "kind": "REPTILE" }] }));
    let query = "mutation { addKeeper(input: { name: \"Ada\", age: 36 }) { ok keeper { name age boss { name } } } }";
    let added = data(&zoo, query);
    assert_eq!((&added["addKeeper"]["keeper"]["name"], &added["addKeeper"]["keeper"]["age"]), (&json!("Ada"), &json!(36)));
    assert_ne!(added["addKeeper"]["keeper"]["boss"]["name"], "Ada", "that's somebody else");
    let fed = data(&zoo, "mutation { feed(id: 5) { id ... on Lion { grams } } }");
    assert_eq!(fed["feed"]["id"], "5");
    if let Some(grams) = fed["feed"].get("grams") {
        assert_eq!(*grams, 10, "the argument's default");
    }
}

#[test]
fn fragments_variables_and_directives_do_what_they_do() {
    let zoo = zoo(json!({ "list_length": 8 }));
    let query = "
        query Zoo($more: Boolean!, $kind: Kind = MAMMAL) {
          animals(kind: $kind) { __typename ...Common ... on Lion { roars keeper @include(if: $more) { id } } ... on Snake { length } }
          me { name @skip(if: $more) }
          pets { __typename ... on Dog { age } }
        }
        fragment Common on Animal { id kind }
    ";
    let answer = answer(&zoo, query, json!({ "more": true }));
    assert_eq!(answer.get("errors"), None, "{answer}");
    for animal in answer["data"]["animals"].as_array().unwrap() {
        assert_eq!(animal["kind"], "MAMMAL");
        let is_lion = animal["__typename"] == "Lion";
        assert_eq!(
            (animal.get("roars").is_some(), animal.get("keeper").is_some(), animal.get("length").is_some()),
            (is_lion, is_lion, !is_lion)
        );
    }
    assert_eq!(answer["data"]["me"], json!({}));
    let kinds: std::collections::BTreeSet<&str> =
        answer["data"]["pets"].as_array().unwrap().iter().map(|pet| pet["__typename"].as_str().unwrap()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["Cat", "Dog"], "eight pets aren't all the same");
}

#[test]
fn the_configuration_says_values() {
    let zoo = zoo(json!({
        "values": {
            "Query.me": { "name": "Ada", "boss": { "name": "Grace", "tags": [] } },
            "Query.animals": [{ "__typename": "Lion", "name": "Leo" }, { "__typename": "Snake", "id": 9 }],
            "Keeper.age": 40,
            "Stamp": "yesterday",
            "Query.anything": { "any": [1, null] },
        },
        "choices": { "Keeper.nickname": ["Addie"], "Kind": ["REPTILE"] },
        "nulls": ["Query.maybe"],
        "errors": { "Query.pets": "the pets are out" },
        "lists": { "Keeper.tags": 3 },
    }));
    let query = "{ me { name age nickname tags boss { name tags age } } animals { __typename id name kind } maybe { id } pets { __typename } when anything }";
    let answer = answer(&zoo, query, json!({}));
    let data = &answer["data"];
    assert_eq!((&data["me"]["name"], &data["me"]["age"], &data["me"]["nickname"]), (&json!("Ada"), &json!(40), &json!("Addie")));
    assert_eq!(data["me"]["tags"].as_array().unwrap().len(), 3);
    assert_eq!(data["me"]["boss"], json!({ "name": "Grace", "tags": [], "age": 40 }));
    let animals = &data["animals"];
    assert_eq!((&animals[0]["__typename"], &animals[0]["name"], &animals[1]["id"]), (&json!("Lion"), &json!("Leo"), &json!("9")));
    assert_eq!((&animals[1]["__typename"], &animals[1]["kind"]), (&json!("Snake"), &json!("REPTILE")));
    assert_eq!(
        (&data["maybe"], &data["pets"], &data["when"], &data["anything"]),
        (&json!(null), &json!(null), &json!("yesterday"), &json!({ "any": [1, null] }))
    );
    assert_eq!(answer["errors"][0]["message"], "the pets are out");
    assert_eq!((&answer["errors"][0]["path"], answer["errors"].as_array().unwrap().len()), (&json!(["pets"]), 1));
}

#[test]
fn a_value_that_does_not_fit_is_a_field_error() {
    let zoo = zoo(json!({ "values": { "Keeper.age": "old", "Keeper.name": 7, "Query.animals": [{ "__typename": "Cat" }] } }));
    let answer = answer(&zoo, "{ maybe { age } me { age } animals { id } }", json!({}));
    assert!(answer["errors"].as_array().unwrap().len() >= 3, "{answer}");
    let answer = self::answer(&zoo, "{ me { name } }", json!({}));
    assert_eq!(answer["data"], json!(null), "a name is never null");
}

#[test]
fn what_is_not_in_the_schema_is_said_at_once() {
    let refused = |config: Value| zoo(config).generate(post(json!({ "query": "{ __typename }" }))).unwrap_err().to_string();
    for (config, name) in [
        (json!({ "values": { "Query.mee": 1 } }), "Query.mee"),
        (json!({ "nulls": ["Keeper.wage"] }), "Keeper.wage"),
        (json!({ "lists": { "Keeper": 1 } }), "Keeper"),
        (json!({ "choices": { "Sort": [1] } }), "Sort"),
        (json!({ "choices": { "Kind": [] } }), "nothing to choose from"),
    ] {
        let refused = refused(config);
        assert!(refused.contains(name), "{refused}");
    }
    let broken = PluginTestHarness::new(mockforge_plugin()).config(json!({ "schema": "type Query { a: Strin }" })).unwrap();
    let error = broken.generate(post(json!({ "query": "{ a }" }))).unwrap_err().to_string();
    assert!(error.starts_with("the schema, line 1: ") && error.contains("Strin"), "{error}");
}

#[test]
fn what_is_wrong_with_a_query_is_said_with_its_place() {
    let zoo = zoo(json!({}));
    let answer = answer(&zoo, "{\n  me { nam }\n}", json!({}));
    assert_eq!((answer.get("data"), &answer["errors"][0]["locations"]), (None, &json!([{ "line": 2, "column": 3 }])));
    assert!(answer["errors"][1]["message"].as_str().unwrap().contains("`nam`"), "{answer}");
    assert_eq!(answer["errors"][1]["locations"], json!([{ "line": 2, "column": 8 }]));
    for (query, why) in [
        ("{ me { name }", "expected"),
        ("", "expected"),
        ("{ me }", "selection"),
        ("{ animal { id } }", "id"),
        ("query A { me { id } } query B { me { id } }", "operation"),
        ("query ($x: Int!) { animals(limit: $x) { id } }", "x"),
        ("{ animals(kind: FISH) { id } }", "FISH"),
        ("{ ...F } fragment F on Query { ...F }", "circle"),
        ("subscription { escaped { id } }", "subscription"),
        ("type Query { a: Int }", ""),
    ] {
        let error = error(&zoo, query);
        assert!(error.to_lowercase().contains(&why.to_lowercase()), "{query}: {error}");
    }
    let two = json!({ "query": "query A { me { id } } query B { maybe { id } }", "operationName": "B" });
    assert!(asked(&zoo, post(two)).1["data"]["maybe"]["id"].is_string());
}

#[test]
fn introspection_is_answered_unless_it_is_turned_off() {
    let query = "{ __schema { queryType { name } types { name kind } } __type(name: \"Keeper\") { fields { name type { kind ofType { name } } } } __typename }";
    let answer = data(&zoo(json!({})), query);
    assert_eq!((&answer["__schema"]["queryType"]["name"], &answer["__typename"]), (&json!("Query"), &json!("Query")));
    assert_eq!(answer["__type"]["fields"][0], json!({ "name": "id", "type": { "kind": "NON_NULL", "ofType": { "name": "ID" } } }));
    let off = zoo(json!({ "introspection": false }));
    assert!(error(&off, query).to_lowercase().contains("introspection"));
    let deep = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
    let refused = error(&zoo(json!({})), deep);
    assert!(refused.contains("introspection depth"), "{refused}");
}

#[test]
fn a_query_that_asks_for_too_much_is_refused_with_words() {
    let zoo = zoo(json!({ "list_length": 100 }));
    let aliases = (0..1500).map(|at| format!("a{at}: me {{ id }} ")).collect::<String>();
    let bomb = (0..40).map(|at| format!("fragment f{at} on Keeper {{ ...f{0} ...f{0} }} ", at + 1)).collect::<String>();
    for (query, why) in [
        (format!("{{ {aliases} }}"), "more than 1000 fields"),
        (format!("{{ me {{ ...f0 }} }} {bomb} fragment f40 on Keeper {{ id }}"), "deeper than 15"),
        (
            format!(
                "{{ {} }}",
                "me { boss { boss { boss { boss { boss { boss { boss { boss { boss { boss { boss { boss { boss { boss { id } } } } } } } } } } } } } } }"
            ),
            "deeper than 15",
        ),
        (format!("{{ me {{ tags {} }} }}", "\n".repeat(70_000)), "longer than"),
        ("{a".repeat(5_000), "limit"),
        ("{".repeat(5_000), "syntax error"),
        (format!("{{ animals(limit: {}1{}) {{ id }} }}", "[".repeat(500), "]".repeat(500)), "limit"),
        (format!("{{ animals(limit: {}1{}) {{ id }} }}", "[".repeat(100), "]".repeat(100)), "limit"),
        ("query ($a: Int) { a ".to_owned() + &"b ".repeat(30_000), "limit"),
    ] {
        let answer = answer(&zoo, &query, json!({}));
        let messages: Vec<&str> = answer["errors"].as_array().unwrap().iter().filter_map(|error| error["message"].as_str()).collect();
        assert!(
            messages.len() <= 20 && messages.iter().any(|message| message.contains(why)) && answer.get("data").is_none(),
            "{why}: {messages:?}"
        );
    }
    let wide = self::zoo(json!({ "list_length": 100, "values": { "Query.pets": [] } }));
    let many = "{ animals { ... on Lion { keeper { tags } a: keeper { tags } b: keeper { tags } c: keeper { tags } d: keeper { tags } e: keeper { tags } f: keeper { tags } } } }";
    assert_eq!(error(&wide, many), "the answer has more than 20000 values");
}

/// A thousand fields may each have the longest of arguments, and each would read it, and give it back.
#[test]
fn long_arguments_cost_as_much_as_long_answers() {
    let zoo = zoo(json!({}));
    let long = |bytes: usize| json!({ "id": "x".repeat(bytes) });
    let query = |fields: usize| {
        let fields: String = (0..fields).map(|at| format!("a{at}: animal(id: $id) {{ id }} ")).collect();
        format!("query ($id: ID!) {{ {fields} }}")
    };
    let refused = |query: &str, variables: Value| {
        let answer = answer(&zoo, query, variables);
        assert!(answer.get("data").is_none(), "{}", answer["errors"]);
        answer["errors"][0]["message"].as_str().expect("it says why").to_owned()
    };
    assert_eq!(refused(&query(1), long(70_000)), "the variables are longer than 65536 bytes");
    assert_eq!(refused(&query(400), long(60_000)), "the answer has more than 20000 values");
    let nested = "mutation ($name: String!) { addKeeper(input: { name: $name }) { ok keeper { a: name b: name c: name } } }";
    let fine = answer(&zoo, nested, json!({ "name": "y".repeat(60_000) }));
    assert_eq!(fine["data"]["addKeeper"]["keeper"]["c"].as_str().map(str::len), Some(60_000));
    let names: String = (0..400).map(|at| format!("n{at}: name ")).collect();
    let many = format!("mutation ($name: String!) {{ addKeeper(input: {{ name: $name }}) {{ keeper {{ {names} }} }} }}");
    assert_eq!(refused(&many, json!({ "name": "y".repeat(60_000) })), "the answer has more than 20000 values");
    // Nothing of it comes back here, but each field has read it.
    let unused: String = (0..400).map(|at| format!("a{at}: addKeeper(input: {{ name: $name }}) {{ ok }} ")).collect();
    let unused = format!("mutation ($name: String!) {{ {unused} }}");
    assert_eq!(refused(&unused, json!({ "name": "y".repeat(60_000) })), "the answer has more than 20000 values");
    assert!(answer(&zoo, &query(400), long(10)).get("errors").is_none(), "short ones are as many as fields may be");
}

#[test]
fn http_is_spoken_as_graphql_has_it() {
    let zoo = zoo(json!({}));
    let (status, body) = asked(&zoo, get("/graphql?query=%7B+me%20%7B%20id%20%7D%7D&variables=%7B%7D&operationName="));
    assert!(status == 200 && body["data"]["me"]["id"].is_string(), "{body}");
    let (status, body) = asked(&zoo, get("/graphql?query=mutation%7Bfeed(id:1)%7Bid%7D%7D"));
    assert!(status == 200 && body["errors"][0]["message"].as_str().unwrap().contains("GET"), "{body}");
    for uri in ["/graphql", "/graphql?query=%7", "/graphql?query=%ff", "/graphql?query=%7Ba%7D&variables=x"] {
        assert_eq!(asked(&zoo, get(uri)).0, 400, "{uri}");
    }
    for body in
        [json!({}), json!([{ "query": "{ me { id } }" }]), json!("{"), json!({ "query": 1 }), json!({ "query": "{a}", "variables": [] })]
    {
        let (status, answer) = asked(&zoo, post(body.clone()));
        assert!(status == 400 && answer["errors"][0]["message"].is_string(), "{body}: {answer}");
    }
    let query = Request::new("POST", "/").header("Content-Type", "application/graphql; charset=utf-8").body("{ me { id } }");
    assert_eq!(asked(&zoo, GenerateRequest::of(query)).0, 200);
    assert_eq!(asked(&zoo, GenerateRequest::of(Request::new("PUT", "/"))).0, 405);
    assert_eq!(asked(&zoo, GenerateRequest::of(Request::new("POST", "/"))).0, 400);

    let spoken = |accept: &str, query: &str| {
        let mut request = post(json!({ "query": query }));
        request.request.headers.set("Accept", accept);
        let response = zoo.generate(request).unwrap();
        (response.status_code, response.content_type.unwrap())
    };
    let (json, graphql) = ("application/json".to_owned(), "application/graphql-response+json".to_owned());
    assert_eq!(spoken("application/graphql-response+json;charset=utf-8, application/json", "{ nothing }"), (400, graphql.clone()));
    assert_eq!(spoken("application/graphql-response+json", "{ me { id } }"), (200, graphql));
    assert_eq!(spoken("*/*", "{ nothing }"), (200, json.clone()));
    assert_eq!(spoken("application/json, application/graphql-response+json", "{ nothing }"), (200, json));
}

#[test]
fn without_a_schema_it_is_a_shop() {
    let answer = data(
        &shop(),
        "{ customer(id: 1) { name email since orders(first: 1) { total placedAt products { name price } } } search(text: \"a\") { __typename } }",
    );
    let customer = &answer["customer"];
    assert!(customer["email"].as_str().unwrap().ends_with("@example.com") && customer["orders"].as_array().unwrap().len() == 1, "{answer}");
    assert!(customer["orders"][0]["placedAt"].as_str().unwrap().ends_with('Z'), "{answer}");
}
