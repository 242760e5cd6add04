"""How long and how hard to search, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from siting.classical.faults import refuse, refuse_options

__all__ = ["Effort", "Progress"]

EVERY_S = 0.1
Progress = Callable[[str, float | None, float], None]
"""Called with the model, its gap so far (None: not known yet) and the seconds left."""


@dataclass(frozen=True)
class Effort:
    """
    What one model may cost, and who wants to know how it goes.

    Attributes
    ----------
    model
        Name of the model.
    begun, end
        Seconds on the monotonic clock.
    gap
        Gap at which to stop.
    threads, seed
        For the solver.
    progress
        Told now and then; None: no one.
    told
        When it was last told.
    """

    model: str
    begun: float
    end: float
    gap: float
    threads: int
    seed: int
    progress: Progress | None
    told: list[float] = field(default_factory=lambda: [-np.inf])

    @classmethod
    def of(
        cls, model: str, time_limit_s: float, gap: float, threads: int, random_seed: int,
        progress: Progress | None,
    ) -> Effort:  # fmt: skip
        """
        Return the effort that options ask for; the clock starts here.

        Raises
        ------
        InputError
            If an option is not what it should be.
        """
        refuse(refuse_options(time_limit_s, gap, threads, random_seed))
        now = monotonic()
        end = now + float(time_limit_s)
        return cls(model, now, end, float(gap), int(threads), int(random_seed), progress)

    def left(self) -> float:
        """Return the seconds left."""
        return max(self.end - monotonic(), 0.0)

    def spent(self) -> float:
        """Return the seconds spent."""
        return monotonic() - self.begun

    def tell(self, value: float, bound: float) -> None:
        """Tell how far value and bound are apart; what is not finite is not known yet."""
        if self.progress is None or monotonic() - self.told[0] < EVERY_S:
            return
        self.told[0] = monotonic()
        apart = abs(value - bound) / max(abs(value), 1e-9)
        self.progress(self.model, apart if apart < float("inf") else None, self.left())
