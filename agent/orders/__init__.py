"""Orders of contract v2: executed at most once, journalled before they are sent."""
