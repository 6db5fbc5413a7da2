"""Whether two processes, or a journal and the process that goes on from it, decide under the same settings."""

import hashlib
from typing import Final

from alo_lib.core.adoption import differences
from alo_lib.journal import JournalError
from alo_lib.records.json_reading import json_of
from alo_lib.settings import Settings, SettingsError

__all__ = [
    "SETTINGS_OF_PLACE",
    "known_settings_of",
    "met_settings",
    "require_same_settings",
    "settings_mark",
    "settings_of",
    "with_place_of",
]

SETTINGS_OF_PLACE: Final = frozenset(
    {"account", "core_process", "core_folder", "leader_lease", "leader_lease_seconds", "notify", "policy", "take_over"}
)
"""Settings that say where is decided, where a policy lies, what may be told at a start or who hears of it, not what is
decided by what is told: which policy it is, and what is taken over, the journal is told."""


def settings_mark(settings: Settings) -> int:
    """A number by which two see that they have the same settings."""
    text = settings.model_dump_json(exclude=set(SETTINGS_OF_PLACE))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little", signed=True)


def settings_of(written: bytes) -> Settings:
    """The settings that a journal was written under.

    :raises JournalError: when they are no JSON object.
    :raises SettingsError: for a setting that is none or has a value that is not allowed.
    """
    return Settings.of(_values_of(written))


def known_settings_of(written: bytes) -> Settings:
    """As :func:`settings_of`, of an earlier program's: what is no setting any more is left out.

    :raises JournalError: as above.
    :raises SettingsError: for a value that is not allowed any more.
    """
    return Settings.of({name: value for name, value in _values_of(written).items() if name in Settings.model_fields})


def require_same_settings(written: bytes, settings: Settings, where: str) -> None:
    """Raise SettingsError unless a journal was written under these settings; it names what differs."""
    theirs = settings_of(written)
    if settings_mark(theirs) == settings_mark(settings):
        return
    different = differences(theirs, settings, SETTINGS_OF_PLACE)
    raise SettingsError(
        f"the journal {where} was written under other settings than these ({different}); use those, or another place"
    )


def met_settings(written: bytes, ours: Settings) -> tuple[Settings, str]:
    """The settings of a core that a host meets, with those of place the host's own; and what differs, in words.

    :raises JournalError: as above.
    :raises SettingsError: as above.
    """
    met = with_place_of(settings_of(written), ours)
    return met, differences(ours, met, SETTINGS_OF_PLACE)


def with_place_of(theirs: Settings, ours: Settings) -> Settings:
    """Settings by which ``theirs`` goes on in our place: what it decides by is theirs, where it does so is ours.

    Where we name no policy it is looked for where they had it: ``hedge`` is theirs, and may need one.
    """
    place = {name: getattr(ours, name) for name in SETTINGS_OF_PLACE}
    return theirs.model_copy(update=place | {"policy": ours.policy or theirs.policy})


def _values_of(written: bytes) -> dict[str, object]:
    try:
        values = json_of(written)
    except ValueError as error:
        raise JournalError(f"what the journal's header has of settings {error}") from None
    if not isinstance(values, dict):
        raise JournalError(f"the settings in the journal's header are a JSON {type(values).__name__}, not an object")
    return values
