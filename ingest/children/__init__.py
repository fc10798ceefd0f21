"""Child processes whose work the parent can kill.

What parses a stranger's bytes may hang in C code or eat memory; no timer inside the same process
comes in time. So the work runs in children, the clock runs in the parent, and
a late child gets SIGKILL. Only the item it was working on fails; the rest of its chunk goes to a
new one.
"""

from ingest.children.child import ChildFailure
from ingest.children.pool import ChildPool, Submitter, cores

__all__ = ["ChildFailure", "ChildPool", "Submitter", "cores"]
