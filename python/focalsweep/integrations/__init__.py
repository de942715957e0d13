"""Runs in the tools that people track experiments with: `mlflow`, `wandb`, `tensorboard`, `optuna`.

Each module needs its library (`pip install focalsweep[mlflow]` and so on), which does the work.
"""
