"""The models of LEAN's framework: how far each runs the core's frame, what it is given and what it gives."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.core import FrameTask
from alo_lib.records import Kind, OrderReason, Stage, leg_columns, records
from alo_lib.runtime.terms import Terms
from alo_lib.settings import Settings
from tests.models.kit import Algorithm, equity, option

ONE = equity("ONE")
CALL, PUT = option(ONE, 0), option(ONE, 1)
SYMBOLS = {0: ONE, 2: PUT, 3: CALL}


class Lock:
    """Knows whether it is held, by one thread as often as that wants."""

    def __init__(self) -> None:
        self.held = 0

    def __enter__(self) -> None:
        self.held += 1

    def __exit__(self, *error: object) -> None:
        self.held -= 1


class Core:
    """Tells how far its frame was run. Who looks at it without the lock might see a frame of another thread's."""

    def __init__(self, steps: list[Any], in_frame: bool, lock: Lock) -> None:
        self.settings, self._steps = Settings(entry_edge=0.02, vega_budget=0.001), steps
        self._in_frame, self._lock = in_frame, lock
        self.signals = records(Kind.SIGNAL, 0)
        self.targets, self.limited = records(Kind.TARGET, 1), records(Kind.TARGET, 2)
        self.intents = records(Kind.INTENT, 2)
        self.intents["instrument"], self.intents["quantity"], self.intents["order"] = (3, 0), (-5, 40), (11, 12)
        self.intents["reason"] = OrderReason.ENTRY, OrderReason.HEDGE
        self.amendments = records(Kind.AMENDMENT, 0)

    @property
    def in_frame(self) -> bool:
        assert self._lock.held
        return self._in_frame

    def run_through(self, task: FrameTask) -> None:
        assert self._lock.held
        self._steps.append(task)

    def close_frame(self) -> None:
        assert self._lock.held
        self._in_frame = False
        self._steps.append("closed")

    def run(self) -> Any:
        self.close_frame()
        return self.intents


class Framework:
    """Keeps, with the core's steps, when something was taken."""

    def __init__(self, in_frame: bool) -> None:
        self.steps: list[Any] = []
        self.one_at_a_time = Lock()
        self.core = Core(self.steps, in_frame, self.one_at_a_time)
        self.marshal = SimpleNamespace(symbol=SYMBOLS.__getitem__, terms=Terms())
        self.insights_read = self.targets_read = False

    def take_insights(self, algorithm: Any, insights: Any) -> None:
        self.steps.append(insights)

    def take_targets(self, algorithm: Any, stage: Stage, targets: Any) -> None:
        self.steps.append((stage, targets))

    def orders(self) -> Any:
        return self.core.run()

    def begin_execution(self, algorithm: Any, targets: Any) -> bool:
        if self.core.in_frame:
            self.core.run_through(FrameTask.LIMIT)
        self.take_targets(algorithm, Stage.RISK, targets)
        return self.core.in_frame

    def targets(self, rows: Any) -> str:
        return f"{len(rows)} targets"


def test_portfolio_construction_takes_insights_and_gives_targets_to_who_reads_them(lean: Any) -> None:
    made = import_module("models.portfolio_construction_model").VegaBudgetPortfolioConstructionModel
    for in_frame, read, steps, given in (
        (False, True, [["i"]], []),
        (True, False, [["i"], FrameTask.TARGET], []),
        (True, True, [["i"], FrameTask.TARGET], "1 targets"),
    ):
        framework = Framework(in_frame)
        framework.targets_read = read
        assert made(framework).create_targets(Algorithm(), ["i"]) == given
        assert framework.steps == steps


@pytest.mark.parametrize(
    ("in_frame", "read", "targets", "given"),
    [
        (False, True, ["t"], []),
        (True, False, [], []),
        (True, True, [], "2 targets"),
        (True, False, ["t"], "2 targets"),
    ],
)
def test_risk_takes_targets_before_it_limits_them(
    lean: Any, in_frame: bool, read: bool, targets: Any, given: Any
) -> None:
    framework = Framework(in_frame)
    framework.targets_read = read
    model = import_module("models.risk_management_model").GreeksRiskManagementModel(framework)
    assert model.manage_risk(Algorithm(), targets) == given
    taken = (Stage.PORTFOLIO, targets)
    assert framework.steps == ([FrameTask.TARGET, taken, FrameTask.LIMIT] if in_frame else [taken])


