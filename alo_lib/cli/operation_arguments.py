"""The option that names the file of host and core settings, which give a command's options their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from alo_lib.cli.option_arguments import FilePath

if TYPE_CHECKING:
    from alo_lib.settings.operation import OperationSettings

__all__ = ["config_option"]

Command = TypeVar("Command", bound=Callable[..., Any])


class OperationFile(click.ParamType["OperationSettings"]):
    """A file of host and core settings."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> OperationSettings:
        """The settings in it."""
        from alo_lib.settings.operation import OperationSettings

        if isinstance(value, OperationSettings):
            return value
        path: Path = FilePath(exists=True, dir_okay=False).convert(value, param, ctx)
        return OperationSettings.read(path)


def config_option(defaults: Callable[[OperationSettings], dict[str, Any]]) -> Callable[[Command], Command]:
    """Give a command ``--config``; ``defaults`` says which of its options have which value in a file.

    What stands on the command line wins; the command gets the settings as ``config``, None without the option.
    """

    def take(ctx: click.Context, _: click.Parameter, value: OperationSettings | None) -> OperationSettings | None:
        if value is not None:
            ctx.default_map = {name: given for name, given in defaults(value).items() if given is not None}
        return value

    return click.option(
        "--config",
        type=OperationFile(),
        is_eager=True,
        callback=take,
        help="A file of host and core settings; options here win over what stands in it.",
    )
