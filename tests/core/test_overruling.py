"""What models of the host decide: it counts at its stage, is journaled before, and is decided again by a replay."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from alo_lib.core import CoreState, FrameTask, TradingCore
from alo_lib.core.snapshot import pack, unpack
from alo_lib.executive import Cause, LifecycleError, Overrun, OverrunPolicy, RecordedWatch
from alo_lib.pricing import Chain
from alo_lib.records import YEAR, HostEvent, Kind, Message, OrderStatus, Records, Stage, leg_columns, records
from alo_lib.runtime import Continuation, Replayer, replay
from alo_lib.runtime.resumption import inputs_waiting
from tests.core.logical import inputs_of
from tests.core.script import FIRST, RATE, Script, at, closes, of_test, reasons
from tests.sampled import sampled

Hook = Callable[["Pipeline", int], None]
UNTIL = at(FIRST, 20)


class Pipeline(Script):
    """A script whose frames stop after tasks, as LEAN's framework makes them; hooks put in what its models decide."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hooks: dict[FrameTask, Hook] = {}

    def frames(self, time: int) -> list[Records]:
        sent, length = [], self.settings.frame_nanoseconds
        for frame in range(time + length, time + self.settings.frames_per_bar * length + 1, length):
            if self.core.open_frame(frame):
                for task in (FrameTask.SIGNAL, FrameTask.TARGET, FrameTask.LIMIT):
                    self.core.run_through(task)
                    self.hooks.get(task, lambda market, time: None)(self, frame)
                intents = self.core.run()
                sent.append(intents)
                for intent in intents:
                    self.answer(intent, frame)
        return sent

    def overrule(self, kind: Kind, time: int, **columns: object) -> None:
        self.core.overrule(Message(kind, time, records(kind, **columns)))

    def target(self, instrument: int, quantity: int, time: int, stage: Stage = Stage.RISK) -> None:
        self.overrule(Kind.EXTERNAL_TARGET, time, instrument=instrument, quantity=quantity, stage=stage)

    def leave(self, stage: Stage, external: bool = True) -> None:
        self.overrule(Kind.EXTERNAL_STAGE, at(self.date, 9), stage=stage, external=external)

    def insight(self, direction: int, time: int, magnitude: float = 0.05, until: int = UNTIL) -> None:
        """On the straddle at 100."""
        call, put = self.number(100.0, 1), self.number(100.0, -1)
        columns = {"direction": direction, "magnitude": magnitude, "until": until, **leg_columns((call, put), (1, 1))}
        self.overrule(Kind.EXTERNAL_INSIGHT, time, **columns)

    def number(self, strike: float, right: int) -> int:
        contract = next(c for c in self.chain() if (c.strike, c.right) == (strike, right))
        row = self.core.instruments.add_contracts("TEST", [contract])
        return int(row["instrument"][0])

    def options(self) -> dict[str, int]:
        return {symbol: quantity for symbol, quantity in self.held.items() if symbol != "TEST"}

    def legs(self) -> list[int]:
        return sorted({leg for trade in self.core.snapshot().state.strategy.trades for leg in trade.legs})

    def check_replay(self) -> None:
        again = replay(self.journal)
        assert again.divergence is None
        assert again.messages == len(self.journal.messages)


def pipeline(**settings: object) -> Pipeline:
    market = Pipeline(of_test(**settings))
    market.session()
    return market


def once(act: Callable[[Pipeline, int], None]) -> Hook:
    done: list[int] = []

    def hook(market: Pipeline, time: int) -> None:
        if not done:
            done.append(time)
            act(market, time)

    return hook


# Risk -----------------------------------------------------------------------------------------------------------------


def sell_all(market: Pipeline, time: int) -> None:
    """As LEAN's MaximumDrawdownPercentPortfolio: nothing of what was to be held."""
    for instrument in sorted(market.core.target_quantities):
        market.target(instrument, 0, time)


