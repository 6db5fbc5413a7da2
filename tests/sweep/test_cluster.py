"""What Ray raises and says as others are to see it, with a stand-in for Ray."""

import os
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.sweep.cluster import Cluster, _without_level_line


class _Interrupted(BaseException):
    """As a handler of signals raises it: no Exception."""


def _failed_wait(cause: BaseException, *, chained: bool) -> Any:
    """A Ray whose wait fails as its compiled part does when a handler has raised."""

    def wait(*_: Any, **__: Any) -> Any:
        try:
            raise cause
        except BaseException as error:
            if chained:
                raise SystemError("CoreWorker.wait returned a result with an exception set") from error
            raise SystemError("CoreWorker.wait returned a result with an exception set")  # noqa: B904

    def remote(**_: Any) -> Any:
        return lambda function: SimpleNamespace(remote=function)

    return SimpleNamespace(remote=remote, wait=wait)


@pytest.mark.parametrize("chained", [True, False])
def test_an_interruption_comes_out_of_a_wait_as_it_was_raised(chained: bool) -> None:
    raised = _Interrupted("by a signal")
    with pytest.raises(_Interrupted) as found:
        list(Cluster(_failed_wait(raised, chained=chained), 1, "here").done(abs, [1]))
    assert found.value is raised


def test_another_fault_of_ray_stays_what_it_is() -> None:
    with pytest.raises(SystemError, match="exception set"):
        list(Cluster(_failed_wait(ValueError("of Ray"), chained=True), 1, "here").done(abs, [1]))


def test_what_a_job_raises_is_raised_as_it_was() -> None:
    class RayTaskError(Exception):
        cause = ValueError("of the job")

    def get(_: Any) -> Any:
        raise RayTaskError

    exceptions = SimpleNamespace(RayTaskError=RayTaskError)
    ray = SimpleNamespace(
        remote=lambda **_: lambda function: SimpleNamespace(remote=function),
        wait=lambda references, **_: (references, []),
        get=get,
        exceptions=exceptions,
    )
    with pytest.raises(ValueError, match="of the job") as found:
        list(Cluster(ray, 1, "here").done(abs, [1]))
    assert isinstance(found.value.__cause__, RayTaskError)


def test_starting_ray_says_nothing_of_its_level_and_all_else(capfd: pytest.CaptureFixture[str]) -> None:
    with _without_level_line():
        os.write(2, b"[1 I] logging.cc:303: Set ray log level from environment variable RAY_BACKEND_LOG_LEVEL to 3\n")
        os.write(2, b"a warning\n")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "a warning\n"
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
