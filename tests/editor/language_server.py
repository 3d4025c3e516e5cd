"""A client of a language server, as an editor is one.

Source: Language Server Protocol 3.17, "Base Protocol", "Text Document Synchronization".
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# As in an editor without network: the schema is the one that the file names.
_SETTINGS = {
    "schemaStore": {"enable": False},
    "kubernetesCRDStore": {"enable": False},
    "completion": True,
    "hover": True,
    "validate": True,
}
MODELINE = "# yaml-language-server: $schema=./manifest.schema.json\n"


class LanguageServer:
    """A running server, spoken to over its standard streams; one document at a time."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._command = ["node", str(program), "--stdio"]
        self._folder = folder
        self._last_id = 0
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        completion = {"completionItem": {"documentationFormat": ["markdown"]}}
        abilities = {
            "textDocument": {
                "completion": completion,
                "hover": {"contentFormat": ["markdown"]},
            },
            "workspace": {"configuration": True},
        }
        self.ask(
            "initialize",
            processId=None,
            rootUri=self._folder.as_uri(),
            capabilities=abilities,
        )
        self._tell("initialized")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def open(self, text: str) -> dict[str, str]:
        """Open a manifest beside the schema, and return its identifier."""
        uri = (self._folder / "wave.yaml").as_uri()
        document = {
            "uri": uri,
            "languageId": "yaml",
            "version": 1,
            "text": MODELINE + text,
        }
        self._tell("textDocument/didOpen", textDocument=document)
        return {"uri": uri}

    def ask(self, method: str, **params: Any) -> Any:
        """Return the answer to one request."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self._last_id and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def diagnostics(self) -> list[tuple[int, str]]:
        """Return line, from 1 below the modeline, and words of what is found wrong."""
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics":
                found = message["params"]["diagnostics"]
                return [(d["range"]["start"]["line"], d["message"]) for d in found]

    def _tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def _next(self) -> dict[str, Any]:
        """Return the next message; what the server asks is answered by the way."""
        stdout = self._process.stdout
        assert stdout is not None
        length = 0
        while line := stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(stdout.read(length))
        if "id" in message and "method" in message:
            self._send({"id": message["id"], "result": self._answer(message)})
        return message

    def _answer(self, message: dict[str, Any]) -> object:
        if message["method"] != "workspace/configuration":
            return None
        items = message["params"]["items"]
        return [_SETTINGS if item["section"] == "yaml" else {} for item in items]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        stdin.flush()