@pytest.mark.parametrize(("task", "within"), [(FrameTask.TARGET, 6), (FrameTask.LIMIT, 7)])
def test_targets_of_zero_end_trades_for_the_session(task: FrameTask, within: int) -> None:
    market = pipeline()
    market.bar(10, volatility=0.35)
    assert market.options()
    market.hooks = {task: once(sell_all)}
    sent = market.bar(11, volatility=0.35)
    assert set(reasons(sent[:1])) == {"EXTERNAL"}
    assert market.held == {}
    market.hooks = {}
    assert reasons(market.bar(12, volatility=0.35)) == []
    given = [m for m in market.journal.messages if m.kind is Kind.EXTERNAL_TARGET]
    assert {m.within for m in given} == {within}  # 1 + tasks that had run
    market.check_replay()


def test_a_proposal_whose_leg_is_not_to_be_held_is_dropped() -> None:
    market = pipeline(max_structures=1)
    plain = pipeline(max_structures=1)
    plain.bar(10, volatility=0.35)
    wanted = set(plain.options())
    numbers = [market.core.instruments.number(symbol) for symbol in sorted(wanted)]
    market.hooks = {FrameTask.TARGET: lambda market, time: market.target(numbers[0], 0, time, Stage.PORTFOLIO)}
    market.bar(10, volatility=0.35)
    assert not wanted & set(market.options())
    market.check_replay()


def test_a_capped_target_counts_in_its_frame_and_the_cores_own_after_it() -> None:
    market = pipeline(max_structures=1)
    capped: list[int] = []

    def cap(market: Pipeline, time: int) -> None:
        leg = min(market.core.target_quantities)
        capped.append(leg)
        market.target(leg, -2, time)

    market.hooks = {FrameTask.LIMIT: once(cap)}
    first, second, *_ = market.bar(10, volatility=0.35)
    (leg,) = capped
    quantities = {int(row["instrument"]): int(row["quantity"]) for row in first}
    (other,) = quantities.keys() - {leg}
    assert quantities[leg] == -2
    assert {int(row["instrument"]): int(row["quantity"]) for row in second}[leg] == quantities[other] + 2
    market.check_replay()


def test_a_target_beside_the_cores_own_stands_until_it_is_reached() -> None:
    market = pipeline()
    market.size = 4
    option = market.number(110.0, 1)
    volatility = forecast_of(market)
    market.target(option, 10, at(FIRST, 10))
    sizes = [
        int(row["quantity"])
        for hour in (10.1, 10.2, 10.3, 10.4)
        for intents in market.bar(hour, volatility=volatility)
        for row in intents
        if row["instrument"] == option
    ]
    assert sizes == [4, 4, 2]  # what each quote shows
    assert market.core.snapshot().state.strategy.external.targets == {}
    market.check_replay()


def forecast_of(market: Pipeline) -> float:
    market.bar(9.55, volatility=0.35)  # within the entry delay: only looked at
    return float(np.mean([row["volatility"] for row in market.decisions(Kind.FORECAST)[0]]))


def test_limits_of_the_core_hold_unless_others_alone_decide_risk() -> None:
    ours, theirs = (pipeline(max_vega=1e-6) for _ in range(2))
    theirs.leave(Stage.RISK)
    assert reasons(ours.bar(10, volatility=0.35)) == []
    assert "ENTRY" in reasons(theirs.bar(10, volatility=0.35))
    theirs.check_replay()


# Portfolio construction -----------------------------------------------------------------------------------------------


def constructed(quantity: int, **settings: object) -> tuple[Pipeline, int]:
    market = pipeline(**settings)
    market.leave(Stage.PORTFOLIO)
    market.size = 100_000
    option = market.number(100.0, 1)
    market.hooks = {FrameTask.TARGET: once(lambda market, time: market.target(option, quantity, time, Stage.PORTFOLIO))}
    return market, option


def test_another_portfolio_construction_decides_alone() -> None:
    market, option = constructed(7)
    sent = market.bar(10, volatility=0.35)
    assert [(int(row["instrument"]), int(row["quantity"])) for intents in sent for row in intents] == [(option, 7)]
    assert reasons(sent) == ["EXTERNAL"]  # neither trades nor hedges of the core's own
    market.check_replay()


