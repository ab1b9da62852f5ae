"""Files for other tools: what is chosen (selection), how it streams (feed), one writer a kind of file, the sidecar."""
