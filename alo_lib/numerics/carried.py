"""Kernels that come with an image or a wheel: compiled elsewhere, for processors of a kind, and only read.

``ALO_KERNELS`` names their folder, which ``python -m alo_lib.cli.carry`` fills. numba knows machine code by the
processor that it was compiled for, by name and features; so a process that is to take these kernels compiles for the
same processors itself, unless NUMBA_CPU_NAME or NUMBA_CPU_FEATURES say otherwise. No bit depends on it: lanes are
IEEE's operations at any width of the registers, and every fused multiply-add is explicit.
"""

import os
import warnings
from pathlib import Path
from typing import Final

import llvmlite.binding as llvm
from numba.core import config
from numba.core.registry import cpu_target

from alo_lib.numerics.kernel_archive import ARCHIVE

__all__ = ["CARRIED", "PROCESSOR", "CarriedWarning", "take_processor"]

CARRIED: Final = os.environ.get("ALO_KERNELS", "")
"""The folder of carried kernels; empty without one."""

_FEATURES: Final = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sse4.2", "xsave")
PROCESSOR: Final = {
    "NUMBA_CPU_NAME": "x86-64-v3",
    "NUMBA_CPU_FEATURES": ",".join(f"+{feature}" for feature in _FEATURES),
}
"""What carried kernels are compiled for: the third level of x86-64, which servers have had since 2013."""


class CarriedWarning(RuntimeWarning):
    """The kernels that ALO_KERNELS names cannot be taken; they are compiled anew."""


def take_processor() -> None:
    """Have numba compile for the processors that kernels are carried for, or are to be; before it compiles anything."""
    if (not CARRIED and ARCHIVE is None) or PROCESSOR.keys() & os.environ.keys():
        return
    if reason := _hindrance():
        if not CARRIED:  # kernels are kept by processor: no other one takes those that are compiled for this one
            return
        text = f"the kernels in {CARRIED} are not taken, and the numerical code is compiled anew: {reason}"
        warnings.warn(text, CarriedWarning, stacklevel=2)
        return
    os.environ.update(PROCESSOR)  # numba reads its settings from there, whenever it begins to compile
    config.reload_config()


def _hindrance() -> str:
    if CARRIED and not Path(CARRIED).is_dir():
        return "there is no such folder"
    if llvm.get_process_triple().partition("-")[0] != "x86_64":
        return "they are for x86-64"
    has = llvm.get_host_cpu_features()
    if missing := [feature for feature in _FEATURES if not has.get(feature)]:
        return f"this processor lacks {', '.join(missing)}"
    if "_toplevel_target_context" in vars(cpu_target):
        return "numba has begun to compile in this process for the processor that it found"
    return ""