@pytest.mark.parametrize("sign", [1, -1])
def test_its_targets_are_cut_to_the_limit_on_vega(sign: int) -> None:
    market, _ = constructed(sign * 50_000, max_margin=1.0, short_margin=0.0001)
    market.bar(10, volatility=0.35)
    (held,) = market.options().values()
    assert held * sign > 0
    forecast = market.decisions(Kind.FORECAST)[0][0]
    years = (int(forecast["expiry"]) - at(FIRST, 10) - market.settings.frame_nanoseconds) / YEAR
    one = Chain(np.array([100.0]), years, np.array([1.0])).greeks(100.0, RATE, 0.0, float(forecast["volatility"]))
    a_point = float(one.vega[0]) * 100 * 0.01 / 1_000_000
    assert abs(held) == math.floor(0.003 / a_point)
    assert market.decisions(Kind.TARGET)[0]["quantity"][0] == held
    market.check_replay()


def test_its_targets_are_cut_to_the_limit_on_margin() -> None:
    loose = {"max_stress_loss": 10, "max_gap_loss": 10, "max_delta": 100, "max_gamma": 100, "max_theta": 1}
    market, option = constructed(-50_000, max_vega=0.5, max_margin=0.1, **loose)
    market.bar(10, volatility=0.35)
    (held,) = market.options().values()
    quotes = [m.records for m in market.journal.messages if m.kind is Kind.QUOTE]
    (quote,) = quotes[0][quotes[0]["instrument"] == option]
    premium = 0.5 * (quote["bid"] + quote["ask"])
    assert held == -math.floor(0.1 * 1_000_000 / ((0.2 * 100.0 + premium) * 100))


def test_a_target_that_grows_is_reached_and_not_exceeded() -> None:
    market, option = constructed(7)
    market.bar(10, volatility=0.35)
    market.hooks = {FrameTask.TARGET: once(lambda market, time: market.target(option, 9, time, Stage.PORTFOLIO))}
    market.bar(11, volatility=0.35)
    assert list(market.options().values()) == [9]
    market.check_replay()


def test_a_halted_book_is_sold_whoever_constructed_it() -> None:
    market, _ = constructed(60, max_drawdown=0.01)
    market.bar(10, volatility=0.35)
    assert market.options()
    sent = market.bar(11, spot=97.0, volatility=0.20)
    assert reasons(sent) == ["EXIT_RISK"]
    assert market.held == {}
    market.check_replay()


def test_targets_that_a_halted_book_has_not_reached_are_not_traded_any_more() -> None:
    market, _ = constructed(60, max_drawdown=0.01)
    market.size = 30  # each quote shows half of it
    market.bar(10, volatility=0.35)
    assert list(market.options().values()) == [30]
    assert reasons(market.bar(11, spot=97.0, volatility=0.20)) == ["EXIT_RISK"]
    assert reasons(market.bar(12, spot=97.0, volatility=0.20)) == []
    assert market.held == {}
    market.check_replay()


def test_an_option_whose_vega_cannot_be_told_is_not_bought() -> None:
    market = Pipeline(of_test())
    market.session(new_closes=closes(20))  # too few for a forecast
    market.leave(Stage.PORTFOLIO)
    option = market.number(100.0, 1)
    market.hooks = {FrameTask.TARGET: once(lambda market, time: market.target(option, 60, time, Stage.PORTFOLIO))}
    assert reasons(market.bar(10)) == []
    assert market.core.snapshot().state.strategy.external.targets == {}  # cut to nothing
    market.check_replay()


def test_trades_are_let_go_when_somebody_else_takes_over() -> None:
    market = pipeline()
    market.bar(10, volatility=0.35)
    before = market.options()
    market.leave(Stage.PORTFOLIO)
    assert reasons(market.bar(11, volatility=0.15)) == []  # their edge is gone, which would have ended them
    assert market.options() == before
    market.leave(Stage.PORTFOLIO, external=False)
    assert "EXIT_EDGE" not in reasons(market.bar(12, volatility=0.15))
    market.check_replay()


