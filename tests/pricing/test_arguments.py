"""What the public functions take, whatever its type: the right numbers, or one sentence that names what is wrong."""

import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alo_lib.pricing import (
    Chain,
    Contracts,
    MarketTerms,
    PricingError,
    QuotedChain,
    Scheme,
    exercise_boundary,
    greeks,
    implied_volatility,
    market_price,
    price,
)
from alo_lib.pricing.arguments import prepare, real_numbers

SPOTS = np.array([90.0, 100.0, 110.0])
READ_ONLY = SPOTS.copy()
READ_ONLY.flags.writeable = False
MISPLACED = np.frombuffer(b"\0" + SPOTS.tobytes(), np.uint8)[1:].view(np.float64)

TAKEN = {
    "list": SPOTS.tolist(),
    "tuple of NumPy's": tuple(SPOTS),
    "integers": np.array([90, 100, 110]),
    "unsigned": np.array([90, 100, 110], np.uint8),
    "float16": SPOTS.astype(np.float16),
    "float32": SPOTS.astype(np.float32),
    "longdouble": SPOTS.astype(np.longdouble),
    "big-endian": SPOTS.astype(">f8"),
    "objects": np.array([90, Decimal("100"), Fraction(110)], dtype=object),
    "backwards": SPOTS[::-1].copy()[::-1],
    "every other": np.repeat(SPOTS, 2)[::2],
    "read-only": READ_ONLY,
    "misplaced": MISPLACED,
    "of a record": np.array([(1, x) for x in SPOTS], dtype=[("a", "i1"), ("x", "f8")])["x"],
    "masked nowhere": np.ma.array(SPOTS),
    "series": pd.Series(SPOTS, index=[5, 3, 1]),
    "nullable series": pd.Series(SPOTS, dtype="Float64"),
    "series of objects": pd.Series(SPOTS.tolist(), dtype=object),
}
REFUSED = {
    "word": ("100", "is '100'"),
    "words": (["90", "100", "110"], r"is '90' at \(0,\)"),
    "bytes": (np.array([b"90"]), r"is b'90' at \(0,\)"),
    "complex": (100.0 + 1j, "is .*1j"),
    "complex array": (SPOTS + 0j, r"is .*90.*0j.* at \(0,\)"),
    "None": (None, "is nan"),
    "truth": (True, "is True"),
    "truth in a list": ([100.0, True, 110.0], r"is True at \(1,\)"),
    "truth deeper": ([[100.0, True, 110.0]], r"is True at \(0, 1\)"),
    "truths": (np.ones(3, np.bool_), r"is True at \(0,\)"),
    "dates": (np.array(["2024-01-02"] * 3, "M8[D]"), r"is .*2024-01-02.* at \(0,\)"),
    "no dates": (np.array(["NaT"] * 3, "M8[D]"), r"is .*NaT.* at \(0,\)"),
    "spans": (np.array([1, 2, 3], "m8[D]"), r"is .*1.* at \(0,\)"),
    "span": (np.timedelta64(90, "D"), "is .*90"),
    "records": (np.array([(1.0, 2)], dtype=[("a", "f8"), ("b", "i4")]), r"is .*1.* at \(0,\)"),
    "masked": (np.ma.array(SPOTS, mask=[False, True, False]), r"is nan at \(1,\)"),
    "masked alone": (np.ma.masked, "is nan"),
    "missing": (pd.Series([90.0, None, 110.0], dtype="Float64"), r"is nan at \(1,\)"),
    "ragged": ([[90.0], [100.0, 110.0]], r"is \[\[90"),
    "set": ({90.0}, r"is \{90"),
    "mapping": ({"a": 90.0}, r"is \{'a'"),
    "an object": (object(), "is <object"),
    "too long": (np.longdouble("1e400"), "is inf"),
    "a whole number too long": (10**400, "is 1000"),
}

