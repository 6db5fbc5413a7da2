"""The commands: their options and help. What takes long to import is imported when a command runs."""
