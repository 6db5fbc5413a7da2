"""How a command ends when it cannot do what it was asked: one sentence and an exit status."""

from typing import Final

import click

__all__ = ["RUN_FAILED", "USER_ERROR", "EngineError", "RunFailedError", "UserError", "sentence_of"]

_ALIKE: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("--symbol", "--symbols", "--ticker", "--tickers", "--underlying"), ("--underlying", "ticker")),
    **dict.fromkeys(("--date", "--day"), ("day", "--start", "--end")),
}
"""Options and arguments that say what people may look for under another name."""

RUN_FAILED = 1
USER_ERROR = 2


class UserError(Exception):
    """Something that the user can put right; the message is one sentence that says what."""


class EngineError(UserError):
    """The engine that was asked for is not there or not ready."""


class RunFailedError(Exception):
    """An engine was started and failed; the message is one sentence that says how and where to read more."""


def sentence_of(error: Exception) -> str | None:
    """The sentence for an error that is the user's to put right; None for one that is the program's own."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, click.ClickException):
        return _usage_sentence(error)
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        return f"{error.filename}: {what}" if error.filename else what
    return str(error) if isinstance(error, _user_families()) else None


def _usage_sentence(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" (see '{context.command_path} --help')" if context is not None else ""
    if isinstance(error, click.NoSuchOption | click.NoSuchCommand):
        return error.message.rstrip(".") + _suggestion(error, context) + hint
    return error.format_message().rstrip(".").replace("\n", " ") + hint


def _suggestion(error: click.NoSuchOption | click.NoSuchCommand, context: click.Context | None) -> str:
    """What was meant by an option or a command that is none: one of that spelling, or a setting."""
    from alo_lib.records.spelling import meant

    if context is None:
        return ""
    command = context.command
    if isinstance(error, click.NoSuchCommand):
        known = command.list_commands(context) if isinstance(command, click.Group) else []
        close = meant(error.command_name, known)
        return f"; did you mean {close}?" if close else f"; the commands are {', '.join(known)}"
    params = command.get_params(context)
    options = [name for param in params for name in param.opts if name.startswith("--")]
    alike = _ALIKE.get(error.option_name.lower(), ())
    for param in params:
        if isinstance(param, click.Argument) and param.name in alike:
            usage = " ".join(command.collect_usage_pieces(context))
            return f"; the {param.name} is given without an option: {context.command_path} {usage}"
    if same := [name for name in options if name in alike]:
        return f"; did you mean {' and '.join(same)}?"
    if close := meant(error.option_name, options):
        return f"; did you mean {close}?"
    if "--set" in options:
        from alo_lib.settings import Settings

        if close := Settings.meant_by(error.option_name):
            return f"; a setting is given as --set {close}=VALUE"
    return ""


def _user_families() -> tuple[type[Exception], ...]:
    # Imported when something has failed, because the core takes a while to import and --help should not wait for it.
    from alo_lib.executive import ScheduleError
    from alo_lib.journal import JournalError
    from alo_lib.market import DataError
    from alo_lib.pricing import PricingError
    from alo_lib.runtime import DivergenceError
    from alo_lib.settings import SettingsError
    from alo_lib.strategy.hedging_policy import PolicyError
    from alo_lib.sweep import SweepError
    from alo_lib.transport import TransportError
    from alo_lib.views import RunError

    return (
        DataError,
        DivergenceError,
        JournalError,
        PolicyError,
        PricingError,
        RunError,
        ScheduleError,
        SettingsError,
        SweepError,
        TransportError,
    )
