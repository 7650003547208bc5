"""What requests and answers are made of.

Plain dataclasses, in the words of MockForge's documentation. How they look on the wire is `wire`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Union


def _header(headers: Mapping[str, str], name: str) -> Optional[str]:
    """A header's value whatever the case of its name: the first one that fits."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


@dataclass
class PluginContext:
    """The request that the mock server is answering."""

    method: str
    #: Path and query.
    uri: str
    headers: Dict[str, str] = field(default_factory=dict)
    #: Text, or whatever other JSON it is, as the host got it. `None` is no body.
    body: Any = None

    def header(self, name: str, default: Optional[str] = None) -> Optional[str]:
        """A header's value; the case of the name doesn't matter."""
        value = _header(self.headers, name)
        return default if value is None else value


@dataclass
class AuthCredentials:
    """What somebody shows to be let in."""

    #: `bearer`, `basic`, `api-key`, …: `type` on the wire.
    credential_type: str
    token: Optional[str] = None
    #: Whatever else belongs to the credentials.
    data: Dict[str, Any] = field(default_factory=dict)


@dataclass
class AuthResult:
    """A verdict. Credentials that aren't good are one too; an exception says that nobody can tell."""

    authenticated: bool
    #: Empty if nobody was authenticated.
    user_id: str = ""
    claims: Dict[str, Any] = field(default_factory=dict)


@dataclass
class ResolutionContext:
    """What a template function may know."""

    #: The variables that were approved. Never the environment of a process.
    environment: Dict[str, Any] = field(default_factory=dict)
    #: The request that the template belongs to, if there's one.
    request_context: Optional[PluginContext] = None


@dataclass
class FunctionParameter:
    """A parameter of a template function, for people."""

    name: str
    #: `string`, `number`, `boolean`, …: `type` on the wire.
    param_type: str
    required: bool = True
    description: str = ""


@dataclass
class TemplateFunction:
    """A template function, for people."""

    name: str
    description: str = ""
    parameters: List[FunctionParameter] = field(default_factory=list)
    return_type: str = "string"


@dataclass
class ResponseRequest:
    """The request that a response is wanted for."""

    method: str
    #: Without the query: that's in the context's `uri`.
    path: str
    headers: Dict[str, str] = field(default_factory=dict)
    #: As a context's body.
    body: Any = None

    def header(self, name: str, default: Optional[str] = None) -> Optional[str]:
        """A header's value; the case of the name doesn't matter."""
        value = _header(self.headers, name)
        return default if value is None else value


@dataclass
class ResponseData:
    """A response."""

    #: 100 to 999.
    status_code: int = 200
    headers: Dict[str, str] = field(default_factory=dict)
    #: Bytes; text is taken as UTF-8. In base64 on the wire.
    body: Union[bytes, str] = b""
    content_type: Optional[str] = None


@dataclass
class DataQuery:
    """A question to a data source."""

    #: In the plugin's own query language.
    query: str
    #: Values for it, in the order in which they came. A host may send other JSON than an object: that's here as it came.
    parameters: Dict[str, Any] = field(default_factory=dict)


@dataclass
class ColumnInfo:
    """A column of a table."""

    name: str
    #: `string`, `integer`, `float`, `boolean`, `json`, …
    data_type: str


@dataclass
class DataResult:
    """A table: each row has a value for each column's name."""

    columns: List[ColumnInfo] = field(default_factory=list)
    rows: List[Dict[str, Any]] = field(default_factory=list)


@dataclass
class NetworkCapabilities:
    """Which hosts a plugin wants to talk to."""

    allow_http_outbound: bool = False
    allowed_hosts: List[str] = field(default_factory=list)


@dataclass
class FilesystemCapabilities:
    """Which files a plugin wants to see."""

    allow_read: bool = False
    allow_write: bool = False
    allowed_paths: List[str] = field(default_factory=list)


@dataclass
class ResourceLimits:
    """How much memory and time a plugin wants."""

    max_memory_bytes: int = 10 * 1024 * 1024
    max_cpu_time_ms: int = 1000


@dataclass
class PluginCapabilities:
    """What a plugin says that it needs. A service is held to nothing of this: it's for whoever runs it."""

    network: NetworkCapabilities = field(default_factory=NetworkCapabilities)
    filesystem: FilesystemCapabilities = field(default_factory=FilesystemCapabilities)
    resources: ResourceLimits = field(default_factory=ResourceLimits)


class PluginError(Exception):
    """The plugin's own error: its text is what the host gets, the empty text too. No traceback is logged."""


class RawJson(str):
    """JSON text that a template function answers as it stands, for numbers and key orders that Python would change.

    Nobody checks it here: text that isn't JSON makes an answer that the host refuses.
    """

    __slots__ = ()