# Alpha ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("magnitude", [0.05, math.nan])
def test_an_insight_is_traded_against_the_cores_own_view(magnitude: float) -> None:
    market = pipeline()
    market.leave(Stage.ALPHA)
    market.bar(10, volatility=0.35)
    assert market.held == {}  # volatility is dear, and nobody says so
    market.insight(+1, at(FIRST, 10.5), magnitude)
    sent = market.bar(11, volatility=0.35)
    assert reasons(sent[:1]) == ["ENTRY", "ENTRY"]
    assert set(market.options().values()) == {int(sent[0]["quantity"][0])}
    assert sent[0]["quantity"][0] > 0
    held = market.options()
    market.bar(12, volatility=0.35)  # the core's own edge is far below what ends a trade
    assert market.options() == held
    market.insight(0, at(FIRST, 12.5))
    assert set(reasons(market.bar(13, volatility=0.35)[:1])) == {"EXTERNAL"}
    assert market.options() == {}
    market.check_replay()


@pytest.mark.parametrize("policy", [OverrunPolicy.DEGRADE, OverrunPolicy.SKIP])
def test_a_frame_without_the_cores_signals_opens_nothing_on_an_insight(policy: OverrunPolicy) -> None:
    settings = of_test()
    frame = at(FIRST, 9.55) // settings.frame_nanoseconds + 1  # within the entry delay: ranked, and overrun
    overrun = Overrun(frame, "signal", Cause.WORK, policy, 9_000_000, 1_500_000)
    market = Pipeline(settings)
    market.core = TradingCore(settings, market.writer, watch=RecordedWatch([overrun], live=True))
    market.core.instruments.add_equity("TEST")
    market.session()
    market.leave(Stage.ALPHA)
    market.bar(9.55, volatility=0.35)
    market.insight(+1, at(FIRST, 9.6))
    assert [len(intents) for intents in market.bar(10, volatility=0.35)] == [0]
    assert reasons(market.bar(10.1, volatility=0.35)[:1]) == ["ENTRY", "ENTRY"]
    market.check_replay()


def test_an_insight_below_the_entry_edge_is_not_traded() -> None:
    market = pipeline()
    market.leave(Stage.ALPHA)
    market.bar(10, volatility=0.35)
    market.insight(+1, at(FIRST, 10.5), magnitude=0.0199)
    assert reasons(market.bar(11, volatility=0.35)) == []


def test_a_trade_lives_by_the_cores_own_edge_once_its_insight_has_ended() -> None:
    market = pipeline()
    market.leave(Stage.ALPHA)
    market.insight(+1, at(FIRST, 9.6), until=at(FIRST, 11.5))
    market.bar(10, volatility=0.35)
    assert market.options()
    assert reasons(market.bar(11, volatility=0.35)).count("EXIT_EDGE") == 0
    assert reasons(market.bar(12, volatility=0.35)[:1]) == ["EXIT_EDGE", "EXIT_EDGE"]


def test_an_insight_the_other_way_turns_the_trade() -> None:
    market = pipeline()
    market.leave(Stage.ALPHA)
    market.insight(+1, at(FIRST, 9.6))
    market.bar(10, volatility=0.35)
    market.insight(-1, at(FIRST, 10.5))
    market.bar(11, volatility=0.35)
    market.bar(12, volatility=0.35)
    assert len(market.options()) == 2
    assert all(quantity < 0 for quantity in market.options().values())
    market.check_replay()


# Execution ------------------------------------------------------------------------------------------------------------


def fill(market: Pipeline, hour: float, instrument: int, quantity: int) -> None:
    """An order of the host's own, at the bid."""
    price = market.quotes["bid"][market.quotes["instrument"] == instrument]
    row = records(Kind.ORDER_EVENT, instrument=instrument, quantity=quantity, status=OrderStatus.FILLED, price=price)
    market.tell(at(FIRST, hour), Kind.ORDER_EVENT, row)


def test_another_execution_model_fills_what_the_core_wants() -> None:
    market = pipeline(max_structures=1)
    market.leave(Stage.EXECUTION)
    assert reasons(market.bar(10, volatility=0.35)) == []
    wanted = market.core.target_quantities
    assert len(wanted) == 2
    assert max(wanted.values()) < -1
    for instrument, quantity in wanted.items():
        fill(market, 10.1, instrument, quantity + 1)
        fill(market, 10.1, instrument, -1)
    assert market.bar(10.2, volatility=0.35)
    assert {i: market.core.target_quantities[i] for i in wanted} == wanted  # the trade stands
    assert not market.notices()
    leg, quantity = next(iter(wanted.items()))
    fill(market, 10.3, leg, -quantity)  # an assignment
    market.bar(10.4, volatility=0.35)
    assert {i: market.core.target_quantities[i] for i in wanted} == dict.fromkeys(wanted, 0)
    assert market.notices() == ["TEST: was traded by the engine itself; its trade is undone"]
    market.check_replay()


