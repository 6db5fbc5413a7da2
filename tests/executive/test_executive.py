from collections.abc import Callable

import pytest

from alo_lib.executive import (
    Cause,
    CyclicExecutive,
    Form,
    Frame,
    LifecycleError,
    MinorFrame,
    Overrun,
    OverrunError,
    OverrunPolicy,
    Phase,
    RecordedWatch,
    Schedule,
    ScheduleError,
    SlotTrace,
    Task,
    TaskPlan,
)

LENGTH = 10
MINOR_FRAMES = {
    "publish": MinorFrame.PUBLISH,
    "signal": MinorFrame.STRATEGY,
    "target": MinorFrame.STRATEGY,
    "ingest": MinorFrame.INGEST,
}


def never(frame: Frame, overrun: Overrun) -> None:
    raise AssertionError(overrun)


ORDER = ["ingest", "signal", "target", "publish"]


def schedule(
    trace: list[str], failing: str | None = None, policies: dict[str, OverrunPolicy] | None = None
) -> Schedule:
    def step(name: str, form: str = "") -> Callable[[Frame], None]:
        def run(frame: Frame) -> None:
            if name == failing:
                raise ArithmeticError(name)
            trace.append(f"{form}{name}@{frame.time}")

        return run

    tasks = []
    for name, minor in MINOR_FRAMES.items():
        policy = (policies or {}).get(name, OverrunPolicy.FINISH)
        degraded = step(name, "degraded ") if policy is OverrunPolicy.DEGRADE else None
        tasks.append(Task(TaskPlan(name, minor, 2, on_overrun=policy), step(name), degraded))
    return Schedule(tasks, frame_length=LENGTH)


def test_tasks_run_by_minor_frame_then_as_given() -> None:
    assert [task.name for task in schedule([]).tasks] == ORDER


def test_stages_and_whole_frames_run_the_same_tasks() -> None:
    staged: list[str] = []
    whole: list[str] = []
    one, two = CyclicExecutive(schedule(staged), on_overrun=never), CyclicExecutive(schedule(whole), on_overrun=never)
    for time in (10, 25):
        one.open(time)
        one.run_through("signal")
        one.run_through("signal")
        one.run_through("target")
        one.close()
        two.open(time)
        two.close()
    assert staged == whole == [f"{name}@{time}" for time in (10, 25) for name in ORDER]
    assert one.frame == Frame(2, 25)
    assert one.trace.digest == two.trace.digest
    assert one.trace.slots == 8


def test_slower_tasks_run_in_their_own_frames() -> None:
    trace: list[str] = []
    tasks = [
        Task(TaskPlan(name, minor, 2, period, offset), lambda frame, name=name: trace.append(f"{name}{frame.number}"))  # type: ignore[misc]
        for name, minor, period, offset in (
            ("each", MinorFrame.PUBLISH, 1, 0),
            ("third", MinorFrame.INGEST, 3, 1),
        )
    ]
    executive = CyclicExecutive(Schedule(tasks, frame_length=LENGTH), on_overrun=never)
    for number in range(1, 6):
        executive.open(number * LENGTH)
        executive.close()
    assert trace == ["third1", "each1", "each2", "each3", "third4", "each4", "each5"]


def test_an_unknown_task_is_named() -> None:
    executive = CyclicExecutive(schedule([]), on_overrun=never)
    executive.open(1)
    with pytest.raises(ScheduleError, match="task 'hedge' is not in the schedule; its tasks are ingest, signal"):
        executive.run_through("hedge")


