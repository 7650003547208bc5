"""A plugin's class as a WebAssembly component.

    from mockforge_plugin.component import export
    from my_plugin import MyPlugin

    Auth, Template, Response, Datasource = export(MyPlugin())

That's the module that componentize-py is given: it wants a class for each interface of `mockforge:plugin`. The plugin is made when
the component is built, and every call begins with it as it was then: nothing that a call leaves behind is seen by the next, and
neither threads nor sockets are there. `plugin.host` is the host that runs it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import random
import time
import traceback
from importlib import import_module
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from . import host as hosts
from . import wire
from .plugin import RemotePlugin
from .types import AuthCredentials, DataQuery, PluginContext, PluginError, ResolutionContext, ResponseRequest


def _wit(module: str) -> Any:
    """A module that componentize-py makes from the WIT. An interface that the world doesn't have has none."""
    return import_module(module)


class ComponentHost(hosts.Host):
    """The host that runs the component."""

    def __init__(self) -> None:
        super().__init__()
        self._wit = _wit("wit_world.imports.host")

    def log(self, level: str, text: str) -> None:
        if level not in hosts.LEVELS:
            raise ValueError(f"there's no level `{level}`")
        self._wit.log(self._wit.Level[level.upper()], text)

    def config(self) -> Any:
        return json.loads(self._wit.config())

    def now_ms(self) -> int:
        return int(self._wit.now_ms())

    def random(self, length: int) -> bytes:
        return bytes(self._wit.random(length))

    def asset(self, path: str) -> bytes:
        return bytes(_asked(lambda: self._wit.asset(path)))

    def call(self, dependency: str, call: str, request: Any) -> Any:
        return json.loads(_asked(lambda: self._wit.call(dependency, call, wire.write_json(request))))


def _asked(ask: Callable[[], Any]) -> Any:
    """The host's answer; its error is a `PluginError`, as the plugin's own are."""
    try:
        return ask()
    except _wit("componentize_py_types").Err as error:
        raise PluginError(str(error.value)) from None


class _Log(logging.Handler):
    """Python's log in the host's."""

    def __init__(self, host: ComponentHost) -> None:
        super().__init__()
        self._host = host

    def emit(self, record: logging.LogRecord) -> None:
        for name in ("error", "warn", "info", "debug"):
            if record.levelno >= hosts.LEVELS[name]:
                break
        else:
            name = "trace"
        self._host.log(name, self.format(record).encode("utf-8", "replace").decode("utf-8"))


class _Loop(asyncio.BaseEventLoop):
    """An event loop of timers and callbacks: nothing in here can wait for anything else."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self

    def select(self, timeout: Optional[float]) -> List[Any]:
        if timeout is None:
            raise RuntimeError("the handler waits for what never comes")
        if timeout > 0:
            time.sleep(timeout)
        return []

    def _process_events(self, events: List[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def __del__(self) -> None:
        # It lives as long as the component does; asyncio would complain that nobody closed it.
        self.close()


def _headers(pairs: Any) -> Dict[str, str]:
    return dict(pairs)


def _body(body: Any) -> Any:
    """A body: text, or other JSON."""
    if body is None:
        return None
    text = isinstance(body, _wit("wit_world.imports.types").Body_Text)
    return body.value if text else json.loads(body.value)


def _context(of: Any) -> PluginContext:
    return PluginContext(of.method, of.uri, _headers(of.headers), _body(of.body))


def _pairs(of: Mapping[Any, Any]) -> List[Tuple[str, str]]:
    """An object as names and JSON texts, its keys said as JSON says them."""
    return [(name, wire.write_json(value)) for name, value in ((_key(key), value) for key, value in of.items())]


def _key(key: Any) -> str:
    """A key as JSON's encoder says it: `1` is "1"."""
    if isinstance(key, str):
        return key
    (said,) = json.loads(wire.write_json({key: None}))
    return str(said)


