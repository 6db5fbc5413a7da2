"""What is rendered is what lies in deploy/, and what those who read it for a living find no fault with."""

import ast
import json
import re
import sys
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest

from alo_lib.cli.commands.deploy import KINDS
from alo_lib.cli.project import ROOT
from alo_lib.deployment import KINDS as RENDERED
from alo_lib.deployment import render
from alo_lib.deployment.units import Directive, Unit
from alo_lib.deployment.yaml_text import plain
from alo_lib.settings import SettingsError
from alo_lib.settings.operation import OperationSettings
from tests.deployment.tools import checked
from tests.models.lean_run import native_lean

BASE = json.loads((ROOT / "lean.json").read_text(encoding="utf-8"))
OTHER = {
    "core": {"name": "desk", "processor": 3, "spin": 100, "durability": "every", "budgets": {"value": 4.5}},
    "limits": {"memory": 8192, "processors": 3},
    "monitor": {"listen": "0.0.0.0:9500"},
    "alerts": {"webhook": "https://hooks.example.org/alo", "lag": 50},
    "deploy": {"state": "/srv/alo", "namespace": "desk", "image": "registry.example.org/alo:1.2"},
    "settings": {"underlyings": "GOOG,AAPL", "entry-edge": "2%"},
}
SETTINGS = pytest.mark.parametrize(
    "settings", [OperationSettings(), OperationSettings.of(OTHER, "x")], ids=["default", "other"]
)


def written(kind: str, settings: OperationSettings, folder: Path) -> Path:
    for name, text in render(kind, BASE, settings).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_the_tree_holds_what_the_command_writes(kind):
    files = render(kind, BASE, OperationSettings())
    there = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "deploy" / kind).iterdir()}
    assert there == files, f"write it anew: ./alo deploy {kind} --output deploy/{kind} --replace"


def test_the_command_has_every_kind():
    assert set(KINDS) == set(RENDERED)


def test_settings_are_found_where_a_unit_and_a_container_look_for_them():
    for kind in ("systemd", "docker"):
        found = json.loads(render(kind, BASE, OperationSettings.of(OTHER, "x"))["alo.json"])
        assert OperationSettings.of(found, "x").core.journal == "/srv/alo/core/desk"
        assert found["settings"] == OTHER["settings"]


# systemd -------------------------------------------------------------------------------------------------------------


