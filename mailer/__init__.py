"""Mailer: e-mail marketing that forgets on time."""

__version__ = "0.1.0"
