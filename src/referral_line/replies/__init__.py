"""The table of ready replies: (language, node, turn) → bytes, one table a channel."""
