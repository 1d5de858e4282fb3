"""Replays of what keepers attested, from chain data alone. Imports nothing from the jobs."""
