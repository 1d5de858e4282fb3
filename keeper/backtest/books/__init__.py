"""Books of the backtest: 85 archetypes in 33 groups, drawn anew from each chain.

`market` is what they choose from, `archetype` what one is; each other file is one family, and
`all_archetypes` lists them.
"""
