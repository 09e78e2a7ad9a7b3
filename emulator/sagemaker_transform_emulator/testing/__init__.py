r"""For tests of models and containers: a pytest plugin, a server of one's own, single invocations.

::

    from sagemaker_transform_emulator.testing import invoke_record

    def test_a_row_with_a_missing_value() -> None:
        answer = invoke_record("model.json", b"M,NaN,0.3\n", content_type="text/csv", accept="text/csv")
        assert answer.status == 200, answer.explanation

    def test_a_row_of_the_job() -> None:
        answer = invoke_record("model.json", b"id1,M,NaN,0.3\n", job="job.json")
        assert answer.output == b"id1,0.7\n", answer.explanation
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sagemaker_transform_emulator.testing.assertions import assert_completed
    from sagemaker_transform_emulator.testing.invoke import Outcome, invoke_record

__all__ = ["Outcome", "assert_completed", "invoke_record"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: every pytest run loads the plugin in this package."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sagemaker_transform_emulator.testing import assertions, invoke  # noqa: PLC0415

    return getattr(assertions if name == "assert_completed" else invoke, name)
