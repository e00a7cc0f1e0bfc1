"""``sm dev``: the whole application on this machine with one command."""
