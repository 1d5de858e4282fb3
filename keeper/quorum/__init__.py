"""Keepers among each other: who signed what, and when that is enough."""
