import numpy as np
import pytest

from alo_lib.records import LAYOUTS, Kind, one_table, records


@pytest.mark.parametrize("kind", [Kind.SIGNAL, Kind.EXPOSURE, Kind.QUOTE, Kind.MARKET_STATE])
def test_tables_become_one_byte_for_byte_and_stay_what_they_are(kind: Kind) -> None:
    random = np.random.default_rng(int(kind))
    tables = [
        np.frombuffer(random.bytes(count * LAYOUTS[kind].itemsize), LAYOUTS[kind]).copy() for count in (2, 0, 1, 3)
    ]
    whole = one_table(kind, tables)
    assert whole.tobytes() == b"".join(table.tobytes() for table in tables)
    whole[:] = records(kind)[0]
    assert tables[0].tobytes() != whole[:2].tobytes()


def test_no_tables_are_an_empty_one() -> None:
    assert one_table(Kind.SIGNAL, []).dtype == LAYOUTS[Kind.SIGNAL]
    assert len(one_table(Kind.SIGNAL, [records(Kind.SIGNAL, 0)])) == 0
