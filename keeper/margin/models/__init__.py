"""Margin models beside the project's own: each values a case of its own kind."""
