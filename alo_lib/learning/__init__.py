"""Learning to hedge: markets to learn in, what a rule or a policy leaves on them, training and its judgement.

All of it needs NumPy and SciPy alone, but for the training itself: :mod:`alo_lib.learning.training` needs PyTorch, of
requirements/train.txt, and is imported by its own name.
"""

from alo_lib.learning.errors import LearningError, MissingPackagesError

__all__ = ["LearningError", "MissingPackagesError"]
