//! `mfp diff`: what a reviewer sees. Repositories are real ones, made with git.

use crate::support::git::{Repo, commit_project as commit, has_programs, in_project, run};
use crate::support::{Machine, Plugin, Registry, Run};

/// A machine whose project is a git repository with one commit.
fn committed(registry: &Registry, plugins: &str) -> Machine {
    let machine = Machine::with_manifest(registry, plugins);
    in_project(&machine, ["init", "--quiet", "--initial-branch=main"]);
    machine.ok(["lock"]);
    commit(&machine, "first");
    machine
}

fn replace(machine: &Machine, from: &str, to: &str) {
    let manifest = machine.read("mockforge-plugins.toml");
    assert!(manifest.contains(from), "{manifest}");
    machine.write("mockforge-plugins.toml", manifest.replace(from, to));
}

/// `greet` 1.1.0 wants a host more than 1.0.0, for other people's wildcards.
fn shop() -> Registry {
    Registry::with([
        Plugin::new("words", "1.0.0"),
        Plugin::new("greet", "1.0.0").needs("words", "^1").asks_http("api.example.com"),
        Plugin::new("greet", "1.1.0").asks_http("*.example.com").with(|it| it.wasm = wat::parse_str(OTHER).expect("it's a module")),
        Plugin::new("hash", "0.3.1"),
    ])
}

/// Another function, another import, and no memory.
const OTHER: &str = r#"(module
  (import "mockforge" "log" (func (param i32 i32)))
  (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func (export "template_function") (param i32) (result i64) (i64.const 0)))"#;

const APPROVED: &str =
    "[plugins]\ngreet = \"=1.0.0\"\n\n[approvals]\ngreet = { source = \"registry+default\", http = [\"api.example.com\"] }\n";

/// What the change is in most of these stories: `greet` goes up and wants more, `words` isn't needed any more, `hash` comes.
fn changed(machine: &Machine) {
    machine.ok(["sync"]);
    replace(machine, "greet = \"=1.0.0\"", "greet = \"^1.1\"\nhash = \"^0.3\"");
    machine.ok(["lock"]);
    // Both versions are in the store, so that exports can be compared.
    assert_eq!(machine.mfp(["sync"]).code, 5);
}

