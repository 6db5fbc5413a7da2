"""Learning how much of a signal to trade: what a policy sees, and the exported policy itself.

This page needs nothing but NumPy. The environment (:mod:`alo_lib.learning.environment`) and the training
(:mod:`alo_lib.learning.training`) need the packages of requirements/train.txt and are imported by their own names.
"""

from alo_lib.learning.errors import LearningError, MissingPackagesError, PolicyError
from alo_lib.learning.features import FEATURES, Feature, normalize, observe
from alo_lib.learning.policy import POLICY_VERSION, Layer, Policy

__all__ = [
    "FEATURES",
    "POLICY_VERSION",
    "Feature",
    "Layer",
    "LearningError",
    "MissingPackagesError",
    "Policy",
    "PolicyError",
    "normalize",
    "observe",
]
