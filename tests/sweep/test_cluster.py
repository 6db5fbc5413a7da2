"""What a signal raises while Ray waits, with a stand-in for Ray."""

from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.sweep.cluster import Cluster


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
