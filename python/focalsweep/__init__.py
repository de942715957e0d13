"""Which loss settings catch more of your rare events, at what price, and whether the difference is real.

`sweep` trains a sweep on a DataFrame or a file, `Run` is what it leaves, `Model` scores new rows, and
`FocalSweepClassifier` is all of it as an estimator of scikit-learn. The program `focalsweep` does the work; this
package starts it. docs/python.md shows it step by step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._entries import Claim, Trial
from ._version import __version__
from .errors import Fault, FocalsweepError, InputError, Interrupted, ProgramError, SpecError
from .model import Model
from .report import Report
from .run import Run
from .sweeps import resume, sweep

if TYPE_CHECKING:
    from .sklearn import FocalSweepClassifier

__all__ = [
    "Claim",
    "Fault",
    "FocalSweepClassifier",
    "FocalsweepError",
    "InputError",
    "Interrupted",
    "Model",
    "ProgramError",
    "Report",
    "Run",
    "SpecError",
    "Trial",
    "__version__",
    "resume",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """scikit-learn is loaded where it is asked for."""
    if name == "FocalSweepClassifier":
        from .sklearn import FocalSweepClassifier

        return FocalSweepClassifier
    raise AttributeError(f"module 'focalsweep' has no attribute {name!r}")
