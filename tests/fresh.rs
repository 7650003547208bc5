//! What's installed in a plugin's folder and what was built there, held against what they were made of: made anew if that changed, and
//! only then.
//!
//! The programs are small ones of the stories' own, which write down that they ran.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::build::{Bench, NOTHING};
use crate::support::Run;

/// A plugin in Python, on a machine whose Python installs a componentize-py that gives a module, whatever the sources say.
struct Python {
    bench: Bench,
}

impl Python {
    fn new() -> Self {
        let bench = Bench::new();
        let python = Self { bench };
        for (file, text) in [
            ("pyproject.toml", "[tool.mfp]\nmodule = \"component\"\npaths = [\"src\", \"lib\"]\nwit = \"wit\"\n"),
            ("requirements.txt", "componentize-py==0.25.1\n"),
            ("src/component.py", "1\n"),
            ("lib/more.py", "1\n"),
            ("wit/plugin.wit", "package mockforge:plugin@0.1.0;\n"),
        ] {
            python.bench.machine.write(file, text);
        }
        std::fs::write(python.path("made.wasm"), wat::parse_str(NOTHING).expect("a module")).expect("the test's own file");
        python.componentize("");
        python.version("3.13.0");
        python
    }

    fn path(&self, file: &str) -> PathBuf {
        self.bench.machine.path(file)
    }

