"""Trains small models on four data sets, exports them as ONNX, and holds onnxruntime against `focalsweep predict`.

    python3 check_onnx.py PROGRAM FOLDER

Rows to score have missing cells and levels that training did not see. Scores may differ by 1e-6, logits by 1e-5 of
their size; flags are equal but where the logit is that near to the threshold.
"""

import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 3000


def gaps(draw, values, share=0.1):
    """`values` as a list with some of them None."""
    return [None if draw.random() < share else value for value in values.tolist()]


def label_of(draw, logit):
    return (draw.random(len(logit)) < 1 / (1 + np.exp(2.5 - logit))).astype(np.int8)


def mixed(draw):
    """Numbers with gaps, clipped; text with rare levels and gaps; truths; times with every feature."""
    amount, city = draw.normal(size=ROWS) * 30 + 10, draw.choice(["Ulm", "Hof", "Köln", "a b", "'q\""], ROWS)
    rare = draw.choice([f"r{n}" for n in range(400)] + ["often"] * 800, ROWS)
    when = (draw.integers(-5 * 365, 20 * 365, ROWS) * 86_400 + draw.integers(0, 86_400, ROWS)) * 1_000_000
    regular = draw.random(ROWS) < 0.5
    y = label_of(draw, amount / 30 + (city == "Hof") + regular)
    columns = {
        "amount": pa.array(gaps(draw, amount), pa.float64()),
        "count": pa.array(gaps(draw, draw.integers(0, 50, ROWS)), pa.int32()),
        "city": pa.array(gaps(draw, city), pa.string()),
        "rare": pa.array(rare, pa.string()),
        "two": pa.array(draw.choice(["no", "yes"], ROWS), pa.string()),
        "regular": pa.array(gaps(draw, regular), pa.bool_()),
        "when": pa.array(gaps(draw, when), pa.timestamp("us")),
        "score": pa.array(draw.normal(size=ROWS), pa.float32()),
        "y": pa.array(y),
    }
    spec = "clip: 2, datetime: {when: [hour, weekday, age_days]}"
    return columns, spec


def logs(draw):
    """Numbers on a logarithm, and not standardised."""
    amount, other = np.exp(draw.normal(size=ROWS) * 2), draw.normal(size=ROWS)
    y = label_of(draw, np.log(amount) + other)
    columns = {"amount": pa.array(gaps(draw, amount), pa.float64()), "other": pa.array(other), "y": pa.array(y)}
    return columns, "log: {amount: 0.5}, standardize: false"


def words(draw):
    """Nothing but text, with a word of the user's for missing."""
    kind, place = draw.choice(["a", "b", "c", "unknown"], ROWS), draw.choice([f"p{n}" for n in range(12)], ROWS)
    y = label_of(draw, (kind == "a") * 2.0)
    columns = {"kind": pa.array(kind), "place": pa.array(gaps(draw, place)), "y": pa.array(y)}
    return columns, "csv: {na_values: [unknown]}"


SPEC = """
name: onnx
data: {{source: {data}, label: {label}, {more}}}
operating_point: {{max_fpr: 0.1}}
train: {{epochs: 3, batch_size: 256}}
model: {{activation: {activation}}}
parameters: {{loss: {{value: focal}}, gamma: {{values: [0, 1, 2]}}, hidden: {{values: {hidden}}}}}
"""


