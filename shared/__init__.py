"""What the functions share, in rooms; imports run downwards only.

Importing Google's clients creates some hundred thousand objects, none of them garbage, and with Python's usual
thresholds the collector looks through them again and again: a twentieth of a cold function's first answer. So what
the framework has loaded by now is left alone for good, and the collector comes more rarely.
"""

import gc

gc.freeze()
gc.set_threshold(50_000, 20, 50)
