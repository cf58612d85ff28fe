# The toolchain of native/wheels.py: zig as a cross compiler.
set(CMAKE_SYSTEM_NAME $ENV{ZIG_SYSTEM})
set(CMAKE_SYSTEM_PROCESSOR $ENV{ZIG_PROCESSOR})
# Zig compiles its standard library once for each level of optimization, so CMake's own checks have the same level.
set(CMAKE_CXX_COMPILER "$ENV{ZIG};c++;-target;$ENV{ZIG_TARGET};-O3")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-Wl,-s")
