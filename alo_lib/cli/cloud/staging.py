"""A folder that can be pushed to QuantConnect's cloud: a program, and what it needs of this tree in bundles."""

import ast
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import decode_source
from pathlib import Path
from typing import Final

from alo_lib.cli.cloud import alo_bundle
from alo_lib.cli.cloud.alo_bundle import BUNDLES, heading, sections_of
from alo_lib.cli.cloud.closure import PACKAGES, modules_needed
from alo_lib.cli.cloud.tiers import KILOBYTE, Tier, pushed_files
from alo_lib.cli.failures import UserError
from alo_lib.cli.project import CONFIG, ROOT
from alo_lib.records.whole_files import write_whole
from alo_lib.settings import Settings

__all__ = ["PROGRAMS", "Program", "Staged", "stage"]

_HOOK: Final = Path(alo_bundle.__file__)
_OURS: Final = "# Written by alo cloud stage"
"""How a file begins that may be written again."""


@dataclass(frozen=True)
class Program:
    """What is staged."""

    main: Path
    """Staged as main.py, where the folder has none."""
    description: str
    offers: str = ""
    """Imports that main.py may yet come to want: what they need is staged, too."""


PROGRAMS: Final = {
    "greeks": Program(
        ROOT / "algorithm" / "chain_greeks.py",
        "Right greeks on option chains",
        "from models import AloDelta, AloGamma, AloImpliedVolatility, AloImpliedVolatilityRank, AloOptionPriceModel\n"
        "from models import AloRho, AloTheta, AloVega, expected_dividends, forwards, greeks_filter, greeks_history\n"
        "from models import portfolio_greeks, universe_greeks\n"
        "from alo_lib.pricing import *\n",
    ),
    "strategy": Program(ROOT / "main.py", "Volatility arbitrage on American options"),
}


@dataclass(frozen=True)
class Staged:
    """What a folder now holds."""

    files: dict[str, int]
    """Bytes of those that are pushed."""
    modules: int
    """Of this tree, within the bundles."""
    kept: tuple[str, ...]
    """Files that were there and are the user's."""

    @property
    def largest(self) -> int:
        """Bytes of the largest file."""
        return max(self.files.values())

    @property
    def total(self) -> int:
        """Bytes of all."""
        return sum(self.files.values())


def stage(program: Program, tier: Tier, folder: Path, *, keep_kernels: bool = False) -> Staged:
    """Write ``program`` into a folder, new or staged before. What is the user's own stays; what it imports is staged.

    keep_kernels: runs keep their compiled kernels in LEAN's object store, and take them from there.

    :raises UserError: naming what does not fit the tier, or is in the way; nothing is written then.
    :raises OSError: where the folder cannot be written.
    """
    own = _users_own(folder)
    written = {} if "main.py" in own else {"main.py": _text(program.main)}
    users = {str(folder / name): _users_source(folder / name) for name in own if name.endswith(".py")}
    sources = written | users | {"what the program offers": program.offers}
    modules = {path: _text(ROOT / path) for path in modules_needed(sources)}
    packages = sorted({path.partition("/")[0] for path in modules})
    written |= {f"{package}.py": _package(package, keep_kernels) for package in packages}
    written |= {_HOOK.name: f"{_OURS}, as alo_lib/cli/cloud/{_HOOK.name} of the project has it.\n{_text(_HOOK)}"}
    written |= _bundles(modules, tier)
    sizes = own | {name: len(text.encode()) for name, text in written.items()}
    _require_fit(sizes, tier)
    configuration = _configuration_for(program, folder / CONFIG.name)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in set(_staged_before(folder)) - written.keys():
        (folder / stale).unlink()
    for name, text in written.items():
        write_whole(folder / name, text)
    if configuration is not None:
        write_whole(folder / CONFIG.name, configuration)
    return Staged(dict(sorted(sizes.items())), len(modules), tuple(own))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _users_source(path: Path) -> str:
    """As Python decodes it, by its mark or comment; UserError where it is no Python."""
    try:
        source = decode_source(path.read_bytes())
        ast.parse(source)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""  # its encoding is no line's fault
        raise UserError(f"{path}{line}: {error.msg}") from None
    except ValueError as error:
        raise UserError(f"{path} is no Python source: {error}") from None
    return source


def _staged_before(folder: Path) -> Iterator[str]:
    """Files that an earlier staging has written; UserError for one of somebody else that has a name of ours."""
    names = (path for pattern in (BUNDLES, _HOOK.name) for path in folder.glob(pattern))
    for path in sorted([*names, *(folder / f"{package}.py" for package in PACKAGES)]):
        if path.exists():
            if not path.read_bytes().startswith(_OURS.encode()):
                raise UserError(f"{path} is in the way: alo cloud stage did not write it, and writes one of that name")
            yield path.name


