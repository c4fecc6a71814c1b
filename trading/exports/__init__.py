"""What is exported of trading: open positions, orders, closed trades."""
