"""A backtest's data, looked at in LEAN as the command line does before it starts an engine."""

from pathlib import Path
from typing import Final

from AlgorithmImports import Config, Globals

from alo_lib.market import DATA_MEASURED, DataError
from alo_lib.market.rate_curves import curves_file, is_of_file
from alo_lib.market.text_files import in_place
from alo_lib.settings import Settings

__all__ = ["look_at_data"]

_READS_WHAT_IS_THERE: Final = "DefaultDataProvider"
"""LEAN's data provider that fetches nothing, alone of its kind."""


def look_at_data(settings: Settings) -> tuple[str, ...]:
    """What a user should know of the data that a run finds in LEAN's data folder, in sentences.

    None where LEAN fetches data as it asks for them, as in the cloud: they are not there before. Nor where the engine
    that started LEAN has measured them and said so.

    :raises DataError: when the folder does not carry a result.
    """
    if str(Config.get("data-provider")).rpartition(".")[2] != _READS_WHAT_IS_THERE:
        return ()
    if str(Config.get(DATA_MEASURED)) == str(True):
        return ()
    from alo_lib.simulation import require_data  # not needed where data are fetched

    folder = Path(str(Globals.data_folder))
    if is_of_file(settings.rate_curve) and not in_place(curves_file(folder, settings.rate_curve)):
        settings = settings.model_copy(update={"rate_curve": ""})  # the host finds it in the object store, or says so
    try:
        return require_data(settings, folder).warnings
    except DataError as error:
        raise DataError(
            f"{error}; './alo generate' makes a market in data/, and data-folder in lean.json names another folder"
        ) from None
