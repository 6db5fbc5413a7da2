"""Where a training stands, in a file from which it goes on to the same bits."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.errors import LearningError
from alo_lib.records.whole_files import whole_file

__all__ = ["load_checkpoint", "save_checkpoint"]

Arrays = dict[str, NDArray[np.float64]]

_MOST_BYTES: Final = 16 << 20
_IDENTITY: Final = "identity"


def save_checkpoint(path: Path, identity: str, arrays: Arrays) -> None:
    """Write where the training of this identity stands.

    :raises OSError: as writing does.
    """
    contents: dict[str, Any] = {_IDENTITY: np.array(identity), **arrays}
    with whole_file(path) as file:
        np.savez(file, **contents)


def load_checkpoint(path: Path, identity: str, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Read it, trusting nothing in the file; ``shapes`` are those that the training has.

    :raises LearningError: naming the file, for one that is damaged, or of another training.
    :raises OSError: where it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise LearningError(f"{path} is larger than the {_MOST_BYTES:,} bytes that a checkpoint may have")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _MOST_BYTES:
            raise ValueError(f"it unpacks to {size:,} bytes")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        stored = str(arrays.pop(_IDENTITY))
    except Exception as error:  # zipfile and NumPy promise no family of errors for bytes that anyone may have written
        raise LearningError(f"{path} is no checkpoint of a training ({type(error).__name__}: {error})") from None
    if stored != identity:
        raise LearningError(
            f"{path} is the checkpoint of a training with other numbers; train with those, or name another --output"
        )
    found = {name: array.shape for name, array in arrays.items()}
    if found != dict(shapes) or any(array.dtype != np.float64 for array in arrays.values()):
        raise LearningError(f"{path} is no checkpoint of this training: its arrays are others")
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise LearningError(f"{path} is damaged: it holds numbers that are not finite")
    return arrays
