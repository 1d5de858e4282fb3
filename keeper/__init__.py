"""Off-chain keeper for an on-chain portfolio-margin engine."""

__version__ = "0.1.0"
