"""The protocol's JSON, in both directions.

What comes in is foreign: every shape is checked here, unknown keys are ignored, and a key that's `null` is one that's absent.
What goes out is the plugin's own, so a value that JSON can't say is the plugin's error and not the client's. Knows no HTTP.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import ipaddress
import itertools
import json
import math
import os
import re
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Type, TypeVar

from .types import (
    AuthCredentials,
    AuthResult,
    DataQuery,
    DataResult,
    PluginContext,
    PluginError,
    RawJson,
    ResolutionContext,
    ResponseData,
    ResponseRequest,
    TemplateFunction,
)

#: How deep JSON may be nested: as deep as mfp lets it.
MAX_DEPTH = 128
#: How many bytes of an error's text a host gets: as many as mfp keeps.
MAX_ERROR_BYTES = 4096


class NotJson(ValueError):
    """The body isn't JSON."""


class WrongShape(ValueError):
    """It's JSON, but not what the call takes."""


# --- in -----------------------------------------------------------------------------------------------------------------

_NEITHER_BRACKETS_NOR_QUOTES = bytes(set(range(256)) - set(b'[]{}"'))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _deep(body: bytes) -> bool:
    """Whether it's nested too deep, found without reading it as JSON: Python's own reader recurses."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    parts = unescaped.translate(None, _NEITHER_BRACKETS_NOR_QUOTES).split(b'"')
    # What's between an odd quote and the next one is in a text.
    brackets = b"".join(parts[::2])
    return any(depth > MAX_DEPTH for depth in itertools.accumulate(map(_STEP.__getitem__, brackets)))


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotJson("a number is too large")
    return number


def _constant(name: str) -> float:
    raise NotJson(f"`{name}` isn't JSON")


def read_json(body: bytes) -> Any:
    """Any JSON, strictly: UTF-8, whole characters, finite numbers, not nested too deep."""
    if _deep(body):
        raise NotJson(f"it's nested deeper than {MAX_DEPTH}")
    try:
        value = json.loads(body.decode("utf-8"), parse_float=_float, parse_constant=_constant)
        if _SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except NotJson:
        raise
    except UnicodeDecodeError:
        raise NotJson("it isn't UTF-8") from None
    except UnicodeEncodeError:
        raise NotJson("there's half a character in it") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        # A number of thousands of digits, which Python refuses to read.
        raise NotJson("a number is too large") from None
    return value


_T = TypeVar("_T")
_SAID: Dict[Any, str] = {str: "text", dict: "an object", list: "a list"}


def _get(of: Dict[str, Any], key: str, kind: Type[_T], where: str) -> Optional[_T]:
    value = of.get(key)
    if value is not None and type(value) is not kind:
        raise WrongShape(f"`{where}{key}` must be {_SAID[kind]}")
    return value


def _need(of: Dict[str, Any], key: str, kind: Type[_T], where: str = "") -> _T:
    value = _get(of, key, kind, where)
    if value is None:
        raise WrongShape(f"`{where}{key}` is missing")
    return value


def _object(value: Any) -> Dict[str, Any]:
    if type(value) is not dict:
        raise WrongShape("the request must be an object")
    return value


def _headers(of: Dict[str, Any], where: str) -> Dict[str, str]:
    headers = _get(of, "headers", dict, where) or {}
    for name, value in headers.items():
        if type(value) is not str:
            raise WrongShape(f"`{where}headers.{name}` must be text")
    return headers


def _context(of: Dict[str, Any], where: str) -> PluginContext:
    return PluginContext(
        method=_need(of, "method", str, where),
        uri=_need(of, "uri", str, where),
        headers=_headers(of, where),
        body=of.get("body"),
    )


def read_authenticate(request: Any) -> Tuple[PluginContext, AuthCredentials]:
    """The arguments of `authenticate`."""
    request = _object(request)
    context = _context(_need(request, "context", dict), "context.")
    of = _need(request, "credentials", dict)
    credentials = AuthCredentials(
        credential_type=_need(of, "type", str, "credentials."),
        token=_get(of, "token", str, "credentials."),
        data=_get(of, "data", dict, "credentials.") or {},
    )
    return context, credentials


def read_execute(request: Any) -> Tuple[str, List[Any], ResolutionContext]:
    """The arguments of `execute_template_function`."""
    request = _object(request)
    name = _need(request, "function_name", str)
    args = _get(request, "args", list, "") or []
    of = _get(request, "context", dict, "") or {}
    inner = _get(of, "request_context", dict, "context.")
    context = ResolutionContext(
        environment=_get(of, "environment", dict, "context.") or {},
        request_context=None if inner is None else _context(inner, "context.request_context."),
    )
    return name, args, context


def read_generate(request: Any) -> Tuple[PluginContext, ResponseRequest]:
    """The arguments of `generate_response`."""
    request = _object(request)
    context = _context(_need(request, "context", dict), "context.")
    of = _need(request, "request", dict)
    asked = ResponseRequest(
        method=_need(of, "method", str, "request."),
        path=_need(of, "path", str, "request."),
        headers=_headers(of, "request."),
        body=of.get("body"),
    )
    return context, asked


def read_query(request: Any) -> Tuple[DataQuery, PluginContext]:
    """The arguments of `query_datasource`."""
    request = _object(request)
    of = _need(request, "query", dict)
    parameters = of.get("parameters")
    query = DataQuery(query=_need(of, "query", str, "query."), parameters={} if parameters is None else parameters)
    return query, _context(_need(request, "context", dict), "context.")


# --- out ----------------------------------------------------------------------------------------------------------------


_AS_TEXT = (
    uuid.UUID,
    os.PathLike,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)


def _plain(value: Any) -> Any:
    """What JSON has for a value that Python's encoder doesn't know."""
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        exponent = value.as_tuple().exponent
        return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} can't be said in JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def write_json(value: Any) -> str:
    """A value as JSON text that's legal to whoever reads it."""
    try:
        text = _ENCODER.encode(value)
        # Half a character isn't text. Most texts have nothing of the kind, and this says so at once.
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise PluginError("the plugin's answer has half a character in it") from None
    except RecursionError:
        raise PluginError("the plugin's answer is nested too deep") from None
    except (TypeError, ValueError) as error:
        raise PluginError(f"the plugin's answer can't be said in JSON: {error}") from None
    return text


