"""What ``alo sweep`` does beside the room of sweeps: asks for one, keeps its folder, runs and repeats its trials."""
