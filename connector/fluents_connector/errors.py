"""Every error that fluents-warehouse raises on purpose.

FluentsError                  shown to the user as one message, without a stack trace
├── SettingsError             a setting is missing or wrong; names the key and what to write
├── BufferRefused             what is there is no staging buffer of this version
├── BufferUnavailable         the buffer cannot store right now; trying again may help
│   └── BufferFull            a limit of the settings is reached; a load makes room
├── LoadRunning               another load holds the lock
├── ReplayWaiting             a replay was asked for before and is not done yet
├── LoadFailed                a load stopped; nothing is lost and the next one goes on
├── ModelError                a file below sql/ cannot be used; names file and line
├── QueryError                a query on the published warehouse cannot be answered
├── ExportFailed              the warehouse could not be written into a folder
├── AlertsRunning             another process records or posts findings
├── AlertsFailed              findings could not be recorded or posted; the next run does it
├── SqlUnavailable            SQL cannot be served: no token, no extension, no port
└── SendError                 a receiver did not take what was sent to it
"""


class FluentsError(Exception):
    """Base of all: its text says what is wrong and what to do next."""


class SettingsError(FluentsError):
    """A setting is missing, unknown or of the wrong type."""


class BufferRefused(FluentsError):
    """What is at the buffer's place is not ours, or cannot do what was asked; it is unchanged."""


class BufferUnavailable(FluentsError):
    """Nothing was stored: the disk is full, locked, read-only or does not sync."""


class BufferFull(BufferUnavailable):
    """Nothing was stored: as many deliveries wait for a load as the settings allow."""


class LoadRunning(FluentsError):
    """Another load is running: two at a time would change the same dlt state."""


class ReplayWaiting(FluentsError):
    """A replay waits for the next load already, and only one can."""


class LoadFailed(FluentsError):
    """A load stopped. The buffer keeps all that the warehouse has not confirmed."""


class ModelError(FluentsError):
    """A model, check or table transform cannot be read, ordered or run."""


class QueryError(FluentsError):
    """The published warehouse is missing, or the SQL is wrong."""


class ExportFailed(FluentsError):
    """An export stopped. No file is half written, but some may be missing or of an earlier one."""


class AlertsRunning(FluentsError):
    """Another process records or posts findings: two at a time would post each twice."""


class AlertsFailed(FluentsError):
    """What the alerts found could not be recorded or posted. What is not posted is kept."""


class SqlUnavailable(FluentsError):
    """The published warehouse cannot be served to DuckDB clients here."""


class SendError(FluentsError):
    """A receiver cannot be reached, or refused what it was sent."""
