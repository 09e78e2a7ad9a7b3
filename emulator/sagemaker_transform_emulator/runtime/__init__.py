"""How a ContainerDefinition becomes something that listens."""
