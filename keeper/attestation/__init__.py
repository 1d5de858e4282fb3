"""What keepers sign: epochs, leaves, the Merkle tree, EIP-712 messages (docs/encodings.md)."""
