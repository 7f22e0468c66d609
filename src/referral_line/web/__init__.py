"""The ASGI app: webhooks, signature, health, simulator."""
