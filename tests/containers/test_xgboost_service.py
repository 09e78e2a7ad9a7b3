"""Invocations of the XGBoost container, rule by rule, without HTTP."""

from __future__ import annotations

import io
import json
import logging
import math
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from census import missing_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from xgboost import DMatrix
from xgboost_help import FEATURES, OBJECTIVES, booster, csv_body, expected, sample, save

from sagemaker_transform_emulator.containers.xgboost.answers import Answer
from sagemaker_transform_emulator.containers.xgboost.protobuf import length_delimited
from sagemaker_transform_emulator.containers.xgboost.recordio import read_frames, read_record, write_frame
from sagemaker_transform_emulator.containers.xgboost.service import Service
from sagemaker_transform_emulator.containers.xgboost.settings import read_settings

ROW = b"0.5,0.5,0.5,0.5"
ALL_KEYS = "predicted_label,labels,probability,probabilities,raw_score,raw_scores,predicted_score"
STATUSES = {200, 204, 400, 406, 415, 500}

MakeService = Callable[..., Service]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> MakeService:
    """A service of one model of an objective, with environment variables as keywords."""
    services: dict[object, Service] = {}

    def make(objective: str = "reg:squarederror", *, pickled: bool = False, **environ: str) -> Service:
        key = (objective, pickled, tuple(sorted(environ.items())))
        if key not in services:
            directory = save(booster(objective), tmp_path_factory.mktemp("model"))
            if pickled:
                (directory / "xgboost-model").write_bytes(pickle.dumps(booster(objective)))
            services[key] = Service(read_settings({"SM_MODEL_DIR": str(directory), **environ}))
        return services[key]

    return make


def score(
    service: Service, body: bytes, content_type: str | None = "text/csv", accept: str | None = None
) -> Answer:
    return service.invoke(body, content_type, accept)


