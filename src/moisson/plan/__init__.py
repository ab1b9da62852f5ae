"""What remains to be asked: pure, no I/O, no clock, no randomness."""
