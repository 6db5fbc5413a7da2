"""A headless browser that stays on a page that updates itself: asked over its debugging pipe."""

import base64
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.views.browser import BROWSER

_PATIENCE = 60.0


class LivePage:
    """A page of ``width`` pixels, open until this is left. ``said`` is what its console and its errors said."""

    def __init__(self, url: str, *, width: int = 1400, dark: bool = False) -> None:
        self.said: list[str] = []
        self._number = 0
        self._session = ""
        self._profile = tempfile.TemporaryDirectory(prefix="alo-test-browser-", ignore_cleanup_errors=True)
        (ours, theirs), (self._read, write) = os.pipe(), os.pipe()
        self._write = theirs
        script = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'  # the browser talks by descriptors 3 and 4
        command = [
            *("bash", "-c", script, "pipes", str(ours), str(write), BROWSER or ""),
            *("--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe"),
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            *(f"--blink-settings=preferredColorScheme={0 if dark else 1}", f"--window-size={width},1000"),
            f"--user-data-dir={self._profile.name}",
        ]
        self._process = subprocess.Popen(command, pass_fds=(ours, write), stderr=subprocess.DEVNULL)
        os.close(ours)
        os.close(write)
        self._rest = b""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self._ask(f"{domain}.enable")
        self._ask("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """What an expression of the page's language is there."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script: str, patience: float = _PATIENCE) -> float:
        """Seconds until an expression is true."""
        begin = time.monotonic()
        while not self.evaluate(f"Boolean({script})"):
            assert time.monotonic() - begin < patience, (script, self.said, self.evaluate("document.body.innerText"))
        return time.monotonic() - begin

    def heap(self) -> int:
        """Bytes that the page's script holds, once what is unused is collected."""
        self._ask("HeapProfiler.collectGarbage")
        return int(self._ask("Runtime.getHeapUsage")["usedSize"])

    def picture(self, path: Path) -> None:
        """Take a picture of the whole page."""
        taken = self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        asked = {"id": self._number, "method": method, "params": params, **session}
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told
                return dict(told["result"])
            if told.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                self.said.append(json.dumps(told["params"])[:500])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 20)
            assert part, "the browser has gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.write(self._write, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        try:  # so that its own processes have ended before their files are removed
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._profile.cleanup()
