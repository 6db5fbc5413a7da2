"""When LEAN's time moves on between two sessions."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import ContractKey, DataFolder, DataKind, OptionBars, Resolution, SecurityType, contract_keys
from alo_lib.market.calendar import utc_time
from alo_lib.records import Session
from alo_lib.settings import Settings

__all__ = ["Nights"]

_NEVER: Final = np.zeros(0, np.int64)


class Nights:
    """The times between sessions at which data reach LEAN, and with them its looks at positions.

    Prices stand still, but options are settled and assigned then. Data are: a universe file, at the midnight after its
    day; the end of contracts that expire, announced at the midnight before their last session and made known at the
    midnight after it; splits and dividends, at the midnight before they take place; and open interest, before the open.
    Only that of contracts that are held is looked for: without them LEAN looks at nothing.
    """

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        self._tickers = settings.underlyings
        self._resolution = Resolution(settings.resolution)
        self._folder = folder
        # What is left out of open interest is no loss to a run, which does not trade by it.
        self._aside = folder.aside()
        # A file of hours holds a year: the rows of what is held are read from it once. Contracts by ticker.
        self._year = 0
        self._known: dict[str, dict[ContractKey, NDArray[np.int64]]] = {}
        self._zone = folder.hours().exchange_zone
        self._actions = {
            day
            for ticker in settings.underlyings
            for events in [folder.events(ticker)]
            for day in [
                *(dividend.ex_date for dividend in events.dividends),
                *(split.day for split in events.splits),
                *(split.warning_day for split in events.splits),
            ]
        }

    def midnight(self, day: dt.date) -> int:
        """The midnight at which a day begins, ns UTC."""
        return utc_time(day, dt.timedelta(), self._zone)

    def after(self, session: Session, expiries: Iterable[int], *, last: bool) -> bool:
        """Whether data come at the midnight after a session; ``expiries`` are the listed contracts' last closes.

        After a run's last session, LEAN makes no end of contracts known.
        """
        if any(self._folder.has_universe(ticker, session.day) for ticker in self._tickers):
            return True
        return not last and any(session.open < expiry <= session.close for expiry in expiries)

    def before(
        self, session: Session, expiries: Iterable[int], held: Mapping[str, Collection[ContractKey]]
    ) -> list[int]:
        """When data come from the midnight before a session until it opens; ``held`` are contracts by underlying."""
        times = {time for ticker, keys in held.items() for time in self._open_interest(ticker, session.day, keys)}
        times = {time for time in times if time < session.open}
        if session.day in self._actions or any(session.open < expiry <= session.close for expiry in expiries):
            times.add(self.midnight(session.day))
        return sorted(times)

    def _open_interest(self, ticker: str, day: dt.date, keys: Collection[ContractKey]) -> list[int]:
        """When open interest of some contracts comes on a day."""
        if self._resolution is Resolution.MINUTE:
            return [int(time) for time in self._read(ticker, day, day, keys).bars["time"]]
        if self._year != day.year:
            self._year, self._known = day.year, {}
        known = self._known.setdefault(ticker, {})
        if missing := [key for key in keys if key not in known]:
            whole = self._read(ticker, dt.date(day.year, 1, 1), dt.date(day.year, 12, 31), missing)
            known |= dict.fromkeys(missing, _NEVER)
            for row, key in enumerate(contract_keys(whole.contracts)):
                known[key] = whole.bars["time"][whole.contract == row]
        times = np.concatenate([_NEVER, *(known[key] for key in keys)])
        hours = self._folder.hours(SecurityType.OPTION, ticker)
        return [int(time) for time in times[hours.between(times, day, day)]]

    def _read(self, ticker: str, first: dt.date, last: dt.date, keys: Collection[ContractKey]) -> OptionBars:
        return self._aside.option_bars(ticker, first, last, self._resolution, DataKind.OPEN_INTEREST, contracts=keys)
