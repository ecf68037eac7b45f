# What the system must bring before anything is installed: Python with venv and headers, a C++ compiler, make and a
# library for off-screen OpenGL. Root gets the missing Debian packages installed, anyone else the command that does it.
# Sourced by setup.sh; check_system leaves the interpreter to use in $python.

supported='3.11 3.12 3.13'

runs() { command -v "$1" >/dev/null && "$1" -c '' 2>/dev/null; }

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

is_supported() { [[ " $supported " == *" $(version "$1") "* ]]; }

# The interpreter asked for, else that of the present environment, else the system's first one that is supported.
choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        runs "$PYTHON" || fail "PYTHON=$PYTHON does not run"
        is_supported "$PYTHON" || fail "PYTHON=$PYTHON is Python $(version "$PYTHON"); supported: $supported"
        python=$PYTHON
        return
    fi
    for python in "$root/.venv/bin/python" python3 python3.13 python3.12 python3.11; do
        if runs "$python" && is_supported "$python"; then
            return
        fi
    done
    python=
}

python_packages() {
    if [ -z "$python" ]; then
        # The distribution's default comes first; where it has proved too old, 3.11 stands beside it (Ubuntu 22.04).
        local name=python3
        runs python3 && name=python3.11
        echo "$name $name-venv $name-dev"
        return
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "python$(version "$python")-venv"
    "$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
        echo "python$(version "$python")-dev"
}

loads() { "${python:-false}" -c 'import ctypes, sys
for name in sys.argv[1:]:
    ctypes.CDLL(name)' "$@" 2>/dev/null; }

# The same preference as vag_sim/gl.py: EGL wherever libEGL is, and then it needs a driver too; else OSMesa.
can_render() {
    if loads libEGL.so.1; then
        loads libOpenGL.so.0 && { loads libEGL_mesa.so.0 || loads libEGL_nvidia.so.0; }
    else
        loads libOSMesa.so.8
    fi
}

missing_packages() {
    python_packages
    command -v c++ >/dev/null || echo g++
    command -v make >/dev/null || echo make
    can_render || echo libegl1 libopengl0 libgl1-mesa-dri
}

check_system() {
    local packages attempt
    [ "$(uname -sm)" = 'Linux x86_64' ] || fail "the ROS 2 wheels exist for Linux x86_64 only, not $(uname -sm)"
    for attempt in 1 2 3; do
        choose_python
        packages=$(missing_packages | xargs)
        if [ -z "$packages" ]; then
            return
        fi
        command -v apt-get >/dev/null || fail "this system lacks what Debian and Ubuntu call $packages"
        if [ "$(id -u)" != 0 ]; then
            fail "the system lacks $packages; install them, then run make again:
    sudo apt-get update && sudo apt-get install -y $packages"
        fi
        if [ $attempt = 3 ]; then
            fail "still missing after their installation: $packages"
        fi
        say "installing the system packages $packages"
        apt-get update -q
        # Unquoted: each word is one package.
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
    done
}
