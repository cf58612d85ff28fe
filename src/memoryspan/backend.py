"""Keras on JAX, quietly: the one door through which the package imports Keras.

Keras chooses its backend when it is first imported, and JAX its devices and its compile cache when it first
computes. So all of that is settled here, before either happens, and every module writes
`from memoryspan.backend import keras`.

Environment:
    MEMORYSPAN_COMPILE_CACHE: a directory for compiled programs, or `off`.
        Default: the platform's cache directory for the user.
    JAX_COMPILATION_CACHE_DIR, JAX_NUM_CPU_DEVICES, XLA_FLAGS: JAX's own; where set, they win.
"""

import contextlib
import hashlib
import os
import platform
import sys
from pathlib import Path

from memoryspan.errors import BackendError
from memoryspan.machine import cores

COMPILE_CACHE = "MEMORYSPAN_COMPILE_CACHE"

CACHE_FLAG = "jax_compilation_cache_dir"
DEVICES_FLAG = "jax_num_cpu_devices"


def _choose_jax() -> None:
    """Make JAX the backend of Keras; raise `BackendError` if Keras runs on another one, or is set to."""
    chosen = os.environ.get("KERAS_BACKEND") or "jax"
    if "keras" in sys.modules and (running := sys.modules["keras"].config.backend()) != "jax":
        reason = f"Keras was already imported with the backend {running!r}"
    elif chosen != "jax":
        reason = f"KERAS_BACKEND is {chosen!r}"
    else:
        os.environ["KERAS_BACKEND"] = "jax"
        return
    raise BackendError(
        f"{reason}, and memoryspan runs on JAX: start Python with KERAS_BACKEND=jax, or, where that is not set to "
        f"another backend, import memoryspan before keras. (A saved model.keras opens with any backend, without "
        f"memoryspan.)"
    )


def _hush() -> None:
    """Keep XLA's and TensorFlow's start-up remarks off the terminal; their errors still come through."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def compile_cache() -> Path | None:
    """Return the directory of compiled programs that processes share; None if it is switched off.

    A program compiled for one processor must not run on another (a home directory can be shared), so the
    directory carries a digest of what this processor can do.
    """
    setting = os.environ.get(COMPILE_CACHE, "")
    if setting.lower() in {"off", "0", "no", "false", "none"}:
        return None
    if setting:
        root = Path(setting).expanduser()
    else:
        from platformdirs import user_cache_path

        root = user_cache_path("memoryspan", appauthor=False)
    return root / f"{platform.machine()}-{_processor_digest()}"


def _processor_digest() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        features = platform.processor()
    return hashlib.sha256(features.encode()).hexdigest()[:12]


def _configure_jax() -> None:
    """Set one CPU device a core and the compile cache, unless the environment or the program has set them."""
    decided = "JAX_NUM_CPU_DEVICES" in os.environ or "host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if not decided and getattr(jax.config, DEVICES_FLAG) == -1:
        with contextlib.suppress(RuntimeError):  # JAX computes already, on the devices that it has
            jax.config.update(DEVICES_FLAG, len(cores()))  # JAX splits work over devices, not over cores
    directory = compile_cache()
    if directory is not None and getattr(jax.config, CACHE_FLAG) is None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError:
            return  # no place to write: compile each time
        jax.config.update(CACHE_FLAG, str(directory))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


_choose_jax()
_hush()

import jax  # noqa: E402  (the environment above must be set first)

_configure_jax()

import keras  # noqa: E402  (as above: it reads its backend when it is imported)
from keras.src.backend import set_keras_mask  # noqa: E402  (Keras has no public name for it)
from keras.src.backend.common import global_state  # noqa: E402  (the same)
from keras.src.saving.serialization_lib import ObjectSharingScope  # noqa: E402  (the same)

__all__ = ["ObjectSharingScope", "compile_cache", "global_state", "jax", "keras", "set_keras_mask"]
