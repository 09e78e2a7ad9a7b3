"""`emulator doctor`: the AWS variables, proxies and certificates that decide where clients go."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from sagemaker_transform_emulator.config import configured_store
from sagemaker_transform_emulator.errors import StorageError
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.client_errors import s3_errors
from sagemaker_transform_emulator.tools.doctor.surroundings import Look, MachineView, Part
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity
from sagemaker_transform_emulator.transform.keys import S3Location

_REAL_KEY = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}")
_CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
_PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy")
_TIMEOUT_S = 3.0
_KINDS = (("minio", "MinIO"), ("werkzeug", "moto"), ("amazons3", "Amazon S3"), ("uvicorn", "an emulator"))

UNREACHABLE = Kind(
    "s3-unreachable", Severity.ERROR, "the configured S3 endpoint does not answer",
    "every job fails before it starts",
    "start it, or correct AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL",
)  # fmt: skip
REFUSES = Kind(
    "s3-refuses", Severity.WARNING, "the configured S3 endpoint refuses the credentials",
    "models and inputs cannot be read",
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to that store's keys",
)  # fmt: skip
REAL_AWS = Kind(
    "real-aws", Severity.WARNING, "AWS credentials are set and no endpoint is",
    "clients in this shell talk to the real AWS: jobs there cost money",
    'eval "$(emulator env)" in the shell where clients run',
)  # fmt: skip
PARTLY_REAL = Kind(
    "real-aws-besides-s3", Severity.WARNING, "only S3 has an endpoint of its own",
    "SageMaker's own calls go to the real AWS", 'set AWS_ENDPOINT_URL, or eval "$(emulator env)"',
)  # fmt: skip
REAL_KEY = Kind(
    "real-key", Severity.NOTE, "a key that looks real is set while an endpoint is configured",
    "containers without network isolation get it to read S3", 'use the dummy keys: eval "$(emulator env)"',
)  # fmt: skip
PROXY = Kind(
    "proxy-for-loopback", Severity.WARNING, "requests to this machine go through a proxy",
    "clients get the proxy's errors instead of the emulator's answers",
    "add 127.0.0.1,localhost to NO_PROXY",
)  # fmt: skip
CERTIFICATES = Kind(
    "ca-bundle-missing", Severity.ERROR, "a variable names certificates that are not there",
    "HTTPS fails: pulls of jars, S3 over TLS", "correct or unset the variable",
)  # fmt: skip


def s3(at: MachineView) -> Part:
    """The S3 endpoint that is configured."""
    address = configured_store(at.environment)
    if address is None or address.endpoint_url is None:
        return Part("S3", ("no endpoint is configured: the emulator brings its own store",))
    url = address.endpoint_url
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Part("S3", (), (UNREACHABLE.found("S3", f"{url}: {error or type(error).__name__}"),))
    facts = (f"{url}: {_kind(answer)}",)
    storage = Storage(address)
    try:
        with s3_errors(S3Location("", "")):
            storage.client.list_buckets()
    except StorageError as error:
        return Part("S3", facts, (REFUSES.found("S3", f"{url}: {error.message}"),))
    finally:
        storage.close()
    return Part("S3", facts)


def credentials(at: MachineView) -> Part:
    """Whether clients that inherit these variables could reach the real AWS."""
    environment = at.environment
    everything = environment.get("AWS_ENDPOINT_URL")
    only_s3 = environment.get("AWS_ENDPOINT_URL_S3")
    found = _signs(environment)
    findings: list[Finding] = []
    if found and not everything and not environment.get("AWS_ENDPOINT_URL_SAGEMAKER"):
        kind = PARTLY_REAL if only_s3 else REAL_AWS
        findings.append(kind.found("AWS", ", ".join(found)))
    elif _REAL_KEY.fullmatch(environment.get("AWS_ACCESS_KEY_ID", "")):
        findings.append(REAL_KEY.found("AWS", "AWS_ACCESS_KEY_ID"))
    facts = (f"clients talk to {everything}",) if everything else ()
    return Part("AWS", facts, tuple(findings))


def proxies(at: MachineView) -> Part:
    """Whether a proxy stands between clients and this machine."""
    environment = at.environment
    named = [name for name in _PROXIES if environment.get(name)]
    if not named:
        return Part("Proxies", ("none is set",))
    bypass = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = ["127.0.0.1", "localhost"]
    configured = configured_store(environment)
    if configured is not None and configured.endpoint_url:
        hosts.append(urlsplit(configured.endpoint_url).hostname or "")
    through = [host for host in dict.fromkeys(hosts) if host and not _bypassed(host, bypass)]
    facts = (f"{', '.join(named)} set",)
    if not through:
        return Part("Proxies", facts)
    seen = f"{', '.join(named)} set, NO_PROXY does not name {', '.join(through)}"
    return Part(
        "Proxies", facts, (PROXY.found("proxies", seen, remedy=f"add {','.join(through)} to NO_PROXY"),)
    )


def certificates(at: MachineView) -> Part:
    """Whether the files that name trusted certificates are there."""
    named = {name: at.environment[name] for name in _CERTIFICATES if at.environment.get(name)}
    missing = [f"{name}={path}" for name, path in named.items() if not Path(path).exists()]
    facts = tuple(f"{name}={path}" for name, path in named.items()) or ("none is named",)
    return Part("Certificates", facts, tuple(CERTIFICATES.found("certificates", text) for text in missing))


def _signs(environment: Mapping[str, str]) -> list[str]:
    """What makes a client believe it may talk to AWS; values of secrets are not among it."""
    found = []
    if environment.get("AWS_PROFILE"):
        found.append(f"AWS_PROFILE={environment['AWS_PROFILE']}")
    if _REAL_KEY.fullmatch(environment.get("AWS_ACCESS_KEY_ID", "")):
        found.append("AWS_ACCESS_KEY_ID looks real")
    found += [name for name in ("AWS_SESSION_TOKEN", "AWS_ROLE_ARN") if environment.get(name)]
    return found


def _bypassed(host: str, no_proxy: str) -> bool:
    """Whether NO_PROXY names the host: itself, a domain above it, or a network it is in."""
    entries = [entry.strip().lstrip(".").lower() for entry in no_proxy.split(",") if entry.strip()]
    return any(
        entry in {"*", host} or host.endswith(f".{entry}") or _inside(host, entry) for entry in entries
    )


def _inside(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network)
    except ValueError:
        return False


def _kind(answer: httpx.Response) -> str:
    server = answer.headers.get("server", "").lower()
    name = next((name for sign, name in _KINDS if sign in server), "")
    if "x-minio-error-code" in answer.headers or "x-minio-deployment-id" in answer.headers:
        name = "MinIO"
    return name or server or "a store that does not say what it is"


LOOKS = (
    Look("S3", (UNREACHABLE, REFUSES), s3),
    Look("AWS", (REAL_AWS, PARTLY_REAL, REAL_KEY), credentials),
    Look("Proxies", (PROXY,), proxies),
    Look("Certificates", (CERTIFICATES,), certificates),
)
