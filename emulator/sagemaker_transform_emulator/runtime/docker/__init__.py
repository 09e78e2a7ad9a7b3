"""The Docker runtime. Importing any part of it raises MachineError where the extra [docker] is missing."""

from sagemaker_transform_emulator.extras import require

require("docker", "The Docker runtime", otherwise="take --runtime process")
