"""Who the reference is compared with on random geometries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy_peers
import tensorflow_peer
import torch_peer

# Of every comparison.
EXAMPLES = 300

PEERS: dict[str, dict[str, tuple[list[str], Any, Callable[[Any], None]]]] = {
    "PyTorch": torch_peer.COMPARISONS,
    "TensorFlow": tensorflow_peer.COMPARISONS,
    "SciPy": numpy_peers.SCIPY,
    "Keras' oracles in NumPy": numpy_peers.KERAS,
    "differences": numpy_peers.DIFFERENCES,
}