#[test]
fn a_reviewer_sees_what_a_plugin_may_reach_now() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = shop();
    let machine = committed(&registry, APPROVED);
    insta::assert_snapshot!(machine.mfp(["diff"]).all(), @r"
    exit 0
    --- stdout
    HEAD → the working folder: no plugin changed
    --- stderr
    ");
    changed(&machine);
    insta::assert_snapshot!(machine.mfp(["diff"]).all(), @r"
    exit 0
    --- stdout
    HEAD → the working folder: 1 added, 1 removed, 1 changed; 1 plugin asks for more
     ~ greet 1.0.0 → 1.1.0
         asks for more: http *.example.com (broad: reaches every host below example.com)
         not approved: it doesn't run until `mfp approve` or [approvals] allows it
         requirement: =1.0.0 → ^1.1
         dependency words: ^1 no longer
         export alloc: (i32) -> i32 no longer
         export memory: memory no longer
         export template_function: (i32, i32) -> i64 → (i32) -> i64
         import mockforge.log: (i32, i32)
     + hash 0.3.1
         source: registry+default
         requirement: ^0.3
         types: template
         licence: MIT
         signer: unsigned
     - words 1.0.0
    --- stderr
    ");
    let document = machine.ok(["diff", "--json"]).json();
    let greet = &document["changes"][0];
    assert_eq!(
        greet["gained"],
        serde_json::json!([{ "capability": "http", "value": "*.example.com", "broad": "reaches every host below example.com" }])
    );
    assert_eq!((&greet["lost"], &greet["approved"]), (&serde_json::json!([]), &false.into()));
    // A colour is for terminals, or for who asks for one.
    assert!(!machine.ok(["diff"]).stdout.contains('\u{1b}'));
    assert!(machine.ok(["diff", "--color", "always"]).stdout.contains("\u{1b}[1;31masks for more\u{1b}[0m"));
    assert_eq!(machine.mfp(["diff", "--exit-code"]).code, 1);
    commit(&machine, "second");
    assert_eq!(machine.mfp(["diff", "--exit-code"]).code, 0);
    assert_eq!(machine.ok(["diff", "HEAD~1"]).stdout.lines().count(), machine.ok(["diff", "HEAD~1..HEAD"]).stdout.lines().count());
}

#[test]
fn a_pull_requests_comment_has_gains_first_and_is_the_same_each_time() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = shop();
    let machine = committed(&registry, APPROVED);
    changed(&machine);
    let comment = machine.ok(["diff", "--markdown"]).stdout;
    insta::assert_snapshot!(comment, @r"
    <!-- mfp diff -->
    ### plugins.lock: 1 added, 1 removed, 1 changed; 1 plugin asks for more

    `HEAD` → `the working folder`

    | plugin | **asks for more than before** | |
    |---|---|---|
    | `greet` | **http `*.example.com`** | **broad**: `reaches every host below example.com`; **not approved** |

    | | plugin | was | is | what else changed |
    |---|---|---|---|---|
    | changed | `greet` | `1.0.0` | `1.1.0` | `requirement`: `=1.0.0` → `^1.1`<br>`dependency words`: `^1` → – |
    | added | `hash` | – | `0.3.1` | `source`: `registry+default`<br>`requirement`: `^0.3`<br>`types`: `template`<br>`licence`: `MIT`<br>`signer`: `unsigned` |
    | removed | `words` | `1.0.0` | – |  |

    | module | | was | is |
    |---|---|---|---|
    | `greet` | export `alloc` | `(i32) -> i32` | – |
    | `greet` | export `memory` | `memory` | – |
    | `greet` | export `template_function` | `(i32, i32) -> i64` | `(i32) -> i64` |
    | `greet` | import `mockforge.log` | – | `(i32, i32)` |
    ");
    assert_eq!(comment, machine.ok(["diff", "--markdown"]).stdout);
    machine.mfp(["diff", "--markdown", "--json"]).fails(2, "none");
}

#[test]
fn revisions_ranges_and_files() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = shop();
    let machine = committed(&registry, "[plugins]\nhash = \"^0.3\"\n");
    machine.write("old.lock", machine.read("plugins.lock"));
    in_project(&machine, ["checkout", "--quiet", "-b", "topic"]);
    replace(&machine, "hash = \"^0.3\"", "words = \"^1\"");
    machine.ok(["lock"]);
    let topic = commit(&machine, "topic");
    in_project(&machine, ["tag", "--annotate", "--message", "a tag", "v1"]);
    in_project(&machine, ["checkout", "--quiet", "main"]);
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml") + "greet = \"=1.0.0\"\n");
    machine.ok(["lock"]);
    commit(&machine, "main goes on");
    let heads = |arguments: &[&str]| {
        let text = machine.ok(std::iter::once("diff").chain(arguments.iter().copied())).stdout;
        text.lines().filter(|line| line.starts_with(" +") || line.starts_with(" -")).map(|line| line[1..].to_owned()).collect::<Vec<_>>()
    };
    // What the topic did since it left, without what main did meanwhile.
    assert_eq!(heads(&["main...topic"]), ["- hash 0.3.1", "+ words 1.0.0"]);
    assert_eq!(heads(&["main..topic"]), ["- greet 1.0.0", "- hash 0.3.1"]);
    assert_eq!(heads(&["main", "topic"]), ["- greet 1.0.0", "- hash 0.3.1"]);
    assert_eq!(heads(&["main", &topic[..12]]), ["- greet 1.0.0", "- hash 0.3.1"]);
    assert_eq!(heads(&["v1", "main"]), ["+ greet 1.0.0", "+ hash 0.3.1"]);
    assert_eq!(heads(&["old.lock"]), ["+ greet 1.0.0", "+ words 1.0.0"]);
    assert_eq!(heads(&["topic", "old.lock"]), ["+ hash 0.3.1", "- words 1.0.0"]);
    // Who can add a file to a branch doesn't decide what's compared.
    machine.write("topic", machine.read("plugins.lock"));
    assert_eq!(heads(&["topic"]), ["+ greet 1.0.0", "+ hash 0.3.1"]);
    assert_eq!(heads(&["./topic"]), Vec::<String>::new());
    machine.mfp(["diff", "nowhere"]).fails(1, "mfp::diff::no-revision");
    machine.mfp(["diff", "main..nowhere"]).fails(1, "mfp::diff::no-revision");
    machine.mfp(["diff", "nowhere.lock"]).fails(8, "mfp::io::failed");
    // Two files need neither a project nor a repository.
    let bare = Machine::new();
    bare.write("a.lock", machine.read("old.lock"));
    bare.write("b.lock", machine.read("plugins.lock"));
    assert!(bare.ok(["diff", "a.lock", "b.lock"]).stdout.contains(" + greet 1.0.0"));
    bare.mfp(["diff", "a.lock"]).fails(2, "mfp::project::not-found");
}

