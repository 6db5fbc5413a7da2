"""What the documents say is there: paths, links, commands and their options, settings, rooms."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest

from alo_lib.cli import alo
from alo_lib.cli.project import ROOT
from alo_lib.records import STAGE_MEANINGS, OrderReason
from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LONGEST = 120

PATH = re.compile(
    r"(?<![\w/.~-])(?:alo_lib|models|algorithm|tests|benchmarks|docs|requirements)/[\w./-]*\w/?"
    r"|(?<=`)[\w-]+\.(?:py|md|toml)(?=`)"
)
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([\w-]+))?\)")
INLINE = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"^(?:\./)?alo\s+(.+)$")
EXAMPLE = re.compile(r"^```(?:python|diff)\n# \S+\n.*?^```$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")

OF_OTHERS = {"--cap-add", "--ulimit", "--ipc", "--pid", "--no-deps", "--wheel-dir", "--project", "--create", "--now"}
OF_OTHERS |= {"--strategy", "--target", "--target-direction", "--parameter", "--environment", "--live-cash-balance"}
OF_OTHERS |= {"--ib-user-name", "--ib-account", "--ib-password", "--brokerage", "--data-provider-live", "--no-update"}
OF_OTHERS |= {"--detach"}
"""Options of docker, pip, lean and systemd."""


def text_of(path: Path) -> str:
    """A document without the files that an example makes or changes: what runs them is another test."""
    return EXAMPLE.sub("", path.read_text(encoding="utf-8"))


def code_of(text: str) -> Iterator[str]:
    """Each line of the code blocks, with those that go on, without its remark, and each piece of code inside prose."""
    prose, fenced = [], False
    for line in re.sub(r" +\\\n +", " ", text).splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield re.sub(r"\s+# .*", "", line).strip()
        else:
            prose.append(line)
    for piece in INLINE.findall("\n".join(prose)):
        yield " ".join(piece.split())


def heading_anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def commands_of(text: str) -> Iterator[list[str]]:
    """The words of each call of ``alo``."""
    for piece in code_of(text):
        found = COMMAND.match(piece)
        if found:
            yield shlex.split(found.group(1).partition(" | ")[0].rstrip("& "))


def known(words: list[str]) -> str:
    """What of a call is not there; empty when all is."""
    command: click.Command = alo
    for word in words:
        if not isinstance(command, click.Group):
            break
        if word.startswith("-"):
            continue
        inner = command.commands.get(word)
        if inner is None:
            return f"there is no command {word}"
        command = inner
    if command.context_settings.get("ignore_unknown_options"):
        return ""  # it hands them on
    there = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    missing = [word for word in words if word.startswith("--") and word != "--help" and word not in there]
    values = [after for word, after in pairwise(words) if word == "--set" and "=" in after]
    settings = [value.partition("=")[0].replace("-", "_") for value in values]
    missing += [name for name in settings if name not in Settings.model_fields and name != "NAME"]
    return f"{' '.join(words)}: there is no {', '.join(missing)}" if missing else ""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(params=DOCUMENTS, ids=name_of)
def document(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_no_line_is_too_long(document: Path) -> None:
    lines = enumerate(document.read_text(encoding="utf-8").splitlines(), 1)
    assert [number for number, line in lines if len(line) > LONGEST] == []


def test_paths_exist(document: Path) -> None:
    names = {path.name for folder in ("alo_lib", "models", "algorithm", "docs") for path in (ROOT / folder).rglob("*")}
    named = {path.removeprefix("./") for path in PATH.findall(text_of(document))}
    there = {
        path
        for path in named
        if (ROOT / path).exists() or (ROOT / f"{path}.py").is_file() or ("/" not in path and path in names)
    }
    assert named - there == set()


def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(text_of(document)):
        path = document.parent / target if target else document
        if not path.exists() or (anchor and anchor not in heading_anchors(text_of(path))):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_commands_and_their_options_exist(document: Path) -> None:
    assert [fault for words in commands_of(text_of(document)) if (fault := known(words))] == []


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.name != "CHANGELOG.md"], ids=name_of)
def test_options_named_alone_exist(document: Path) -> None:
    """All but the list of changes, which names what is gone."""
    inner = [*alo.commands.values()]
    inner += [each for command in inner if isinstance(command, click.Group) for each in command.commands.values()]
    there = {name for command in inner for parameter in command.params for name in parameter.opts}
    programs = [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "tests" / "live").glob("*.py")]
    there |= {option for path in programs for option in re.findall(r'"(--[\w-]+)"', text_of(path))}
    named = {option for piece in code_of(text_of(document)) for option in OPTION.findall(piece)}
    assert named - there - OF_OTHERS - {"--help"} == set()


def test_benchmarks_exist(document: Path) -> None:
    named = set(re.findall(r"python -m benchmarks\.(\w+)", text_of(document))) - {"NAME"}
    assert {name for name in named if not (ROOT / "benchmarks" / f"{name}.py").is_file()} == set()


def test_the_table_of_reasons_has_each_that_ends_a_trade() -> None:
    """Settlements and all; the core sends the first two for other ends."""
    _, _, section = text_of(ROOT / "docs" / "attribution.md").partition("## Why a trade ended\n")
    rows = re.findall(r"^\| (.+?) \| .+ \| (.*?) ?\|$", section.partition("\n## ")[0], re.MULTILINE)[1:]
    told = {reason: setting for reasons, setting in rows for reason in reasons.split(", ") if set(reasons) != {"-"}}
    ends = [reason.tag for reason in OrderReason if reason not in (OrderReason.ENTRY, OrderReason.HEDGE)]
    assert sorted(told) == sorted(ends)
    named = {reason: set(INLINE.findall(setting)) for reason, setting in told.items()}
    assert {name for names in named.values() for name in names} <= set(map(spelled, Settings.model_fields))
    assert named["exit risk"] == {"max-drawdown"}  # halt_on_drawdown alone undoes trades with it


def test_the_commands_of_the_readme_are_taken(tmp_path: Path) -> None:
    calls = list(commands_of(text_of(ROOT / "README.md")))
    assert len(calls) >= 10
    for words in calls:
        given = [str(tmp_path) if word == "$LEAN_DATA" else word for word in words]
        command = alo.commands[given[0]]
        complete = len(given) > 1 or not any(parameter.required for parameter in command.params)
        with command.make_context(given[0], given[1:], resilient_parsing=not complete) as context:
            assert context.command is command


def test_the_rooms_are_those_of_the_tree() -> None:
    folders = {path.parent.name for path in (ROOT / "alo_lib").glob("*/__init__.py")}
    contracts = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    order = [layer.removeprefix("alo_lib.") for layer in reversed(layers) if layer.startswith("alo_lib.")]
    assert [room for room in order if room in folders] == re.findall(
        r"^## (\w+)$", text_of(ROOT / "docs/reference/rooms.md"), re.MULTILINE
    )
    architecture = text_of(ROOT / "docs/architecture.md")
    table = architecture[architecture.index("| room |") : architecture.index("## The way of the data")]
    lines = [line for line in table.splitlines()[2:] if line.startswith("|")]
    rows = [room for line in lines for room in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert rows == order
    readme = text_of(ROOT / "README.md")
    listed = readme[readme.index("- `alo_lib/`") : readme.index("- `tests/`")]
    assert re.findall(r"`(\w+)`", listed) == rows


def test_the_stages_of_the_funnel_mean_what_the_pages_say() -> None:
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    table = text.partition("| stage | counts |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)
    told = {stage: meaning.replace("`", "") for stage, meaning in rows}
    assert told == STAGE_MEANINGS


def test_every_document_is_in_the_site() -> None:
    contents = re.findall(r"^[a-z][\w/-]*$", text_of(ROOT / "docs" / "index.md"), re.MULTILINE)
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set(contents) == pages - {"index"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("`./alo bactest`", "there is no command bactest"),
        ("    alo price --spot 1 --stike 2   # a remark", "price --spot 1 --stike 2: there is no --stike"),
        ("`alo backtest --set structur=x`", "backtest --set structur=x: there is no structur"),
        ("`alo journal lst`", "there is no command lst"),
        ("`./alo journal show RUN --kind intent`", ""),
    ],
)
def test_a_fault_is_found(text: str, fault: str) -> None:
    assert [known(words) for words in commands_of(text)] == [fault]
