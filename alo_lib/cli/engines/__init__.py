"""The engines a backtest can run on: where each is looked for, and how it is run."""

from alo_lib.cli.engines.base import Engine, EngineRun, EngineState, Progress
from alo_lib.cli.engines.choice import engine_named, goes_on, states

__all__ = ["Engine", "EngineRun", "EngineState", "Progress", "engine_named", "goes_on", "states"]
