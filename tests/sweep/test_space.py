"""What may be varied, how ranges are walked through, and every sentence that refuses."""

import pytest

from alo_lib.sweep import SweepError
from alo_lib.sweep.neighbourhoods import neighbours
from alo_lib.sweep.space import MOST_POINTS, Axis, axes_of, axis_of, grid


def test_values_are_kept_as_numbers_are_written_shortest() -> None:
    assert axis_of("entry-edge", "2%,0.050, 1e-3").values == ("0.02", "0.05", "0.001")
    assert axis_of("entry_edge", [0.02, "5%"]).values == ("0.02", "0.05")
    assert axis_of("structures", "straddle,strangle+iron-condor").values == ("straddle", "strangle,iron-condor")
    assert axis_of("basket", "INDX=ALFA:0.6+BRVO:0.4").values == ("INDX=ALFA:0.6,BRVO:0.4",)
    assert axis_of("policy", ",a.json").values == ("", "a.json")


def test_a_range_in_a_grid_has_both_ends() -> None:
    axis = axis_of("entry-edge", "0..4%")
    assert (axis.low, axis.high, axis.is_range) == (0.0, 0.04, True)
    assert axis.steps(5) == ("0", "0.01", "0.02", "0.03", "0.04")
    assert axis_of("min-days-to-expiry", "10..12").steps(9) == ("10", "11", "12")
    assert [axis.at(share) for share in (0.0, 0.5, 1.0)] == ["0", "0.02", "0.04"]
    assert axis.at(0.123456789) == "0.00494"
    assert axis_of("cash", "99999.6..100000").at(0.0) == "99999.6"


def test_a_grid_is_every_combination_the_last_setting_first() -> None:
    axes = axes_of({"entry-edge": "0.01,0.02", "direction": "long,short,both"})
    points = [tuple(point.values()) for point in grid(axes, 5)]
    assert points[:4] == [("0.01", "long"), ("0.01", "short"), ("0.01", "both"), ("0.02", "long")]
    assert len(points) == 6


@pytest.mark.parametrize(
    ("name", "wanted", "sentence"),
    [
        ("entry-egde", "1,2", r"unknown setting 'entry-egde'; did you mean entry-edge\?"),
        ("entry-egde", "1..2", r"unknown setting 'entry-egde'; did you mean entry-edge\?"),
        ("entry-edge", "0.05..0.02", r"the range 0.05..0.02 of setting entry-edge is empty; write LOW..HIGH with"),
        ("entry-edge", "0.05..0.05", r"is empty"),
        ("entry-edge", "0..7", r"setting entry-edge is '7'; allowed: a number from -1 up to 1"),
        ("entry-edge", "a,b", r"setting entry-edge is 'a'; allowed: a number from -1 up to 1"),
        ("entry-edge", "0.02,2%", r"setting entry-edge has the value 0.02 twice"),
        ("entry-edge", "0.02,,0.03", r"setting entry-edge has an empty value"),
        ("entry-edge", [], r"setting entry-edge is \[\]; a sweep takes a value, a list of values, or 'LOW..HIGH'"),
        ("entry-edge", {"low": 1}, r"a sweep takes a value, a list of values"),
        ("min-days-to-expiry", "1.5,2", r"setting min-days-to-expiry is '1.5'; allowed: a whole number"),
        ("direction", "long..short", r"setting direction has no range long..short; allowed: both or long or short"),
        ("start", "2024-01-02,2024-01-03", r"setting start is what settings are tried on: give it by --window"),
        ("underlyings", "GOOG,AAPL", r"give it by --underlying"),
    ],
)
def test_what_cannot_be_varied_is_told_in_a_sentence(name: str, wanted: object, sentence: str) -> None:
    with pytest.raises(SweepError, match=sentence):
        axis_of(name, wanted)


def test_a_switch_is_one_value_however_it_is_written() -> None:
    assert axis_of("refit-on-change", ["yes", False]).values == ("true", "false")
    with pytest.raises(SweepError, match="setting refit-on-change has the value true twice"):
        axis_of("refit-on-change", "true,1,yes")


def test_a_value_that_only_others_forbid_is_no_fault_of_its_axis() -> None:
    """min-days-to-expiry 60 is above the default max-days-to-expiry, which may be varied as well."""
    assert axis_of("min-days-to-expiry", "20,60").values == ("20", "60")


def test_a_grid_without_end_is_refused() -> None:
    axes = axes_of({"entry-edge": "0..1", "hedge-band": "0.1..0.9", "wing-delta": "0.1..0.2"})
    with pytest.raises(SweepError, match=f"the grid has 1,000,000 points; at most {MOST_POINTS:,} are allowed"):
        next(grid(axes, 100))


def test_neighbours_in_a_grid_are_a_step_away() -> None:
    axes = axes_of({"entry-edge": "0.01,0.02,0.03", "hedge-band": "0.1,0.2,0.9"})
    points = list(grid(axes, 5))
    assert sorted(neighbours(axes, points)[4]) == [1, 3, 4, 5, 7]
    assert neighbours(axes, points)[0].tolist()[0] == 0


def test_names_are_a_step_apart_whichever_they_are() -> None:
    axes = (Axis("direction", ("long", "both", "short")),)
    points = [{"direction": value} for value in ("long", "both", "short")]
    assert [sorted(each.tolist()) for each in neighbours(axes, points)] == [[0, 1, 2]] * 3
