"""Which models count as ours in the account of those that are plugged in, where there is no LEAN."""

import sys
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.core import FrameTask
from alo_lib.records import Stage
from tests.models.kit import Algorithm

MODELS = {
    "execution_model": "TouchExecutionModel",
    "external_execution_model": "ExternalExecutionModel",
    "framework": "Framework",
    "alpha_model": "VolatilityAlphaModel",
    "marshalling": "Marshal",
    "portfolio_construction_model": "VegaBudgetPortfolioConstructionModel",
    "risk_management_model": "GreeksRiskManagementModel",
}
STAGES = {Stage.ALPHA, Stage.PORTFOLIO, Stage.RISK, Stage.EXECUTION}


class Lean(Algorithm):
    """LEAN's algorithm: it keeps which models it was given."""

    def __init__(self) -> None:
        super().__init__(models=dict[str, list[Any]]())

    def set_alpha(self, model: Any) -> None:
        self.models["alpha"] = [model]

    def add_alpha(self, model: Any) -> None:
        self.models["alpha"].append(model)

    def set_portfolio_construction(self, model: Any) -> None:
        self.models["portfolio"] = [model]

    def set_risk_management(self, model: Any) -> None:
        self.models["risk"] = [model]

    def add_risk_management(self, model: Any) -> None:
        self.models["risk"].append(model)

    def set_execution(self, model: Any) -> None:
        self.models["execution"] = [model]


class Core:
    """Knows which stages others decide."""

    def __init__(self) -> None:
        self.others: set[Stage] = set()
        self.external = SimpleNamespace(decides=self.others.__contains__)
        self.in_frame, self.steps = True, list[FrameTask]()

    def overrule(self, message: Any) -> None:
        (row,) = message.records
        (self.others.add if row["external"] else self.others.discard)(Stage(row["stage"]))

    def run_through(self, task: FrameTask) -> None:
        self.steps.append(task)


@pytest.fixture
def algorithm(lean: Any) -> Any:
    models = sys.modules["models"]
    for module, name in MODELS.items():
        setattr(models, name, getattr(import_module(f"models.{module}"), name))
    models.JournaledAlgorithm = Lean  # type: ignore[attr-defined]
    made = import_module("algorithm.framework_algorithm").FrameworkAlgorithm()
    made.plug_in(Core(), SimpleNamespace(), lambda: None, nullcontext())
    return made


def read(algorithm: Any) -> tuple[bool, bool]:
    return algorithm.framework.insights_read, algorithm.framework.targets_read


def test_where_all_are_ours_every_stage_is_the_cores_and_nothing_is_read(algorithm: Any) -> None:
    assert [type(each).__name__ for (each,) in algorithm.models.values()] == [
        "VolatilityAlphaModel",
        "VegaBudgetPortfolioConstructionModel",
        "TouchExecutionModel",
        "GreeksRiskManagementModel",
    ]
    assert algorithm.framework.core.others == set()
    assert read(algorithm) == (False, False)


@pytest.mark.parametrize(
    ("doors", "place", "count", "others", "readers"),
    [
        (("set_alpha", "SetAlpha"), "alpha", 1, {Stage.ALPHA}, (False, False)),
        (("add_alpha", "AddAlpha"), "alpha", 2, set(), (False, False)),
        (
            ("set_portfolio_construction", "SetPortfolioConstruction"),
            "portfolio",
            1,
            {Stage.PORTFOLIO},
            (True, False),
        ),
        (("set_risk_management", "SetRiskManagement"), "risk", 1, {Stage.RISK}, (False, True)),
        (("add_risk_management", "AddRiskManagement"), "risk", 2, set(), (False, True)),
        (("set_execution", "SetExecution"), "execution", 1, {Stage.EXECUTION}, (False, True)),
    ],
)
def test_a_strangers_model_is_accounted_for_by_either_of_leans_names(
    algorithm: Any, doors: tuple[str, str], place: str, count: int, others: set[Stage], readers: tuple[bool, bool]
) -> None:
    ours = algorithm.models[place][0]
    for door in doors:
        getattr(algorithm, door)(stranger := object())
        given = algorithm.models[place]
        assert len(given) == count
        assert (given[-1]._model if place == "execution" else given[-1]) is stranger
        assert algorithm.framework.core.others == others
        assert read(algorithm) == readers
        setter = {"alpha": "alpha", "portfolio": "portfolio_construction", "risk": "risk_management"}
        getattr(algorithm, f"set_{setter.get(place, place)}")(ours)  # taken back
        assert algorithm.framework.core.others == set()
        assert read(algorithm) == (False, False)


def test_a_subclass_of_ours_counts_as_ours_and_reads_what_it_is_given(algorithm: Any) -> None:
    for place, readers in (("risk", (False, True)), ("execution", (False, True)), ("portfolio", (True, True))):
        ours = algorithm.models[place][0]
        theirs = type("Theirs", (type(ours),), {})(algorithm.framework)
        door = {"risk": "risk_management", "portfolio": "portfolio_construction"}.get(place, place)
        getattr(algorithm, f"set_{door}")(theirs)
        assert algorithm.models[place] == [theirs]
        assert algorithm.framework.core.others == set()
        assert read(algorithm) == readers


def test_only_alphas_of_ours_are_asked_in_a_frame(algorithm: Any) -> None:
    asked: list[tuple[Any, Any]] = []

    def update(algorithm: Any, data: Any) -> list[str]:
        asked.append((algorithm, data))
        return ["an insight"]

    algorithm.models["alpha"][0].update = update
    algorithm.add_alpha(SimpleNamespace(update=None))  # LEAN asks it with each slice
    assert algorithm.frame_insights("slice") == ["an insight"]
    assert asked == [(algorithm, "slice")]