@pytest.mark.parametrize("live", [False, True])
def test_execution_sends_each_intent_once_with_its_tag(lean: Any, live: bool) -> None:
    sent: list[Any] = []
    algorithm = Algorithm(live_mode=live, market_order=lambda *given: sent.append(given))
    framework = Framework(in_frame=True)
    model = import_module("models.execution_model").TouchExecutionModel(framework)
    model.execute(algorithm, ["t"])
    assert framework.steps == [FrameTask.LIMIT, (Stage.RISK, ["t"]), "closed"]
    tags = [f"{reason.tag} #{order}" for reason, order in ((OrderReason.ENTRY, 11), (OrderReason.HEDGE, 12))]
    assert sent == [(CALL, -5, live, tags[0]), (ONE, 40, live, tags[1])]
    model.execute(algorithm, ["u"])  # between frames
    assert framework.steps[3:] == [(Stage.RISK, ["u"])]
    assert len(sent) == 2


def test_another_execution_model_trades_once_the_cores_frame_is_over(lean: Any) -> None:
    framework, told = Framework(in_frame=True), []
    other = SimpleNamespace(
        execute=lambda algorithm, targets: framework.steps.append(targets),
        on_securities_changed=lambda *given: told.append(given),
        on_order_event=lambda *given: told.append(given),
    )
    model = import_module("models.external_execution_model").ExternalExecutionModel(framework, other)
    model.execute("algorithm", ["t"])
    model.execute("algorithm", ["u"])
    assert framework.steps == [FrameTask.LIMIT, (Stage.RISK, ["t"]), "closed", ["t"], (Stage.RISK, ["u"]), ["u"]]
    model.on_securities_changed("algorithm", "changes")
    model.on_order_event("algorithm", "event")
    assert told == [("algorithm", "changes"), ("algorithm", "event")]


def test_insights_are_made_once_a_session_for_who_reads_them(lean: Any) -> None:
    lean.Insight = lambda *given: given
    lean.Insight.group = lambda insights: insights
    framework = Framework(in_frame=True)
    core = framework.core
    core.signals = records(
        Kind.SIGNAL, 2, **leg_columns((3, 2), (1, 1)), vega=400.0, forecast_volatility=0.2, implied_volatility=0.3
    )
    core.signals["edge_volatility"], core.signals["direction"] = (0.05, 0.019), -1
    algorithm = Algorithm(securities={CALL: SimpleNamespace(price=2.0), PUT: SimpleNamespace(price=3.0)})
    model = import_module("models.alpha_model").VolatilityAlphaModel(framework)
    assert model.update(algorithm, None) == []  # nobody reads them
    framework.insights_read = True
    call, put = model.update(algorithm, None)  # the second signal's edge does not suffice
    assert framework.steps == [FrameTask.SIGNAL, FrameTask.SIGNAL]
    kind, down = lean.InsightType.VOLATILITY, lean.InsightDirection.DOWN
    # 0.1 % of equity for a point of volatility is 0.1 of it for 1.00: 0.1 / 400 structures, each of 100 shares.
    assert call[2:] == (kind, down, 0.05, pytest.approx(0.5), "alo", pytest.approx(0.1 / 400 * 2.0 * 100))
    assert put[2:] == (kind, down, 0.05, pytest.approx(0.5), "alo", pytest.approx(0.1 / 400 * 3.0 * 100))
    assert (call[0], put[0], call[1].days) == (CALL, PUT, 1)
    assert model.update(algorithm, None) == []
    core.signals["direction"] = 1
    assert [insight[3] for insight in model.update(algorithm, None)] == [lean.InsightDirection.UP] * 2
    algorithm.time = algorithm.time.replace(day=5)
    assert len(model.update(algorithm, None)) == 2
    core.signals["implied_volatility"] = 0.2  # no difference: no confidence
    core.signals["direction"] = -1
    assert [insight[5] for insight in model.update(algorithm, None)] == [0.0, 0.0]
    with framework.one_at_a_time:
        core.close_frame()
    assert model.update(algorithm, None) == []
