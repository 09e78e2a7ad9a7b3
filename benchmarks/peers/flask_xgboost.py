"""The peer of our XGBoost container: Flask under gunicorn, with AWS's way of reading CSV.

Served as `gunicorn -k gevent -w 2 flask_xgboost:app` with MODEL_FILE set. Needs flask, gunicorn, gevent,
numpy and xgboost of its own environment.
"""

from __future__ import annotations

import csv
import os

import flask
import numpy as np
import xgboost

app = flask.Flask(__name__)
booster = xgboost.Booster(model_file=os.environ["MODEL_FILE"])
booster.set_param({"nthread": 1})


@app.get("/ping")
def ping() -> flask.Response:
    """Healthy once it answers."""
    return flask.Response(status=200)


@app.post("/invocations")
def invocations() -> flask.Response:
    """One prediction a line, as AWS's container answers in a batch job."""
    text = flask.request.data.strip().decode()
    delimiter = csv.Sniffer().sniff(text.split("\n")[0][:512]).delimiter
    delimiter = "," if delimiter.isalnum() else delimiter
    lines = [[cell or "nan" for cell in line.split(delimiter)] for line in text.split("\n")]
    predictions = booster.predict(xgboost.DMatrix(np.array(lines).astype(float)), validate_features=False)
    return flask.Response("\n".join(map(str, predictions.tolist())) + "\n", mimetype="text/csv")
