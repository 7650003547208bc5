"""What a plugin says that it needs. Whoever runs it can look, and a component's `plugin.yaml` says the same."""

from __future__ import annotations

from mockforge_plugin import (
    FilesystemCapabilities,
    NetworkCapabilities,
    PluginCapabilities,
    RemotePlugin,
    ResourceLimits,
)


class MyPlugin(RemotePlugin):
    def get_capabilities(self) -> PluginCapabilities:
        return PluginCapabilities(
            network=NetworkCapabilities(
                allow_http_outbound=True,
                allowed_hosts=["api.example.com", "auth.example.com"],
            ),
            filesystem=FilesystemCapabilities(
                allow_read=True,
                allow_write=False,
                allowed_paths=["/app/config", "/app/data"],
            ),
            resources=ResourceLimits(
                max_memory_bytes=50 * 1024 * 1024,
                max_cpu_time_ms=5000,
            ),
        )


if __name__ == "__main__":
    MyPlugin().run(port=8080)
