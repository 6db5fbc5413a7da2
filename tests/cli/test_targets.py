"""Nothing is overwritten that is not ours."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alo_lib.cli.failures import UserError
from alo_lib.cli.targets import check_page, check_parquet, check_policy
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.strategy.policy_format import policy_text
from alo_lib.views.page import PAGE_MARK, page
from alo_lib.views.parquet import TABLE_MARK


def ours(tmp_path):
    (tmp_path / "page").write_text(page("Title", "of a test"))
    table = pa.table({"a": [1]})
    pq.write_table(table.replace_schema_metadata({TABLE_MARK: "RATE"}), tmp_path / "table")
    pq.write_table(table, tmp_path / "other table")
    (tmp_path / "policy").write_bytes(policy_text(HedgingPolicy.zero(1500.0, (3,))))
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "thesis").write_text("<!doctype html>\n<p>My thesis on " + PAGE_MARK[6:20])


@pytest.mark.parametrize(
    ("check", "own", "others"),
    [
        (check_page, "page", ("thesis", "table", "policy")),
        (check_parquet, "table", ("thesis", "page", "other table")),
        (check_policy, "policy", ("thesis", "page", "other.npz")),
    ],
)
def test_only_what_alo_has_written_is_written_anew(tmp_path, check, own, others):
    ours(tmp_path)
    check(tmp_path / own)
    check(tmp_path / "new")
    for name in others:
        with pytest.raises(UserError, match=f"{name} exists and is no .* that alo has written"):
            check(tmp_path / name)
    with pytest.raises(UserError, match=r"is a folder; name a file"):
        check(tmp_path)
    with pytest.raises(UserError, match=r"there is no folder .*none to write x to; make it first"):
        check(tmp_path / "none" / "x")


def test_a_page_of_somebody_else_stays(run, tmp_path):
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    for arguments in (("chain", "ALFA", "2024-01-02"), ("exercise", "ALFA", "2024-01-02"), ("volatility", "ALFA")):
        outcome = run(*arguments, "--html", "mine.html")
        assert outcome.status == 2
        assert outcome.err.startswith("alo: mine.html exists and is no page that alo has written")
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"
