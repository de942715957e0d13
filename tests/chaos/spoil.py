"""Ways in which a file gets damaged."""

import shutil


def flip(rng, raw):
    """One to four bits are other ones."""
    spoiled = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        spoiled[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(spoiled)


def span(rng, raw):
    """A part of the file, of any length that is less than half of it."""
    length = rng.randint(1, max(1, len(raw) // 2))
    if rng.random() < 0.5:
        length = min(length, rng.choice([1, 4, 16, 64]))
    start = rng.randrange(len(raw) - length + 1)
    return start, start + length


def zero(rng, raw):
    """A block that was never written."""
    start, end = span(rng, raw)
    return raw[:start] + bytes(end - start) + raw[end:]


def noise(rng, raw):
    """A block of something else."""
    start, end = span(rng, raw)
    return raw[:start] + rng.randbytes(end - start) + raw[end:]


def cut(rng, raw):
    """The end is missing."""
    return raw[: rng.randrange(len(raw))]


def hole(rng, raw):
    """A block in the middle is missing."""
    start, end = span(rng, raw)
    return raw[:start] + raw[end:]


def again(rng, raw):
    """A block is there twice."""
    start, end = span(rng, raw)
    return raw[:end] + raw[start:end] + raw[end:]


def halves(_, raw):
    """The halves are swapped."""
    middle = len(raw) // 2
    return raw[middle:] + raw[:middle]


def longer(rng, raw):
    """Something follows."""
    return raw + rng.randbytes(rng.randint(1, 64))


def digit(rng, raw):
    """A digit is another: the file still reads well."""
    places = [place for place, byte in enumerate(raw) if 48 <= byte < 58]
    if not places:
        return raw
    spoiled = bytearray(raw)
    spoiled[rng.choice(places)] = 48 + rng.randrange(10)
    return bytes(spoiled)


def empty(_, __):
    """Nothing is left."""
    return b""


#: What is done to bytes; the likelier ones first.
BYTES = (flip, flip, flip, digit, digit, zero, noise, cut, cut, hole, again, halves, longer, empty)


def spoil(rng, path):
    """Damages the file at `path`; answers how, or None where nothing came of it."""
    way = rng.random()
    if way < 0.04:
        path.unlink()
        return "deleted"
    if way < 0.07:
        path.unlink()
        path.mkdir()
        return "a directory"
    if way < 0.12:
        others = [p for p in sorted(path.parent.iterdir()) if p.suffix == path.suffix and p != path and p.is_file()]
        if not others or path.read_bytes() == (other := rng.choice(others)).read_bytes():
            return None
        shutil.copyfile(other, path)
        return f"a copy of {other.name}"
    raw = path.read_bytes()
    if not raw:
        return None
    how = rng.choice(BYTES)
    spoiled = how(rng, raw)
    if spoiled == raw:
        return None
    path.write_bytes(spoiled)
    return how.__name__