def unseen(draw, table, label):
    """The rows as a service might see them: more gaps, and levels that nobody trained with."""
    columns = {}
    for name in table.column_names:
        if name == label:
            continue
        values = table.column(name).to_pylist()
        for at in draw.choice(len(values), len(values) // 8, replace=False):
            values[at] = None
        if pa.types.is_string(table.schema.field(name).type):
            for at in draw.choice(len(values), len(values) // 8, replace=False):
                values[at] = f"new {at % 3}"
        columns[name] = pa.array(values, table.schema.field(name).type)
    return pa.table(columns)


def fed(session, table, rows):
    """The rows as onnxruntime takes them."""
    feed = {}
    for one in session.get_inputs():
        column = table.column(one.name).slice(0, rows)
        if one.type == "tensor(string)":
            values = np.array([value or "" for value in column.to_pylist()], dtype=object)
        elif pa.types.is_timestamp(column.type):
            values = column.cast(pa.int64()).to_pylist()
            values = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        else:
            values = np.array([np.nan if value is None else value for value in column.to_pylist()], dtype=np.float64)
        feed[one.name] = values.reshape(-1, 1)
    return feed


def check(program, folder, name, trial, run, table):
    path, rows, scored = folder / f"{name}.onnx", folder / f"{name}-rows.parquet", folder / f"{name}-scored.parquet"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([program, "export", run, "--trial", trial, "--format", "onnx", "--out", path], **quiet)
    subprocess.run([program, "export", run, "--trial", trial, "--out", folder / name], **quiet)
    pq.write_table(table, rows)
    subprocess.run([program, "predict", folder / name, rows, "--out", scored], **quiet)
    wanted = pq.read_table(scored)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    outputs = [one.name for one in session.get_outputs()]
    worst = 0.0
    for batch in (0, 1, 1000):
        raw, score, flagged = session.run(outputs, fed(session, table, batch))
        assert raw.shape == score.shape == flagged.shape == (batch,), (name, raw.shape)
        first = wanted.slice(0, batch)
        their_raw, their_score = (first.column(one).to_numpy() for one in ("raw", "score"))
        apart = np.abs(raw - their_raw) / np.maximum(1, np.abs(their_raw))
        assert (apart <= 1e-5).all(), (name, batch, "logits", apart.max())
        assert (np.abs(score - their_score) <= 1e-6).all(), (name, batch, "scores", np.abs(score - their_score).max())
        clear = np.abs(their_raw - first.column("threshold_raw").to_numpy()) > 1e-5
        theirs = np.array(first.column("flagged").to_pylist(), dtype=bool)
        assert (flagged[clear] == theirs[clear]).all(), (name, batch, "flags")
        worst = max(worst, np.abs(score - their_score).max(initial=0))
    assert flagged.any() and not flagged.all(), (name, "all rows are flagged alike: this checks nothing")
    print(f"{name}: {len(session.get_inputs())} columns, outputs {outputs}, scores at most {worst:.1e} apart")


def check_service(model, predictions, table, folder):
    """The service of docs/deploy.md says of rows what `predict` says."""
    text = pathlib.Path("docs/deploy.md").read_text(encoding="utf-8")
    script = folder / "service.py"
    script.write_text(text.split("```python\n")[1].split("```")[0], encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, script, model, str(port)], stderr=subprocess.DEVNULL) as service:
        try:
            rows = [{name: value for name, value in row.items() if value is not None} for row in table.slice(0, 50).to_pylist()]
            request = urllib.request.Request(f"http://127.0.0.1:{port}", json.dumps(rows).encode())
            deadline = time.monotonic() + 120
            while True:
                assert service.poll() is None and time.monotonic() < deadline, "the service does not answer"
                try:
                    answer = json.load(urllib.request.urlopen(request, timeout=60))
                    break
                except urllib.error.URLError:
                    time.sleep(0.1)
            theirs = predictions.slice(0, 50)
            scores = theirs.column("score").to_pylist()
            assert len(answer) == 50 and all(abs(one["score"] - score) < 1e-6 for one, score in zip(answer, scores))
        finally:
            service.terminate()
    print("the service of docs/deploy.md answers")


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    sets = {}
    for at, make in enumerate((mixed, logs, words)):
        columns, more = make(np.random.default_rng(at))
        sets[make.__name__] = (pa.table(columns), "y", more)
    sets["crash"] = (pq.read_table("data/crash.parquet"), "dead", "positive: dead")
    for at, (name, (table, label, more)) in enumerate(sets.items()):
        draw, data, spec, run = np.random.default_rng(100 + at), *(folder / f"{name}{end}" for end in (".parquet", ".yaml", "-run"))
        pq.write_table(table, data)
        activation, hidden = ("tanh", "[[8], [6, 4]]") if name == "logs" else ("relu", "[[], [8], [16, 8]]")
        spec.write_text(SPEC.format(data=data, label=label, more=more, activation=activation, hidden=hidden))
        done = subprocess.run([program, "run", spec, "--out", run, "--no-progress"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        rows = unseen(draw, table, label)
        results = pq.read_table(run / "results.parquet", columns=["trial_id", "hidden"]).to_pylist()
        deepest = max(results, key=lambda row: len(str(row["hidden"])))["trial_id"]
        check(program, folder, f"{name}-best", "best", run, rows)
        check(program, folder, f"{name}-deepest", deepest, run, rows)
        check(program, folder, f"{name}-ensemble", "ensemble", run, rows)
        if name == "crash":
            predictions = pq.read_table(folder / f"{name}-best-scored.parquet")
            check_service(folder / f"{name}-best.onnx", predictions, rows, folder)


main()
