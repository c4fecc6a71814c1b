"""The pages: each view fetches, guards, makes one call, responds."""
