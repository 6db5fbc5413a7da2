import json
import math

import numpy as np

from alo_lib.cli.json_output import json_text, record_rows
from alo_lib.records import HostEvent, Kind, records


def test_zero_has_no_sign_and_what_is_not_finite_is_null() -> None:
    content = {"a": -0.0, "b": [np.float64(-0.0), (0.0, -1.5)], "c": math.nan, "d": {"e": -math.inf}, "f": "-0.0"}
    text = json_text(content)
    assert text == '{"a": 0.0, "b": [0.0, [0.0, -1.5]], "c": null, "d": {"e": null}, "f": "-0.0"}'
    assert json.loads(json_text(content, indent=1)) == json.loads(text)


def test_records_are_told_by_field_without_padding() -> None:
    rows = records(Kind.EVENT, event=HostEvent.COMMAND, instrument=-1, quantity=-0.0, value=math.nan, text=b"caf\xc3")
    told = record_rows(rows)
    assert told[0] | {"value": None} == {
        "event": 17, "instrument": -1, "order": 0, "quantity": 0.0, "value": None, "text": "caf\ufffd"
    }  # fmt: skip
    assert json.loads(json_text(told))[0]["value"] is None
