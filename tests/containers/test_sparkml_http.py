"""The HTTP side of the SparkML container: paths, methods, content types, Accept, and who answers what."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sparkml_engine import column, model, schema
from sparkml_server import Reply, Server

SCHEMA = schema([column("s", "string"), column("x", "double")], column("x", "double"))
LABELS = schema([column("s", "string")], column("i", "double"))
INVALID_ACCEPT = b"Accept value passed via request or environment variable is not valid"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(model("identity"), {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(SCHEMA)})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def jsonlines_server() -> Iterator[Server]:
    settings = {
        "SAGEMAKER_SPARKML_SCHEMA": json.dumps(LABELS),
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/jsonlines;data=text",
    }
    server = Server(model("indexer-error"), settings)
    yield server
    server.stop()


def assert_framework(reply: Reply, status: int, phrase: str, path: str) -> None:
    assert (reply.status, reply.content_type) == (status, "application/json")
    content = json.loads(reply.body)
    assert list(content) == ["timestamp", "status", "error", "path"]
    assert content | {"timestamp": 0} == {"timestamp": 0, "status": status, "error": phrase, "path": path}
    assert abs(content["timestamp"] - time.time() * 1000) < 3_600_000


def assert_bare(reply: Reply, status: int) -> None:
    assert (reply.status, reply.content_type, reply.body) == (status, None, b"")


@pytest.mark.rule("R4.9")
@pytest.mark.parametrize("path", ["/ping", "/ping/", "/ping?x=1", "/%70ing"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ping(server: Server, method: str, path: str) -> None:
    assert_bare(server.request(method, path), 200)
    assert_bare(server.request(method, path, {"Accept": "foo"}), 200)


@pytest.mark.rule("R4.15", "R4.19")
def test_execution_parameters_to_the_byte(server: Server) -> None:
    for accept in (
        {},
        {"Accept": "*/*"},
        {"Accept": "application/*"},
        {"Accept": "text/csv, application/json;q=0.1"},
    ):
        reply = server.request("GET", "/execution-parameters", accept)
        cpus = json.loads(reply.body)["MaxConcurrentTransforms"]
        expected = f'{{"MaxConcurrentTransforms":{cpus},"BatchStrategy":"SINGLE_RECORD","MaxPayloadInMB":5}}'
        assert (reply.status, reply.content_type, reply.text) == (200, "application/json", expected)
    head = server.request("HEAD", "/execution-parameters")
    assert (head.status, head.content_type, head.body) == (200, "application/json", b"")
    for refused in ("text/csv", "foo", "text/html"):
        assert_bare(server.request("GET", "/execution-parameters", {"Accept": refused}), 406)


@pytest.mark.parametrize(
    "path", ["/", "/models", "/Ping", "/ping/x", "//ping", "/docs", "/openapi.json", "/redoc"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_other_paths_are_not_found(server: Server, method: str, path: str) -> None:
    assert_framework(server.request(method, path), 404, "Not Found", path)


@pytest.mark.parametrize(
    ("path", "methods", "allowed"),
    [
        ("/ping", "POST PUT DELETE PATCH", "GET"),
        ("/execution-parameters", "POST PUT DELETE PATCH", "GET"),
        ("/invocations", "GET PUT DELETE PATCH", "POST"),
        ("/invocations/", "GET", "POST"),
    ],
)
def test_other_methods_are_not_allowed(server: Server, path: str, methods: str, allowed: str) -> None:
    for method in methods.split():
        reply = server.request(method, path, {"Content-Type": "text/plain"}, b"x")
        assert_framework(reply, 405, "Method Not Allowed", path)
        assert reply.headers["allow"] == allowed


def test_head_of_invocations_has_no_body(server: Server) -> None:
    reply = server.request("HEAD", "/invocations")
    assert (reply.status, reply.content_type, reply.body) == (405, "application/json", b"")


def test_options_tell_the_methods(server: Server) -> None:
    for path, allowed in {"/ping": "GET,HEAD,OPTIONS", "/invocations": "POST,OPTIONS"}.items():
        reply = server.request("OPTIONS", path)
        assert_bare(reply, 200)
        assert reply.headers["allow"] == allowed
    assert_framework(server.request("OPTIONS", "/nowhere"), 404, "Not Found", "/nowhere")


def test_framework_errors_have_no_body_where_accept_rules_json_out(server: Server) -> None:
    for accept in ("text/csv", "foo", "application/jsonlines"):
        assert_bare(server.request("GET", "/nowhere", {"Accept": accept}), 404)
        assert_bare(server.request("POST", "/ping", {"Accept": accept}, b""), 405)
        assert_bare(server.invoke("a,1", "text/plain", accept), 415)
        assert_bare(server.invoke("", "text/csv", accept), 400)
        assert_bare(server.invoke("{", "application/json", accept), 400)
    for accept in ("text/csv,*/*;q=0.1", "application/json", "application/*"):
        assert_framework(server.invoke("", "text/csv", accept), 400, "Bad Request", "/invocations")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/csv",
        "TEXT/CSV",
        "text/csv;x=y",
        "text/csv; charset=utf-8",
        'text/csv;charset="UTF-8"',
        " text/csv ;; ",
        "\ttext/csv\t ",
        "text/csv;q=0.5d",
    ],
)
def test_csv_content_types(server: Server, content_type: str) -> None:
    assert server.invoke("a,1", content_type) == server.invoke("a,1.0")
    assert server.invoke("a,1", content_type).text == "1.0"


@pytest.mark.parametrize(
    "content_type",
    ["text/csv;charset='utf-8", "text/csv\xa0", "text/csv;q=1_0",
     "", "csv", "text/", "/csv", "text/*", "*/*", "text/csv+x", "text/libsvm",
     "application/x-www-form-urlencoded",
     "application/json+x", "application/vnd.x+json", "application/jsonlinesx", "text/csv;charset=no-such",
     "text/csv;charset=?", "text/csv;a=b c", "text/csv, text/csv", "multipart/form-data;boundary=x"],
)  # fmt: skip
@pytest.mark.parametrize("body", ["a,1", ""])
def test_other_content_types_are_not_supported(server: Server, content_type: str, body: str) -> None:
    reply = server.invoke(body, content_type)
    assert_framework(reply, 415, "Unsupported Media Type", "/invocations")


def test_no_content_type_is_not_supported(server: Server) -> None:
    reply = server.request("POST", "/invocations", {}, b"a,1")
    assert_framework(reply, 415, "Unsupported Media Type", "/invocations")


@pytest.mark.parametrize("content_type", ["text/csv", "application/json", "application/jsonlines"])
def test_an_empty_body_is_a_bad_request(server: Server, content_type: str) -> None:
    for body in (b"", None):
        reply = server.request("POST", "/invocations", {"Content-Type": content_type}, body)
        assert_framework(reply, 400, "Bad Request", "/invocations")


def test_bodies_of_several_chunks(server: Server) -> None:
    chunks = b"3\r\na,1\r\n2\r\n.5\r\n0\r\n\r\n"
    headers = [("Content-Type", "text/csv"), ("Transfer-Encoding", "chunked")]
    from http.client import HTTPConnection  # noqa: PLC0415 - the only test that frames a body itself

    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/invocations")
    for header in headers:
        connection.putheader(*header)
    connection.endheaders()
    connection.send(chunks)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"1.5")
    connection.close()


def test_json_in_other_charsets(server: Server) -> None:
    asked = {"schema": schema([column("s", "string")], column("s", "string")), "data": ["é"]}
    body = json.dumps(asked, ensure_ascii=False)
    for charset, encoded in {"ISO-8859-1": "latin-1", "utf-8": "utf-8", "UTF-16": "utf-16-be"}.items():
        reply = server.invoke(body.encode(encoded), f"application/json;charset={charset}")
        assert (reply.status, reply.text) == (200, "é")
    wrong = server.invoke(body.encode("latin-1"), "application/json")
    assert_framework(wrong, 400, "Bad Request", "/invocations")


@pytest.mark.rule("R4.22")
@pytest.mark.parametrize(
    "accept", [None, "", "  ", "\t", "*/*", "*/* ", "*/*\t", "text/csv", "text/csv ", "\ttext/csv\t "]
)
def test_the_default_answer_is_csv(server: Server, accept: str | None) -> None:
    reply = server.invoke("a,1", accept=accept)
    assert (reply.status, reply.content_type, reply.text) == (200, "text/csv", "1.0")


@pytest.mark.rule("R4.22")
def test_the_environment_sets_the_default_answer(jsonlines_server: Server) -> None:
    for accept in (None, " ", "*/*"):
        assert jsonlines_server.invoke("b", accept=accept).content_type == "application/jsonlines"
    assert jsonlines_server.invoke("b", accept="text/csv").content_type == "text/csv"


def test_blanks_at_the_ends_of_headers_mean_nothing(server: Server) -> None:
    vector = {"input": [column("v", "double", "vector")], "output": column("v", "double", "vector")}
    for name in ("application/jsonlines", "application/jsonlines;data=text"):
        exact = server.invoke_json([[1.5, 2.5]], name, **vector)
        assert exact.status == 200
        assert server.invoke_json([[1.5, 2.5]], f"\t {name} \t", **vector).body == exact.body
    json_type = server.request("GET", "/execution-parameters", {"Accept": "application/json \t"})
    assert json_type.content_type == "application/json"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/csv;q=0.5", "text/csv;charset=UTF-8"),
        ("text/csv; charset=utf-8", "text/csv;charset=utf-8"),
        ("text/csv,text/csv", "text/csv;charset=UTF-8"),
        ("application/json", "application/json"),
        ("application/json;q=0.9, text/csv;q=0.1", "application/json"),
        ("text/csv;q=0.1, application/json;q=0.9", "application/json"),
        ("application/jsonlines; data=text", "application/jsonlines;data=text;charset=UTF-8"),
        ("APPLICATION/JSONLINES", "application/jsonlines;charset=UTF-8"),
        ("text/plain", "text/plain;charset=utf-8"),
        ("text/html", "text/html;charset=utf-8"),
        ("text/*", "text/plain;charset=utf-8"),
        ("*/*;q=0.8", "text/plain;charset=utf-8"),
        ("application/xml, */*", "application/xml;charset=UTF-8"),
    ],
)
def test_other_accepts_are_refused_in_the_type_they_ask_for(
    server: Server, accept: str, content_type: str
) -> None:
    reply = server.invoke("a,1", accept=accept)
    assert (reply.status, reply.content_type, reply.body) == (400, content_type, INVALID_ACCEPT)


@pytest.mark.parametrize(
    "accept", ["foo", "text/", "text/csv;q=2", "*/csv", "text/csv\xa0", "text/csv;charset=no-such"]
)
def test_accepts_that_cannot_be_parsed_get_no_text(server: Server, accept: str) -> None:
    assert_bare(server.invoke("a,1", accept=accept), 400)


def test_two_accept_headers_are_one_list(server: Server) -> None:
    headers = [("Content-Type", "text/csv"), ("Accept", "text/csv"), ("Accept", "text/csv")]
    reply = server.request("POST", "/invocations", headers, b"a,1")
    assert (reply.status, reply.body) == (400, INVALID_ACCEPT)
    for first, second in (("", "text/csv"), ("text/csv", ""), ("", ""), ("*/*", " ")):
        headers = [("Content-Type", "text/csv"), ("Accept", first), ("Accept", second)]
        reply = server.request("POST", "/invocations", headers, b"a,1")
        assert (reply.status, reply.body) == (400, INVALID_ACCEPT)


def test_the_first_content_type_counts_even_an_empty_one(server: Server) -> None:
    for types, status in {("text/csv", "foo"): 200, ("", "text/csv"): 415}.items():
        headers = [("Content-Type", type_) for type_ in types]
        assert server.request("POST", "/invocations", headers, b"a,1").status == status


def test_refusals_follow_accept(jsonlines_server: Server) -> None:
    message = b"Unseen label: x. To handle unseen labels, set handleInvalid to keep"
    for accept, content_type in {
        None: "text/plain;charset=utf-8",
        "*/*": "text/plain;charset=utf-8",
        "text/csv": "text/csv;charset=UTF-8",
        "application/jsonlines": "application/jsonlines;charset=UTF-8",
        "application/jsonlines;data=text": "application/jsonlines;data=text;charset=UTF-8",
    }.items():
        reply = jsonlines_server.invoke("x", accept=accept)
        assert (reply.status, reply.content_type, reply.body) == (400, content_type, message)


def test_exceptions_without_message_answer_nothing(server: Server) -> None:
    assert_bare(server.invoke_json([None, 1]), 400)


def test_texts_are_utf_8(server: Server) -> None:
    reply = server.invoke_json(["żółć 🐚"], input=[column("s", "string")], output=column("s", "string"))
    assert reply.body == "żółć 🐚".encode()


def test_what_overflows_javas_stack_is_an_internal_error_and_no_crash(server: Server) -> None:
    nested = '{"data":[' + "[" * 500_000 + "]" * 500_000 + ",1]}"
    assert_framework(server.invoke(nested, "application/json"), 500, "Internal Server Error", "/invocations")
    assert server.invoke("a,1").text == "1.0"


@pytest.mark.rule("R4.24")
def test_requests_at_once_get_their_own_answers(server: Server) -> None:
    def ask(number: int) -> bool:
        padding = "y" * (40_000 if number % 5 == 0 else 10)
        return server.invoke(f"{padding},{number}").text == f"{float(number)}"

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(400)))


def test_ping_answers_while_a_long_body_is_scored(server: Server) -> None:
    lines = "\n".join(['{"data":["a",1.5]}'] * 100_000)
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(server.invoke, lines, "application/jsonlines")
        pings = 0
        while not long.done():
            assert server.request("GET", "/ping").status == 200
            pings += 1
    assert long.result().body.count(b"[1.5]") == 100_000
    assert pings > 1
