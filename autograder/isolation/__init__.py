"""Student code runs here: a worker process, the protocol to it, and the limits it lives under."""
