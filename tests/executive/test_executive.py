import pytest

from alo_lib.executive import CyclicExecutive, Frame, LifecycleError, MinorFrame, Phase, Schedule, ScheduleError, Task


def schedule(trace: list[str], failing: str | None = None) -> Schedule:
    def task(name: str, minor: MinorFrame) -> Task:
        def run(frame: Frame) -> None:
            if name == failing:
                raise ArithmeticError(name)
            trace.append(f"{name}@{frame.time}")

        return Task(name, minor, run)

    return Schedule(
        [
            task("publish", MinorFrame.PUBLISH),
            task("signal", MinorFrame.STRATEGY),
            task("target", MinorFrame.STRATEGY),
            task("ingest", MinorFrame.INGEST),
        ]
    )


ORDER = ["ingest", "signal", "target", "publish"]


def test_tasks_run_by_minor_frame_then_as_given() -> None:
    assert [task.name for task in schedule([]).tasks] == ORDER


def test_stages_and_whole_frames_run_the_same_tasks() -> None:
    staged: list[str] = []
    whole: list[str] = []
    one, two = CyclicExecutive(schedule(staged), frame_length=10), CyclicExecutive(schedule(whole), frame_length=10)
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


def test_a_task_may_stand_once() -> None:
    task = schedule([]).tasks[0]
    with pytest.raises(ScheduleError, match="task 'ingest' is in the schedule 2 times"):
        Schedule([task, task])


def test_an_unknown_task_is_named() -> None:
    executive = CyclicExecutive(schedule([]), frame_length=10)
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
    executive = CyclicExecutive(schedule([]), frame_length=10)
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
    executive = CyclicExecutive(schedule(trace, failing="target"), frame_length=10)
    executive.open(1)
    with pytest.raises(ArithmeticError):
        executive.close()
    assert trace == ["ingest@1", "signal@1"]
    assert executive.phase is Phase.STOPPED
    with pytest.raises(LifecycleError, match="cannot open: it is stopped"):
        executive.open(2)


def test_time_runs_forward() -> None:
    executive = CyclicExecutive(schedule([]), frame_length=10)
    executive.open(5)
    executive.close()
    with pytest.raises(ValueError, match="frame time 5 is not after the last frame's 5"):
        executive.open(5)
    with pytest.raises(ValueError, match="frame_length 0 must be above 0"):
        CyclicExecutive(schedule([]), frame_length=0)
