"""What is kept of the decisions of a host's models, and what of it counts when."""

import numpy as np

from alo_lib.records import Kind, OrderReason, Stage, records
from alo_lib.settings import Settings
from alo_lib.strategy.exits import end_trades
from alo_lib.strategy.external import External, ExternalInsight, ExternalTarget
from tests.brief import BRIEF
from tests.strategy.kit import CALLS, NOW, PUTS, SETTINGS, hold, state_of

PAIR = (CALLS[2], PUTS[2])


def insight(until: int, call: int = CALLS[2], put: int = PUTS[2]) -> ExternalInsight:
    return ExternalInsight(0, (call, put), (1, 1), -1, 0.05, until)


def test_a_stage_is_the_hosts_while_the_last_record_says_so() -> None:
    external = External()
    assert not any(map(external.decides, Stage))
    rows = records(Kind.EXTERNAL_STAGE, 2)
    rows["stage"], rows["external"] = (Stage.ALPHA, Stage.EXECUTION), (1, 1)
    external.assign(rows)
    assert [stage for stage in Stage if external.decides(stage)] == [Stage.ALPHA, Stage.EXECUTION]
    assert set(map(type, external.stages.values())) == {bool}  # which a snapshot asks for
    taken_back = rows[:1].copy()
    taken_back["external"] = 0
    external.assign(taken_back)
    assert [stage for stage in Stage if external.decides(stage)] == [Stage.EXECUTION]


def test_an_insight_backs_its_pair_until_it_ends() -> None:
    external = External(insights=[insight(NOW)])
    assert external.backs(PAIR, NOW - 1)
    assert not external.backs(PAIR, NOW)
    assert not external.backs((CALLS[2], PUTS[1]), NOW - 1)
    assert not External().backs(PAIR, NOW - 1)


def test_a_frame_forgets_ended_insights_and_earlier_targets_that_have_an_own_one() -> None:
    lasting = insight(NOW + 1)
    external = External(insights=[insight(NOW), lasting])
    external.targets = {
        1: ExternalTarget(5, past_risk=False, fresh=False),
        2: ExternalTarget(6, past_risk=False, fresh=True),
        3: ExternalTarget(7, past_risk=False, fresh=False),
    }
    external.forget([1, 2, 9], NOW)
    assert external.insights == [lasting]
    assert {number: target.quantity for number, target in external.targets.items()} == {2: 6, 3: 7}


def test_a_trade_that_an_insight_backs_is_not_ended_by_its_edge_but_by_anything_else() -> None:
    for until, holding, reason in (
        (NOW + 1, 30.0, None),
        (NOW, 30.0, OrderReason.EXIT_EDGE),
        (NOW + 1, 0.5, OrderReason.EXIT_TIME),
    ):
        state = state_of(volatility=0.3, forecast=0.35)  # sold too cheap: nothing is left to gain
        trade = hold(state)
        state.external.insights = [insight(until)]
        end_trades(state, Settings(**BRIEF | {"max_holding_days": holding}), NOW)
        assert trade.undone_by is reason


def test_every_trade_is_looked_at_though_an_insight_backs_an_earlier_one() -> None:
    state = state_of(volatility=0.3, forecast=0.35)
    backed, other = hold(state, strike=2), hold(state, strike=1)
    state.external.insights = [insight(NOW + 1)]
    end_trades(state, SETTINGS, NOW)
    assert (backed.undone_by, other.undone_by) == (None, OrderReason.EXIT_EDGE)


def test_the_legs_of_an_insight_belong_to_what_is_watched() -> None:
    state = state_of()
    state.external.insights = [
        insight(NOW + 1, CALLS[4], PUTS[4]),
        ExternalInsight(7, (98, 99), (1, 1), 1, np.nan, NOW + 1),
    ]
    hold(state, strike=2)
    assert state.legs(0) == sorted([*PAIR, CALLS[4], PUTS[4]])
