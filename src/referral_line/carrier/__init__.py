"""The carrier's API: the number points here, old records go, and what is wrong is found."""
