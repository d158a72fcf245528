"""Where other tools call the engine."""
