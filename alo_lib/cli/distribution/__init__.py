"""The wheel of this project."""
