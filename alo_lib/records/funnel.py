"""What the funnel of a session counts: how far contracts and pairs come, and what stops pairs whose edge suffices."""

from typing import Final

__all__ = ["ENTRY_LIMITS", "FUNNEL_STAGES"]

FUNNEL_STAGES: Final = (
    "listed",  # contracts that are looked at
    "quoted",  # with a bid and an ask that are not too old, and a spot
    "in_range",  # of days to expiry
    "liquid",  # by least bid, spread, size, open interest
    "forecast",  # priced at a forecast volatility
    "pairs",  # of a call and a put near enough to the money, each bought or sold
    "edge",  # pairs whose edge suffices
    "proposed",  # trades: free to trade, and one structure at least within the vega budget
    "opened",  # trades within the limits, in the whole session
)
"""In their order; each contract or pair has passed all before."""

ENTRY_LIMITS: Final = (
    "max_drawdown",  # the book is halted
    "entry_delay",
    "entry_cutoff",
    "split_pending",  # no setting: the underlying is about to split
    "session_block",  # no setting: a trade of the underlying ended so that nothing more is opened in the session
    "leg_held",  # no setting: a trade has one of the legs, most often both
    "max_structures",
    "vega_budget",  # it does not pay for one structure
    "participation",  # of what a leg displays no contract may be taken
    "max_vega",
    "max_margin",
)
"""In the order in which they are asked, by the setting's name where one sets it; the first that stops a pair counts."""
