"""`python -m sagemaker_transform_emulator`."""

from sagemaker_transform_emulator.cli import main

main()
