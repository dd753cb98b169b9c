"""What the command `histoniche` does, a function a command.

Each imports what it needs itself, so that `verify` starts at once and anywhere.
"""