def directives(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@SETTINGS
def test_systemd_finds_no_fault_with_the_units(settings, tmp_path):
    """It exits with 0 on keys that it does not know, and tells them on standard error."""
    here = settings.deploy.model_copy(update={"project": str(ROOT)})
    folder = written("systemd", settings.model_copy(update={"deploy": here}), tmp_path)
    units = sorted(folder.glob("*.service")) + sorted(folder.glob("*.target"))
    run = checked("systemd-analyze", "verify", *units)
    assert run.stderr == ""


@pytest.mark.parametrize(("unit", "most"), [("alo-core", 1.5), ("alo-monitor", 1.5), ("alo-host", 3.5)])
def test_units_are_exposed_to_little(unit, most, tmp_path):
    folder = written("systemd", OperationSettings(), tmp_path)
    run = checked(
        "systemd-analyze", "security", "--offline=true", f"--threshold={most * 10:.0f}", folder / f"{unit}.service"
    )
    level = re.search(r"Overall exposure level for \S+ ([\d.]+)", run.stdout)
    assert level is not None
    assert float(level[1]) <= most


def test_a_core_is_watched_by_its_own_heartbeat_and_may_have_real_time():
    found = directives(
        render("systemd", BASE, OperationSettings.of({"core": {"watchdog": 7}}, "x"))["alo-core.service"]
    )
    assert found["Type"] == ["notify"]
    assert found["NotifyAccess"] == ["main"]
    assert found["WatchdogSec"] == ["7s"]
    assert found["Restart"] == ["always"]
    assert found["LimitRTPRIO"] == ["99"]
    assert found["LimitMEMLOCK"] == ["infinity"]
    assert found["RestrictRealtime"] == ["no"]
    assert "AF_UNIX" in found["RestrictAddressFamilies"][0]  # without it nobody hears the heartbeat


@SETTINGS
def test_units_run_what_the_installation_readies_and_lead_to_its_documents(settings):
    """The launcher readies an environment for what its own words ask of it: those of the documents and of a unit."""
    project = settings.deploy.project
    files = render("systemd", BASE, settings)
    (monitor,) = directives(files["alo-monitor.service"])["ExecStart"]
    assert monitor == f"{project}/alo monitor --config /etc/alo/alo.json --serve --log /var/log/alo"
    assert "\n    ./alo monitor none --serve\n" in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert (ROOT / "docs" / "operations.md").is_file()
    for name, text in files.items():
        if name.endswith((".service", ".target")):
            assert directives(text)["Documentation"] == [f"file:{project}/docs/operations.md"]


def test_a_core_may_write_where_settings_place_it_and_its_monitor_looks_there():
    elsewhere = {"name": "desk", "folder": "/mnt/memory", "journal": "/mnt/disk/journal"}
    files = render("systemd", BASE, OperationSettings.of({"core": elsewhere}, "x"))
    places = "/var/lib/alo /dev/shm /mnt/disk/journal /mnt/memory/desk"
    assert directives(files["alo-core.service"])["ReadWritePaths"] == [places]
    assert directives(files["alo-monitor.service"])["ReadOnlyPaths"] == [places]
    made = [line.split() for line in files["alo.tmpfiles"].splitlines()]
    assert ["d", "/mnt/memory/desk", "0700", "alo", "alo", "-"] in made
    assert {"/mnt/disk/journal", "/var/lib/alo"} <= {words[1] for words in made}
    told = OperationSettings.of(json.loads(files["alo.json"]), "x").core
    assert (told.folder, told.journal) == ("/mnt/memory", "/mnt/disk/journal")


def test_a_line_break_in_a_directive_is_refused():
    with pytest.raises(ValueError, match="has a line break in it"):
        Unit((("Service", (Directive("Environment", "A=b\nUser=root"),)),)).text()


# Docker --------------------------------------------------------------------------------------------------------------


@SETTINGS
def test_hadolint_finds_no_fault_with_the_dockerfile(settings, tmp_path):
    run = checked("hadolint", written("docker", settings, tmp_path) / "Dockerfile")
    assert run.stdout == ""


@SETTINGS
def test_compose_takes_the_file(settings, tmp_path):
    folder = tmp_path / "deploy" / "docker"
    folder.mkdir(parents=True)
    checked("docker-compose", "-f", written("docker", settings, folder) / "compose.yaml", "config", "-q")


def test_containers_have_no_right_that_they_do_not_need():
    from alo_lib.deployment.compose import compose

    services = plain(compose(OperationSettings()))["services"]
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service["user"].startswith(("0", "root")), name
        assert service["restart"] == "unless-stopped", name
        assert not service.get("privileged"), name
        assert "cap_add" not in service, name
    assert services["core"]["network_mode"] == "none"
    # A container that is killed takes no other with it: none lives in another's namespace of processes.
    assert {service["pid"] for service in services.values() if "pid" in service} == {"host"}


def test_real_time_is_asked_for_where_it_is_set():
    """A Docker that may not grant a limit starts no container at all."""
    from alo_lib.deployment.compose import compose

    for wanted, limits in ((False, {}), (True, {"rtprio": 99, "memlock": -1})):
        settings = OperationSettings.of({"limits": {"real-time": wanted}}, "x")
        asked = plain(compose(settings))["services"]["core"]["ulimits"]
        assert {name: value for name, value in asked.items() if name not in ("nofile", "core")} == limits


def test_what_the_image_takes_is_there():
    text = render("docker", BASE, OperationSettings())["Dockerfile"]
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)]
    names = [name for names in copied for name in names]
    assert names
    ignored = render("docker", BASE, OperationSettings())["Dockerfile.dockerignore"]
    for name in names:
        assert (ROOT / name).exists()
        assert f"\n!{name}\n" in ignored


def requirements(name: str) -> set[str]:
    """Distributions that a list of requirements has, with those that it takes in, by their normal names."""
    found: set[str] = set()
    path = ROOT / name
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found |= requirements(str((path.parent / line[3:]).resolve().relative_to(ROOT)))
        elif line and not line.startswith("#"):
            found.add(re.split(r"[=<>~! \[;]", line)[0].lower().replace("_", "-"))
    return found


def imported(module: str, seen: set[str]) -> set[str]:
    """Names of packages of others that a module of the project, and those that it imports, take in at any time."""
    path = ROOT / (module.replace(".", "/") + ".py")
    path = path if path.is_file() else ROOT / module.replace(".", "/") / "__init__.py"
    if module in seen or not path.is_file():
        return set()
    seen.add(module)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}", *(f"{node.module}.{each.name}" for each in node.names)]
        for name in names:
            found |= imported(name, seen) if name.startswith("alo_lib") else {name.partition(".")[0]}
    return found - sys.stdlib_module_names


