"""The JSON API of positions, orders and versus."""
