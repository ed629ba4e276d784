"""Marking of messages that a person will read."""


def N_(message: str) -> str:
    """Marks a message for the catalogue; it is translated where it is shown."""
    return message
