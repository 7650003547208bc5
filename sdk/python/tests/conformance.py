"""`fixtures/conformance/cases`, spelled out and compared as its suite in Rust does (`loader/tests/sandbox/conformance.rs`)."""

from __future__ import annotations

import base64
import json
import math
import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

FOLDER = Path(__file__).parents[3] / "fixtures/conformance"
PATHS = {
    "authenticate": "/plugin/authenticate",
    "execute": "/plugin/template/execute",
    "generate": "/plugin/response/generate",
    "query": "/plugin/datasource/query",
}


def spelled(value: Any) -> Any:
    """A value of a case with its `$` parts spelled out."""
    if isinstance(value, list):
        return [spelled(item) for item in value]
    if not isinstance(value, dict):
        return value
    if not any(key.startswith("$") for key in value):
        return {key: spelled(item) for key, item in value.items()}
    (key, part) = next(iter(value.items()))
    if key == "$repeat":
        then = value.get("$then", ["", 0])
        return part[0] * part[1] + then[0] * then[1]
    if key == "$list":
        return [spelled(part[1])] * part[0]
    if key == "$nest":
        inner = spelled(part[1])
        for _ in range(part[0]):
            inner = [inner]
        return inner
    if key == "$count":
        return [{"n": n} for n in range(part)]
    if key == "$bytes":
        return base64.b64encode(bytes(n % 256 for n in range(part))).decode()
    if key == "$text":
        return base64.b64encode(spelled(part).encode()).decode()
    if key == "$file":
        return json.loads((FOLDER / part).read_text())
    if key == "$json":
        return value
    raise AssertionError(f"no `{key}`")


def same(expected: Any, found: Any) -> bool:
    """Whether an answer is the expected one."""
    if isinstance(expected, dict) and "$json" in expected:
        return isinstance(found, str) and same(spelled(expected["$json"]), json.loads(base64.b64decode(found)))
    if isinstance(expected, dict) and isinstance(found, dict):
        found = {key: value for key, value in found.items() if not (key == "content_type" and value is None)}
        return expected.keys() == found.keys() and all(same(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(same, expected, found))
    if isinstance(expected, float) or isinstance(found, float):
        numbers = not isinstance(expected, (bool, str)) and not isinstance(found, (bool, str)) and expected is not None
        return numbers and float(expected) == float(found) and math.copysign(1, expected) == math.copysign(1, found)
    return type(expected) is type(found) and bool(expected == found)


def load(text: str) -> Any:
    """JSON as mfp reads it: what's no integer of 64 bits is a float, `-0` too."""

    def number(digits: str) -> Any:
        value = int(digits)
        return float(digits) if digits == "-0" or not -(1 << 63) <= value < 1 << 64 else value

    return json.loads(text, parse_int=number)


def cases() -> List[Tuple[str, Dict[str, Any]]]:
    """All cases, each with the name that it's skipped by."""
    files = ["authenticate", "execute", "functions", "generate", "query"]
    return [(f"{file}: {case['name']}", case) for file in files for case in json.loads((FOLDER / f"cases/{file}.json").read_text())]


def skipped() -> Dict[str, str]:
    """What the service of `remote-python` can't pass, with the reasons: none of it depends on who wrote a service."""
    skip: Dict[str, str] = json.loads((FOLDER / "remote-python/port.json").read_text())["skip"]
    return skip


# --- what a host refuses in an answer, as mfp does ---


def usable(call: str, result: str) -> bool:
    """Whether this text is a result that a host takes: strict JSON of the call's shape."""
    try:
        value = json.loads(result, parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return depth(value) < 128 and (call != "generate" or (100 <= value["status_code"] <= 999 and headers(value["headers"])))


def _refuse(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    if math.isinf(float(text)):
        raise ValueError(text)
    return float(text)


def headers(of: Dict[str, str]) -> bool:
    return all(
        re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", name) and not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", value)
        for name, value in of.items()
    )


def depth(value: Any) -> int:
    deep = 0
    level = [value]
    while level:
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
        ]
        deep += 1
    return deep
