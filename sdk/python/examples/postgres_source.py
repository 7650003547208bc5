"""Queries against PostgreSQL at `DATABASE_URL`: `$1`, `$2`, … are the parameters, in their order.

Give it a user that may only read, and only what mocks may show: whoever can ask it can ask anything that this user may.
"""

from __future__ import annotations

import os
from typing import Any, Optional

import asyncpg

from mockforge_plugin import ColumnInfo, DataQuery, DataResult, PluginContext, RemotePlugin

# By the type's name in PostgreSQL; what's missing here is text.
KINDS = {
    "bool": "boolean",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "float4": "float",
    "float8": "float",
    "numeric": "float",
    "json": "json",
    "jsonb": "json",
}


class PostgresPlugin(RemotePlugin):
    def __init__(self, database_url: str) -> None:
        super().__init__(name="PostgreSQL Data Source", version="1.0.0")
        self.database_url = database_url
        self.pool: Optional[Any] = None

    async def startup(self) -> None:
        self.pool = await asyncpg.create_pool(self.database_url, min_size=1, max_size=5, init=self._json, command_timeout=10)

    async def shutdown(self) -> None:
        if self.pool is not None:
            await self.pool.close()

    @staticmethod
    async def _json(connection: Any) -> None:
        """JSON as what it means, and not as text."""
        import json

        for name in ("json", "jsonb"):
            await connection.set_type_codec(name, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")

    async def query_datasource(self, query: DataQuery, ctx: PluginContext) -> DataResult:
        if self.pool is None:
            await self.startup()
        assert self.pool is not None
        async with self.pool.acquire() as connection, connection.transaction(readonly=True):
            statement = await connection.prepare(query.query)
            rows = await statement.fetch(*query.parameters.values())
            # From the statement and not from the first row: there may be none, and its values may be null.
            columns = [ColumnInfo(of.name, self._kind(of.type)) for of in statement.get_attributes()]
        return DataResult(columns=columns, rows=[dict(row) for row in rows])

    @staticmethod
    def _kind(of: Any) -> str:
        return "json" if of.kind == "array" else KINDS.get(of.name, "string")


if __name__ == "__main__":
    PostgresPlugin(os.environ["DATABASE_URL"]).run(port=8080)