Call = Callable[[Any], Any]
CALLS: dict[str, Call] = {
    "price": lambda spot: price(spot, 100.0, 0.05, 0.02, 0.25, 1.0, -1),
    "greeks": lambda spot: np.stack(greeks(spot, 100.0, 0.05, 0.02, 0.25, 1.0, -1)),
    "implied_volatility": lambda spot: implied_volatility(22.0, spot, 100.0, 0.05, 0.02, 1.0, -1),
    "chain": lambda spot: Chain([100.0] * 3, 1.0, -1.0).price(spot, 0.05, 0.02, 0.25),
    "strikes": lambda strike: Chain(strike, 1.0, -1.0).price(100.0, 0.05, 0.02, 0.25),
    "quotes": lambda spot: _quoted(spot).implied_volatility,
    "terms": lambda spot: np.asarray(MarketTerms(spot, 0.05).check().spot, dtype=float),
}


def _quoted(spot: Any) -> QuotedChain:
    contracts = Contracts(np.full(3, 100.0), np.full(3, 1.0), np.full(3, -1.0))
    return QuotedChain(contracts, MarketTerms(spot, 0.05, 0.02), np.full(3, 22.0), np.zeros(3, np.int8))


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("function", CALLS)
def test_numbers_are_taken_in_every_type(function: str, kind: str) -> None:
    found = CALLS[function](TAKEN[kind])
    assert found.shape[-1] == 3
    assert np.array_equal(found, CALLS[function](SPOTS))


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("function", CALLS)
def test_what_is_no_number_is_refused_in_a_sentence(function: str, kind: str) -> None:
    value, named = REFUSED[kind]
    missing = named.startswith("is nan") or kind in ("too long",)
    if function == "quotes" and missing:  # a feed's odd spot is a status
        value = np.ma.filled(value, np.nan) if kind.startswith("masked") else value
        assert np.isnan(CALLS[function](value)).any()
        return
    name = "strike" if function == "strikes" else "spot"
    with pytest.raises(PricingError, match=rf"^{name} {named}.*allowed: .*$") as refused:
        CALLS[function](value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 160


def test_what_is_masked_is_missing_where_missing_numbers_are_allowed() -> None:
    masked = np.ma.array(SPOTS, mask=[False, True, False])
    found = price(masked, 100.0, 0.05, 0.02, 0.25, 1.0, -1, invalid="nan")
    assert np.isnan(found).tolist() == [False, True, False]
    assert np.array_equal(found[::2], price(SPOTS[::2], 100.0, 0.05, 0.02, 0.25, 1.0, -1))
    chain = Chain([100.0] * 3, 1.0, -1.0)
    quotes = np.ma.array([8.0, 8.5, 9.0], mask=[True, False, False])
    assert np.isnan(chain.implied_volatility(quotes, 100.0, 0.05, 0.02)).tolist() == [True, False, False]
    bid, status = market_price(quotes, np.ma.filled(quotes, 9.5), np.nan, "bid")
    assert np.isnan(bid).tolist() == [True, False, False]
    assert status.tolist() == [1, 0, 0]


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0), (2, 3)])
def test_shapes_are_kept(shape: tuple[int, ...]) -> None:
    spots = np.full(shape, 100.0)
    assert price(spots, 100.0, 0.05, 0.02, 0.25, 1.0, -1).shape == shape
    assert greeks(spots, 100.0, 0.05, 0.02, 0.25, 1.0, -1).vega.shape == shape
    assert implied_volatility(np.full(shape, 9.0), spots, 100.0, 0.05, 0.02, 1.0, -1).shape == shape


RIGHTS: list[tuple[Any, list[float]]] = [
    ("call", [1.0]),
    ("put", [-1.0]),
    (["call", "put"], [1.0, -1.0]),
    (np.array(["put", "call"]), [-1.0, 1.0]),
    (np.array(["put", 1, -1.0], dtype=object), [-1.0, 1.0, -1.0]),
    (pd.Series(["call", "put"]), [1.0, -1.0]),
    (np.ma.array(["call", "put"], mask=False), [1.0, -1.0]),
]


@pytest.mark.parametrize(("words", "numbers"), RIGHTS)
def test_rights_are_words_too(words: Any, numbers: list[float]) -> None:
    found = price(100.0, 100.0, 0.05, 0.02, 0.25, 1.0, words)
    assert np.array_equal(found.ravel(), price(100.0, 100.0, 0.05, 0.02, 0.25, 1.0, numbers))
    assert np.array_equal(Chain(100.0, [1.0] * len(numbers), words).right, numbers)


