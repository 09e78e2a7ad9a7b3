"""A container that breaks the contract in one way of its choice, for tests of those who must notice."""
