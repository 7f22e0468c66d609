"""The script and the services directory: model, loader, checks. Pure; English only."""
