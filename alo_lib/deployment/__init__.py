"""What runs a core elsewhere: systemd's units, containers, Kubernetes's objects, alerts; made of one settings file."""

from alo_lib.deployment.rendering import KINDS, render

__all__ = ["KINDS", "render"]
