r"""AssembleWith: answers become the output. Pure.

None puts nothing between the answers (R2.19); Line adds one `\n` after every answer, whatever its end
looks like (R2.20), so that a container that already ends in a newline gives blank lines.
"""

from __future__ import annotations

from sagemaker_transform_emulator.sagemaker.requests import AssembleWith


def assemble(answer: bytes, assemble_with: AssembleWith) -> bytes:
    """The bytes one answer contributes to the output."""
    return answer + b"\n" if assemble_with is AssembleWith.LINE else answer