def _users_own(folder: Path) -> dict[str, int]:
    """Files to push that were there before, but for those of an earlier staging, and their bytes."""
    for package in PACKAGES:
        if (folder / package).is_dir():
            reason = "would be imported in place of the bundles; name a folder without it"
            raise UserError(f"{folder / package} {reason}")
    ours = set(_staged_before(folder))
    main = folder / "main.py"
    if os.path.lexists(main) and not main.is_file():
        raise UserError(f"{main} is in the way: it is no file, and alo cloud stage writes one of that name")
    if main.is_file() and main.read_bytes() in _mains():
        ours.add(main.name)
    return {name: size for name, size in pushed_files(folder).items() if name not in ours}


def _mains() -> list[bytes]:
    """The algorithms that are staged where there is none."""
    return [program.main.read_bytes() for program in PROGRAMS.values()]


def _package(package: str, keep_kernels: bool) -> str:
    """What stands for a package beside its bundles."""
    return (
        f"{_OURS}: the package {package} is in the files alo_bundle_*.py beside this one.\n"
        f"import alo_bundle\n\nalo_bundle.take_over(__name__{', keep_kernels=True' if keep_kernels else ''})\n"
    )


def _bundles(modules: dict[str, str], tier: Tier) -> dict[str, str]:
    """Texts of bundles by their files: modules in order of name, each in the first that has room for it."""
    bundles: list[list[str]] = []
    sizes: list[int] = []
    empty = len(_bundle([], modules).encode())
    for path in modules:
        size = len(_bundle([path], modules).encode()) - empty
        place = next((place for place, held in enumerate(sizes) if held + size <= tier.bytes_a_file), len(bundles))
        if place == len(bundles):
            bundles.append([])
            sizes.append(empty)
        bundles[place].append(path)
        sizes[place] += size
    return {_name(number, held): _bundle(held, modules) for number, held in enumerate(bundles, 1)}


def _bundle(held: list[str], modules: dict[str, str]) -> str:
    listed = "".join(f"#   {path}\n" for path in held)
    text = f"{_OURS}. It holds the modules\n{listed}# which alo_bundle.py imports by their own names.\n"
    text += "".join(heading(path) + modules[path] for path in held)
    if [(each.path, each.source) for each in sections_of(text)] != [(path, modules[path]) for path in held]:
        raise UserError(
            f"one of {', '.join(held)} holds a line that begins a module in a bundle, '{heading('x.py')[:-1]}'"
        )
    return text


def _name(number: int, held: list[str]) -> str:
    """Of a bundle's file: its number, and the rooms that it holds."""
    parts = (path.removesuffix(".py").split("/") for path in held)
    rooms = dict.fromkeys(part[1] if part[0] == "alo_lib" and len(part) > 2 else part[0] for part in parts)
    return BUNDLES.replace("*", "_".join([f"{number:02}", *rooms]))


def _require_fit(sizes: dict[str, int], tier: Tier) -> None:
    """UserError unless the files are within a tier's limits."""
    largest = max(sizes, key=lambda name: (sizes[name], name))
    if sizes[largest] > tier.bytes_a_file:
        size = f"{sizes[largest] / KILOBYTE:z.1f} KB"
        raise UserError(
            f"{largest} would be {size}, and the tier allows {tier.kilobytes} KB a file; name a larger tier"
        )
    if len(sizes) > tier.files:
        raise UserError(f"{len(sizes)} files would be needed, and the tier allows {tier}; name a larger tier")


def _configuration_for(program: Program, path: Path) -> str | None:
    """What the folder's config.json is to hold; None where it is the user's own.

    UserError where something else is in its place.
    """
    if not os.path.lexists(path):
        return _configuration(program)
    if not path.is_file():
        raise UserError(f"{path} is in the way: it is no file, and alo cloud stage writes one of that name")
    ours = (_configuration(each).encode() for each in PROGRAMS.values())
    return _configuration(program) if path.read_bytes() in ours else None


def _configuration(program: Program) -> str:
    """LEAN's config.json: the strategy's parameters are the project's, for a ticker that the cloud has."""
    content: dict[str, object] = {"algorithm-language": "Python", "description": program.description}
    if program is PROGRAMS["strategy"]:
        content["parameters"] = Settings.parameters_of(CONFIG) | {"underlyings": "SPY"}
    return json.dumps(content, indent=4) + "\n"
