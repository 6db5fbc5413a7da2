"""What can go wrong in learning."""

__all__ = ["LearningError", "MissingPackagesError"]


class LearningError(ValueError):
    """A value that a market, a training or its checkpoint cannot use; the message is one sentence."""


class MissingPackagesError(ImportError):
    """The packages that only training needs are not installed."""

    def __init__(self, missing: str | None) -> None:
        super().__init__(
            f"training needs {missing or 'packages'} of requirements/train.txt, which is not installed; "
            "run ./alo train, which installs them"
        )
