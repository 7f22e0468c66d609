"""A free, open helpline for anyone blackmailed with intimate images, by text message and phone."""

__version__ = "0.3.0"
