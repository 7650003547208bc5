"""The example `postgres_source.py` against a real PostgreSQL: a cluster of the test's own in a temporary folder."""

from __future__ import annotations

import asyncio
import glob
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

from postgres_source import PostgresPlugin

CONTEXT = {"method": "GET", "uri": "/"}
SCHEMA = """
create table products (id int primary key, name text not null, price numeric(8,2), stock bigint, weight float8, sold boolean,
  tags text[], extra jsonb, made timestamptz, day date, code uuid, picture bytea, address inet, nothing int, took interval);
insert into products values
  (1, 'Tee ☕', 5.20, 9007199254740993, 0.25, true, '{a,b}', '{"a": [1, null]}', '2026-01-02 03:04:05+00', '2026-01-02',
   '00000000-0000-0000-0000-000000000001', '\\x00ff', '10.0.0.1', null, '90 seconds'),
  (2, 'Kaffee', 6.50, 0, 0.5, false, '{}', 'null', '2026-01-02 03:04:05+00', '2026-01-02',
   '00000000-0000-0000-0000-000000000002', '', '10.0.0.2', null, '1 day');
create role reader login; grant select on products to reader;
"""


def programs() -> Optional[str]:
    """The folder of PostgreSQL's programs: Debian keeps `initdb` out of the path."""
    found = shutil.which("initdb") or next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)), None)
    return os.path.dirname(os.path.realpath(found)) if found else None


def as_nobody_special(command: List[str]) -> List[str]:
    """PostgreSQL doesn't run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture(scope="module")
def database(free_port_of_module: int) -> Iterator[str]:
    bin_folder = programs()
    if bin_folder is None:
        if os.environ.get("CI") == "true":
            pytest.fail("in CI PostgreSQL must be installed")
        pytest.skip("PostgreSQL isn't installed")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        os.chmod(folder, 0o700)

        def run(*command: str, text: Optional[str] = None) -> None:
            done = subprocess.run(
                as_nobody_special([f"{bin_folder}/{command[0]}", *command[1:]]),
                input=text,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )
            assert done.returncode == 0, done.stderr + done.stdout

        run("initdb", "-D", str(data), "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses=127.0.0.1 -c port={free_port_of_module} -c unix_socket_directories= -c fsync=off"
        run("pg_ctl", "-D", str(data), "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            run(
                "psql",
                "-h",
                "127.0.0.1",
                "-p",
                str(free_port_of_module),
                "-U",
                "owner",
                "-v",
                "ON_ERROR_STOP=1",
                "postgres",
                text=SCHEMA,
            )
            yield f"postgres://reader@127.0.0.1:{free_port_of_module}/postgres"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def free_port_of_module() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
async def ask(database: str, serve: Callable[..., Any]) -> Callable[..., Any]:
    client = await serve(PostgresPlugin(database))

    async def asking(query: str, **parameters: Any) -> Any:
        return await client.post(
            "/plugin/datasource/query", json={"query": {"query": query, "parameters": parameters}, "context": CONTEXT}
        )

    return asking


async def test_a_query_with_parameters_in_their_order(ask: Callable[..., Any]) -> None:
    response = await ask("select name from products where price < $1 and id <> $2 order by id", most=100, other=1)
    assert response.status_code == 200, response.text
    assert response.json()["result"] == {
        "columns": [{"name": "name", "data_type": "string"}],
        "rows": [{"name": "Kaffee"}],
    }


async def test_every_type(ask: Callable[..., Any]) -> None:
    result = (await ask("select * from products where id = $1", id=1)).json()["result"]
    kinds: Dict[str, str] = {column["name"]: column["data_type"] for column in result["columns"]}
    assert kinds == {
        "id": "integer",
        "name": "string",
        "price": "float",
        "stock": "integer",
        "weight": "float",
        "sold": "boolean",
        "tags": "json",
        "extra": "json",
        "made": "string",
        "day": "string",
        "code": "string",
        "picture": "string",
        "address": "string",
        "nothing": "integer",
        "took": "string",
    }
    assert result["rows"] == [
        {
            "id": 1,
            "name": "Tee ☕",
            "price": 5.2,
            "stock": 9007199254740993,
            "weight": 0.25,
            "sold": True,
            "tags": ["a", "b"],
            "extra": {"a": [1, None]},
            "made": "2026-01-02T03:04:05+00:00",
            "day": "2026-01-02",
            "code": "00000000-0000-0000-0000-000000000001",
            "picture": "AP8=",
            "address": "10.0.0.1",
            "nothing": None,
            "took": 90.0,
        }
    ]


async def test_columns_are_known_where_there_are_no_rows(ask: Callable[..., Any]) -> None:
    result = (await ask("select id, sold from products where false")).json()["result"]
    assert result == {"columns": [{"name": "id", "data_type": "integer"}, {"name": "sold", "data_type": "boolean"}], "rows": []}


async def test_parameters_are_values_and_no_sql(ask: Callable[..., Any]) -> None:
    response = await ask("select id from products where name = $1", name="x'; drop table products; --")
    assert response.json()["result"]["rows"] == []
    assert (await ask("select count(*) as n from products")).json()["result"]["rows"] == [{"n": 2}]


async def test_its_errors_are_its_own(ask: Callable[..., Any]) -> None:
    for query, words in [
        ("select nothing_like_it from products", "does not exist"),
        ("insert into products (id, name) values (3, 'x')", "read-only transaction"),
        ("select $1::int", "expects 1 argument"),
        ("select 1; select 2", "cannot insert multiple commands"),
        ("select 'NaN'::numeric as n", "can't be said in JSON"),
        ("", ""),
    ]:
        response = await ask(query)
        if not query:
            continue
        assert response.status_code == 500, query
        assert response.json()["success"] is False
        assert words in response.json()["error"], response.text


async def test_many_at_once(ask: Callable[..., Any]) -> None:
    answers = await asyncio.gather(*(ask("select $1::int as n, pg_sleep(0.01)::text as s", n=n) for n in range(40)))
    assert [answer.json()["result"]["rows"][0]["n"] for answer in answers] == list(range(40))


async def test_without_a_startup(database: str) -> None:
    """A client that runs no startup, as many in tests, gets its connection with the first query."""
    import httpx

    plugin = PostgresPlugin(database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=plugin.app), base_url="http://test") as client:
        response = await client.post("/plugin/datasource/query", json={"query": {"query": "select 1 as n"}, "context": CONTEXT})
    assert response.json()["result"]["rows"] == [{"n": 1}]
    await plugin.shutdown()
