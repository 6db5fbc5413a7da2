"""What can go wrong between a signal and the policy that scales it."""

__all__ = ["LearningError", "MissingPackagesError", "PolicyError"]


class LearningError(ValueError):
    """A value that features, environment or training cannot use; the message is one sentence."""


class PolicyError(LearningError):
    """A policy file, or what a policy is asked about, is not what this version can act on."""


class MissingPackagesError(ImportError):
    """The packages that only training needs are not installed."""

    def __init__(self, missing: str | None) -> None:
        super().__init__(
            f"training needs {missing or 'packages'} of requirements/train.txt, which is not installed; "
            "run ./alo train, which installs them"
        )
