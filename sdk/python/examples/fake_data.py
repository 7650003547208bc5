"""Made-up users and orders: `/users`, `/users/5`, `/orders/3`."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List

from faker import Faker

from mockforge_plugin import PluginContext, RemotePlugin, ResponseData, ResponseRequest

MOST = 1000


def answer(status: int, value: Any) -> ResponseData:
    return ResponseData(
        status_code=status,
        headers={"Content-Type": "application/json"},
        body=json.dumps(value).encode(),
        content_type="application/json",
    )


class FakeDataPlugin(RemotePlugin):
    def __init__(self) -> None:
        super().__init__(name="Fake Data Generator", version="1.0.0")
        self.fake = Faker()
        self.makers: Dict[str, Callable[[], Dict[str, Any]]] = {"users": self._user, "orders": self._order}

    async def generate_response(self, ctx: PluginContext, req: ResponseRequest) -> ResponseData:
        parts = req.path.strip("/").split("/")
        maker = self.makers.get(parts[0])
        if maker is None:
            return answer(404, {"error": "Unknown resource"})
        wanted = parts[1] if len(parts) > 1 else "1"
        if not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 9 and int(wanted) <= MOST):
            return answer(400, {"error": f"`{wanted}` isn't a number up to {MOST}"})
        made: List[Dict[str, Any]] = [maker() for _ in range(int(wanted))]
        return answer(200, made[0] if len(made) == 1 else made)

    def _user(self) -> Dict[str, Any]:
        return {
            "id": self.fake.uuid4(),
            "name": self.fake.name(),
            "email": self.fake.email(),
            "phone": self.fake.phone_number(),
            "address": {
                "street": self.fake.street_address(),
                "city": self.fake.city(),
                "country": self.fake.country(),
            },
            "created_at": self.fake.iso8601(),
        }

    def _order(self) -> Dict[str, Any]:
        return {
            "id": f"ORD-{self.fake.random_number(digits=8, fix_len=True)}",
            "customer_id": self.fake.uuid4(),
            "items": [
                {
                    "sku": self.fake.ean13(),
                    "name": self.fake.catch_phrase(),
                    "quantity": self.fake.random_int(1, 5),
                    "price": float(self.fake.pricetag().replace("$", "").replace(",", "")),
                }
                for _ in range(self.fake.random_int(1, 5))
            ],
            "status": self.fake.random_element(["pending", "shipped", "delivered"]),
            "created_at": self.fake.iso8601(),
        }


if __name__ == "__main__":
    FakeDataPlugin().run(port=8080)