STEPS = ["open", "run_through", "close", "stop"]
LEGAL = {
    Phase.IDLE: {"open": Phase.IN_FRAME, "stop": Phase.STOPPED},
    Phase.IN_FRAME: {"run_through": Phase.IN_FRAME, "close": Phase.IDLE},
    Phase.STOPPED: {},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("phase", list(Phase))
def test_every_edge_of_the_lifecycle(phase: Phase, step: str) -> None:
    executive = CyclicExecutive(schedule([]), on_overrun=never)
    if phase is Phase.IN_FRAME:
        executive.open(1)
    if phase is Phase.STOPPED:
        executive.stop()
    arguments = {"open": (2,), "run_through": ("ingest",)}.get(step, ())
    after = LEGAL[phase].get(step)
    if after is None:
        with pytest.raises(LifecycleError):
            getattr(executive, step)(*arguments)
        assert executive.phase is phase
    else:
        getattr(executive, step)(*arguments)
        assert executive.phase is after


def test_a_failing_task_stops_for_good() -> None:
    trace: list[str] = []
    executive = CyclicExecutive(schedule(trace, failing="target"), on_overrun=never)
    executive.open(1)
    with pytest.raises(ArithmeticError):
        executive.close()
    assert trace == ["ingest@1", "signal@1"]
    assert executive.phase is Phase.STOPPED
    with pytest.raises(LifecycleError, match="cannot open: it is stopped"):
        executive.open(2)


def test_time_runs_forward() -> None:
    executive = CyclicExecutive(schedule([]), on_overrun=never)
    executive.open(5)
    executive.close()
    with pytest.raises(ValueError, match="frame time 5 is not after the last frame's 5"):
        executive.open(5)


# Overruns


def overrunning(policy: OverrunPolicy) -> tuple[CyclicExecutive, list[str]]:
    """An executive whose signal overruns in frame 1."""
    trace: list[str] = []
    overrun = Overrun(1, "signal", Cause.WORK, policy, 3_000_000, 2_000_000)
    executive = CyclicExecutive(
        schedule(trace, policies={"signal": policy}),
        watch=RecordedWatch([overrun], live=True),
        on_overrun=lambda frame, found: trace.append(f"told {found.task} {found.policy.name} in {frame.number}"),
    )
    return executive, trace


def frame(executive: CyclicExecutive, number: int) -> None:
    executive.open(number * LENGTH)
    executive.close()


@pytest.mark.parametrize(
    ("policy", "next_signal", "form"),
    [
        (OverrunPolicy.FINISH, ["signal@20"], Form.RUN),
        (OverrunPolicy.SKIP, [], Form.SKIPPED),
        (OverrunPolicy.DEGRADE, ["degraded signal@20"], Form.DEGRADED),
    ],
)
def test_an_overrun_is_told_at_once_and_its_policy_holds_at_the_next_release(
    policy: OverrunPolicy, next_signal: list[str], form: Form
) -> None:
    executive, trace = overrunning(policy)
    for number in (1, 2, 3):
        frame(executive, number)
    first = ["ingest@10", "signal@10", f"told signal {policy.name} in 1", "target@10", "publish@10"]
    second = ["ingest@20", *next_signal, "target@20", "publish@20"]
    assert trace == first + second + [f"{name}@30" for name in ORDER]
    expected = SlotTrace()
    for number in (1, 2, 3):
        for place in range(4):
            expected.add(number, place, form if (number, place) == (2, 1) else Form.RUN)
    assert executive.trace.digest == expected.digest


def test_an_overrun_may_stop_the_executive() -> None:
    executive, trace = overrunning(OverrunPolicy.STOP)
    executive.open(10)
    with pytest.raises(OverrunError, match=r"task 'signal' took 3.000 ms of its 2.000 ms in frame 1 \(its own work\)"):
        executive.close()
    assert trace == ["ingest@10", "signal@10", "told signal STOP in 1"]
    assert executive.phase is Phase.STOPPED


def test_a_task_degrades_if_and_only_if_it_has_a_form_for_it() -> None:
    degrading = TaskPlan("signal", MinorFrame.STRATEGY, 1, on_overrun=OverrunPolicy.DEGRADE)
    with pytest.raises(ScheduleError, match="task 'signal' needs a degraded form if, and only if"):
        Task(degrading, lambda frame: None)
    with pytest.raises(ScheduleError, match="task 'signal' needs a degraded form if, and only if"):
        Task(TaskPlan("signal", MinorFrame.STRATEGY, 1), lambda frame: None, lambda frame: None)