@pytest.mark.parametrize(
    "right", [True, "Call", "C", "", b"call", ["call", "bull"], 0, 2.0, np.nan, None, [True, -1], ["call", None]]
)
def test_other_rights_are_refused(right: Any) -> None:
    with pytest.raises(PricingError, match=r"^right is .*; allowed: \+1 \(call\) or -1 \(put\)$"):
        price(100.0, 100.0, 0.05, 0.02, 0.25, 1.0, right)
    with pytest.raises(PricingError, match=r"^right is .*; allowed: \+1 \(call\) or -1 \(put\)$"):
        exercise_boundary(100.0, 0.05, 0.02, 0.25, 1.0, right)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"style": ["american"]}, r"style is \['american'\]; allowed: american, european"),
        ({"style": np.array(["american", "european"])}, r"style is array\(.*; allowed: american, european"),
        ({"style": None}, "style is None; allowed"),
        ({"invalid": np.array(["nan"])}, r"invalid is array\(.*; allowed: raise, nan"),
        ({"scheme": [3, 12, 16]}, r"scheme is \[3, 12, 16\]; allowed: fast"),
        ({"scheme": (3, 12, 16, True)}, "scheme is .*; allowed: fast"),
        ({"scheme": {"m": 3}}, "scheme is .*; allowed: fast"),
        ({"scheme": None}, "scheme is None; allowed: fast"),
        ({"scheme": (3, 1, 16, 24)}, "scheme: nodes n is 1; allowed: whole numbers from 2 to 64"),
        ({"threads": 1.5}, "threads is 1.5; allowed: a whole number, at least 1"),
        ({"threads": True}, "threads is True; allowed"),
        ({"threads": "2"}, "threads is '2'; allowed"),
        ({"dividends": 1.0}, r"dividends is 1.0; allowed: None, Dividends, a list of them, or \(ex_times, amounts\)"),
        ({"dividends": ([0.1], [1.0], [2.0])}, "dividends is .*; allowed"),
        ({"dividends": {0.1: 1.0, 0.2: 1.0}}, "dividends is .*; allowed"),
        ({"dividends": (["soon"], [1.0])}, r"dividends: ex-time is 'soon' at \(0,\); allowed"),
        ({"dividends": ([0.1], [1.0 + 1j])}, "dividends: amount is .*1j"),
        ({"dividends": ([0.1], np.ma.array([1.0], mask=True))}, "dividends: amount is nan"),
    ],
)
def test_other_keywords_are_refused(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(PricingError, match=f"^{message}"):
        price(100.0, 100.0, 0.05, 0.02, 0.25, 1.0, -1, **keywords)


def test_keywords_are_taken_in_every_form() -> None:
    case: Any = (100.0, 100.0, 0.05, 0.02, 0.25, 1.0, -1)
    four: Any = (np.int64(2), 8, 8, 16)
    two: Any = np.int64(2)
    nothing: list[Any] = [(), [], ([], []), np.empty((2, 0))]
    assert price(*case, scheme=[2, 8, 8, 16]) == price(*case, scheme=(2, 8, 8, 16))
    assert price(*case, scheme=four) == price(*case, scheme=Scheme(2, 8, 8, 16))
    assert price(*case, threads=two) == price(*case)
    for none in nothing:
        assert price(*case, dividends=none) == price(*case)
    plain = Chain([100.0], 1.0, -1).price(100.0, 0.05, 0.02, 0.25)
    assert np.array_equal(Chain([100.0], 1.0, -1, dividends=nothing[0]).price(100.0, 0.05, 0.02, 0.25), plain)


def test_a_scheme_is_of_whole_numbers() -> None:
    wrong: list[Any] = [(3.0, 12, 16, 24), ("3", 12, 16, 24), (3, 12, None, 24)]
    for numbers in wrong:
        with pytest.raises(PricingError, match=r"^scheme: .* allowed: whole numbers from"):
            Scheme(*numbers)


def test_a_boundary_is_one_options() -> None:
    with pytest.raises(PricingError, match=r"^the arguments broadcast to \(2,\); allowed: one number each"):
        exercise_boundary([90.0, 100.0], 0.05, 0.02, 0.25, 1.0, -1)  # type: ignore[arg-type]
    with pytest.raises(PricingError, match=r"broadcast to \(0,\)"):
        exercise_boundary(np.empty(0), 0.05, 0.02, 0.25, 1.0, -1)  # type: ignore[arg-type]
    one = exercise_boundary(np.array([100.0]), 0.05, 0.02, 0.25, 1.0, "put")  # type: ignore[arg-type]
    assert np.array_equal(one.upper, exercise_boundary(100.0, 0.05, 0.02, 0.25, 1.0, -1).upper)


def test_a_chain_of_one_takes_one_price() -> None:
    chain = Chain(100.0, 1.0, -1)
    (value,) = chain.price(100.0, 0.05, 0.02, 0.25)
    assert chain.implied_volatility(value, 100.0, 0.05, 0.02) == pytest.approx([0.25], abs=1e-9)
    with pytest.raises(PricingError, match=r"price has shape \(\); allowed: \(2,\) or \(k, 2\)"):
        Chain([90.0, 100.0], 1.0, -1).implied_volatility(9.0, 100.0, 0.05, 0.02)
    with pytest.raises(PricingError, match=r"broadcast to \(2, 1\); allowed: one dimension"):
        Chain([[90.0], [100.0]], 1.0, -1)
    with pytest.raises(PricingError, match=r"rate has shape \(3,\); allowed: a scalar or \(2,\)"):
        Chain([90.0, 100.0], 1.0, -1).price(100.0, [0.05] * 3, 0.02, 0.25)


def test_a_chain_of_quotes_says_what_does_not_fit() -> None:
    listed: list[Any] = [[100.0, 110.0], [1.0, 1.0], ["put", "call"], [9.0, 9.0], [0, 0]]
    contracts, terms = Contracts(*listed[:3]), MarketTerms(100.0, 0.05)
    found = QuotedChain(contracts, terms, *listed[3:])
    plain = QuotedChain(
        Contracts(np.array([100.0, 110.0]), np.ones(2), np.array([-1.0, 1.0])), terms, np.full(2, 9.0), np.zeros(2, int)
    )
    assert np.array_equal(found.implied_volatility, plain.implied_volatility)
    wrong: list[tuple[Any, Any, Any, str]] = [
        (contracts, 9.0, 0, r"market has shape \(\); allowed: \(n,\)"),
        (contracts, [9.0] * 3, [0] * 3, r"strike has shape \(2,\); allowed: a scalar or \(3,\)"),
        (contracts, [9.0] * 2, [0] * 3, r"status has shape \(3,\); allowed: \(2,\)"),
        (contracts, [9.0] * 2, [0, 99], r"status holds \[0, 99\]; allowed: codes of ContractStatus"),
        (contracts, [9.0] * 2, ["ok", "no"], "status holds .*; allowed: codes"),
        (contracts._replace(right=np.array([1.0, 0.0])), [9.0] * 2, [0] * 2, r"right is 0 at \(1,\); allowed: \+1"),
        (contracts._replace(style=np.array(["american", "asian"])), [9.0] * 2, [0] * 2, "style is 'asian'; allowed"),
        (contracts._replace(style=np.ma.array(["american"] * 2, mask=[0, 1])), [9.0] * 2, [0] * 2, "style is None"),
        (contracts, ["9", "9"], [0] * 2, r"market is '9' at \(0,\); allowed: real numbers"),
    ]
    for columns, market, status, message in wrong:
        with pytest.raises(PricingError, match=f"^{message}"):
            QuotedChain(columns, terms, market, status)
    with pytest.raises(PricingError, match=r"^wanted is int64 \(2,\); allowed: bool \(2,\)"):
        found.at_the_money(np.array([0, 1]))
    with pytest.raises(PricingError, match=r"^bid, ask and last have shapes \(2,\), \(3,\), \(\)"):
        market_price([1.0, 2.0], [1.0, 2.0, 3.0], 1.0)


def test_nothing_warns_and_kernels_see_one_kind_of_array() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in TAKEN.values():
            _, flat = prepare("raise", spot=value, strike=100.0)
            for column in flat:
                assert column.dtype == np.float64
                assert column.dtype.isnative
                assert column.flags.carray
    assert real_numbers("spot", SPOTS) is SPOTS