def lines(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    assert answer.body.endswith(b"\n")
    return answer.body.decode().split("\n")[:-1]


def reprs(model_output: np.ndarray) -> list[str]:
    return [str(value) for value in model_output.tolist()]


@pytest.mark.parametrize("rows", [1, 3, 100, 3000])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_answers_what_xgboost_predicts(
    objective: str, rows: int, service: MakeService
) -> None:
    table = sample(rows, seed=rows)
    answer = score(service(objective, SAGEMAKER_BATCH="true"), csv_body(table))
    assert lines(answer) == reprs(expected(booster(objective), table))


@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize("objective", ["reg:squarederror", "multi:softprob", "reg:quantileerror"])
def test_csv_and_json_hold_the_same_numbers(objective: str, rows: int, service: MakeService) -> None:
    table = sample(rows, seed=rows)
    wanted = expected(booster(objective), table).tolist()
    csv = lines(score(service(objective), csv_body(table)))
    assert csv == [",".join(map(str, row)) if isinstance(row, list) else str(row) for row in wanted]
    answer = score(service(objective), csv_body(table), accept="application/json")
    assert answer.body.decode() == json.dumps({"predictions": [{"score": row} for row in wanted]})


class TestCsv:
    def table(self, service: MakeService, body: bytes) -> list[str]:
        return lines(score(service(), body))

    @pytest.mark.parametrize(
        "body",
        [
            ROW, ROW + b"\n", ROW + b"\r\n", b"\n\n  " + ROW + b"\n\n", b"0.5, 0.5, 0.5, 0.5",
            b"0.5;0.5;0.5;0.5", b"0.5\t0.5\t0.5\t0.5", b"0.5 0.5 0.5 0.5", b"0.5:0.5:0.5:0.5",
            b"5.0E-1,5e-1,.5,+0.5", b"0.50,0.5000,00.5,0.5",
        ],
    )  # fmt: skip
    def test_one_record_in_many_spellings(self, body: bytes, service: MakeService) -> None:
        assert self.table(service, body) == reprs(expected(booster(), np.full((1, 4), 0.5)))

    @pytest.mark.parametrize("separator", [b"\n", b"\r\n"])
    def test_lines_end_with_lf_or_crlf(self, separator: bytes, service: MakeService) -> None:
        body = separator.join([ROW, b"0.1,,nan,0.4", ROW])
        wanted = np.array([[0.5] * 4, [0.1, math.nan, math.nan, 0.4], [0.5] * 4])
        assert self.table(service, body) == reprs(expected(booster(), wanted))

    def test_a_blank_line_is_a_missing_value_in_one_column(self, service: MakeService) -> None:
        wanted = np.array([[0.1], [math.nan], [0.9]])
        assert self.table(service, b"0.1\n\n0.9") == reprs(expected(booster(), wanted))

    def test_large_bodies_with_a_blank_line_in_one_column(self, service: MakeService) -> None:
        body = b"0.125\n" * 3000 + b"\n0.5"
        wanted = np.array([[0.125]] * 3000 + [[math.nan], [0.5]])
        assert self.table(service, body) == reprs(expected(booster(), wanted))

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"a,b,c,d\n" + ROW, "could not convert string to float: np.str_('a')"),
            (b'"0.5","0.5"', "could not convert string to float: np.str_('\"0.5\"')"),
            (ROW + b"\n0.5", "inhomogeneous shape after 1 dimensions. The detected shape was (2,)"),
            (ROW + b"\n\n" + ROW, "The detected shape was (3,) + inhomogeneous part."),
            (b"0.1,\r\n0.2,0.3", "could not convert string to float: np.str_('\\r')"),
            (b"0.5\xff", "codec can't decode byte 0xff"),
            (b"0.5,inf,1,1", "Input data contains `inf` or a value too large"),
            (b"0.5,1e39,1,1", "Input data contains `inf` or a value too large"),
            (b"0.5,-Infinity,1,1", "Input data contains `inf` or a value too large"),
        ],
    )
    def test_what_cannot_be_read_is_415(self, body: bytes, words: str, service: MakeService) -> None:
        large = b"\n".join([b"0.5,0.5,0.5,0.5"] * 900 + [body])
        for sent in (body, large):
            answer = score(service(), sent)
            assert answer.status == 415
            assert answer.content_type == b"text/html; charset=utf-8"
            assert answer.body.startswith(
                b"Loading csv data failed with Exception, please ensure data is in csv format:\n <class '"
            )
        assert words in score(service(), body).body.decode()

    def test_a_body_of_blanks_has_no_delimiter(self, service: MakeService) -> None:
        answer = score(service(), b" \n ")
        assert answer.status == 415
        assert answer.body.endswith(b"<class '_csv.Error'>\n Could not determine delimiter")

    @pytest.mark.parametrize("rows", [1, 900])
    def test_fewer_columns_are_missing_and_more_are_400(self, rows: int, service: MakeService) -> None:
        wanted = expected(booster(), np.full((rows, 2), 0.5))
        assert self.table(service, b"\n".join([b"0.5,0.5"] * rows)) == reprs(wanted)
        answer = score(service(), b"\n".join([ROW + b",0.5"] * rows))
        assert answer.status == 400
        assert b"(4 vs. 5) : Number of columns does not match number of features in booster." in answer.body

    @pytest.mark.parametrize(("columns", "status"), [(2, 400), (3, 200), (4, 200), (5, 400)])
    @pytest.mark.parametrize("rows", [1, 900])
    def test_pickled_models_take_one_column_less(
        self, columns: int, status: int, rows: int, service: MakeService
    ) -> None:
        body = b"\n".join([b",".join([b"0.5"] * columns)] * rows)
        answer = score(service(pickled=True), body)
        assert answer.status == status
        if status == 400:
            assert answer.body.decode() == (
                "Unable to evaluate payload provided: Feature size of csv inference data "
                f"{columns} is not consistent with feature size of trained model 4."
            )


