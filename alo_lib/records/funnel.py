"""What the funnel of a session counts: how far contracts and structures come, and what stops good ones."""

from typing import Final

__all__ = ["BOOK_LIMITS", "ENTRY_LIMITS", "FUNNEL_STAGES", "STAGE_MEANINGS"]

STAGE_MEANINGS: Final = {
    "listed": "contracts that are looked at, by days to expiry and strike",
    "quoted": "with a bid and an ask, these and the underlying's price not older than max-quote-age",
    "in_range": "with min-days-to-expiry to max-days-to-expiry left",
    "liquid": "by min-bid, max-spread, min-quote-size, min-open-interest, and no ask below intrinsic value",
    "forecast": "whose volatility is forecast, of an expiry that has the smile that fair-smile asks for",
    "candidates": "structures that these make, by the rule of each; in hourly runs of legs in step with the price",
    "edge": "structures, bought or sold, whose edge is entry-edge or more",
    "proposed": "trades that may be opened now and that the vega budget allows",
    "opened": "trades within the limits, in the whole session",
}
"""What passes each stage, in their order; each contract or structure has passed all before."""

FUNNEL_STAGES: Final = tuple(STAGE_MEANINGS)

BOOK_LIMITS: Final = (
    "max_vega",
    "max_margin",
    "max_delta",
    "max_gamma",
    "max_theta",
    "max_notional",
    "max_stress_loss",
    "max_gap_loss",
    "max_book_structures",
)
"""Limits on what the book risks, each a setting and a row of alo_lib.strategy.limits, in the order of asking."""

ENTRY_LIMITS: Final = (
    "unknown_implied",  # no setting: a leg has no implied volatility
    "max_drawdown",  # the book is closed
    "max_daily_loss",  # this session only reduces
    "halt",  # no setting: nothing that adds risk is ordered, see HaltCause
    "entry_delay",
    "entry_cutoff",
    "corporate_action",  # no setting: the contracts are about to change, by a split or otherwise, or have changed
    "session_block",  # no setting: a trade ended so that nothing more is opened in the session, or the price has jumped
    "leg_held",  # no setting: a trade has one of the legs
    "max_structures",
    "vega_budget",  # it does not pay for one structure
    "participation",  # of what a leg displays no contract may be taken
    *BOOK_LIMITS,
    "choice_candidates",  # as many others have more edge
    "choice_worth",  # no setting: its edge is not a cent
    "choice_search",  # no setting: the search ended before it had a place
)
"""In the order in which they are asked, by the setting's name where one sets it; the first that stops one counts."""
