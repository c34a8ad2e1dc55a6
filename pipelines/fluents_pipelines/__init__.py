"""Loads the staging buffer into the warehouse: read, normalize in SQL, load by dlt, publish."""

import os

# dlt reports each run to its makers unless told not to before it starts. Whoever wants that
# sets the variable.
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
