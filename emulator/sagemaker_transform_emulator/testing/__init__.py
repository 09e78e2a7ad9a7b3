"""For tests of models and containers: a pytest plugin, a server of one's own, single invocations."""
