"""The algorithms: they subscribe, wire models, and forward LEAN's events."""
