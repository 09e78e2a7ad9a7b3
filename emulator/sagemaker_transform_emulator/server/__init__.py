"""The server of `emulator up`: the AWS front, the jobs it runs, and what it remembers."""
