"""Structured logs that never carry a secret."""
