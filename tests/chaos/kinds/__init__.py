"""The kinds of disturbance. Each has NAME, CASES (short, long), ALONE, `ready` and `play`."""

from kinds import damage, faults, full_disk, kills, pauses, torch, twice, workers

KINDS = {kind.NAME: kind for kind in (kills, faults, full_disk, damage, workers, torch, twice, pauses)}