class _Adapter:
    """Between the interfaces' types and the plugin's."""

    def __init__(self, plugin: RemotePlugin) -> None:
        self._plugin = plugin
        self._err = _wit("componentize_py_types").Err
        self._loop = _Loop()
        self._host = ComponentHost()
        if isinstance(plugin.host, hosts.Host):
            # Else the plugin has something of its own by this name.
            plugin.host = self._host
        root = logging.getLogger()
        root.addHandler(_Log(self._host))
        root.setLevel(logging.INFO)

    def ask(self, work: Callable[..., Any], *args: Any) -> Any:
        """Call a handler. What it raises is the plugin's error; how it came to it is for the log."""
        # Python's generator was seeded when the component was built: it would say the same in every call.
        random.seed(self._host.random(32))
        try:
            result = work(*args)
            return self._finish(result) if inspect.isawaitable(result) else result
        except PluginError:
            raise
        except (Exception, SystemExit) as error:
            self._host.log("error", traceback.format_exc().encode("utf-8", "replace").decode("utf-8"))
            raise PluginError(wire.words(error)) from None

    def _finish(self, awaitable: Any) -> Any:
        async def whole() -> Any:
            return await awaitable

        asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(whole())

    def guarded(self, work: Callable[[], Any]) -> Any:
        """The answer, or the interface's own kind of error."""
        try:
            return work()
        except PluginError as error:
            raise self._err(wire.cut(str(error))) from None

    # --- the interfaces ---

    def authenticate(self, context: Any, credentials: Any) -> Any:
        data = json.loads(credentials.data) if credentials.data is not None else {}
        creds = AuthCredentials(credentials.kind, credentials.token, data)
        found = wire.verdict(self.ask(self._plugin.authenticate, _context(context), creds))
        return _wit("wit_world.exports.auth").Verdict(found.authenticated, found.user_id, _pairs(found.claims))

    def execute(self, function_name: str, args: List[str], context: Any) -> str:
        inner = context.request_context
        given = ResolutionContext(
            {name: json.loads(value) for name, value in context.environment}, None if inner is None else _context(inner)
        )
        result = self.ask(self._plugin.execute_template_function, function_name, [json.loads(arg) for arg in args], given)
        return wire.write_execute(result)

    def functions(self) -> List[Any]:
        wit = _wit("wit_world.exports.template")
        return [
            wit.Function(
                of["name"],
                of["description"],
                [wit.Parameter(at["name"], at["type"], at["required"], at["description"]) for at in of["parameters"]],
                of["return_type"],
            )
            for of in wire.functions(self.ask(self._plugin.get_functions))
        ]

    def generate(self, context: Any, request: Any) -> Any:
        asked = ResponseRequest(request.method, request.path, _headers(request.headers), _body(request.body))
        status, headers, body, content_type = wire.response(self.ask(self._plugin.generate_response, _context(context), asked))
        if not 0 <= status < 1 << 16:
            raise PluginError(f"`status_code` is {status}, which isn't a status")
        return _wit("wit_world.exports.response").ResponseData(status, list(headers.items()), body, content_type)

    def query(self, query: Any, context: Any) -> Any:
        wit = _wit("wit_world.exports.datasource")
        parameters = json.loads(query.parameters) if query.parameters is not None else {}
        asked = DataQuery(query.query, parameters)
        columns, rows = wire.table(self.ask(self._plugin.query_datasource, asked, _context(context)))
        names = [name for name, _ in columns]
        known = set(names)
        for row in rows:
            if not known.issuperset(row):
                raise PluginError(f"a row has the key `{next(key for key in row if key not in known)}`, which is no column")
        values = [[wire.write_json(row.get(name)) for name in names] for row in rows]
        return wit.DataResult([wit.Column(name, kind) for name, kind in columns], values)


def export(plugin: RemotePlugin) -> Tuple[type, type, type, type]:
    """The classes `Auth`, `Template`, `Response` and `Datasource`. Those whose interface isn't in the world aren't used."""
    adapter = _Adapter(plugin)

    class Auth:
        """The interface `auth`."""

        def authenticate(self, context: Any, credentials: Any) -> Any:
            return adapter.guarded(lambda: adapter.authenticate(context, credentials))

    class Template:
        """The interface `template`."""

        def execute(self, function_name: str, args: List[str], context: Any) -> str:
            return str(adapter.guarded(lambda: adapter.execute(function_name, args, context)))

        def functions(self) -> List[Any]:
            return list(adapter.guarded(adapter.functions))

    class Response:
        """The interface `response`."""

        def generate(self, context: Any, request: Any) -> Any:
            return adapter.guarded(lambda: adapter.generate(context, request))

    class Datasource:
        """The interface `datasource`."""

        def query(self, query: Any, context: Any) -> Any:
            return adapter.guarded(lambda: adapter.query(query, context))

    return Auth, Template, Response, Datasource
