"""Laws of the codec, over whatever hypothesis thinks of."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import depth
from mockforge_plugin import AuthResult, ColumnInfo, DataResult, PluginError, ResponseData, wire

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=30)
HEADERS = st.dictionaries(TEXT, TEXT)

settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.load_profile("ci")


@given(JSON, st.booleans())
def test_json_comes_back_as_it_went(value: Any, ascii_only: bool) -> None:
    assert wire.read_json(wire.write_json(value).encode()) == value
    assert wire.read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary() | TEXT.map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()[:-1]))
def test_whatever_bytes_are_json_or_not(body: bytes) -> None:
    try:
        value = wire.read_json(body)
    except wire.NotJson:
        return
    assert wire.read_json(wire.write_json(value).encode()) == value


@given(JSON, st.integers(0, 200))
def test_depth_is_counted_as_it_is(value: Any, wraps: int) -> None:
    for _ in range(wraps):
        value = {'"[': [value], "\\": "]"}
    body = json.dumps(value, ensure_ascii=False).encode()
    found = depth(value) - (0 if isinstance(deepest(value), (list, dict)) else 1)
    if found <= 128:
        assert wire.read_json(body) == value
    else:
        with pytest.raises(wire.NotJson, match="nested"):
            wire.read_json(body)


def deepest(value: Any) -> Any:
    """One of the values that are nested deepest."""
    level = [value]
    while True:
        inner = [
            one for item in level for one in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
        ]
        if not inner:
            return next((item for item in level if isinstance(item, (list, dict))), level[0])
        level = inner


@given(JSON)
@pytest.mark.parametrize("call", wire.CALLS, ids=lambda call: call.handler)
def test_requests_are_of_the_right_shape_or_not(call: wire.Call, value: Any) -> None:
    with contextlib.suppress(wire.WrongShape):
        call.read(value)


@given(method=TEXT, uri=TEXT, headers=HEADERS, body=JSON, kind=TEXT, token=st.none() | TEXT, data=st.dictionaries(TEXT, JSON))
def test_what_is_sent_is_what_a_handler_gets(
    method: str, uri: str, headers: Any, body: Any, kind: str, token: Any, data: Any
) -> None:
    of = {"method": method, "uri": uri, "headers": headers, "body": body}
    context, credentials = wire.read_authenticate({"context": of, "credentials": {"type": kind, "token": token, "data": data}})
    assert (context.method, context.uri, context.headers, context.body) == (method, uri, headers, body)
    assert (credentials.credential_type, credentials.token, credentials.data) == (kind, token, data)


@given(JSON | st.binary() | st.dates() | st.decimals() | st.uuids() | st.text() | st.floats() | st.complex_numbers())
def test_every_answer_is_json_or_the_plugins_error(value: Any) -> None:
    for write, result in [
        (wire.write_execute, value),
        (wire.write_authenticate, AuthResult(True, "u", {"a": value})),
        (wire.write_query, DataResult([ColumnInfo("n", "t")], [{"n": value}])),
        (wire.write_generate, ResponseData(200, {}, value)),
        (wire.write_generate, ResponseData(value, {}, b"")),
        (wire.write_generate, ResponseData(200, {"A": value}, b"")),
        (wire.write_authenticate, value),
        (wire.write_query, value),
    ]:
        try:
            text = write(result)
        except PluginError:
            continue
        assert json.loads(wire.success(text))["success"] is True


@given(st.text())
def test_every_error_is_in_an_envelope(words: str) -> None:
    body = wire.failure(words)
    assert json.loads(body)["success"] is False
    assert len(json.loads(body)["error"].encode()) <= wire.MAX_ERROR_BYTES


@given(st.text(st.sampled_from("aä€🦀"), min_size=1000, max_size=3000))
def test_errors_are_cut_between_characters(words: str) -> None:
    cut = wire.cut(words)
    assert words.startswith(cut)
    assert len(cut.encode()) > wire.MAX_ERROR_BYTES - 4 or cut == words
