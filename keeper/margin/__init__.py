"""The margin model of docs/model.md: float64 up to the risk arrays, exact integers after."""