class TestLibsvm:
    def predictions(self, service: MakeService, body: bytes) -> list[str]:
        return lines(score(service(), body, "text/libsvm"))

    def wanted(self, cells: list[tuple[int, int, float]]) -> list[str]:
        rows, columns, values = zip(*cells, strict=True)
        matrix = csr_matrix((np.array(values), (rows, columns)))
        return reprs(booster().predict(DMatrix(matrix), validate_features=False))

    def test_indices_from_zero_stay(self, service: MakeService) -> None:
        assert self.predictions(service, b"7 0:0.9 3:0.2") == self.wanted([(0, 0, 0.9), (0, 3, 0.2)])

    def test_indices_move_down_by_one_when_the_smallest_of_the_body_is_at_least_one(
        self, service: MakeService
    ) -> None:
        body = b"2:0.9 3:0.2\n4:0.5"
        assert self.predictions(service, body) == self.wanted([(0, 1, 0.9), (0, 2, 0.2), (1, 3, 0.5)])
        body = b"2:0.9 3:0.2\n0:0.5"
        assert self.predictions(service, body) == self.wanted([(0, 2, 0.9), (0, 3, 0.2), (1, 0, 0.5)])

    def test_absent_is_missing_and_not_zero(self, service: MakeService) -> None:
        zero = self.predictions(service, b"0:0 1:0 2:0 3:0")
        absent = self.predictions(service, b"3:0 0:0.5")
        assert absent == reprs(expected(booster(), np.array([[0.5, math.nan, math.nan, 0]])))
        assert zero == reprs(expected(booster(), np.zeros((1, 4))))

    def test_a_row_without_features_is_missing_but_a_last_one_disappears(self, service: MakeService) -> None:
        assert len(self.predictions(service, b"1\n0:0.5\n1 junk\n1:0.5\n1")) == 4

    def test_values_of_one_index_add_up(self, service: MakeService) -> None:
        assert self.predictions(service, b"0:0.25 0:0.5") == self.predictions(service, b"0:0.75")

    def test_what_follows_a_second_colon_is_ignored(self, service: MakeService) -> None:
        assert self.predictions(service, b"0:0.5:9") == self.predictions(service, b"0:0.5")

    def test_crlf_is_fine(self, service: MakeService) -> None:
        assert self.predictions(service, b"0:0.5\r\n1:0.5\r\n") == self.predictions(service, b"0:0.5\n1:0.5")

    @pytest.mark.parametrize("content_type", [None, "text/x-libsvm", "libsvm", "TEXT/LIBSVM; charset=utf-8"])
    def test_names_of_the_format(self, content_type: str | None, service: MakeService) -> None:
        assert score(service(), b"0:0.5", content_type).status == 200

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"1", "<class 'ValueError'>\n cannot infer dimensions from zero sized index arrays"),
            (b"a:1", "invalid literal for int() with base 10: 'a'"),
            (b"0:b", "could not convert string to float"),
            (b"0:", "could not convert string to float"),
            (b"-1:0.5", "<class 'ValueError'>"),
            (b"0:inf", "Input data contains `inf`"),
            (b"\xff:1", "<class 'UnicodeDecodeError'>"),
            (b"99999999999999999999:1", "<class 'OverflowError'>"),
        ],
    )
    def test_what_cannot_be_read_is_415(self, body: bytes, words: str, service: MakeService) -> None:
        answer = score(service(), body, "text/libsvm")
        assert answer.status == 415
        assert answer.body.decode().startswith(
            "Loading libsvm data failed with Exception, please ensure data is in libsvm format:\n "
        )
        assert words in answer.body.decode()

    @pytest.mark.parametrize(
        ("body", "pickled", "words"),
        [
            (b"0:1 4:1", False, "(4 vs. 5)"),
            (b"0:1 4:1", True, "(4 vs. 5)"),
            (b"0:1 5:1", True, "libsvm inference data 6 is larger than feature size of trained model 4."),
        ],
    )
    def test_too_many_columns_are_400(
        self, body: bytes, words: str, service: MakeService, *, pickled: bool
    ) -> None:
        answer = score(service(pickled=pickled), body, "libsvm")
        assert answer.status == 400
        assert words in answer.body.decode()


def dense_record(values: list[float]) -> bytes:
    packed = length_delimited(1, struct.pack(f"<{len(values)}f", *values))
    value = length_delimited(2, packed)
    return length_delimited(1, length_delimited(1, b"values") + length_delimited(2, value))


class TestRecordio:
    TYPE = "application/x-recordio-protobuf"

    def test_dense_records_are_rows(self, service: MakeService) -> None:
        table = sample(5, missing=0)
        body = b"".join(write_frame(dense_record(row)) for row in table.tolist())
        assert lines(score(service(), body, self.TYPE)) == reprs(expected(booster(), table))

    def test_absent_keys_of_sparse_records_are_missing(self, service: MakeService) -> None:
        tensor = (
            length_delimited(1, struct.pack("<f", 0.9))
            + length_delimited(2, b"\x02")
            + length_delimited(3, b"\x04")
        )
        record = length_delimited(
            1, length_delimited(1, b"values") + length_delimited(2, length_delimited(2, tensor))
        )
        wanted = expected(booster(), np.array([[math.nan, math.nan, 0.9, math.nan]]))
        assert lines(score(service(), write_frame(record), self.TYPE)) == reprs(wanted)

    def test_wrong_bytes_are_415_on_one_line(self, service: MakeService) -> None:
        answer = score(service(), b"hello world", self.TYPE)
        assert answer.status == 415
        assert answer.body.decode() == (
            "Loading recordio-protobuf data failed with Exception, please ensure data is in "
            "recordio-protobuf format: <class 'ValueError'> Invalid RecordIO magic at offset 0"
        )

    def test_pickled_models_count_columns(self, service: MakeService) -> None:
        answer = score(service(pickled=True), write_frame(dense_record([0.5, 0.5])), self.TYPE)
        assert answer.status == 400
        assert b"Feature size of recordio-protobuf inference data 2 is not consistent with" in answer.body


