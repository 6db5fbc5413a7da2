"""The algorithms without LEAN, as the models' tests have it."""

from tests.models.conftest import lean

__all__ = ["lean"]
