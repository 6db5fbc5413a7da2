"""Other people's data as LEAN's files: one module a format, one shape of rows, one way into a folder."""

from alo_lib.market.importing.refusals import Reason, Refusal, Refusals
from alo_lib.market.importing.run import Format, Imported, import_files
from alo_lib.market.importing.symbols import Roots

__all__ = ["Format", "Imported", "Reason", "Refusal", "Refusals", "Roots", "import_files"]
