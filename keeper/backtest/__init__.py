"""Whether margins were enough: books valued at one moment and again later, and what that proves.

Statistics are pure and take plain numbers; `prices` and `chains` bring them real ones. What must
hold, and why the usual tests refuse even a perfect model here, stands in docs/backtest.md.
"""
