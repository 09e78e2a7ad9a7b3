"""Transform jobs: from an accepted request to the last output."""
