//! Are the services well? Each is looked at when it's loaded and then at the interval that the project says, until other
//! plugins are served in its place. Plugins that run here need no look: they're well if they're loaded.

use std::sync::{Arc, Weak};

use mfp_model::name::PluginName;
use tokio::runtime::Handle;

use crate::serve::served::Served;

/// Look at every service of these plugins from now on.
pub(crate) fn look_after(runtime: &Handle, served: &Arc<Served>) {
    for name in served.plugins.names().filter(|name| served.plugins.health_interval(name).is_some()) {
        runtime.spawn(look(Arc::downgrade(served), name.clone()));
    }
}

async fn look(served: Weak<Served>, name: PluginName) {
    while let Some(served) = served.upgrade() {
        let Some(interval) = served.plugins.health_interval(&name) else { return };
        let looked_at = name.clone();
        // It waits for the network. What it finds is kept by the plugins themselves.
        let _ = tokio::task::spawn_blocking(move || served.plugins.check_health(&looked_at)).await;
        tokio::time::sleep(interval).await;
    }
}
