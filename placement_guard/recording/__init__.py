"""A recording of exchanges: what its lines hold, and how what is private is taken out of it."""
