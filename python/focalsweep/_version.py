"""Which focalsweep this package is of."""

PROGRAM = "0.2.0"
"""Version of the program that belongs to this package, as Cargo.toml has it."""

__version__ = PROGRAM.replace("-dev", ".dev0")
"""The same, as Python writes versions."""
