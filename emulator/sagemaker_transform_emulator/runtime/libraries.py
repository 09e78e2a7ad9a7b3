"""The XGBoost that processes import: the installed one, or an environment for the image's tag."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from sagemaker_transform_emulator.config import Settings, cache_directory
from sagemaker_transform_emulator.runtime import environments
from sagemaker_transform_emulator.runtime.environment_making import ensure
from sagemaker_transform_emulator.runtime.xgboost_versions import Choice, choose, release_of


class Libraries:
    """Which folder goes first on the path of an image's process."""

    def __init__(self, settings: Settings) -> None:
        self._only_installed = settings.xgboost == "installed"
        self._folders: dict[str, Path | None] = {}

    def has_version_of(self, image: str) -> bool:
        """Whether the library version that the image's tag names can serve here, once it has been fetched."""
        release = release_of(image)
        return release is not None and self._choice(image).served == release.served

    def provided(self, image: str) -> bool:
        """Whether `provide` has been called for the image."""
        return image in self._folders

    async def provide(self, image: str, tell: Callable[[str], None]) -> str:
        """The image's library is there, made on first use; returns what a user should know of its version.

        See `environment_making.ensure` for the errors.
        """
        choice = self._choice(image)
        if choice.served == environments.installed_version():
            self._folders[image] = None
        else:
            wanted = environments.environment(choice.served, cache_directory())
            self._folders[image] = await ensure(wanted, tell)
        return choice.note

    def on_path(self, image: str, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables, with the image's folder first in PYTHONPATH where it has one."""
        folder = self._folders.get(image)
        if folder is None:
            return dict(variables)
        path = os.pathsep.join(filter(None, (str(folder), variables.get("PYTHONPATH"))))
        return {**variables, "PYTHONPATH": path}

    def _choice(self, image: str) -> Choice:
        installed, here = environments.installed_version(), environments.this_platform()
        return choose(image, installed, here, only_installed=self._only_installed)