#[test]
fn a_project_in_a_subfolder_before_the_first_commit_and_a_revision_without_a_lock() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = shop();
    let machine = Machine::new();
    let manifest = format!("[registries]\ndefault = \"{}\"\n\n[plugins]\nhash = \"^0.3\"\n", registry.url());
    machine.write("mocks/orders/mockforge-plugins.toml", manifest);
    let diff = |more: &[&str]| -> Run { machine.mfp(["--project", "mocks/orders", "diff"].into_iter().chain(more.iter().copied())) };
    machine.ok(["--project", "mocks/orders", "lock"]);
    diff(&[]).fails(1, "mfp::diff::repository");
    in_project(&machine, ["init", "--quiet", "--initial-branch=main"]);
    assert!(diff(&[]).stdout.starts_with("no commit yet → the working folder: 1 added\n"), "{}", diff(&[]).all());
    diff(&["HEAD"]).fails(1, "mfp::diff::no-revision");
    in_project(&machine, ["commit", "--quiet", "--allow-empty", "--message", "nothing"]);
    assert!(diff(&[]).stdout.starts_with("HEAD → the working folder: 1 added\n"));
    in_project(&machine, ["add", "mocks"]);
    in_project(&machine, ["commit", "--quiet", "--message", "the project"]);
    assert!(diff(&[]).stdout.contains("no plugin changed"));
    assert!(diff(&["HEAD~1"]).stdout.contains("+ hash 0.3.1"));
    // In a work tree of its own, too.
    let tree = machine.path("other-tree").display().to_string();
    in_project(&machine, ["worktree", "add", "--quiet", &tree, "HEAD~1"]);
    std::fs::create_dir_all(machine.path("other-tree/mocks/orders")).unwrap();
    std::fs::copy(machine.project("mocks/orders/mockforge-plugins.toml"), machine.path("other-tree/mocks/orders/mockforge-plugins.toml"))
        .unwrap();
    let there = machine.mfp(["--project", "../other-tree/mocks/orders", "diff", "main"]);
    assert!(there.stdout.contains(" - hash 0.3.1"), "{}", there.all());
}

#[test]
fn nothing_of_a_hostile_lock_gets_out_of_its_place() {
    let registry = shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\nhash = \"^0.3\"\n");
    machine.ok(["lock"]);
    let lock = machine.read("plugins.lock");
    machine.write("old.lock", &lock);
    let hostile = "MIT` | [click](https://evil.example/) @octocat #1 <img src=https://evil.example/x.png> ![x](//e) \\\\| ";
    let escapes = "\\u001b]8;;https://evil.example\\u0007x\\u202e\\n::set-output name=a::b";
    machine.write("new.lock", lock.replace("license = \"MIT\"", &format!("license = \"{hostile}{escapes}\"")));
    let comment = machine.ok(["diff", "old.lock", "new.lock", "--markdown"]).stdout;
    let row = comment.lines().find(|line| line.contains("octocat")).expect("the licence is told");
    // Between every pair of back-ticks is somebody's word; outside of them is ours.
    let ours: String = row.split('`').step_by(2).collect();
    assert_eq!(ours, "| changed |  |  |  | :  →  |");
    assert_eq!(row.matches('|').count(), 6, "{row}");
    let text = machine.ok(["diff", "old.lock", "new.lock"]).stdout;
    for page in [&comment, &text] {
        assert!(!page.contains(['\u{1b}', '\u{7}', '\u{202e}']) && !page.lines().any(|line| line.starts_with("::")), "{page}");
    }
    assert!(
        machine.ok(["diff", "old.lock", "new.lock", "--json"]).json()["changes"][0]["differences"][0]["to"]
            .as_str()
            .unwrap()
            .contains('\u{202e}')
    );
    // A lock that can't be read says which of the two it is.
    machine.write("new.lock", "x\n");
    let run = machine.mfp(["diff", "old.lock", "new.lock"]);
    run.fails(2, "mfp::lock::syntax");
    assert!(run.stderr.contains("new.lock"), "{}", run.stderr);
}

