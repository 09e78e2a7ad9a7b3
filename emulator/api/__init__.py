"""The AWS front."""
