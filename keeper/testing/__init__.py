"""What tests, benchmarks and other people's strategies run against; shipped with the package."""