#[test]
fn a_comment_fits_however_much_changed() {
    let plugins: Vec<Plugin> = (0..200)
        .map(|number| {
            Plugin::new(&format!("plugin-{number}"), "1.0.0").asks_http(&format!(
                "h{number}.{}.{}.example.com",
                "x".repeat(60),
                "y".repeat(60)
            ))
        })
        .collect();
    let registry = Registry::with(plugins);
    let requirements: String = (0..200).map(|number| format!("plugin-{number} = \"1\"\n")).collect();
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    machine.ok(["lock"]);
    machine.write("old.lock", machine.read("plugins.lock"));
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml") + &requirements);
    machine.ok(["lock"]);
    let comment = machine.ok(["diff", "old.lock", "plugins.lock", "--markdown"]).stdout;
    assert!(comment.len() < 65_000, "{}", comment.len());
    assert!(comment.contains("### plugins.lock: 200 added; 200 plugins ask for more\n"));
    assert!(comment.trim_end().ends_with("more lines don't fit here: run `mfp diff` to see them.**"));
}

#[test]
fn what_people_allow_is_reviewed_too() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = shop();
    let machine = committed(&registry, APPROVED);
    replace(&machine, "http = [\"api.example.com\"]", "http = [\"api.example.com\", \"*.evil.example\"]");
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml") + "\n[policy]\nmin-release-age = \"1h\"\n");
    insta::assert_snapshot!(machine.ok(["diff"]).stdout, @r#"
    HEAD → the working folder: no plugin changed
     ~ [approvals] greet
         now allowed: http *.evil.example (broad: reaches every host below evil.example)
     ~ [policy] min-release-age: "1h"
    "#);
    assert!(
        machine.ok(["diff", "--markdown"]).stdout.contains("| `greet` | **http `*.evil.example` (broad)** |  |  |"),
        "{}",
        machine.ok(["diff", "--markdown"]).stdout
    );
    assert_eq!(machine.mfp(["diff", "--exit-code"]).code, 1);
    // A registry that moved is where every plugin comes from.
    let elsewhere = shop();
    replace(&machine, &registry.url(), &elsewhere.url());
    machine.ok(["lock"]);
    let text = machine.ok(["diff"]).stdout;
    assert!(text.contains(" ~ registry default: "), "{text}");
    // An old manifest that can't be read is said, and the locks are compared.
    machine.write("mockforge-plugins.toml", "[project]\nmfp = \">=99\"\n");
    in_project(&machine, ["add", "mockforge-plugins.toml"]);
    in_project(&machine, ["commit", "--quiet", "--message", "from the future"]);
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\n", registry.url()));
    let run = machine.ok(["diff"]);
    assert!(run.stderr.contains("warning[mfp::diff::manifest]: the manifest of HEAD can't be read"), "{}", run.all());
}

#[test]
fn git_runs_nothing_of_the_repositorys() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = shop();
    let machine = committed(&registry, "[plugins]\nhash = \"^0.3\"\n");
    let canary = machine.path("canary");
    let program = machine.path("evil.sh");
    std::fs::write(&program, format!("#!/bin/sh\ntouch {}\ncat\n", canary.display())).unwrap();
    run(std::process::Command::new("chmod").arg("+x").arg(&program));
    let program = program.display().to_string();
    for key in ["core.fsmonitor", "core.sshCommand", "filter.x.smudge", "filter.x.clean", "diff.external", "core.hooksPath", "core.pager"] {
        in_project(&machine, ["config", key, &program]);
    }
    machine.write(".gitattributes", "plugins.lock filter=x\n");
    machine.ok(["diff"]);
    machine.ok(["diff", "HEAD"]);
    assert!(!canary.exists());
}

