"""The pure parts of the record path: bytes in, bytes out, no I/O."""
