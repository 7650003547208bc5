//! How does MockForge find the plugins? The `plugins.remote` list for its mockforge.yaml.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mfp_model::lock::LockedPlugin;

use crate::serve::guard::literal;

/// How often MockForge may ask how a plugin is, in seconds.
const HEALTH_INTERVAL: u32 = 30;
/// MockForge's own default for a call, in milliseconds.
const TIMEOUT_MS: u64 = 5000;
/// What the way to the plugin may take beyond the plugin's own time, in milliseconds.
const MARGIN_MS: u64 = 1000;
/// MockForge's own default.
const RETRIES: u32 = 3;

/// Where clients reach a server that listens here: by the first of its names, else by its address.
pub(crate) fn base_url(listen: SocketAddr, names: &[String]) -> String {
    let address = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    let host = names.first().cloned().unwrap_or_else(|| literal(address));
    format!("http://{host}:{}", listen.port())
}

/// An entry for each plugin and type. MockForge knows a plugin by its id, so one of several types has several ids.
pub(crate) fn mockforge<'l>(base: &str, plugins: impl IntoIterator<Item = &'l LockedPlugin>) -> String {
    let mut text = "plugins:\n  remote:\n".to_owned();
    for plugin in plugins {
        let timeout = plugin.capabilities().time_ms.map_or(TIMEOUT_MS, |time| TIMEOUT_MS.max(time.saturating_add(MARGIN_MS)));
        for kind in &plugin.types {
            let id = if plugin.types.len() == 1 { plugin.name.to_string() } else { format!("{}-{kind}", plugin.name) };
            text.push_str(&format!(
                "    - id: {id}\n      type: {kind}\n      url: {base}/plugins/{}\n      health_check_interval: {HEALTH_INTERVAL}\n      timeout_ms: {timeout}\n      retries: {RETRIES}\n",
                plugin.name
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_clients_can_use() {
        let url = |listen: &str, names: &[&str]| {
            base_url(listen.parse().unwrap(), &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(url("127.0.0.1:7070", &[]), "http://127.0.0.1:7070");
        assert_eq!(url("[::1]:80", &[]), "http://[::1]:80");
        assert_eq!(url("0.0.0.0:7070", &[]), "http://127.0.0.1:7070");
        assert_eq!(url("0.0.0.0:7070", &["plugins.acme.example"]), "http://plugins.acme.example:7070");
    }
}