#[test]
fn a_commit_of_another_repository_is_none_of_this_one() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = shop();
    let machine = committed(&registry, "[plugins]\nhash = \"^0.3\"\n");
    let other = Repo::of(&Plugin::new("other", "1.0.0"));
    let id = other.git(["rev-parse", "HEAD"]);
    machine.mfp(["diff", &id]).fails(1, "mfp::diff::no-revision");
}

/// The YAML below a heading of a page of the guide.
fn yaml_of(page: &str, heading: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide").join(page);
    let text = std::fs::read_to_string(path).expect("a file can be read");
    let below = text.split(&format!("{heading}\n")).nth(1).unwrap_or_else(|| panic!("{page} has no {heading}"));
    below.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("it's there").to_owned()
}

/// The scripts of a workflow: what stands under each `run:`.
fn scripts(yaml: &str) -> Vec<String> {
    let mut scripts: Vec<String> = Vec::new();
    let mut deeper_than = None;
    for line in yaml.lines() {
        let depth = line.len() - line.trim_start().len();
        if line.trim() == "run: |" {
            deeper_than = Some(depth);
            scripts.push(String::new());
        } else if deeper_than.is_some_and(|than| depth > than) {
            scripts.last_mut().expect("it's there").push_str(&format!("{line}\n"));
        } else {
            deeper_than = None;
        }
    }
    scripts
}

