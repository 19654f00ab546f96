"""What can go wrong between a folder of documents and a ranked passage.

IndexingError            a person can mend it; the message says what, where and what to do
├── ConfigurationError   a setting is wrong or unknown                    exit 78
├── UnreadableSource     one document could not be read; the others go on
├── NoIndex              nothing has been built yet                       exit 1
├── BrokenIndex          a generation is not what its manifest says       exit 1
├── BuildRunning         another build holds the lock                     exit 3
├── ModelUnavailable     an encoder is missing, altered or of another kind  exit 3
├── ClusterUnavailable   Ray is missing, does not answer, or loses its workers  exit 3
└── StoreUnavailable     the vector store or the disk refuses             exit 3
    └── StoreUnreachable the server of the vectors does not answer, or not us
"""


class IndexingError(Exception):
    """The root of everything this package raises on purpose; `exit_code` is what a command ends with."""

    exit_code = 2


class ConfigurationError(IndexingError):
    """A setting is wrong or unknown; the message has one line a problem."""

    exit_code = 78


class UnreadableSource(IndexingError):
    """One document could not be read."""


class NoIndex(IndexingError):
    """There is no generation to serve."""

    exit_code = 1


class BrokenIndex(IndexingError):
    """A generation differs from its manifest."""

    exit_code = 1


class BuildRunning(IndexingError):
    """Another process is building in the same data folder."""

    exit_code = 3


class ModelUnavailable(IndexingError):
    """An encoder cannot be loaded, or its weights are not the expected ones."""

    exit_code = 3


class ClusterUnavailable(IndexingError):
    """There is no Ray, no cluster at that address, or none of its workers stays alive."""

    exit_code = 3


class StoreUnavailable(IndexingError):
    """The vector store or the disk refuses to work."""

    exit_code = 3


class StoreUnreachable(StoreUnavailable):
    """Nothing is known of what the server holds: an older generation would be no better, later may be."""