def test_the_image_has_the_packages_of_all_that_its_containers_run():
    from alo_lib.deployment.compose import compose

    text = render("docker", BASE, OperationSettings())["Dockerfile"]
    (installed,) = re.findall(r"\.venv/bin/pip install .*-r (\S+)", text)
    (core,) = re.findall(r"^CMD \[(.*)\]", text, re.MULTILINE)
    commands = {json.loads(f"[{core}]")[0], plain(compose(OperationSettings()))["services"]["monitor"]["command"][0]}
    assert commands == {"core", "monitor"}
    there, by_module = requirements(installed), packages_distributions()
    needed: set[str] = set()
    for command in commands:
        for name in imported(f"alo_lib.cli.commands.{command}", set()):
            needed |= {each.lower().replace("_", "-") for each in by_module.get(name, [name])}
    assert {"numpy", "click", "starlette", "uvicorn"} <= needed
    brought = {"llvmlite": "numba", "pydantic-core": "pydantic"}  # by what is listed
    lists = ("export", "train", "sweep")
    of_others = {each for name in lists for each in requirements(f"requirements/{name}.txt")} - there
    assert {brought.get(each, each) for each in needed} - of_others <= there


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
@pytest.mark.parametrize(
    ("core", "told"),
    [
        ({"folder": "/mnt/memory"}, r"core.folder is '/mnt/memory'; allowed in containers: null"),
        ({"journal": "/mnt/disk"}, r"core.journal is '/mnt/disk'; allowed in containers: .* below deploy.state"),
    ],
)
def test_what_containers_would_not_find_is_refused(kind, core, told):
    with pytest.raises(SettingsError, match=told):
        render(kind, BASE, OperationSettings.of({"core": core}, "x"))
    inside = OperationSettings.of({"core": {"journal": "/var/lib/alo/mine"}}, "x")
    assert "/var/lib/alo/mine" in "".join(render(kind, BASE, inside).values())


@SETTINGS
def test_a_core_and_its_standby_are_run_alike(settings):
    """Who leads is whoever came first or is left: either container has what the other one has, and says how it is."""
    from alo_lib.deployment.compose import compose

    services = plain(compose(settings))["services"]
    core, standby = services["core"], services["standby"]
    assert standby.pop("depends_on") == {"core": {"condition": "service_started"}}
    assert {**standby, "build": core["build"]} == core
    assert standby["command"] == ["core", "--config", "/etc/alo/alo.json", "--standby"]
    assert standby["healthcheck"]["test"][-3:] == ["/etc/alo/alo.json", "--standby", "--health"]
    pod = documents(settings)["StatefulSet"]["spec"]["template"]["spec"]
    assert pod["shareProcessNamespace"]  # each ends the other one where that is silent
    core, standby = pod["containers"][:2]
    assert (core.pop("name"), standby.pop("name")) == ("core", "standby")
    of_its_own = [{mount["name"] for mount in each.pop("volumeMounts")} for each in (core, standby)]
    assert of_its_own[0] ^ of_its_own[1] == {"core-tmp", "standby-tmp"}
    assert core == standby
    assert core["args"][-1] == "--standby"
    assert core["readinessProbe"]["exec"]["command"][-2:] == ["--standby", "--health"]


