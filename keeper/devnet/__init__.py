"""A market on a throw-away chain: contracts, accounts, a crash, three keepers and a liquidator."""