/// A shell on a CI machine: mfp and git, and nothing else of this one.
fn ci_shell(machine: &Machine, script: &str) -> std::process::Output {
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_mfp")).parent().expect("it's there").display().to_string();
    std::process::Command::new("bash")
        .args(["-eo", "pipefail", "-c", script])
        .current_dir(machine.project(""))
        .env_clear()
        .env("PATH", format!("{own}:{}", std::env::var("PATH").expect("it's set")))
        .env("HOME", machine.path("home"))
        .env("MFP_STORE_DIR", machine.path("store"))
        .env("MFP_CACHE_DIR", machine.path("cache"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("CI", "true")
        .env("BASE", "origin/main")
        .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
        .env("GITHUB_STEP_SUMMARY", machine.path("summary.md"))
        .output()
        .expect("there's a shell")
}

/// What a runner has after the checkout: `origin`, and the pull request's branch.
fn pull_request(registry: &Registry, change: impl FnOnce(&Machine)) -> Machine {
    let machine = committed(registry, APPROVED);
    let origin = machine.path("origin.git").display().to_string();
    in_project(&machine, ["clone", "--quiet", "--bare", ".", &origin]);
    in_project(&machine, ["remote", "add", "origin", &origin]);
    in_project(&machine, ["fetch", "--quiet", "origin"]);
    in_project(&machine, ["checkout", "--quiet", "-b", "topic"]);
    change(&machine);
    commit(&machine, "topic");
    machine
}

#[test]
fn the_guides_workflow_does_what_the_guide_says() {
    if !has_programs(&["git", "bash"]) {
        return;
    }
    let yaml = yaml_of("ci.md", "### GitHub");
    let scripts = scripts(&yaml);
    assert_eq!(scripts.len(), 3, "{yaml}");
    // Whoever names a branch writes no script; whoever opens a pull request gets no secret and no token that writes.
    assert!(scripts.iter().all(|script| !script.contains("${{")), "{yaml}");
    assert!(yaml.contains("on: pull_request\npermissions: {}\n") && !yaml.contains("secrets."), "{yaml}");
    let comment = yaml.split("  comment:\n").nth(1).unwrap();
    assert!(
        !comment.contains("actions/checkout") && !comment.contains("mfp sync"),
        "the job that may write looks at nothing of the branch"
    );
    let registry = shop();
    let machine = pull_request(&registry, |machine| {
        replace(machine, "[plugins]\n", "[plugins]\nhash = \"^0.3\"\n");
        machine.ok(["lock"]);
    });
    for script in &scripts[..2] {
        let output = ci_shell(&machine, script);
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let written = machine.read("mfp-diff.md");
    assert!(written.starts_with("<!-- mfp diff -->\n### plugins.lock: 1 added\n") && written.contains("| added | `hash` |"), "{written}");
    assert_eq!(std::fs::read_to_string(machine.path("summary.md")).unwrap(), written);
    // One that asks for more gets its comment, and doesn't pass.
    let machine = pull_request(&registry, |machine| {
        replace(machine, "greet = \"=1.0.0\"", "greet = \"=1.1.0\"");
        machine.ok(["lock"]);
    });
    assert!(ci_shell(&machine, &scripts[0]).status.success());
    assert!(machine.read("mfp-diff.md").contains("| `greet` | **http `*.example.com`** | **broad**"), "{}", machine.read("mfp-diff.md"));
    assert_eq!(ci_shell(&machine, &scripts[1]).status.code(), Some(5));
    // One that forgot its lock doesn't, either.
    let machine = pull_request(&registry, |machine| replace(machine, "[plugins]\n", "[plugins]\nhash = \"^0.3\"\n"));
    assert_eq!(ci_shell(&machine, &scripts[1]).status.code(), Some(3));
}

#[test]
fn the_guides_lines_for_gitlab_work_too() {
    if !has_programs(&["git", "bash"]) {
        return;
    }
    let yaml = yaml_of("ci.md", "### GitLab");
    let lines: Vec<&str> = yaml.split("  script:\n").nth(1).unwrap().lines().map_while(|line| line.strip_prefix("    - ")).collect();
    assert_eq!(lines.len(), 4, "{yaml}");
    let registry = shop();
    let machine = pull_request(&registry, |machine| {
        replace(machine, "[plugins]\n", "[plugins]\nhash = \"^0.3\"\n");
        machine.ok(["lock"]);
    });
    let output = ci_shell(&machine, &lines.join("\n"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(machine.read("mfp-diff.md").contains("| added | `hash` |"));
}

/// A component whose interface has a function of this type, and a record of these fields.
fn component(version: &str, parameters: &str, result: &str, fields: &str) -> Plugin {
    let text = format!(
        r#"(component
          (core module $code (func (export "check") (param i32 i32) (result i32) (i32.const 0)))
          (core instance $it (instantiate $code))
          (type $seen (record {fields}))
          (component $api
            (import "seen" (type $seen (eq $given)))
            (import "check" (func $check {parameters} (result {result})))
            (export "seen" (type $seen))
            (export "check" (func $check)))
          (func $check {parameters} (result {result}) (canon lift (core func $it "check")))
          (instance $made (instantiate $api (with "seen" (type $seen)) (with "check" (func $check))))
          (export "acme:checks/api@1.0.0" (instance $made)))"#
    )
    .replace(
        "(component $api\n            (import \"seen\" (type $seen (eq $given)))",
        &format!("(component $api\n            (type $given (record {fields}))\n            (import \"seen\" (type $seen (eq $given)))"),
    );
    Plugin::new("checker", version).with(|it| it.wasm = wat::parse_str(text).expect("the component is well-formed"))
}

#[test]
fn the_functions_and_types_of_a_components_interfaces_are_compared() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = Registry::with([
        component("1.0.0", "(param \"token\" u32) (param \"again\" bool)", "bool", "(field \"at\" u64)"),
        component("1.1.0", "(param \"token\" u32) (param \"again\" bool)", "char", "(field \"at\" u64) (field \"by\" string)"),
    ]);
    let machine = committed(&registry, "[plugins]\nchecker = \"=1.0.0\"\n");
    machine.ok(["sync"]);
    replace(&machine, "=1.0.0", "=1.1.0");
    machine.ok(["sync"]);
    insta::assert_snapshot!(machine.mfp(["diff"]).all(), @r"
    exit 0
    --- stdout
    HEAD → the working folder: 1 changed
     ~ checker 1.0.0 → 1.1.0
         requirement: =1.0.0 → =1.1.0
         export acme:checks/api@1.0.0#check: func(token: u32, again: bool) -> bool → func(token: u32, again: bool) -> char
         export acme:checks/api@1.0.0#seen: record { at: u64 } → record { at: u64, by: string }
    --- stderr
    ");
    let document = machine.ok(["diff", "--json"]).json();
    assert_eq!(
        document["changes"][0]["exports"]["exports"][0],
        serde_json::json!({ "what": "acme:checks/api@1.0.0#check", "from": "func(token: u32, again: bool) -> bool", "to": "func(token: u32, again: bool) -> char" })
    );
    assert!(machine.ok(["diff", "--markdown"]).stdout.contains("export `acme:checks/api@1.0.0#check`"));
}
