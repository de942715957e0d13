"""Frames in and out: pandas, polars and pyarrow, each of them only where it is installed."""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa

from .errors import FocalsweepError, InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Booleans: TypeAlias = npt.NDArray[np.bool_]

Kind: TypeAlias = Literal["arrow", "pandas", "polars"]
"""Which frame a table is given as: `pyarrow.Table`, `pandas.DataFrame` or `polars.DataFrame`."""

Frame: TypeAlias = Any
"""A `pandas.DataFrame`, a `polars.DataFrame`, or anything else that Arrow reads (`__arrow_c_stream__`)."""


def library(name: str) -> Any:
    """A library that need not be there, or an error that says how to get it.

    >>> library("pyarrow").__name__
    'pyarrow'
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as why:
        if why.name != name.partition(".")[0]:
            raise
        raise FocalsweepError(f"this needs {why.name}, which is not installed", f"`pip install {why.name}`") from why


def is_frame(data: object) -> bool:
    """Whether it is a table rather than the path of one."""
    return isinstance(data, (pa.Table, pa.RecordBatch)) or hasattr(data, "__arrow_c_stream__") or _is_pandas(data)


def to_arrow(data: Frame) -> pa.Table:
    """A frame as a `pyarrow.Table`; a pandas index is left out.

    >>> to_arrow(pa.table({"amount": [1.5, 2.0]})).column_names
    ['amount']
    """
    if isinstance(data, pa.Table):
        table = data
    elif isinstance(data, pa.RecordBatch):
        table = pa.Table.from_batches([data])
    elif _is_pandas(data):
        table = _from_pandas(data)
    elif hasattr(data, "to_arrow"):
        table = data.to_arrow()
    elif hasattr(data, "__arrow_c_stream__"):
        table = pa.table(data)
    else:
        raise InputError(
            f"found {type(data).__name__}, expected a DataFrame of pandas or polars, or a pyarrow.Table",
            "a path names a file instead",
        )
    twice = {name for name in table.column_names if table.column_names.count(name) > 1}
    if twice:
        raise InputError(f"the column `{min(twice)}` is there twice, expected each name once", "rename one of them")
    return _plain(table)


def _is_pandas(data: object) -> bool:
    return type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns")


def _from_pandas(data: Any) -> pa.Table:
    try:
        return pa.Table.from_pandas(data, preserve_index=False).replace_schema_metadata(None)
    except (pa.ArrowTypeError, ValueError) as why:
        # pyarrow names the column in the second argument, as a sentence.
        where = why.args[1] if len(why.args) > 1 else "the frame"
        hint = "give a column values of one type: numbers, text, booleans or times"
        raise InputError(f"{where}: {why.args[0]}", hint) from why


def _plain(table: pa.Table) -> pa.Table:
    """Text of the kinds that the program reads."""
    views = {getattr(pa, name)() for name in ("string_view", "binary_view") if hasattr(pa, name)}
    for at, field in enumerate(table.schema):
        if field.type in views:
            table = table.set_column(at, field.name, table[at].cast(pa.large_string()))
        elif pa.types.is_dictionary(field.type) and field.type.value_type in views:
            words = table[at].combine_chunks().dictionary_decode().cast(pa.large_string())
            table = table.set_column(at, field.name, words.dictionary_encode())
    return table


def given(table: pa.Table, kind: Kind) -> Any:
    """A table as the frame that is asked for.

    >>> given(pa.table({"epoch": [1, 2]}), "arrow").num_rows
    2
    >>> given(pa.table({"epoch": [1, 2]}), "spark")
    Traceback (most recent call last):
    focalsweep.errors.InputError: found 'spark', expected one of arrow, pandas, polars
      hint: 'arrow' is a pyarrow.Table
    """
    if kind == "arrow":
        return table
    if kind == "pandas":
        library("pandas")
        return table.to_pandas()
    if kind == "polars":
        return library("polars").from_arrow(table)
    raise InputError(f"found {kind!r}, expected one of arrow, pandas, polars", "'arrow' is a pyarrow.Table")


def to_stream(table: pa.Table) -> bytes:
    """An Arrow IPC stream, as `focalsweep predict` reads it."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_stream(stream: bytes) -> pa.Table:
    """What `focalsweep predict --format arrow` writes."""
    with pa.ipc.open_stream(stream) as reader:
        return reader.read_all()
