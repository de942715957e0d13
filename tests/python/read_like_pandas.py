"""Reads 300 generated files, of all dialects, types and kinds of dirt, with focalsweep and with pandas: each column is
equal to what pandas makes of the file with the same options, or the program says why it does not read it.

usage: read_like_pandas.py READ_TABLES [FILES [SEED]]

READ_TABLES is the program of crates/engine/examples/read_tables.rs. Prints how many columns of each kind were compared
and how many files were refused, by reason; more than a third refused is a failure too.
"""

import collections
import csv
import io
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

# What the program takes as missing among numbers beyond what pandas does, and among text less (docs/data.md).
EXTRA = ["?"]
NA = sorted(pd._libs.parsers.STR_NA_VALUES | set(EXTRA))
TEXT_LEVELS = {"NA", "None"}


def fail(message):
    sys.exit(f"read_like_pandas.py: {message}")


def numbers(rng, rows, decimal, thousands):
    kind = rng.choice(["float", "int", "short", "exponent", "grouped"])
    out = []
    for _ in range(rows):
        if kind == "int":
            text = str(rng.randrange(-10**rng.randrange(1, 12), 10**rng.randrange(1, 15)))
        elif kind == "short":
            text = str(rng.randrange(3))
        elif kind == "exponent":
            text = f"{rng.uniform(-9, 9):.6e}"
        elif kind == "grouped" and thousands:
            text = f"{rng.randrange(10**7):,}".replace(",", thousands)
        else:
            text = repr(round(rng.gauss(0, 10**rng.randrange(-3, 6)), rng.randrange(0, 9)))
        out.append(text.replace(".", decimal) if not (kind == "grouped" and thousands) else text)
    return out


def words(rng, rows, comment):
    pool = ["u", "v w", "é", "a\"b", "x, y", "semi;colon", "true story", "1a", "NA", "None", "Inf.", "two\nlines"]
    pool.append("#no")
    if comment:
        # pandas ends a line there; here only lines that begin with it are comments.
        pool.remove("#no")
    some = rng.sample(pool, rng.randrange(2, len(pool)))
    return [rng.choice(some) for _ in range(rows)]


def times(rng, rows):
    form = rng.choice(["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S+02:00"])
    start = pd.Timestamp("1890-01-01").value // 1000
    end = pd.Timestamp("2190-01-01").value // 1000
    return [pd.Timestamp(rng.randrange(start, end), unit="us").strftime(form) for _ in range(rows)]


def column(rng, rows, decimal, thousands, comment):
    kind = rng.choices(["number", "text", "bool", "time"], [5, 3, 1, 1])[0]
    cells = {
        "number": lambda: numbers(rng, rows, decimal, thousands),
        "text": lambda: words(rng, rows, comment),
        "bool": lambda: [rng.choice(["True", "False", "true", "FALSE"]) for _ in range(rows)],
        "time": lambda: times(rng, rows),
    }[kind]()
    if rng.random() < 0.4:
        holes = rng.choice([[""], ["", "NaN"], ["NA", "N/A" if comment else "#N/A"], ["null", "n/a", "<NA>"], ["?"]])
        cells = [rng.choice(holes) if rng.random() < 0.2 else cell for cell in cells]
    dirt = rng.random()
    if kind == "number" and dirt < 0.08:
        dirty = ["<0.01", "not measured", "$5.00", "7%", "00107", "12345678901234567890"]
        cells[rng.randrange(rows)] = rng.choice(dirty)
    return cells


def table(rng):
    rows = rng.choice([1, 5, 40, 40, 200, 3000])
    spec = {}
    delimiter = rng.choice([",", ",", ",", ";", "\t", "|"])
    decimal = rng.choice([".", ".", ","])
    thousands = rng.choice([None, None, "'", "." if decimal == "," else ","])
    quote = rng.choice(['"', '"', '"', '"' if thousands == "'" else "'"])
    if delimiter != "," and rng.random() < 0.5 or quote == "'":
        spec["delimiter"] = delimiter
    if decimal != ".":
        spec["decimal"] = decimal
    if thousands:
        spec["thousands"] = thousands
    if quote != '"':
        spec["quote"] = quote
    names = [rng.choice(["a", "b c", "É", "x,1", "n"]) + str(i) for i in range(rng.randrange(2, 7))]
    comment = rng.random() < 0.15
    cells = [column(rng, rows, decimal, thousands, comment) for _ in names]
    cells.append([rng.choice(["0", "1"]) for _ in range(rows)])
    names.append("label")
    out = io.StringIO()
    skip = rng.choice([0] * 6 + [1, 3])
    out.write("a title, of no use\n" * skip)
    if comment:
        out.write("# a comment, at the start\n")
        spec["comment"] = "#"
    if skip:
        spec["skip_rows"] = skip
    style = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    # After a comment that ends with a carriage return alone pandas 3.1.1 loses an empty first cell.
    ends = rng.choice(["\n", "\r\n"] if comment else ["\n", "\r\n", "\r"])
    writer = csv.writer(out, delimiter=delimiter, quotechar=quote, quoting=style, lineterminator="\n")
    writer.writerow(names)
    for row in zip(*cells):
        writer.writerow(row)
        if comment and rng.random() < 0.02:
            out.write("# another\n")
    text = out.getvalue()
    if "two\nlines" not in text:
        text = text.replace("\n", ends)
    encoding = rng.choice(["utf-8"] * 4 + ["utf-8-sig", "utf-16", "latin1", "windows-1252"])
    if encoding in ("latin1", "windows-1252"):
        spec["encoding"] = encoding
    return names, text.encode(encoding), spec, {"sep": delimiter, "decimal": decimal, "thousands": thousands,
        "quotechar": quote, "comment": "#" if comment else None, "skiprows": skip, "encoding": encoding}


