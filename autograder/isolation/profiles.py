"""What workers of one kind have and may do: one profile for NumPy, one for h5py, one for Keras.

A profile widens what a level of isolation (`ladder.py`) grants, by name and no further. The probe
proves each level for each profile.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Profile:
    """One kind of worker.

    packages     imported beside NumPy, by the server, so that all workers have them; no other
                 package can be imported
    files        readable as well
    environment  variables that the server and its workers have
    threads      how many a worker may have at once; 0 for none but its own
    cpus         how many of the machine's processors a worker sees; 0 for all
    seconds      of waiting, in which the server must have started: a busy machine gets its time, or
                 it would count as one that cannot isolate
    first        (module, function, argument) of calls that the server makes once, before it gives
                 up what they need
    """

    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    threads: int = 0
    cpus: int = 0
    seconds: float = 60.0
    first: tuple[tuple[str, str, str], ...] = ()

    @property
    def filter(self) -> str:
        """What the name of its seccomp filter ends in."""
        return "-threads" if self.threads else ""


NUMPY = Profile()
H5PY = Profile(packages=("h5py",))

# TensorFlow and Keras, and what they import before anything is computed.
KERAS = Profile(
    packages=(
        *("keras", "tensorflow", "h5py"),
        *("absl", "astunparse", "certifi", "charset_normalizer", "flatbuffers", "gast", "google"),
        *("idna", "markdown_it", "mdurl", "ml_dtypes", "namex", "opt_einsum", "optree"),
        *("packaging", "pygments", "requests", "rich", "six", "termcolor", "typing_extensions"),
        *("urllib3", "wrapt"),
    ),
    environment={
        "KERAS_BACKEND": "tensorflow",
        # Nobody's settings are read, and none are written: this folder cannot be there.
        "KERAS_HOME": "/dev/null/keras",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    },
    # Training and answering take 6 to 12, which come and go.
    threads=64,
    # TensorFlow makes threads for each processor that it sees. With two, a class is graded alike on
    # machines small and large.
    cpus=2,
    # Importing it all takes 3 CPU seconds, and much reading where nobody has read it before.
    seconds=300.0,
    # When the first kernel is looked up, TensorFlow asks /proc/self which program this is, and
    # aborts where there is no answer. Once that is done, workers need no /proc at all.
    first=(("tensorflow.python.framework.kernels", "get_registered_kernels_for_op", "MatMul"),),
)
