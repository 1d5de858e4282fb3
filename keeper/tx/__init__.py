"""Keys and transactions."""
