"""One module for each format that people have option data in, and the formats by name."""