def test_without_a_standby_there_is_one_core():
    from alo_lib.deployment.compose import compose

    alone = OperationSettings.of({"deploy": {"standby": False}}, "x")
    services = plain(compose(alone))["services"]
    assert "standby" not in services
    assert not {"command", "healthcheck"} & set(services["core"])  # the image's
    pod = documents(alone)["StatefulSet"]["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["containers"]] == ["core", "lean", "monitor"]
    assert "--standby" not in "".join(text for kind in KINDS for text in render(kind, BASE, alone).values())
    units = render("systemd", BASE, alone)
    assert "alo-standby.service" not in units
    assert "alo-standby" not in units["alo.target"]


def test_the_containers_monitor_reads_the_cores_settings():
    from alo_lib.deployment.compose import compose

    services = plain(compose(OperationSettings()))["services"]
    (config,) = (volume for volume in services["core"]["volumes"] if volume.startswith("./alo.json:"))
    assert config in services["monitor"]["volumes"]
    assert config.split(":")[1] in services["monitor"]["command"]


def test_the_paper_account_has_the_handler_that_leans_own_configuration_gives_it():
    """By another one nobody asks the paper brokerage to fill its orders."""
    theirs = (native_lean().lean / "config.json").read_text(encoding="utf-8")
    (wanted,) = re.findall(r'"live-paper": \{.*?"transaction-handler": "([\w.]+)"', theirs, re.DOTALL)
    told = json.loads(render("docker", BASE, OperationSettings())["lean.json"])
    assert told["environments"]["live-paper"]["transaction-handler"] == wanted


def test_the_image_carries_its_bill_of_materials():
    text = render("docker", BASE, OperationSettings())["Dockerfile"]
    assert re.search(r"/cyclonedx-py environment .*-o bom.json .venv/bin/python$", text, re.MULTILINE)
    assert requirements("requirements/bom.txt") == {"cyclonedx-bom"}


@pytest.mark.slow
def test_the_bill_tells_what_is_installed(tmp_path):
    bill = tmp_path / "bom.json"
    checked("cyclonedx-py", "environment", "--output-reproducible", "-o", bill, sys.executable)
    told = {
        each["name"].lower().replace("_", "-"): each["version"] for each in json.loads(bill.read_text())["components"]
    }
    there = {each.name.lower().replace("_", "-"): each.version for each in distributions()}
    assert told == there
    assert told["numpy"] == "1.26.4"


def test_lean_is_told_which_core_decides():
    told = json.loads(render("docker", BASE, OperationSettings.of(OTHER, "x"))["lean.json"])
    assert told["parameters"]["core-process"] == "desk"
    assert told["parameters"]["underlyings"] == "GOOG,AAPL"
    assert told["environments"][told["environment"]]["live-mode-brokerage"] == "PaperBrokerage"


# Kubernetes ----------------------------------------------------------------------------------------------------------


@SETTINGS
def test_kubernetes_knows_every_field(settings, tmp_path):
    run = checked("kubernetes-validate", "--strict", written("kubernetes", settings, tmp_path) / "alo.yaml")
    assert (run.stdout + run.stderr).count(" passed ") == 8


def documents(settings):
    from alo_lib.deployment.kubernetes import kubernetes_documents

    return {each["kind"]: plain(each) for each in kubernetes_documents(BASE, settings)}


def test_the_pod_is_guaranteed_its_processors():
    """Requests equal limits for each container, and processors are whole: what the static policy asks for."""
    pod = documents(OperationSettings())["StatefulSet"]["spec"]["template"]["spec"]
    for container in pod["containers"]:
        assert container["resources"]["requests"] == container["resources"]["limits"], container["name"]
        assert int(container["resources"]["limits"]["cpu"]) >= 1
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["runAsNonRoot"]
    mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]} | {"state"}


def test_labels_and_names_agree():
    found = documents(OperationSettings.of(OTHER, "x"))
    labels = found["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    for kind, place in (
        ("StatefulSet", "selector"),
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        assert found[kind]["spec"][place]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["StatefulSet"]["spec"]["serviceName"] == found["Service"]["metadata"]["name"]
    priority = found["StatefulSet"]["spec"]["template"]["spec"]["priorityClassName"]
    assert priority == found["PriorityClass"]["metadata"]["name"]
    namespaces = {each["metadata"]["namespace"] for each in found.values() if "namespace" in each["metadata"]}
    assert namespaces == {"desk"}


@pytest.mark.parametrize(
    ("listen", "there"),
    [
        ("127.0.0.1:9500", "0.0.0.0:9500"),
        ("localhost:1", "0.0.0.0:1"),
        ("[::1]:9464", "0.0.0.0:9464"),
        ("[::]:9464", "[::]:9464"),
    ],
)
def test_a_pods_monitor_listens_at_its_port_where_others_reach_it(listen, there):
    found = documents(OperationSettings.of({"core": {"name": "desk"}, "monitor": {"listen": listen}}, "x"))
    told = OperationSettings.of(json.loads(found["ConfigMap"]["data"]["alo.json"]), "x")
    assert (told.core.name, told.monitor.listen) == ("desk", there)
    port = int(there.rpartition(":")[2])
    monitor = found["StatefulSet"]["spec"]["template"]["spec"]["containers"][-1]
    assert monitor["args"] == ["monitor", "--config", "/etc/alo/alo.json", "--serve", "--log", "/var/log/alo"]
    assert [each["containerPort"] for each in monitor["ports"]] == [port]
    assert [each["port"] for each in found["Service"]["spec"]["ports"]] == [port]
    assert found["NetworkPolicy"]["spec"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": port}]


# YAML ----------------------------------------------------------------------------------------------------------------


@SETTINGS
def test_yamllint_finds_no_fault(settings, tmp_path):
    for kind in KINDS:
        (tmp_path / kind).mkdir()
        written(kind, settings, tmp_path / kind)
    checked("yamllint", "--strict", "-d", "{extends: default, rules: {line-length: disable}}", tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_written(kind):
    for name, text in render(kind, BASE, OperationSettings()).items():
        assert not re.search(r"(?i)(password|secret|bearer|api[_-]?key)\W+\w", text), name


# Scripts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["alo", ".ci/run"])
def test_shellcheck_finds_no_fault_with_a_script(script):
    checked("shellcheck", ROOT / script)
