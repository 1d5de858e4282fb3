"""Reads from an Ethereum chain, each pinned to one block."""
