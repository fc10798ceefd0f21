"""Child processes that the parent can kill.

Parsing untrusted bytes may hang in C code or use up the memory, and a timer in the same process
cannot interrupt it. So the work runs in children, the parent measures the time, and a late child
gets SIGKILL. Only the item it was working on fails; the rest of its chunk goes to a new child.
"""

from ingest.children.child import ChildFailure
from ingest.children.pool import ChildPool, Submitter, cores

__all__ = ["ChildFailure", "ChildPool", "Submitter", "cores"]
