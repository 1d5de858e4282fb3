"""What a move of the market does to all accounts: who falls below, and what follows from it."""
