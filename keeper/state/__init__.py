"""The attested input: ids, the columnar snapshot of one block, and its canonical bytes."""
