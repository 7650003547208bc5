"""A remote plugin as MockForge's Python SDK makes them: strict about every key, 500 for every error.

It's written against the documented protocol alone, so that the test of mfp's client has somebody else at the other end.
`python service.py PORT_FILE` serves on a free port of loopback and writes its number into PORT_FILE.
"""

import base64
import os
import socket
import sys
from dataclasses import dataclass, field
from typing import Any, Optional

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


@dataclass
class PluginContext:
    method: str
    uri: str
    headers: dict[str, Any] = field(default_factory=dict)
    body: Optional[Any] = None


@dataclass
class ResponseRequest:
    method: str
    path: str
    headers: dict[str, Any] = field(default_factory=dict)
    body: Optional[Any] = None


@dataclass
class DataQuery:
    query: str
    parameters: Optional[dict[str, Any]] = None


app = FastAPI()


@app.exception_handler(Exception)
async def failed(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"success": False, "error": str(error)}, status_code=500)


async def handled(request: Request, answer) -> JSONResponse:
    """The SDK catches all that goes wrong, unknown and missing keys too."""
    try:
        return JSONResponse({"success": True, "result": answer(await request.json())})
    except Exception as error:  # noqa: BLE001
        return JSONResponse({"success": False, "error": str(error)}, status_code=500)


def only(data: dict, *keys: str) -> dict:
    strangers = set(data) - set(keys)
    if strangers:
        raise TypeError(f"got an unexpected keyword argument {sorted(strangers)}")
    return data


@app.get("/health")
async def health() -> dict:
    return {"status": "healthy", "plugin": "oauth", "version": "1.0.0"}


@app.post("/plugin/authenticate")
async def authenticate(request: Request) -> JSONResponse:
    def answer(data: dict) -> dict:
        only(data, "context", "credentials")
        PluginContext(**data["context"])
        credentials = only(data["credentials"], "type", "token", "data")
        known = credentials.get("token") == "letmein"
        return {
            "authenticated": known,
            "user_id": "ada" if known else "",
            "claims": {"type": credentials["type"], "let-in": request.headers.get("authorization", "")} if known else {},
        }

    return await handled(request, answer)


@app.post("/plugin/template/execute")
async def execute(request: Request) -> JSONResponse:
    def answer(data: dict) -> Any:
        only(data, "function_name", "args", "context")
        context = only(data["context"], "environment", "request_context")
        if context.get("request_context") is not None:
            PluginContext(**context["request_context"])
        if data["function_name"] == "upper":
            return str(data["args"][0]).upper()
        raise ValueError(f"Unknown function: {data['function_name']}")

    return await handled(request, answer)


@app.post("/plugin/response/generate")
async def generate(request: Request) -> JSONResponse:
    def answer(data: dict) -> dict:
        only(data, "context", "request")
        PluginContext(**data["context"])
        asked = ResponseRequest(**data["request"])
        body = base64.b64encode(f"hello from {asked.path}".encode()).decode()
        return {"status_code": 200, "headers": {"X-From": "python"}, "body": body, "content_type": "text/plain"}

    return await handled(request, answer)


@app.post("/plugin/datasource/query")
async def query(request: Request) -> JSONResponse:
    def answer(data: dict) -> dict:
        only(data, "query", "context")
        PluginContext(**data["context"])
        asked = DataQuery(**data["query"])
        return {"columns": [{"name": "query", "data_type": "string"}], "rows": [{"query": asked.query}]}

    return await handled(request, answer)


def main() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    with open(sys.argv[1] + ".part", "w") as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


main()
