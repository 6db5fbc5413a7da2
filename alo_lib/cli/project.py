"""Where the project's own things lie."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["BACKTESTS", "CONFIG", "CORE_JOURNALS", "DATA", "ROOT", "SITE", "prepare_compilation_cache"]

ROOT: Final = Path(__file__).resolve().parents[2]
DATA: Final = ROOT / "data"
BACKTESTS: Final = ROOT / "backtests"
CORE_JOURNALS: Final = ROOT / "storage" / "core"
CONFIG: Final = ROOT / "config.json"
SITE: Final = ROOT / "site"
_ENVIRONMENT: Final = ROOT / ".venv"


def prepare_compilation_cache() -> None:
    """Say where numba keeps compiled kernels, before it is imported; a caller's NUMBA_CACHE_DIR is left alone.

    They belong to the environment that compiled them, so they live in it and go with it. Where it cannot be written
    (a read-only checkout), they are kept for this run only.
    """
    if "NUMBA_CACHE_DIR" in os.environ or not _ENVIRONMENT.is_dir():
        return
    cache = _ENVIRONMENT / "numba-cache"
    try:
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError:
        cache = Path(tempfile.mkdtemp(prefix="alo-numba-"))
        atexit.register(shutil.rmtree, cache, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(cache)
