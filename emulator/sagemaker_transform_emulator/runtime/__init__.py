"""Runtimes: how the containers of a model are started, as local processes or in Docker."""
