"""What a learned hedging policy leaves beside the tuned rules: `python -m benchmarks.learning POLICY...`.

CVaR at 95 % of what a month of short options loses, costs included, in $ for a share's worth of one structure on a spot
of 100. Opponents are Whalley and Wilmott's band and the band of least variance, each tuned for the very market,
position and cost (of the latter stickiness, too). All are judged on the same fresh paths, in whole shares. Several
policies are those of several training seeds: intervals are over paths and seeds. Heston is what policies learn in;
Bates, rough Bergomi and GJR-GARCH, whose shocks are drawn from the S&P 500's days, they have never seen, and there the
band as it was tuned in Heston is shown as well.

Where pfhedge is installed (`pip install pfhedge`, beside requirements/train.txt), short calls in Heston have its
Whalley-Wilmott band and its no-transaction-band network beside them, on the first of the same paths. `--regimes` judges
no policy: it trains with the chance of a regime as a feature and without.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from arch.data import sp500

from alo_lib.learning.carry import NO_CARRY
from alo_lib.learning.garch_markets import GjrBootstrap
from alo_lib.learning.markets import Heston, Market
from alo_lib.learning.positions import Costs
from alo_lib.learning.rough_bergomi import RoughBergomi
from alo_lib.learning.scenarios import AMERICAN, BATES, Scenario, smiles_of
from alo_lib.learning.smile import Smile
from alo_lib.learning.verdict import Comparison, Verdict, judge, tuned_in
from alo_lib.runtime.policy_file import load_policy
from alo_lib.strategy.hedging_policy import HedgingPolicy, PolicyError
from alo_lib.volatility import DailyHistory, GjrGarch
from benchmarks.harness import Row, best_times, options_of, report

__all__ = ["main"]

COSTS: Final = (Costs(0.0005), Costs(0.0020))
COMPARED: Final = ("short straddle", "short iron condor", "short call")
MOST_WORSE: Final = 0.02


def bootstrapped() -> GjrBootstrap:
    """GJR-GARCH fitted to the S&P 500's days, whose residuals are its shocks, at a long-run volatility of 20 %."""
    closes = sp500.load()["Adj Close"].to_numpy(dtype=np.float64)
    history = DailyHistory.from_returns(np.diff(np.log(closes)))
    model = GjrGarch.fit(history)
    shocks = model.filter(history).standardized_residuals
    shocks = (shocks - np.mean(shocks)) / np.std(shocks)
    p = model.parameters
    return GjrBootstrap(tuple(shocks.tolist()), alpha=p.alpha, gamma=p.gamma, beta=p.beta)


MARKETS: Final[dict[str, Callable[[], Market]]] = {
    "heston": Heston,
    "bates": lambda: BATES,
    "rough_bergomi": RoughBergomi,
    "gjr_garch": bootstrapped,
}


def _rows(verdict: Verdict) -> Iterator[Row]:
    what = verdict.scenario.name
    yield Row(f"{what}: CVaR 95 % by the policy", verdict.cvar, "$")
    compared: dict[str, Comparison[Any]] = {
        "whalley_wilmott": verdict.whalley_wilmott,
        "minimum_variance": verdict.minimum_variance,
    }
    if verdict.carried is not None:
        compared["minimum_variance as tuned in Heston"] = verdict.carried
    for name, against in compared.items():
        yield Row(f"{what}: CVaR 95 % by {name}", against.cvar, "$")
        yield Row(f"{what}: less than {name}", against.less, "$")
        yield Row(f"{what}: from", against.low, "$")
        yield Row(f"{what}: to", against.high, "$")


class Sizes(NamedTuple):
    """Paths of each kind."""

    judged: int
    tuning: int
    smiles: int


