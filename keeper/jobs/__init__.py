"""What a keeper does, as plain functions of a context: one call is one cycle."""
