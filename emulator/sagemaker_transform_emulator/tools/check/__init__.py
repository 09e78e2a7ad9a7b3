"""Proves containers against SageMaker's container contract, one started container and many small checks.

`session.py` starts the containers and runs the checks of `catalogue.py` on each; every check is a function
from a `Probe` to findings. A check that cannot be carried out raises NotRun and is reported with its reason.
"""
