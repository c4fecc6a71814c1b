"""The pages of trading: each view fetches, guards, makes one call, responds."""
