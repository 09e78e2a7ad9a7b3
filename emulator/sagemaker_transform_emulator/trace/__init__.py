"""What a job's invocations looked like, byte for byte: recorded while it runs, read afterwards."""
