"""Types of command line arguments."""

import argparse


def names(text: str) -> list[str]:
    """Split a list at its commas."""
    return [name for name in text.split(',') if name]


def positive(text: str) -> int:
    """Read a number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{value}: must be at least 1')
    return value