def like_pandas(path, options):
    """What pandas reads, its columns of numbers as float64 and those of text with their words for missing as text."""
    if int(pd.__version__.split(".")[0]) < 3:
        options = {**options, "float_precision": "round_trip"}
    common = {**options, "na_values": EXTRA, "skipinitialspace": False}
    frame = pd.read_csv(path, **common)
    raw = pd.read_csv(path, **{**options, "dtype": str, "keep_default_na": False, "na_values": [""]})
    raw = raw.map(lambda cell: cell.strip() if isinstance(cell, str) else cell).replace("", np.nan)
    return frame, raw


def compare(name, ours, frame, raw, where):
    theirs, text = frame[name], raw[name]
    if pa.types.is_floating(ours.type):
        if theirs.dtype == object or theirs.dtype == "string" or pd.api.types.is_string_dtype(theirs):
            # With a mark of thousands pandas takes it away wherever it stands; here groups are of three digits.
            fail(f"{where}: column {name!r} is numbers, but pandas has text: {theirs.dropna().unique()[:5]}")
        mine = np.array(ours.to_pandas(), dtype=float)
        wanted = theirs.to_numpy(dtype=float, na_value=np.nan)
        if not np.array_equal(mine, wanted, equal_nan=True):
            at = np.flatnonzero(~((mine == wanted) | (np.isnan(mine) & np.isnan(wanted))))[0]
            # pandas' own parser of floats is exact to the last bit only with float_precision="round_trip".
            fail(f"{where}: column {name!r}, row {at}: {mine[at]!r}, pandas {wanted[at]!r}, cell {text.iloc[at]!r}")
        return "numbers"
    if pa.types.is_boolean(ours.type):
        mine = ours.to_pylist()
        wanted = [None if pd.isna(cell) or cell in NA else cell.lower() == "true" for cell in text]
        if mine != wanted:
            fail(f"{where}: column {name!r} differs as booleans")
        return "booleans"
    if pa.types.is_timestamp(ours.type):
        cells = text.where(~text.isin(NA))
        wanted = pd.to_datetime(cells, utc=True, format="ISO8601").astype("datetime64[us, UTC]").dt.tz_localize(None)
        mine = ours.to_pandas().astype("datetime64[us]")
        if not mine.equals(wanted.reset_index(drop=True).astype("datetime64[us]")) and not (
            (mine == wanted.values) | (mine.isna() & wanted.isna().values)
        ).all():
            fail(f"{where}: column {name!r} differs as times")
        return "times"
    mine = ours.to_pylist()
    missing = set(NA) - TEXT_LEVELS
    is_number = re.compile(r"[-+]?0[0-9]+|[-+]?[0-9.,']+(e[-+]?[0-9]+)?")
    known = [cell for cell in text if not pd.isna(cell) and cell not in NA]
    codes = known and all(is_number.fullmatch(cell) for cell in known)
    wanted = [None if pd.isna(cell) or cell in (NA if codes else missing) else cell for cell in text]
    shown = lambda cell: re.sub(r"^([-+]?\d+)\.0+$", r"\1", cell) if cell else cell
    if mine != [shown(cell) for cell in wanted]:
        at = next(i for i, (a, b) in enumerate(zip(mine, wanted)) if a != shown(b))
        fail(f"{where}: column {name!r}, row {at}: {mine[at]!r}, pandas {wanted[at]!r}")
    # A column that pandas takes for numbers is text here only where its digits say that they are codes.
    if pd.api.types.is_numeric_dtype(theirs) and not pd.api.types.is_bool_dtype(theirs) and known:
        if not any(re.fullmatch(r"[-+]?0\d+", cell) for cell in known):
            fail(f"{where}: column {name!r} is text, but pandas has numbers: {known[:5]}")
    return "text"


def main():
    program = sys.argv[1]
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    kinds, reasons = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        made = []
        for number in range(files):
            names, content, spec, options = table(rng)
            path = folder / f"t{number}.csv"
            path.write_bytes(content)
            data = {"source": str(path), "label": "label"}
            if spec:
                data["csv"] = spec
            sweep = {"name": "t", "data": data, "parameters": {"loss": {"value": "focal"}}}
            (folder / f"t{number}.yaml").write_text(json.dumps(sweep))
            made.append((path, options, spec))
        subprocess.run([program, str(folder)], check=True)
        for path, options, spec in made:
            error = path.with_suffix(".error")
            if error.exists():
                message = error.read_text().replace(str(path), "FILE")
                reasons[re.sub(r"`[^`]*`|[0-9.]+", "…", message.split("\n")[0])[:70]] += 1
                continue
            ours = pq.read_table(path.with_suffix(".read.parquet"))
            frame, raw = like_pandas(path, options)
            where = f"{path.name} {spec} {options}"
            if len(frame) != len(ours):
                fail(f"{where}: {len(ours)} rows, pandas {len(frame)}")
            if list(frame.columns) != ours.column_names:
                fail(f"{where}: columns {ours.column_names}, pandas {list(frame.columns)}")
            for name in ours.column_names:
                kinds[compare(name, ours[name].combine_chunks(), frame, raw, where)] += 1
    refused = sum(reasons.values())
    as_pandas = f"{files - refused} read as pandas {pd.__version__} reads them"
    print(f"{files} files: {as_pandas}, {dict(kinds)}; {refused} refused:")
    for reason, count in reasons.most_common():
        print(f"  {count:4} {reason}")
    if 3 * refused > files:
        fail("more than a third of the files were refused")


main()