def _must_be(value: Any, kind: Type[_T], call: str) -> _T:
    if not isinstance(value, kind):
        raise PluginError(f"`{call}` answered {type(value).__name__}, which isn't {kind.__name__}")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise PluginError(f"{what} is {type(value).__name__}, which isn't text")
    return str(value)


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PluginError(f"{what} is {type(value).__name__}, which isn't a whole number")
    return int(value)


def _table(value: Any, what: str) -> Dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise PluginError(f"{what} is {type(value).__name__}, which isn't a dict")
    return dict(value)


def verdict(result: Any) -> AuthResult:
    """What `authenticate` answered, checked."""
    result = _must_be(result, AuthResult, "authenticate")
    if not isinstance(result.authenticated, bool):
        # `authenticated=user` must not let anybody in by being something.
        raise PluginError(f"`authenticated` is {type(result.authenticated).__name__}, which isn't bool")
    return AuthResult(
        result.authenticated,
        _text("" if result.user_id is None else result.user_id, "`user_id`"),
        _table({} if result.claims is None else result.claims, "`claims`"),
    )


def response(result: Any) -> Tuple[int, Dict[str, str], bytes, Optional[str]]:
    """What `generate_response` answered, checked: status, headers, body and content type.

    Which statuses and headers are legal is for the host to say, in one way for all plugins.
    """
    result = _must_be(result, ResponseData, "generate_response")
    headers = _table({} if result.headers is None else result.headers, "`headers`")
    for name, value in headers.items():
        _text(name, "a header's name")
        _text(value, f"the header `{name}`")
    body: Any = result.body
    if isinstance(body, str):
        try:
            body = body.encode("utf-8")
        except UnicodeEncodeError:
            raise PluginError("`body` has half a character in it") from None
    elif body is None:
        body = b""
    elif not isinstance(body, (bytes, bytearray, memoryview)):
        raise PluginError(f"`body` is {type(body).__name__}, which isn't bytes")
    content_type = None if result.content_type is None else _text(result.content_type, "`content_type`")
    return _whole(result.status_code, "`status_code`"), headers, bytes(body), content_type


