"""What CreateTransformJob refuses about DataProcessing (R1.16, R1.17, R3.2, R3.3, R3.5)."""

from __future__ import annotations

from sagemaker_transform_emulator.errors import JsonPathError, ServiceError
from sagemaker_transform_emulator.sagemaker.requests import JoinSource, SplitType, TransformJob
from sagemaker_transform_emulator.transform import jsonpath
from sagemaker_transform_emulator.transform.formats import FORMATS, format_of, media_type

_SUPPORTED = ", ".join(FORMATS)


def require_processing(job: TransformJob) -> None:
    """The job's filters can be read and its join can work. Raises ServiceError otherwise.

    A bracket with more than one range passes: the service finds it when a record comes (R3.8).
    """
    content_type = job.transform_input.content_type
    accept = job.transform_output.accept
    if job.data_processing.join_source is JoinSource.INPUT:
        _require_join(job)
    _require_filter("InputFilter", job.data_processing.input_filter, "ContentType", content_type)
    _require_filter("OutputFilter", job.data_processing.output_filter, "Accept", accept or content_type)


def _require_filter(member: str, path: str, type_member: str, content_type: str | None) -> None:
    if path == "$":
        return
    kind = format_of(content_type)
    if kind is None:
        raise _invalid(
            f'Invalid {member}: "{path}". {type_member} {_quoted(content_type)} cannot be filtered; '
            f"supported are {_SUPPORTED}",
            f"set {type_member} to one of them, or leave {member} out",
        )
    unexpected = jsonpath.unexpected_character(path, kind.operators, letters=not kind.is_csv)
    if unexpected:
        operators = ", ".join(f"'{operator}'" for operator in kind.operators)
        raise _invalid(
            f'Invalid {member}: "{path}". Unexpected "{unexpected}" in JsonPath. Supported operators for '
            f'"{kind.media_type}" are [{operators}]',
            "rows of CSV have indexes only, such as $[1:]" if kind.is_csv else "rename the key in the data",
        )
    try:
        jsonpath.parse(path, csv=kind.is_csv)
    except JsonPathError as error:
        raise _invalid(f"Invalid {member}: {error}", error.remedy) from None


def _require_join(job: TransformJob) -> None:
    """R3.3: types and cutting must be the same on both sides."""
    source, target = job.transform_input, job.transform_output
    if media_type(source.content_type) != media_type(target.accept):
        raise _invalid(
            "JoinSource Input needs the same ContentType and Accept; they are "
            f"{_quoted(source.content_type)} and {_quoted(target.accept)}",
            "set Accept to the ContentType, or JoinSource to None",
        )
    if format_of(source.content_type) is None:
        raise _invalid(
            f"JoinSource Input cannot join {_quoted(source.content_type)}; supported are {_SUPPORTED}",
            "set JoinSource to None",
        )
    if source.split_type.value != target.assemble_with.value:
        raise _invalid(
            f"JoinSource Input needs the same SplitType and AssembleWith; they are {source.split_type} and "
            f"{target.assemble_with}",
            "set both to Line, or for application/json both to None",
        )
    if media_type(source.content_type) == "text/csv" and source.split_type is not SplitType.LINE:
        raise _invalid(
            "JoinSource Input needs SplitType and AssembleWith Line for text/csv", "set both to Line"
        )


def _quoted(content_type: str | None) -> str:
    return "not set" if content_type is None else f'"{content_type}"'


def _invalid(message: str, remedy: str) -> ServiceError:
    return ServiceError("ValidationException", message, remedy=remedy)
