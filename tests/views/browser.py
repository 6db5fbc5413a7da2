"""A headless browser that opens a page and says what it finds: errors, what was drawn, what covers what."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

__all__ = ["BROWSER", "look"]

_NAMES: Final = ("chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER: Final = next((found for name in _NAMES if (found := shutil.which(name))), None)
"""Path of a Chromium; None where there is none."""

_BEFORE: Final = """<script>
window.said = [];
addEventListener('error', event => said.push(String(event.message)));
for (const kind of ['error', 'warn', 'log']) console[kind] = (...words) => said.push(`${kind}: ${words.join(' ')}`);
</script>"""
_AFTER: Final = """<script>
const met = (one, two) => Math.min(one.right, two.right) - Math.max(one.left, two.left) > 1
  && Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top) > 1;
const found = () => {
  const plots = [...document.querySelectorAll('.plot')].map(node => {
    const drawn = node.querySelector('div').getBoundingClientRect();
    const boxes = selector => [...node.querySelectorAll(selector)].filter(e => e.textContent.trim())
      .map(e => [e.textContent, e.getBoundingClientRect()]);
    const titles = boxes('.infolayer > g[class*="title"] text'), ticks = boxes('g[class$="tick"] text');
    return {
      section: node.closest('section')?.querySelector('h2')?.textContent,
      drawn: node.querySelector('.main-svg') !== null && drawn.height > 50,
      wide: drawn.width, axes: titles.map(([text]) => text),
      crowded: ticks.flatMap(([one, a], at) => ticks.slice(at + 1).filter(([, b]) => met(a, b))
        .map(([two]) => [one, two])),
      covered: titles.flatMap(([title, a]) => ticks.filter(([, b]) => met(a, b)).map(([tick]) => [title, tick])) }; });
  const out = document.createElement('pre');
  out.id = 'found';
  out.textContent = JSON.stringify({ said, plots, width: document.documentElement.scrollWidth });
  document.body.append(out); };
addEventListener('load', () => { try { window.act?.(); } catch (error) { said.push(String(error)); }
  setTimeout(found, 1500); });
</script>"""


def look(page: Path, *, width: int = 1400, dark: bool = False, act: str = "") -> dict[str, Any]:
    """Open a page in a window of ``width`` pixels and tell what is there.

    ``act`` is a script's body that is run once all is loaded. Keys: ``said`` by the console and of errors, ``plots``,
    and the ``width`` of the document.
    """
    assert BROWSER is not None
    text = page.read_text(encoding="utf-8").replace("<head>", "<head>" + _BEFORE, 1)
    asked = f"<script>window.act = () => {{ {act} }};</script>"
    copy = page.with_name(f"looked-at-{page.name}")
    copy.write_text(text.replace("</body></html>", f"{asked}{_AFTER}</body></html>"), encoding="utf-8")
    try:
        shown = _run(copy, "--dump-dom", width=width, dark=dark)
    finally:
        copy.unlink()
    found = re.search(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)
    assert found, f"{page} did not come to its end"
    told: dict[str, Any] = json.loads(html.unescape(found.group(1)))
    return told


def _run(page: Path, *arguments: str, width: int, dark: bool) -> str:
    command = [
        *(BROWSER or "", "--headless", "--disable-gpu", "--no-first-run", "--disable-quic", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # a browser refuses root a sandbox
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        *(f"--window-size={width},1000", "--virtual-time-budget=8000"),
        *arguments,
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout
