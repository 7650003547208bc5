//! A service among the plugins: asked, looked after, and no different from a plugin that runs here.

use serde_json::json;

use super::{ask_slow, serving};
use crate::support::{Machine, Serving};

/// Another project, whose plugins are services: those that the first server serves.
fn project_of(first: &Serving) -> Machine {
    let machine = Machine::new();
    let types = [("echo", "template"), ("sorry", "template"), ("endless", "template"), ("slow", "datasource")];
    let entry = |(name, kind): &(&str, &str)| {
        format!(
            "{name} = {{ remote = \"http://{}/plugins/{name}\", types = [\"{kind}\"], retries = 0, health-check-interval = 1 }}\n",
            first.address
        )
    };
    machine.write("mockforge-plugins.toml", format!("[plugins]\n{}", types.iter().map(entry).collect::<String>()));
    machine
}

#[test]
fn a_plugin_behind_serve_is_a_service_like_any_other() {
    let (_registry, _first_machine, first) = serving(&[]);
    let machine = project_of(&first);
    let second = Serving::start(&machine, &[]);
    for plugin in ["echo", "sorry", "endless"] {
        let (here, there) = (first.execute(plugin), second.execute(plugin));
        assert_eq!((here.status, here.body), (there.status, there.body), "{plugin}");
    }
    assert_eq!(ask_slow(&second).json(), ask_slow(&first).json());
    assert!(second.metric("mfp_call_errors_total{plugin=\"sorry\",code=\"mfp::run::plugin-error\"}") > 0.5);

    second.until("it was looked at", |second| second.get("/plugins").json()["plugins"][0]["state"] == "ready");
    assert_eq!((second.get("/plugins/echo/health").status, &second.health()["status"]), (200, &json!("healthy")));
    drop(first);
    second.until("it's missed", |second| second.get("/plugins/echo/health").status == 503);
    assert_eq!(second.get("/plugins/echo/health").json()["status"], "unhealthy");
    assert_eq!(second.health()["status"], "degraded");
    assert!(second.execute("echo").fails(502).contains("gave no answer"));
    assert_eq!(second.stop().code, 0);
}
