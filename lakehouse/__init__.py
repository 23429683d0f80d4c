"""The floor that every step stands on: settings, session, contracts, publishing, the gate, the registry."""
