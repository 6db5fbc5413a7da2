import json
import re

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.settings import SettingsError
from alo_lib.settings.operation import OperationSettings, described


def read(tmp_path, content):
    path = tmp_path / "alo.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return OperationSettings.read(path)


def test_an_empty_file_is_the_defaults(tmp_path):
    assert read(tmp_path, {}) == OperationSettings()


def test_what_is_written_is_read_again(tmp_path):
    content = {
        "core": {"name": "desk", "processor": 3, "spin": 100.5, "budgets": {"value": 6.5}},
        "limits": {"open-files": 8192},
        "monitor": {"listen": "[::1]:9464"},
        "deploy": {"lean-image": "quantconnect/lean:17000"},
        "settings": {"underlyings": "GOOG", "entry-edge": "2%"},
    }  # fmt: skip
    found = read(tmp_path, content)
    assert (found.core.processor, found.core.spin, found.core.priority) == (3, 100.5, 80)
    assert found.core.budgets == {"value": 6.5}
    assert found.limits.open_files == 8192
    assert found.deploy.lean_image == "quantconnect/lean:17000"
    assert read(tmp_path, found.as_object()) == found


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "alo.json is not JSON: "),
        ("[]", "alo.json holds a JSON list; it must hold an object"),
        ('{"core": {"name": "a"}, "core": {}}', "alo.json is not JSON: an object has 'core' more than once"),
        ({"alerts": {"webhook": "http://u:p@h/"}}, "setting alerts.webhook in FILE is 'http://u:p@h/'; allowed: "),
        ({"settings": {"hedge-band": 1, "hedge_band": 1}}, "settings in FILE: setting hedge-band is given twice, as "),
        ({"cores": {}}, "unknown setting 'cores' in FILE; did you mean core?"),
        ({"core": 3}, "setting core in FILE is 3; allowed: an object of settings"),
        ({"core": {"priorty": 1}}, "unknown setting 'core.priorty' in FILE; did you mean core.priority?"),
        ({"core": {"on_overrun": {}}}, "unknown setting 'core.on-overrun' in FILE; did you mean core.on-overrun?"),
        ({"core": {"priority": 100}}, "setting core.priority in FILE is 100; allowed: SCHED_FIFO's, from 0 to 99; "),
        ({"core": {"priority": True}}, "setting core.priority in FILE is True; allowed: "),
        ({"core": {"priority": "80"}}, "setting core.priority in FILE is '80'; allowed: "),
        ({"core": {"processor": -1}}, "setting core.processor in FILE is -1; allowed: the processor"),
        ({"core": {"name": "a/b"}}, "setting core.name in FILE is 'a/b'; allowed: up to 32 letters"),
        ({"core": {"journal": "storage"}}, "setting core.journal in FILE is 'storage'; allowed: the journal's folder"),
        ({"core": {"journal": "/var/../etc"}}, "setting core.journal in FILE is '/var/../etc'; allowed: "),
        ({"core": {"journal": "/a b\nUser=root"}}, "setting core.journal in FILE is '/a b\\nUser=root'; allowed: "),
        ({"core": {"budgets": {"value": "x"}}}, "setting core.budgets in FILE has 'x' for value; allowed: "),
        ({"core": {"budgets": {"a=b": 1}}}, "setting core.budgets in FILE is {'a=b': 1}; allowed: "),
        ({"monitor": {"listen": "9464"}}, "setting monitor.listen in FILE is '9464'; allowed: HOST:PORT"),
        ({"monitor": {"listen": "0.0.0.0:70000"}}, "setting monitor.listen in FILE is '0.0.0.0:70000'; allowed: HOST:"),
        ({"alerts": {"webhook": "ftp://x"}}, "setting alerts.webhook in FILE is 'ftp://x'; allowed: the http(s) URL"),
        ({"deploy": {"user": "root"}}, "setting deploy.user in FILE is 'root'; allowed: a user's name, not root"),
        ({"deploy": {"image": "alo local\nRUN x"}}, "setting deploy.image in FILE is 'alo local\\nRUN x'; allowed: "),
        ({"settings": {"entry-edg": "1"}}, "settings in FILE: unknown setting 'entry-edg'; did you mean entry-edge?"),
        ({"settings": {"cash": "-1"}}, "settings in FILE: setting cash is '-1'; allowed: a number from 1"),
        ({"settings": []}, "setting settings in FILE is []; allowed: settings of the run"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_one_sentence(tmp_path, content, sentence):
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, content)
    assert (
        str(refused.value).replace(str(tmp_path / "alo.json"), "FILE").startswith(sentence.replace("alo.json", "FILE"))
    )
    assert "\n" not in str(refused.value)


def test_a_file_that_has_no_end_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="has more than 1,048,576 bytes"):
        read(tmp_path, " " * (1 << 20) + "{}")


def test_the_documents_list_every_setting():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w.-]+)` \| .*? \| (.*) \|$", text, re.MULTILINE))
    assert rows == described()
