"""A real rsyslog, as it is configured, delivers each line once to an endpoint that is away for a while."""

import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from alo_lib.deployment.kibana import saved_objects
from alo_lib.deployment.log_shipping import index_template, rsyslog
from alo_lib.settings.operation import OperationSettings
from tests.deployment.test_alerting import free_port, until
from tests.deployment.tools import checked, fields_of_the_index, tool

OUTAGE = 60.0
BATCH = 400


class Bulk:
    """A bulk endpoint: keeps documents by name; it may go away, and may take a batch without saying so."""

    def __init__(self, port):
        self.documents, self.posted, self.silent = {}, 0, False
        self._port, self._server = port, None

    @property
    def numbers(self):
        return {each["number"] for each in list(self.documents.values())}

    def up(self):
        bulk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self._answer({"status": "green"})

            def do_HEAD(self):
                self._answer({"status": "green"})

            def do_POST(self):
                lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
                items = []
                for action, document in zip(lines[::2], lines[1::2], strict=True):
                    ((verb, named),) = json.loads(action).items()
                    bulk.documents[named["_id"]] = json.loads(document)
                    bulk.posted += 1
                    items.append({verb: {"_id": named["_id"], "status": 201}})
                if bulk.silent:
                    self.close_connection = True
                    return
                self._answer({"errors": False, "items": items})

            def _answer(self, content):
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def down(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture
def shipping(tmp_path):
    """An endpoint, rsyslog over a folder of log files, and what writes lines into it."""
    program, port, bulk = tool("rsyslogd"), free_port(), None
    for name in ("log", "work"):
        (tmp_path / name).mkdir()
    settings = OperationSettings.of(
        {"logs": {"folder": str(tmp_path / "log"), "elasticsearch": f"127.0.0.1:{port}"}}, "test"
    )
    configuration = rsyslog(settings, work=str(tmp_path / "work")).replace('resumeInterval="5"', 'resumeInterval="1"')
    (tmp_path / "rsyslog.conf").write_text(configuration)
    bulk = Bulk(port)
    bulk.up()
    command = [program, "-n", "-f", str(tmp_path / "rsyslog.conf"), "-i", str(tmp_path / "rsyslog.pid")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def write(file, numbers):
        with (tmp_path / "log" / file).open("a") as log:
            for number in numbers:
                line = {"@timestamp": f"2024-01-02T15:00:00.{number:06}Z", "message": 'a "notice"\n', "number": number}
                log.write(json.dumps(line) + "\n")

    yield bulk, write
    process.terminate()
    process.wait(30)
    bulk.down()


@pytest.mark.slow
def test_nothing_is_lost_or_twice_across_an_outage(shipping):
    bulk, write = shipping
    write("one.json", range(BATCH))
    until("the first lines arrive", lambda: len(bulk.documents) == BATCH)
    bulk.silent = True  # what is posted now arrives, and its sender cannot know
    write("one.json", range(BATCH, 2 * BATCH))
    until("more arrive without an answer", lambda: len(bulk.documents) > BATCH)
    bulk.down()
    end, last = time.monotonic() + OUTAGE, 2 * BATCH
    while time.monotonic() < end:
        write("two.json", range(last, last + 5))
        last += 5
        time.sleep(1.0)
    write("two.json", range(last, last + BATCH))
    bulk.silent = False
    bulk.up()
    until("all lines arrive", lambda: bulk.numbers == set(range(last + BATCH)))
    assert len(bulk.documents) == last + BATCH  # each under one name
    assert bulk.posted > len(bulk.documents)  # though some were posted twice
    assert next(iter(bulk.documents.values()))["message"] == 'a "notice"\n'


def test_rsyslog_finds_no_fault_with_the_file(tmp_path):
    (tmp_path / "rsyslog.conf").write_text(rsyslog(OperationSettings(), work=str(tmp_path)))
    run = checked("rsyslogd", "-N1", "-f", tmp_path / "rsyslog.conf")
    assert run.stderr.count("\n") <= 2, run.stderr  # its version, and that it has ended


def test_the_template_has_the_fields_of_ecs_as_objects():
    fields = json.loads(index_template(OperationSettings()))["template"]["mappings"]["properties"]
    assert fields["@timestamp"] == {"type": "date"}
    assert fields["log"]["properties"]["level"]["type"] == "keyword"
    assert fields["event"]["properties"]["duration"]["type"] == "long"


def inner(text):
    """Texts of JSON in an object of Kibana's, read."""
    return {
        name: json.loads(value)
        for name, value in text.items()
        if isinstance(value, str) and value.startswith(("[", "{"))
    }


def test_kibanas_objects_lead_to_each_other_and_to_fields_that_there_are():
    objects = [json.loads(line) for line in saved_objects(OperationSettings()).splitlines()]
    there = {(each["type"], each["id"]) for each in objects}
    assert len(there) == len(objects)
    fields = set()
    for each in objects:
        assert set(each["migrationVersion"]) == {each["type"]}
        assert {(one["type"], one["id"]) for one in each["references"]} <= there
        names, attributes = {one["name"] for one in each["references"]}, each["attributes"]
        source = inner(attributes.get("kibanaSavedObjectMeta", {})).get("searchSourceJSON", {})
        assert (
            names == {source["indexRefName"]}
            if "indexRefName" in source
            else each["type"] in ("index-pattern", "dashboard")
        )
        fields |= {part.split(" : ")[0] for part in [source.get("query", {}).get("query", "")] if part}
        fields |= set(attributes.get("columns", ()))
        content = inner(attributes)
        fields |= {one["params"]["field"] for one in content.get("visState", {}).get("aggs", ()) if one["params"]}
        panels = content.get("panelsJSON", [])
        assert {panel["panelRefName"] for panel in panels} == (names if each["type"] == "dashboard" else set())
        spots = [(p["gridData"]["x"], p["gridData"]["y"], p["gridData"]["w"], p["gridData"]["h"]) for p in panels]
        cells = [(x, y) for left, top, w, h in spots for x in range(left, left + w) for y in range(top, top + h)]
        assert len(cells) == len(set(cells))  # no panel lies on another
        assert all(x < 48 for x, _ in cells)
    assert {"message", "event.action", "event.duration", "alo.task", "alo.symbol"} <= fields
    assert fields <= fields_of_the_index()
    assert objects[0]["attributes"]["title"] == json.loads(index_template(OperationSettings()))["index_patterns"][0]