def _measured(policies: Sequence[HedgingPolicy], asked: Sequence[str], sizes: Sizes, *, quick: bool) -> Iterator[Row]:
    scenarios = [
        Scenario(MARKETS[name](), position, costs)
        for name in asked
        if name in MARKETS
        for position in COMPARED
        for costs in COSTS
    ]
    in_heston = [Scenario(Heston(), each.position, each.costs) for each in scenarios]
    if "american" in asked:  # which are judged beside the rules as they are tuned there, and nothing is asked of them
        scenarios, in_heston = [*scenarios, *AMERICAN], [*in_heston, *AMERICAN]
    smiles = smiles_of([*scenarios, *in_heston], sizes.smiles)
    for scenario, home in zip(scenarios, in_heston, strict=True):
        began = time.perf_counter()
        learned_in = scenario.market == home.market
        carried = None if learned_in else tuned_in(home, smiles[home.market.name], sizes.tuning)
        verdict = judge(policies, scenario, smiles[scenario.market.name], sizes.judged, sizes.tuning, carried=carried)
        speed = sizes.judged * (len(policies) + 2) / (time.perf_counter() - began)
        yield from _rows(verdict)
        what, better = f"{scenario.name}: ", verdict.minimum_variance.less / verdict.minimum_variance.cvar
        if scenario in AMERICAN:
            yield Row(what + "better than minimum_variance", 100.0 * better, "%")
        elif learned_in:
            yield Row(what + "better than the tuned rules", 100.0 * better, "%", None, "above 0", verdict.wins)
        else:
            worse, most = 100.0 * verdict.worse, f"at most {MOST_WORSE:.0%}"
            holds = verdict.worse <= MOST_WORSE
            yield Row(what + "worse than the better rule, at most", worse, "%", None, most, holds)
        yield Row(what + "paths hedged", speed, "a second")
    plain = [each for each in scenarios if each.carry == NO_CARRY]
    yield from _peer_rows(plain, smiles, sizes.judged, quick=quick)
    yield _decision_row(policies[0], in_heston[0], smiles[in_heston[0].market.name])


def _peer_rows(
    scenarios: Sequence[Scenario], smiles: Mapping[str, Smile], judged: int, *, quick: bool
) -> Iterator[Row]:
    """pfhedge's, of short calls in Heston; where it is not installed, a sentence that says so."""
    calls = [each for each in scenarios if each.position == "short call" and each.market == Heston()]
    if not calls:
        return
    try:
        from benchmarks.pfhedge_peer import PeerSizes, peer_rows
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pfhedge", "torch"):
            raise
        print(f"{error.name} is not installed, so that pfhedge's baseline is not beside the others.", file=sys.stderr)
        return
    for each in calls:
        yield from peer_rows(each, smiles[each.market.name], judged, PeerSizes.quick() if quick else PeerSizes())


def _decision_row(policy: HedgingPolicy, scenario: Scenario, smile: Smile) -> Row:
    position = scenario.book(smile, 100, 1).costing(scenario.costs)
    band = policy.base.band(position)
    size = np.size(band.centre)
    spent = best_times([lambda: policy.adjustment(position, band)], 5)[0] / size * 1e6
    return Row("a decision", spent, "us", None, "at most 2", spent <= 2.0)


def _regimes(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """What a feature of regimes is worth; no policy is asked for."""
    from benchmarks.regime_feature import RegimeSizes, regime_rows

    if options.policies:
        parser.error("--regimes trains its own policies; name none")
    if options.paths or options.markets != parser.get_default("markets"):
        parser.error("--regimes has a market and paths of its own; leave out --markets and --paths")
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        parser.error("--regimes trains, and torch of requirements/train.txt is not installed")
    sizes = RegimeSizes(3, 5, 300, 400) if options.quick else RegimeSizes()
    return report(regime_rows(sizes), as_json=options.json)


def main() -> int:
    """Command line."""
    parser = options_of(__doc__)
    parser.add_argument("policies", type=Path, nargs="*", help="files that alo train wrote, one a training seed")
    parser.add_argument("--paths", type=int, default=0, help="fresh paths a scenario (default: 100,000, quick 2,000)")
    told = "those that are judged; american: options at rates and dividends, exercised early"
    parser.add_argument("--markets", nargs="+", choices=[*MARKETS, "american"], default=list(MARKETS), help=told)
    parser.add_argument("--regimes", action="store_true", help="train with the chance of a regime and without")
    options = parser.parse_args()
    if options.regimes:
        return _regimes(parser, options)
    if not options.policies:
        parser.error("name at least one policy, or --regimes")
    if options.paths < 0:
        parser.error(f"--paths is {options.paths}; allowed: 1 or more")
    sizes = Sizes(2_000, 1_000, 2_000) if options.quick else Sizes(100_000, 10_000, 20_000)
    try:
        policies = [load_policy(path) for path in options.policies]
    except PolicyError as error:
        parser.error(str(error))
    sizes = sizes._replace(judged=options.paths or sizes.judged)
    return report(_measured(policies, options.markets, sizes, quick=options.quick), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
