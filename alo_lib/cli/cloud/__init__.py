"""QuantConnect's cloud: a program in as few and as small files as a tier lets a project have."""
