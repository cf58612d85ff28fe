"""Build the wheels of memoryspan for every platform on this one, with zig as the cross compiler.

`make wheels` runs it, in an environment that has the package `ziglang`. The first build for a platform takes minutes,
because zig compiles its C++ standard library, which it keeps in its cache.

Example: python native/wheels.py dist linux-aarch64
"""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

NATIVE = Path(__file__).parent
LIBRARY = "memoryspan/_native/kernel.so"

# Platform: system and processor as CMake names them, zig's target, the wheel's tag, and how a library of it begins.
PLATFORMS = {
    "linux-x86_64": ("Linux", "x86_64", "x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64", b"\x7fELF"),
    "linux-aarch64": ("Linux", "aarch64", "aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64", b"\x7fELF"),
    "macos-x86_64": ("Darwin", "x86_64", "x86_64-macos.11.0", "macosx_11_0_x86_64", b"\xcf\xfa\xed\xfe"),
    "macos-arm64": ("Darwin", "arm64", "aarch64-macos.11.0", "macosx_11_0_arm64", b"\xcf\xfa\xed\xfe"),
    "windows-x86_64": ("Windows", "AMD64", "x86_64-windows-gnu", "win_amd64", b"MZ"),
}


def build(platform: str, directory: Path) -> Path:
    """Build the wheel for one platform, and check that it holds a library for it."""
    import ziglang

    system, processor, target, tag, magic = PLATFORMS[platform]
    zig = Path(ziglang.__file__).parent / "zig"
    settings = {"cmake.toolchain-file": NATIVE / "zig.cmake", "install.strip": "false", "wheel.tags": f"py3-none-{tag}"}
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", directory, NATIVE.parent]
        + [f"--config-settings={name}={value}" for name, value in settings.items()],
        env=os.environ
        | {"ZIG": str(zig), "ZIG_SYSTEM": system, "ZIG_PROCESSOR": processor, "ZIG_TARGET": target}
        | {"MEMORYSPAN_BUILD_NATIVE": "1"},
        check=True,
    )
    (wheel,) = directory.glob(f"memoryspan-*-py3-none-{tag}.whl")
    with ZipFile(wheel) as archive:
        library = archive.read(LIBRARY)
    if not library.startswith(magic):
        raise SystemExit(f"{LIBRARY} in {wheel} is not a library for {platform}.")
    return wheel


if __name__ == "__main__":
    directory, *chosen = sys.argv[1:]
    for platform in chosen or PLATFORMS:
        wheel = build(platform, Path(directory))
        print(f"{wheel}: {wheel.stat().st_size / 2**10:.0f} KiB", flush=True)
