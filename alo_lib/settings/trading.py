"""What is traded, how it is held, and when it is closed."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from alo_lib.settings.basket import EXAMPLE
from alo_lib.settings.units import VEGA, VOLATILITY, Unit, Words

__all__ = ["StructureName", "TradedName", "TradingSettings"]

StructureName = Literal[
    "straddle",
    "strangle",
    "iron-butterfly",
    "iron-condor",
    "vertical",
    "risk-reversal",
    "calendar",
    "diagonal",
    "single",
]
"""The structures of one underlying that can be traded; each has its module in :mod:`alo_lib.strategy.structures`."""

TradedName = Literal[StructureName, "dispersion"]
"""All that can be traded; dispersion is of several underlyings (:mod:`alo_lib.strategy.basket_scan`)."""


class TradingSettings(BaseModel):
    """Entries, hedges and exits."""

    # What is opened
    structures: tuple[TradedName, ...] = Field(
        ("straddle",), min_length=1, description="what is traded, separated by commas; the best of all are opened"
    )
    basket: Annotated[str, Words(f"an index, its members and their weights, such as {EXAMPLE}")] = Field(
        "", max_length=8000, description="what dispersion trades, all of them underlyings; for structures dispersion"
    )
    strangle_delta: Annotated[float, Unit("delta")] = Field(
        0.30,
        gt=0.02,
        lt=0.5,
        description="absolute delta of legs out of the money, inner ones where there are wings",
    )
    wing_delta: Annotated[float, Unit("delta")] = Field(
        0.10, gt=0.0, lt=0.5, description="absolute delta of wings: outer legs of verticals, butterflies and condors"
    )
    calendar_days: Annotated[int, Unit("calendar days")] = Field(
        21, ge=1, le=730, description="calendar days at least between the expiries of a calendar or diagonal"
    )
    direction: Literal["both", "long", "short"] = Field(
        "both", description="buy structures (long), sell them (short), or either (both)"
    )
    entry_edge: Annotated[float, VOLATILITY] = Field(
        0.02, ge=-1.0, le=1.0, description="least edge after costs over gross vega, as volatility"
    )
    edge_costs: Literal["quotes", "all"] = Field(
        "quotes", description="what edges are net of: spreads and fees (quotes), or the cost of hedging, too (all)"
    )
    band_penalty: Annotated[float, Unit("of half the band's width")] = Field(
        0.0, ge=0, le=10.0, description="share of half the width of the forecast's band that edges are less by"
    )
    rank: Literal["edge_volatility", "stress"] = Field(
        "edge_volatility", description="what comes first: most edge over gross vega, or over stress loss (stress)"
    )
    choice: Literal["in_turn", "whole_book"] = Field(
        "in_turn", description="best first, each within what is left (in_turn), or all at once, the book's most edge"
    )
    choice_candidates: Annotated[int, Unit("signals")] = Field(
        10, ge=3, le=60, description="signals of an underlying that whole_book chooses among; more take longer"
    )
    max_structures: Annotated[int, Unit("structures")] = Field(
        2, ge=1, le=50, description="structures held at once in one underlying"
    )
    vega_budget: Annotated[float, VEGA] = Field(
        0.0005, gt=0, le=0.05, description="gross vega of a trade: its legs' vega, whatever their side"
    )
    participation: Annotated[float, Unit("share of the size")] = Field(
        1.0, gt=0, le=1.0, description="share of the displayed size that an order may take"
    )
    entry_delay: Annotated[float, Unit("seconds")] = Field(
        300.0, ge=0, le=86_400.0, description="seconds after the open before anything is opened"
    )
    entry_cutoff: Annotated[float, Unit("seconds")] = Field(
        900.0, ge=0, le=86_400.0, description="seconds before the close from which nothing is opened"
    )

    # How it is ordered
    order_type: Literal["market", "limit", "combo"] = Field(
        "market",
        description="orders at the touch at once (market), patient ones from mid to the touch (limit), or these with "
        "the legs of a trade together (combo)",
    )
    limit_patience: Annotated[float, Unit("seconds")] = Field(
        600.0, gt=0, le=86_400.0, description="seconds that a limit order is given to be filled"
    )
    limit_steps: Annotated[int, Unit("steps")] = Field(
        4, ge=1, le=100, description="steps in which its limit goes from mid to the touch within that time"
    )

    leg_patience: Annotated[float, Unit("seconds")] = Field(
        900.0, gt=0, le=86_400.0, description="seconds that a trade with some legs filled is given for the others"
    )
    incomplete: Literal["shrink", "undo"] = Field(
        "shrink",
        description="what then becomes of it: cut to what every leg holds (shrink), or closed (undo)",
    )

    # How it is held
    hedge: Literal["delta_band", "whalley_wilmott", "minimum_variance", "policy"] = Field(
        "delta_band",
        description="band of the hedge: hedge-band about delta, Whalley-Wilmott's, or that about minimum variance, "
        "which a learned policy adjusts (policy)",
    )
    policy: Annotated[str, Words("a file, or a key of LEAN's object store")] = Field(
        "", max_length=1000, description="file of that policy, or its key in LEAN's object store; for hedge policy"
    )
    hedge_band: Annotated[float, Unit("delta")] = Field(
        0.02, gt=0, le=1.0, description="net delta per held contract that triggers a hedge by delta_band"
    )
    risk_aversion: Annotated[float, Unit("of one share's worth of options, times the spot")] = Field(
        4000.0, gt=0, le=1e6, description="how narrow Whalley-Wilmott's band is: eight times as much halves it"
    )
    skew_stickiness: Annotated[float, Unit("of the smile's slope")] = Field(
        2.0, ge=0, le=4.0, description="what minimum_variance expects of the smile: 1 it stays at its strikes, 2 theory"
    )
    hedge_volatility: Literal["implied", "forecast"] = Field(
        "implied", description="volatility that the hedge's greeks are taken at"
    )

    # When it is closed
    exit_edge: Annotated[float, VOLATILITY] = Field(
        -1.0, ge=-1.0, le=1.0, description="remaining edge at mid that ends a trade, as volatility"
    )
    max_holding_days: Annotated[float, Unit("calendar days")] = Field(
        365.0, gt=0, le=3650.0, description="calendar days a structure is held at most"
    )
    stop_loss: Annotated[float, Unit("share of the premium")] = Field(
        0.5, gt=0, le=10.0, description="loss over the premium of all legs at entry that ends a trade"
    )
    exit_days_to_expiry: Annotated[float, Unit("calendar days")] = Field(
        1.0, ge=1, le=730.0, description="calendar days before expiry by which it is closed"
    )
    exercise: Literal["never", "below_parity"] = Field(
        "never",
        description="what is long and to be closed is sold (never), or exercised where its bid is below what that "
        "gives and the shares end a hedge (below_parity)",
    )
    dividend_guard_days: Annotated[float, Unit("calendar days")] = Field(
        2.0, ge=0, le=365.0, description="calendar days before an ex-date: calls exercised for it are closed"
    )