    /// What componentize-py does beside what it's for.
    fn componentize(&self, also: &str) {
        let script = format!(
            "#!/bin/sh\n{also}\necho \"$VIRTUAL_ENV $*\" >> {}\nfor out in \"$@\"; do :; done\n/bin/cp {} \"$out\"\n",
            self.path("built").display(),
            self.path("made.wasm").display()
        );
        let place = self.path("componentize-py");
        std::fs::write(&place, script).expect("the test's own file");
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).expect("the test's own file");
    }

    /// Which Python the machine has; `pip` fails if there's a file `no-pip`.
    fn version(&self, version: &str) {
        let install = format!(
            "[ ! -e {0} ] || {{ echo no network >&2; exit 1; }}; echo installed >> {1}; /bin/cp {2} .venv/bin/componentize-py; /bin/mkdir -p .venv/lib/python3/site-packages/x; echo 1 > .venv/lib/python3/site-packages/x/x.py",
            self.path("no-pip").display(),
            self.path("installed").display(),
            self.path("componentize-py").display()
        );
        let script = format!(
            "case \"$*\" in\n*_base_executable*) echo {0}; echo /usr {version};;\n*'import venv'*) :;;\n*'-m venv'*) /bin/mkdir -p .venv/bin; /bin/cp {0} .venv/bin/python3;;\n*'pip install'*) {install};;\n*) exit 1;;\nesac",
            self.path("bin/python3").display()
        );
        self.bench.program("python3", &script);
    }

    /// How often this was done.
    fn count(&self, what: &str) -> usize {
        std::fs::read_to_string(self.path(what)).map_or(0, |text| text.lines().count())
    }

    fn ok(&self, arguments: &[&str]) -> Run {
        let run = self.bench.mfp(arguments);
        assert_eq!(run.code, 0, "{}", run.all());
        run
    }

    /// `mfp test` builds.
    fn builds(&self, why: &str) {
        let before = self.count("built");
        let run = self.ok(&["test"]);
        assert!(self.count("built") == before + 1 && run.stderr.contains("Built try-it"), "{why}: {}", run.all());
    }

    /// `mfp test` doesn't.
    fn knows(&self, why: &str) {
        let before = self.count("built");
        let run = self.ok(&["test"]);
        assert_eq!(self.count("built"), before, "{why}: {}", run.all());
        assert!(run.stderr.contains("try-it try_it.wasm is of these sources already; `mfp build` builds it anyway"), "{}", run.all());
    }

    fn write(&self, file: &str, text: &str) {
        // A build's record is of what lay there before it began, by the file system's clock, which may tick slowly.
        std::thread::sleep(std::time::Duration::from_millis(20));
        self.bench.machine.write(file, text);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_component_is_built_again_if_anything_changed_and_only_then() {
    let python = Python::new();
    python.write("src/component.py", "2\n");
    // The interpreter that's built with leaves files of its own beside the sources.
    python.componentize(&format!("/bin/mkdir -p {}", python.bench.machine.project("src/__pycache__").display()));
    python.builds("nothing is there");
    python.knows("nothing changed");
    for (file, text) in [
        ("src/component.py", "3\n"),
        ("src/deep/er.py", "1\n"),
        ("lib/more.py", "2\n"),
        ("wit/plugin.wit", "package mockforge:plugin@0.1.0; // more\n"),
        ("pyproject.toml", "[tool.mfp]\nmodule = \"component\"\npaths = [\"lib\", \"src\"]\nwit = \"wit\"\n"),
        ("plugin.yaml", "mfp: 1\nplugin: { id: try-it, version: 1.0.1, types: [template] }\n"),
        ("try_it.wasm", "another file"),
        (".venv/lib/python3/site-packages/x/x.py", "22\n"),
        (".venv/lib/python3/site-packages/y.py", "1\n"),
    ] {
        python.write(file, text);
        python.builds(file);
        python.knows(file);
    }
    std::fs::remove_file(python.bench.machine.project("src/deep/er.py")).unwrap();
    python.builds("a file is gone");
    // What isn't read by the build is no reason for one.
    for file in ["README.md", "tests.txt", "src/__pycache__/component.pyc", ".venv/lib/python3/site-packages/__pycache__/x.pyc"] {
        python.write(file, "1\n");
        python.knows(file);
    }
    let before = python.count("built");
    assert!(python.ok(&["build"]).stderr.contains("Built try-it"));
    assert_eq!(python.count("built"), before + 1, "`mfp build` always builds");
    python.knows("what `mfp build` built");
}

#[test]
fn what_changes_while_its_built_is_built_again() {
    let python = Python::new();
    let project = python.bench.machine.project("");
    for also in ["echo 5 > src/component.py", "/bin/rm src/deep.py", "/bin/rm here.py"] {
        python.write("pyproject.toml", "[tool.mfp]\nmodule = \"component\"\npaths = [\"src\", \".\"]\nwit = \"wit\"\n");
        python.write("src/deep.py", "1\n");
        python.write("here.py", "1\n");
        // The interpreter that's built with leaves its own files beside the sources.
        // What's installed stays as it is: it does this once.
        let once = python.path("once");
        std::fs::write(&once, format!("cd {} && /bin/mkdir -p src/__pycache__ && {also}", project.display())).unwrap();
        python.componentize(&format!("[ ! -e {0} ] || (. {0})", once.display()));
        python.write("requirements.txt", &format!("componentize-py==0.25.1 # {also}\n"));
        python.builds("nothing is known");
        std::fs::remove_file(once).unwrap();
        python.builds(also);
        python.knows("nothing changed since");
    }
}

#[test]
fn a_copy_of_the_folder_knows_nothing() {
    let python = Python::new();
    python.builds("nothing is there");
    let copied = python.path("copied");
    let status = std::process::Command::new("cp").arg("-a").arg(python.bench.machine.project("")).arg(&copied).status().unwrap();
    assert!(status.success());
    let before = python.count("built");
    python.ok(&["test", &copied.display().to_string()]);
    assert_eq!(python.count("built"), before + 1);
}

#[test]
fn an_environment_is_that_of_the_requirements() {
    let python = Python::new();
    let run = python.ok(&["build"]);
    assert!(run.stderr.contains("Making .venv, with what"), "{}", run.all());
    assert_eq!(python.count("installed"), 1);
    assert!(!python.ok(&["build"]).stderr.contains("Making"));
    python.write("requirements.txt", "componentize-py==0.25.1\nx==1\n");
    let run = python.ok(&["test"]);
    assert!(run.stderr.contains("Making .venv anew (the requirements changed)") && run.stderr.contains("Built try-it"), "{}", run.all());
    assert_eq!(python.count("installed"), 2);
    python.version("3.14.0");
    let run = python.ok(&["build"]);
    assert!(run.stderr.contains("Making .venv anew (Python is another)"), "{}", run.all());
    // The old one stays until there's a new one.
    python.write("requirements.txt", "componentize-py==0.25.1\nx==2\n");
    std::fs::write(python.path("no-pip"), "").unwrap();
    let run = python.bench.mfp(&["build"]);
    run.fails(1, "mfp::build::failed");
    assert!(run.stderr.contains("no network"), "{}", run.all());
    assert!(python.bench.machine.has(".venv/bin/componentize-py"));
    python.write("requirements.txt", "componentize-py==0.25.1\nx==1\n");
    assert!(!python.ok(&["build"]).stderr.contains("Making"), "it's the one that was there");
    // One that's broken off is made anew, whatever is in it already.
    python.bench.machine.write(".venv/.mfp-ready", "unfinished\n");
    std::fs::remove_file(python.path("no-pip")).unwrap();
    assert!(python.ok(&["build"]).stderr.contains("Making .venv anew (it was never finished)"));
    // One that somebody made is theirs.
    std::fs::remove_file(python.bench.machine.project(".venv/.mfp-ready")).unwrap();
    python.write("requirements.txt", "y==1\n");
    assert!(!python.ok(&["build"]).stderr.contains("Making"));
}

#[test]
fn a_component_exports_what_its_manifest_says_and_takes_packages_from_its_own_environment() {
    let python = Python::new();
    let venv = python.bench.machine.project("").canonicalize().unwrap().join(".venv");
    // `-d WIT` comes first.
    python.componentize(&format!("[ ! -e \"$2/mfp-types.wit\" ] || /bin/cp \"$2/mfp-types.wit\" {}", python.path("world").display()));
    python.ok(&["build"]);
    let built = || std::fs::read_to_string(python.path("built")).unwrap();
    assert!(built().starts_with(&format!("{} -d wit -w template-plugin componentize component", venv.display())), "{}", built());
    python.write("plugin.yaml", "mfp: 1\nplugin: { id: try-it, version: 1.0.0, types: [template, auth] }\n");
    python.bench.mfp(&["build"]).fails(7, "mfp::sandbox::export");
    assert!(built().contains("/wit -w mfp-types componentize component"), "{}", built());
    let world = std::fs::read_to_string(python.path("world")).unwrap();
    let exports: Vec<&str> = world.lines().filter(|line| line.contains("export ")).map(str::trim).collect();
    assert_eq!(exports, ["export auth;", "export template;"], "{world}");
    assert!(world.starts_with("package mockforge:plugin@0.1.0;\n"), "{world}");
    python.write("pyproject.toml", "[tool.mfp]\nmodule = \"component\"\nworld = \"mine\"\nwit = \"wit\"\n");
    python.bench.mfp(&["build"]).fails(7, "mfp::sandbox::export");
    assert!(built().lines().last().is_some_and(|last| last.contains(" -w mine componentize component")), "{}", built());
}

/// A plugin in JavaScript, whose build.mjs gives a module, whatever the sources say, and says that it reads this.
fn javascript(reads: Option<&str>) -> Bench {
    let bench = Bench::new();
    bench.machine.write("package.json", r#"{ "devDependencies": { "@bytecodealliance/componentize-js": "0.23.0" } }"#);
    bench.machine.write("build.mjs", "");
    bench.machine.write("src/plugin.js", "1");
    std::fs::create_dir(bench.machine.project("node_modules")).expect("the test's own folder");
    std::fs::write(bench.machine.path("made.wasm"), wat::parse_str(NOTHING).expect("a module")).expect("the test's own file");
    let says = reads.map(|reads| format!("echo {reads} > \"$2.reads\"")).unwrap_or_default();
    let script = format!(
        "[ \"$1\" != --version ] || {{ echo v20.0.0; exit; }}\n/bin/cp {} \"$2\"\n{says}",
        bench.machine.path("made.wasm").display()
    );
    bench.program("node", &script);
    std::thread::sleep(std::time::Duration::from_millis(20));
    bench
}

#[test]
fn javascript_says_what_it_reads_or_is_built() {
    let bench = javascript(Some("src"));
    let builds = || {
        let run = bench.mfp(&["test"]);
        assert_eq!(run.code, 0, "{}", run.all());
        run.stderr.contains("Built try-it")
    };
    assert!(builds() && !builds());
    for file in ["src/plugin.js", "build.mjs", "node_modules/x/index.js"] {
        bench.machine.write(file, "// another");
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(builds(), "{file}");
        assert!(!builds(), "{file}");
    }
    let bench = javascript(None);
    for _ in 0..2 {
        assert!(bench.mfp(&["test"]).stderr.contains("Built try-it"), "what it reads, nobody knows");
    }
}

#[test]
fn a_lock_that_installing_writes_is_no_reason_to_build_again() {
    let bench = javascript(Some("src"));
    std::fs::remove_dir(bench.machine.project("node_modules")).unwrap();
    bench.program("npm", "/bin/mkdir -p node_modules; echo '{}' > package-lock.json");
    let built = bench.mfp(&["build"]);
    assert!(built.code == 0 && built.stderr.contains("`npm install`"), "{}", built.all());
    let tested = bench.mfp(&["test"]);
    assert!(tested.code == 0 && !tested.stderr.contains("Built try-it"), "{}", tested.all());
}

#[test]
fn node_modules_are_those_that_package_json_and_its_lock_name() {
    let bench = javascript(None);
    let npm = format!(
        "echo \"npm $*\"; [ \"$1\" != ci ] || /bin/rm -rf node_modules; /bin/mkdir -p node_modules; /bin/cp {} node_modules/.package-lock.json",
        bench.machine.path("list.json").display()
    );
    bench.program("npm", &npm);
    let lock = |version: &str| {
        let name = "@bytecodealliance/componentize-js";
        let list = format!(r#""node_modules/{name}":{{"version":"{version}","integrity":"sha512-{version}"}}"#);
        std::fs::write(bench.machine.path("list.json"), format!(r#"{{"packages":{{{list}}}}}"#)).unwrap();
        let lock = format!(r#"{{"packages":{{"":{{"devDependencies":{{"{name}":"0.23.0"}}}},{list}}}}}"#);
        bench.machine.write("package-lock.json", lock);
    };
    let build = || {
        let run = bench.mfp(&["build"]);
        assert_eq!(run.code, 0, "{}", run.all());
        run.stderr
    };
    lock("0.23.0");
    assert!(build().contains("Installing what package.json names (it names others than those in node_modules): `npm ci`"));
    assert!(!build().contains("npm"));
    // Somebody pulled another lock.
    lock("0.23.1");
    assert!(build().contains("`npm ci`"));
    assert!(!build().contains("npm"));
    // What was installed by hand counts by npm's list.
    std::fs::remove_file(bench.machine.project("node_modules/.mfp-ready")).unwrap();
    assert!(!build().contains("npm"));
    // package.json was edited: npm writes the lock anew, unless it must stay as it is.
    let edited = r#"{ "devDependencies": { "@bytecodealliance/componentize-js": "0.23.1" } }"#;
    bench.machine.write("package.json", edited);
    let locked = bench.mfp(&["build", "--locked"]);
    assert!(locked.stderr.contains("`npm ci`"), "{}", locked.all());
    std::fs::remove_file(bench.machine.project("node_modules/.mfp-ready")).unwrap();
    assert!(build().contains("`npm install`"));
    assert!(!build().contains("npm"));
}