# Within frames, and between them --------------------------------------------------------------------------------------


def test_an_input_of_one_place_of_a_frame_is_not_taken_at_another() -> None:
    market = pipeline()
    row = records(Kind.EXTERNAL_TARGET, instrument=0, within=7)
    market.core.accept(Message(Kind.EXTERNAL_TARGET, at(FIRST, 10), row))
    *_, last = market.journal.messages
    assert not any(message.kind.is_external for message in market.journal.messages)
    assert last.records["event"].tolist() == [HostEvent.REFUSED]
    with pytest.raises(LifecycleError, match="the place 7 of a frame"):
        market.core.admit_recorded(Message(Kind.EXTERNAL_TARGET, at(FIRST, 10), row))


def test_what_was_put_in_within_a_frame_is_no_input_of_a_later_one() -> None:
    market = pipeline()
    market.bar(10, volatility=0.35)
    market.hooks = {FrameTask.LIMIT: once(sell_all)}
    market.bar(11, volatility=0.35)
    messages = market.journal.messages
    place = next(i for i, m in enumerate(messages) if m.kind is Kind.EXTERNAL_TARGET)
    assert not any(m.kind is Kind.EXTERNAL_TARGET for m in inputs_waiting(messages, place + 1))
    with pytest.raises(ValueError, match="EXTERNAL_TARGET was put in within a frame"):
        list(inputs_of(messages))


def test_a_frame_without_news_takes_nothing_in() -> None:
    market = pipeline()
    market.bar(10, volatility=0.35)
    assert market.core.open_frame(at(FIRST, 11), skip_empty=False)
    market.target(0, 5, at(FIRST, 11))
    assert not len(market.core.run())
    (message,) = [m for m in market.journal.messages if m.kind is Kind.EXTERNAL_TARGET]
    assert message.within == 0
    assert market.core.open_frame(at(FIRST, 11) + market.settings.frame_nanoseconds)
    market.core.run()
    market.check_replay()


@pytest.mark.parametrize("seed", sampled(range(20), every=3))
def test_a_replay_decides_the_same_whatever_came_from_outside(seed: int) -> None:
    random = np.random.default_rng(seed)
    market = pipeline(entry_delay=0)

    def meddle(market: Pipeline, time: int) -> None:
        if random.random() < 0.3:
            stage = Stage(int(random.choice([Stage.PORTFOLIO, Stage.RISK])))
            market.target(int(random.integers(0, 15)), int(random.integers(-8, 9)), time, stage)

    for task in (FrameTask.SIGNAL, FrameTask.TARGET, FrameTask.LIMIT):
        market.hooks[task] = meddle
    hours = np.sort(random.choice(np.arange(9.6, 15.9, 0.1), 8, replace=False))
    snapshots: list[tuple[int, bytes]] = []
    for hour in hours:
        if random.random() < 0.3:
            market.insight(int(random.integers(-1, 2)), at(FIRST, float(hour)) - 1)
        if random.random() < 0.2:
            market.leave(Stage(int(random.integers(1, 5))), external=bool(random.integers(0, 2)))
        market.bar(float(hour), spot=round(100 * float(np.exp(random.normal(0, 0.01))), 2), volatility=0.35)
        meddle(market, at(FIRST, float(hour)) + 10**9)
        snapshots.append((len(market.journal.messages), pack(market.core.snapshot())))
    market.check_replay()
    journal = market.journal
    start, state = snapshots[3]
    core = TradingCore(market.settings, Continuation(()))
    core.resume(unpack(CoreState, state, settings=market.settings), inputs_waiting(journal.messages, start))
    replayer = Replayer(journal, core=core, start=start)
    assert sum(1 for _ in replayer.frames()) > 3
    assert replayer.continuation.at_end
