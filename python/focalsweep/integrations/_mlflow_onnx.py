"""The winner of a run as a model that MLflow serves."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from .._program import call
from ..errors import InputError
from ..run import Run

_NEEDED = ("onnx", "pandas")


def log_onnx(client: MlflowClient, parent: str, run: Run) -> None:
    """Puts it under `onnx/` of the run `parent`, or warns of what keeps it from being there."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        warnings.warn(f"no MLflow model is logged: pip install {' '.join(missing)}", stacklevel=3)
        return
    with tempfile.TemporaryDirectory(prefix="focalsweep-") as folder:
        file, model = Path(folder) / "model.onnx", Path(folder) / "onnx"
        try:
            call("export", run.path, "--format", "onnx", "--out", file)
        except InputError as why:
            warnings.warn(f"no MLflow model is logged: {why}", stacklevel=3)
            return
        _save(file, model)
        client.log_artifacts(parent, str(model), "onnx")


def _save(file: Path, folder: Path) -> None:
    """Saves it with a signature: a tensor for each column that goes in, and for each that comes out."""
    import mlflow.onnx
    import numpy as np
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def of(values: Any) -> Schema:
        specs = []
        for value in values:
            tensor = value.type.tensor_type
            is_text = tensor.elem_type == onnx.TensorProto.STRING
            kind = np.dtype(str) if is_text else onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            specs.append(TensorSpec(kind, (-1,) + (1,) * (len(tensor.shape.dim) - 1), value.name))
        return Schema(specs)

    model = onnx.load(str(file))
    signature = ModelSignature(of(model.graph.input), of(model.graph.output))
    needs = {"pip_requirements": ["onnx", "onnxruntime"], "onnx_execution_providers": ["CPUExecutionProvider"]}
    mlflow.onnx.save_model(model, str(folder), signature=signature, **needs)
