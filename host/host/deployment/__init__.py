"""``sm doctor --deploy``: whether the files that deploy this installation agree with it and with each other.

One file here for each program that is set up by files. It reads them as that program would, and compares what they say
with ``Expected``, which is made of the settings' defaults, what the files themselves set, and the modules' manifests. So
it does not matter who wrote or edited them.
"""
