"""The pure engine: a position and an input give the next position. No I/O, no telephony."""
