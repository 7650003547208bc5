"""Endpoints of the plugin's own, beside those that MockForge asks. The same with and without FastAPI."""

from __future__ import annotations

from typing import Any, Dict, List

from mockforge_plugin import RemotePlugin


class MyPlugin(RemotePlugin):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.received: List[Dict[str, Any]] = []

        @self.app.get("/custom/status")
        async def custom_status() -> Dict[str, str]:
            return {"custom": "data", "status": "ok"}

        @self.app.post("/custom/webhook")
        async def custom_webhook(data: dict) -> Dict[str, bool]:  # type: ignore[type-arg]
            self.received.append(data)
            return {"received": True}


if __name__ == "__main__":
    MyPlugin().run(port=8080)
