"""Processes of this machine: tied to their owner, observed, measured."""
