"""How each kind of saved Spark ML stage becomes MLeap nodes: one function per kind."""

from __future__ import annotations

from emulator.bundles.stages import assembling, categories
from emulator.bundles.stages.common import StageFunction

STAGES: dict[str, StageFunction] = {
    **assembling.STAGES,
    **categories.STAGES,
}
