//! `examples/quickstart`, as its README has it: copied to a bare machine, with the committed lock, as in CI.

use std::path::Path;

use crate::support::env::tree;
use crate::support::{Machine, Run, Serving};

fn copied() -> Machine {
    let machine = Machine::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for (path, bytes) in tree(&examples.join("registry")) {
        machine.write(&format!("../registry/{path}"), bytes);
    }
    for file in ["mockforge-plugins.toml", "plugins.lock", "README.md", ".gitignore"] {
        machine.write(file, std::fs::read(examples.join("quickstart").join(file)).expect("it's committed"));
    }
    machine
}

fn ci(machine: &Machine, arguments: &[&str]) -> Run {
    machine.run(machine.command().env("CI", "true").args(arguments))
}

/// The commands that the README shows, split as a shell would: words, and words in single quotes.
fn shown(readme: &str) -> Vec<Vec<String>> {
    let commands = readme.lines().filter_map(|line| line.strip_prefix("$ mfp "));
    commands.map(words).collect()
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_command_of_the_readme_works() {
    let machine = copied();
    let commands = shown(&machine.read("README.md"));
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        machine.ok(command.iter().map(String::as_str));
    }
}

#[test]
fn the_answers_are_those_of_the_readme() {
    let machine = copied();
    let lock = machine.read("plugins.lock");
    let run = ci(&machine, &["sync"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let readme = machine.read("README.md");
    let answers: Vec<&str> =
        readme.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("it shows answers").lines().collect();
    let calls: Vec<Vec<String>> = shown(&readme).into_iter().filter(|command| command[0] == "run").collect();
    for (call, answer) in calls.iter().zip(&answers) {
        let call: Vec<&str> = call.iter().map(String::as_str).collect();
        let run = ci(&machine, &call);
        assert_eq!((run.code, run.stdout.trim_end()), (0, *answer), "{}", run.all());
    }
    assert_eq!(machine.read("plugins.lock"), lock);
}

#[test]
fn each_plugin_does_what_it_is_for() {
    let machine = copied();
    let run = |arguments: &[&str]| {
        let run = ci(&machine, arguments);
        assert_eq!(run.code, 0, "{}", run.all());
        serde_json::from_str::<serde_json::Value>(&run.stdout).expect("it's JSON")
    };
    let readme = machine.read("README.md");
    let good = shown(&readme).into_iter().find(|command| command.get(2).is_some_and(|call| call == "authenticate")).expect("it's shown");
    let answer = run(&["run", "auth-hmac-token", "authenticate", &good[3]]);
    assert_eq!((answer["authenticated"].as_bool(), answer["user_id"].as_str()), (Some(true), Some("ada")));
    let bad = good[3].replace(".-ouk", ".-ouj");
    assert_eq!(run(&["run", "auth-hmac-token", "authenticate", &bad])["authenticated"], false);

    let problem = run(&["run", "response-problem", "generate", "{\"method\": \"POST\", \"path\": \"/orders/42/payments\"}"]);
    assert_eq!((problem["status_code"].as_u64(), problem["content_type"].as_str()), (Some(402), Some("application/problem+json")));
    let rows = run(&["run", "datasource-csv", "query", "{\"query\": \"select name from users where admin = true\"}"]);
    assert_eq!(rows["rows"][0]["name"], "Ada");
    assert_eq!(run(&["run", "template-hash", "sha256", "[\"hello\"]"]), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(run(&["run", "template-ids", "slug", "[\"A b\"]"]), "a-b");
}

/// The commands of `docs/guide/run.md` that begin like this, each with the line below it: its answer, up to where it's cut.
fn shown_in_the_guide(beginning: &str) -> Vec<(Vec<String>, String)> {
    let guide = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/run.md")).expect("it's there");
    let lines: Vec<&str> = guide.lines().collect();
    let pairs = lines.windows(2).filter_map(|pair| Some((words(pair[0].strip_prefix("$ ")?.strip_prefix(beginning)?), pair[1].to_owned())));
    pairs.collect()
}

#[track_caller]
fn is_as_shown(found: &str, shown: &str) {
    match shown.strip_suffix('…') {
        Some(beginning) => assert!(found.starts_with(beginning), "{found}"),
        None => assert_eq!(found, shown),
    }
}

#[test]
fn the_guide_calls_a_plugin_of_each_type_by_run() {
    let machine = copied();
    let calls = shown_in_the_guide("mfp run ");
    assert_eq!(calls.len(), 4, "{calls:?}");
    for (call, answer) in calls {
        let run = machine.ok(["run"].into_iter().chain(call.iter().map(String::as_str)));
        is_as_shown(run.stdout.trim_end(), &answer);
    }
}

#[cfg(unix)]
#[test]
fn the_guide_calls_a_plugin_of_each_type_by_curl() {
    let machine = copied();
    let serving = Serving::start(&machine, &[]);
    let requests = shown_in_the_guide("curl ");
    assert_eq!(requests.len(), 5, "{requests:?}");
    for (request, answer) in requests {
        let path = request[0].strip_prefix("http://127.0.0.1:7070").expect("it's where `mfp serve` is");
        let reply = match &request[1..] {
            [header, json, data, body] if header == "-H" && json == "Content-Type: application/json" && data == "-d" => {
                serving.post(path, body)
            }
            [] => serving.get(path),
            other => panic!("this isn't curl as the guide has it: {other:?}"),
        };
        assert_eq!(reply.status, 200, "{reply:?}");
        is_as_shown(&reply.body, &answer);
    }
    assert_eq!(serving.stop().code, 0);
}

#[test]
fn the_committed_lock_is_fresh_and_nothing_else_is_committed() {
    let machine = copied();
    machine.ok(["lock", "--check"]);
    assert_eq!(machine.read(".gitignore").trim(), "/.mockforge/");
}