class TestOrderOfChecks:
    def test_an_empty_body_comes_first(self, service: MakeService) -> None:
        answer = score(service(), b"", "nonsense", "nonsense")
        assert answer == Answer(204, b"text/html; charset=utf-8", b"")

    def test_a_form_has_no_body(self, service: MakeService) -> None:
        assert score(service(), ROW, "application/x-www-form-urlencoded").status == 204

    def test_parsing_comes_before_the_accept(self, service: MakeService) -> None:
        assert score(service(), b"a,b", "text/csv", "text/xml").status == 415

    def test_prediction_comes_before_the_accept(self, service: MakeService) -> None:
        assert score(service(), ROW + b",1", "text/csv", "text/xml").status == 400

    def test_the_accept_comes_before_encoding(self, service: MakeService) -> None:
        assert (
            score(
                service("count:poisson", SAGEMAKER_INFERENCE_OUTPUT="labels"), ROW, "csv", "text/xml"
            ).status
            == 406
        )

    def test_parquet_is_recognised_but_not_supported(self, service: MakeService) -> None:
        answer = score(service(), ROW, "application/x-parquet; v=1")
        assert (answer.status, answer.body) == (
            415,
            b"Content-type application/x-parquet; v=1 is not supported.",
        )


class TestAnswerTypes:
    @pytest.mark.parametrize("accept", ["application/jsonlines", "application/x-recordio-protobuf"])
    def test_plain_predictions_have_no_such_encoder(
        self, accept: str, service: MakeService, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer = score(service(), ROW, accept=accept)
        assert (answer.status, answer.content_type) == (500, b"text/html; charset=utf-8")
        assert f"cannot be encoded as {accept}" in answer.body.decode()
        assert "SAGEMAKER_BATCH" in caplog.text

    @pytest.mark.parametrize(
        ("accept", "content_type"),
        [
            ("text/csv", b"text/csv; charset=utf-8"), ("application/json", b"application/json"),
            ("application/jsonlines", b"application/jsonlines"),
            ("application/x-recordio-protobuf", b"application/x-recordio-protobuf"),
        ],
    )  # fmt: skip
    def test_batch_lines_are_the_same_under_every_type(
        self, accept: str, content_type: bytes, service: MakeService
    ) -> None:
        answer = score(service(SAGEMAKER_BATCH="false"), ROW + b"\n" + ROW, accept=accept)
        assert answer.content_type == content_type
        assert lines(answer) == reprs(expected(booster(), np.full((2, 4), 0.5)))

    def test_an_empty_batch_variable_is_not_set(self, service: MakeService) -> None:
        assert score(service(SAGEMAKER_BATCH=""), ROW, accept="application/json").body.startswith(b'{"pred')

    def test_the_default_accept_is_taken_unseen(self, service: MakeService) -> None:
        environ = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/xml"}
        assert score(service(**environ), ROW).status == 500
        assert score(service(**environ), ROW, accept="text/csv").status == 200
        answer = score(service(**environ, SAGEMAKER_BATCH="true"), ROW)
        assert (answer.status, answer.content_type) == (200, b"text/xml; charset=utf-8")

    def test_npy_works_as_default_accept(self, service: MakeService) -> None:
        answer = score(service(SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/x-npy"), ROW)
        assert answer.content_type == b"application/x-npy"
        assert np.load(io.BytesIO(answer.body)).tolist() == expected(booster(), np.full((1, 4), 0.5)).tolist()


def selected_by_hand(objective: str, value: object) -> dict[str, object]:
    """All values a prediction has under AWS's definitions."""
    if objective == "multi:softprob":
        assert isinstance(value, list)
        best = max(value)
        return {
            "predicted_label": value.index(best), "labels": [0, 1, 2], "probability": best,
            "probabilities": value, "raw_score": best, "raw_scores": value,
        }  # fmt: skip
    assert isinstance(value, float)
    pair = [1.0 - value, value]
    if objective == "binary:logistic":
        return {
            "predicted_label": int(value > 0.5), "labels": [0, 1], "probability": value,
            "probabilities": pair, "raw_score": value, "raw_scores": pair,
        }  # fmt: skip
    if objective in ("binary:logitraw", "binary:hinge", "multi:softmax"):
        label = int(value > 0) if objective == "binary:logitraw" else value
        labels = [0, 1, 2] if objective == "multi:softmax" else [0, 1]
        return {"predicted_label": label, "labels": labels, "raw_score": value, "raw_scores": pair}
    return {"predicted_score": value}


SELECTABLE = (
    "reg:squarederror", "reg:absoluteerror", "reg:logistic", "reg:gamma", "reg:tweedie",
    "binary:logistic", "binary:logitraw", "binary:hinge", "multi:softmax", "multi:softprob",
)  # fmt: skip


class TestSelectableOutput:
    @pytest.mark.parametrize("objective", SELECTABLE)
    def test_every_key_of_every_objective(self, objective: str, service: MakeService) -> None:
        table = sample(12)
        ours = service(objective, SAGEMAKER_INFERENCE_OUTPUT=ALL_KEYS)
        hand = [selected_by_hand(objective, value) for value in expected(booster(objective), table).tolist()]
        keys = ALL_KEYS.split(",")
        rows = [{**row, **{key: math.nan for key in keys if key not in row}} for row in hand]
        csv = [
            ",".join(f'"{row[k]}"' if isinstance(row[k], list) else str(row[k]) for k in keys) for row in rows
        ]
        assert score(ours, csv_body(table)).body.decode() == "\n".join(csv)
        in_json = json.loads(score(ours, csv_body(table), accept="application/json").body)
        assert json.dumps(in_json["predictions"], sort_keys=True) == json.dumps(rows, sort_keys=True)
        jsonlines = score(ours, csv_body(table), accept="application/jsonlines").body.decode()
        assert [json.dumps(json.loads(line), sort_keys=True) for line in jsonlines.splitlines()] == [
            json.dumps(row, sort_keys=True) for row in rows
        ]

    @pytest.mark.parametrize("objective", sorted(set(OBJECTIVES) - set(SELECTABLE)))
    def test_other_objectives_are_500(self, objective: str, service: MakeService) -> None:
        answer = score(service(objective, SAGEMAKER_INFERENCE_OUTPUT="predicted_score"), ROW)
        assert (answer.status, answer.body.decode()) == (
            500, f"Objective `{objective}` unsupported for selectable inference predictions.",
        )  # fmt: skip

    def test_keys_keep_their_order_in_csv_and_blanks_and_case_do_not_count(
        self, service: MakeService
    ) -> None:
        environ = {"SAGEMAKER_INFERENCE_OUTPUT": " Raw_Score , predicted_label,,x", "SAGEMAKER_BATCH": "1"}
        (value,) = expected(booster("binary:logistic"), np.full((1, 4), 0.5)).tolist()
        answer = score(service("binary:logistic", **environ), ROW)
        assert lines(answer) == [f"{value},{int(value > 0.5)},nan,nan"]

    def test_recordio_repeats_the_records_before(self, service: MakeService) -> None:
        ours = service("multi:softprob", SAGEMAKER_INFERENCE_OUTPUT="probabilities")
        table = sample(3)
        body = score(ours, csv_body(table), accept="application/x-recordio-protobuf").body
        frames = list(read_frames(body))
        assert frames[2].startswith(frames[1])
        assert frames[1].startswith(frames[0])
        for message, row in zip(frames, expected(booster("multi:softprob"), table).tolist(), strict=True):
            label = dict(label_values(message))
            assert label == {"probabilities": row}

    def test_a_recordio_answer_without_end_is_500(self, service: MakeService) -> None:
        ours = service(SAGEMAKER_INFERENCE_OUTPUT="predicted_score")
        answer = score(ours, b"\n".join([ROW] * 6000), accept="application/x-recordio-protobuf")
        assert answer.status == 500
        assert b"fewer rows" in answer.body

    def test_an_unknown_default_type_is_500(self, service: MakeService) -> None:
        environ = {"SAGEMAKER_INFERENCE_OUTPUT": "labels", "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/xml"}
        answer = score(service("binary:logistic", **environ), ROW)
        assert (answer.status, answer.body) == (
            500, b"Cannot encode selected predictions into accept type 'text/xml'.",
        )  # fmt: skip

    def test_keys_that_will_be_nan_are_named_at_start(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        directory = save(booster(), tmp_path)
        Service(read_settings({"SM_MODEL_DIR": str(directory), "SAGEMAKER_INFERENCE_OUTPUT": "probability"}))
        assert "['probability'] will be NaN for reg:squarederror" in caplog.text


def label_values(message: bytes) -> list[tuple[str, list[float]]]:
    """The label of a record, which sits under its own key and not under `values`."""
    renamed = message.replace(b"\x0a\x0dprobabilities", b"\x0a\x06values")
    assert renamed != message
    return [("probabilities", np.frombuffer(message[-12:], "<f4").astype(float).tolist())]


class TestEnsembles:
    def ensemble(self, directory: Path, objective: str, **environ: str) -> Service:
        save(booster(objective, rounds=2), directory, "a.json")
        save(booster(objective, rounds=5), directory, "b.json")
        return Service(read_settings({"SM_MODEL_DIR": str(directory), **environ}))

    @pytest.mark.parametrize("rows", [1, 900])
    def test_predictions_are_averaged(self, tmp_path: Path, rows: int) -> None:
        table = sample(rows)
        models = [booster("binary:logistic", rounds=rounds) for rounds in (2, 5)]
        wanted = np.mean([expected(model, table) for model in models], axis=0)
        assert lines(score(self.ensemble(tmp_path, "binary:logistic"), csv_body(table))) == reprs(wanted)

    def test_switched_off_the_first_model_answers(self, tmp_path: Path) -> None:
        ours = self.ensemble(tmp_path, "multi:softmax", SAGEMAKER_INFERENCE_ENSEMBLE="false")
        table = sample(5)
        assert lines(score(ours, csv_body(table))) == reprs(
            expected(booster("multi:softmax", rounds=2), table)
        )

    @pytest.mark.parametrize("objective", ["multi:softmax", "binary:hinge"])
    @pytest.mark.parametrize(
        "environ", [{}, {"SAGEMAKER_BATCH": "true"}, {"SAGEMAKER_INFERENCE_OUTPUT": "labels"}]
    )
    def test_votes_are_500_with_the_remedy(
        self, tmp_path: Path, objective: str, environ: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        ours = self.ensemble(tmp_path, objective, **environ)
        answer = score(ours, ROW)
        assert answer.status == 500
        assert b"SAGEMAKER_INFERENCE_ENSEMBLE=false" in answer.body
        assert "SAGEMAKER_INFERENCE_ENSEMBLE=false" in caplog.text
        assert score(ours, ROW, accept="text/xml").status == 406


wild = st.tuples(
    st.one_of(
        st.binary(max_size=80),
        st.text("0123456789.,;:-+eEnaif \r\n\t\"'|", max_size=80).map(str.encode),
        st.lists(st.binary(max_size=30), max_size=3).map(lambda parts: b"".join(map(write_frame, parts))),
    ),
    st.one_of(
        st.none(),
        st.sampled_from(["text/csv", "text/libsvm", "application/x-recordio-protobuf"]),
        st.text(max_size=20),
    ),
    st.one_of(st.none(), st.sampled_from(["text/csv", "application/json"]), st.text(max_size=20)),
)
usual = st.tuples(
    st.sampled_from([FEATURES, FEATURES, FEATURES + 1])
    .flatmap(lambda width: st.lists(st.floats(width=16).map(repr), min_size=width, max_size=width))
    .map(lambda row: ",".join(row).encode()),
    st.just("text/csv"),
    st.sampled_from([None, "text/csv", "application/json", "text/xml"]),
)
requests = wild | usual


@given(request=requests)
@settings(max_examples=300)
def test_any_request_has_an_answer_of_the_documented_statuses(
    request: tuple[bytes, str | None, str | None], service: MakeService
) -> None:
    answer = service().invoke(*request)
    assert answer.status in STATUSES - {500}
    assert isinstance(answer.body, bytes)
    assert (answer.body == b"") == (answer.status == 204)


def test_the_requests_have_answers_of_every_status(service: MakeService) -> None:
    def cases(request: tuple[bytes, str | None, str | None]) -> list[str]:
        return [str(service().invoke(*request).status)]

    assert missing_cases(requests, cases, *map(str, STATUSES - {500})) == {}


def test_the_quick_way_is_for_small_bodies_and_models(service: MakeService) -> None:
    assert service().is_quick(1000)
    assert not service().is_quick(1_000_000)


def test_record_helpers_agree_with_the_reader() -> None:
    features, _ = read_record(dense_record([1.0] * FEATURES))
    assert features is not None
    assert features.values.tolist() == [1.0] * FEATURES
