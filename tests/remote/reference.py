"""The reference plugin of `fixtures/conformance` behind FastAPI, as MockForge's Python SDK would have it.

`python reference.py PORT_FILE` serves on a free port of loopback and writes its number into PORT_FILE.
"""

import json
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

sys.path.insert(0, str(Path(__file__).parents[2] / "fixtures/conformance/remote-python"))
sys.dont_write_bytecode = True
import service  # noqa: E402

app = FastAPI()


def answering(call):
    async def answer(request: Request) -> Response:
        try:
            result = call(await request.json())
        except Exception as error:  # noqa: BLE001
            return Response(json.dumps({"success": False, "error": str(error)}), 500, media_type="application/json")
        text = result if isinstance(result, service.Raw) else json.dumps(result)
        return Response(f'{{"success":true,"result":{text}}}', media_type="application/json")

    return answer


for path, call in service.CALLS.items():
    app.add_api_route(path, answering(call), methods=["POST"])

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    Path(sys.argv[1]).write_text(str(listener.getsockname()[1]))
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
