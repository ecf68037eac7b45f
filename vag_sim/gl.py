"""Choice of the off-screen OpenGL library for MuJoCo, which reads MUJOCO_GL when it is imported.

EGL needs libEGL and a Mesa or vendor driver, OSMesa its own library only; neither needs a display
or a GPU.
"""

import ctypes
import ctypes.util
import importlib
import os
import sys

PACKAGES = 'libosmesa6, or libegl1 libopengl0 libgl1-mesa-dri'


class NoOffscreenGLError(RuntimeError):
    """Neither EGL nor OSMesa is installed."""


def choose_backend() -> None:
    """Set MUJOCO_GL to ``egl`` or ``osmesa``, whichever loads, unless it is set already.

    PYOPENGL_PLATFORM follows, because PyOpenGL fixes its platform at first import. A MuJoCo that
    was imported before, and so without a choice, makes it again. Without any library nothing is
    set: kinematics and physics work all the same.
    """
    chosen_before = bool(os.environ.get('MUJOCO_GL'))
    backend = os.environ.get('MUJOCO_GL', '').lower()
    if not backend:
        backend = 'egl' if _loads('EGL') else 'osmesa' if _loads('OSMesa') else ''
    if backend:
        os.environ['MUJOCO_GL'] = backend
    if backend in ('egl', 'osmesa') and 'OpenGL' not in sys.modules:
        os.environ.setdefault('PYOPENGL_PLATFORM', backend)
    imported = sys.modules.get('mujoco.rendering.classic.gl_context')
    if backend and imported and not chosen_before:
        importlib.reload(imported)


def require_backend() -> None:
    """Raise NoOffscreenGLError, naming the Debian packages, when no library was found."""
    if not os.environ.get('MUJOCO_GL'):
        raise NoOffscreenGLError(
            'MuJoCo has no library to render off screen: neither libEGL nor libOSMesa loads; '
            f'on Debian and Ubuntu: apt install {PACKAGES}'
        )


def _loads(library: str) -> bool:
    """Say whether the shared library can be opened."""
    name = ctypes.util.find_library(library)
    if name is None:
        return False
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
