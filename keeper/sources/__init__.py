"""Where market data comes from: files, a public exchange, rounds on chain.

Each source says what it found wrong, with file and row (`finding.Finding`). What is sound is used,
what is not is refused, and nothing disappears in silence.
"""
