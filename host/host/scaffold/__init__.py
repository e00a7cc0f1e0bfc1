"""``sm module new``: a module that has one of the usual things, passes its tests and can be looked at in the browser."""
