"""A structure as people name it."""

from collections.abc import Sequence

from alo_lib.views.run import InstrumentRecord

__all__ = ["legs_in_words", "spoken_structure", "structure_in_words"]


def spoken_structure(name: str) -> str:
    """Its name as it is said: ``iron-condor`` is an iron condor."""
    return name.replace("-", " ")


def structure_in_words(name: str, legs: Sequence[InstrumentRecord], ratios: Sequence[int]) -> str:
    """Its name, expiry and strikes from below: ``straddle 2016-01-15 750``, ``strangle 2016-01-15 720/780``.

    Of several expiries ``calendar 2016-01-15/2016-02-19 750 call``, or each with its strike. Where the name does not
    say which leg is on which side, as of what a host's model chose, each leg has its ratio.
    """
    if name == "insight":
        return f"{name} {legs_in_words(legs, ratios)}"
    dates, strikes = [leg.expiry_date for leg in legs], [leg.strike for leg in legs]
    if len(set(dates)) == 1:
        what = f"{dates[0]} {'/'.join(f'{strike:g}' for strike in sorted(set(strikes)))}"
    elif len(set(strikes)) == 1:
        what = f"{'/'.join(sorted(set(dates)))} {strikes[0]:g}"
    else:
        what = "/".join(f"{date} {strike:g}" for date, strike in sorted(zip(dates, strikes, strict=True)))
    rights = {leg.right for leg in legs}
    side = (" call" if rights == {1} else " put") if len(rights) == 1 else ""
    return f"{spoken_structure(name)} {what}{side}"


def legs_in_words(legs: Sequence[InstrumentRecord], ratios: Sequence[int]) -> str:
    """Each leg with its signed contracts: ``+1 2016-01-15 750 call, -1 2016-01-15 780 call``."""
    told = (leg.label.partition(" ")[2] or leg.label for leg in legs)
    return ", ".join(f"{ratio:+d} {leg}" for ratio, leg in zip(ratios, told, strict=True))