def table(result: Any) -> Tuple[List[Tuple[str, str]], List[Dict[str, Any]]]:
    """What `query_datasource` answered, checked: columns with their types, and rows."""
    result = _must_be(result, DataResult, "query_datasource")
    columns = [(_text(column.name, "a column's name"), _text(column.data_type, "a column's type")) for column in result.columns]
    return columns, [_table(row, "a row") for row in result.rows]


def write_authenticate(result: Any) -> str:
    """A verdict as JSON text."""
    found = verdict(result)
    return write_json({"authenticated": found.authenticated, "user_id": found.user_id, "claims": found.claims})


def write_execute(result: Any) -> str:
    """Any JSON."""
    return str(result) if isinstance(result, RawJson) else write_json(result)


def write_generate(result: Any) -> str:
    """A response as JSON text, its body in base64."""
    status, headers, body, content_type = response(result)
    encoded = base64.b64encode(body).decode("ascii")
    return write_json({"status_code": status, "headers": headers, "body": encoded, "content_type": content_type})


def write_query(result: Any) -> str:
    """A table as JSON text."""
    columns, rows = table(result)
    return write_json({"columns": [{"name": name, "data_type": kind} for name, kind in columns], "rows": rows})


def functions(result: Any) -> List[Dict[str, Any]]:
    """What `get_functions` answered, as the protocol writes functions: a parameter's `param_type` is `type`."""
    listed = []
    for function in result:
        function = _must_be(function, TemplateFunction, "get_functions")
        parameters = [
            {"name": of.name, "type": of.param_type, "required": of.required, "description": of.description}
            for of in function.parameters
        ]
        listed.append(
            {
                "name": function.name,
                "description": function.description,
                "parameters": parameters,
                "return_type": function.return_type,
            }
        )
    return listed


def success(result: str) -> bytes:
    """The envelope around a result that's JSON text."""
    try:
        return f'{{"success":true,"result":{result}}}'.encode()
    except UnicodeEncodeError:
        raise PluginError("the plugin's answer has half a character in it") from None


def failure(error: str) -> bytes:
    """The envelope around an error."""
    return json.dumps({"success": False, "error": cut(error)}, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def cut(text: str) -> str:
    """As much of an error as a host keeps, in whole characters."""
    encoded = text.encode("utf-8", "replace")
    return encoded[:MAX_ERROR_BYTES].decode("utf-8", "ignore")


def words(error: BaseException) -> str:
    """What an exception says: its text, or its name if it has none. A `PluginError` without words has none."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return text if text or isinstance(error, PluginError) else type(error).__name__


Reader = Callable[[Any], Tuple[Any, ...]]
Writer = Callable[[Any], str]


@dataclasses.dataclass(frozen=True)
class Call:
    """A call of the protocol: where it's asked, whom, and how both sides are said."""

    path: str
    handler: str
    read: Reader
    write: Writer


CALLS = (
    Call("/plugin/authenticate", "authenticate", read_authenticate, write_authenticate),
    Call("/plugin/template/execute", "execute_template_function", read_execute, write_execute),
    Call("/plugin/response/generate", "generate_response", read_generate, write_generate),
    Call("/plugin/datasource/query", "query_datasource", read_query, write_query),
)
