"""One file a format: every report is a pure function of a verdict."""
