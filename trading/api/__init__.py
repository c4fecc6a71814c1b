"""The JSON API of positions, orders and versus."""

__all__ = ["outcome", "positions", "versus_shapes"]
