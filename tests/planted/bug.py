"""What a planted bug is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """
    What goes wrong, where, how, and who should notice.

    Attributes
    ----------
    name
        What goes wrong, in words.
    file
        File of the package.
    right, wrong
        Text that occurs once in the file, and what replaces it.
    tests
        Test files, or tests in them, that should fail; the likeliest first.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: str
