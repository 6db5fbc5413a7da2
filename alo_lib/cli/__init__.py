"""The ``alo`` command."""

from alo_lib.cli.main import alo, main

__all__ = ["alo", "main"]
