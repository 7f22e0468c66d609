"""Tags, voices, catalogues, and the way from a caller's words to a language."""
