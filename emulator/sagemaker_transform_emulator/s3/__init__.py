"""S3: the client, outputs in parts, and the stores the emulator can run itself."""
