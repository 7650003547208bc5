"""Hashes, signatures and base64 for templates. Python's own library is enough, so that it's a component too."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Callable, Dict, List

from mockforge_plugin import FunctionParameter, RemotePlugin, ResolutionContext, TemplateFunction


def sha256(text: Any) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def hmac_sha256(key: str, message: str) -> str:
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()


def base64_encode(text: Any) -> str:
    return base64.b64encode(str(text).encode()).decode()


def base64_decode(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()


def function(name: str, description: str, *parameters: FunctionParameter) -> TemplateFunction:
    return TemplateFunction(name=name, description=description, parameters=list(parameters), return_type="string")


class CryptoPlugin(RemotePlugin):
    implementations: Dict[str, Callable[..., str]] = {  # noqa: RUF012
        "sha256": sha256,
        "hmac_sha256": hmac_sha256,
        "base64_encode": base64_encode,
        "base64_decode": base64_decode,
    }

    async def execute_template_function(self, function_name: str, args: List[Any], ctx: ResolutionContext) -> str:
        implementation = self.implementations.get(function_name)
        if implementation is None:
            raise ValueError(f"Unknown function: {function_name}")
        parameters = next(known.parameters for known in self.get_functions() if known.name == function_name)
        if len(args) != len(parameters):
            raise ValueError(f"{function_name} takes ({', '.join(parameter.name for parameter in parameters)})")
        return implementation(*args)

    def get_functions(self) -> List[TemplateFunction]:
        return [
            function("sha256", "SHA-256 in hexadecimal", FunctionParameter("input", "string", True, "What is hashed")),
            function(
                "hmac_sha256",
                "HMAC-SHA256 in hexadecimal",
                FunctionParameter("key", "string", True, "The secret key"),
                FunctionParameter("message", "string", True, "What is signed"),
            ),
            function("base64_encode", "A text in base64", FunctionParameter("input", "string", True, "The text")),
            function("base64_decode", "The text that's in base64", FunctionParameter("input", "string", True, "The base64")),
        ]


if __name__ == "__main__":
    CryptoPlugin(name="Crypto Functions", version="1.0.0").run(port=8080)
