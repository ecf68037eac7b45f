"""Draw a scene of primitive shapes, lines and labels off screen, as RViz draws markers."""

import dataclasses
import enum

import cv2
import mujoco
import numpy as np

BACKGROUND = (0.15, 0.16, 0.18)
MOST_SHAPES = 5000
FIELD_OF_VIEW = 45.0
LETTER, OUTLINE = 9, 12


class Kind(enum.Enum):
    """Kinds of shape."""

    BOX = mujoco.mjtGeom.mjGEOM_BOX
    CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER
    SPHERE = mujoco.mjtGeom.mjGEOM_SPHERE
    LINE = mujoco.mjtGeom.mjGEOM_CAPSULE
    LABEL = mujoco.mjtGeom.mjGEOM_LABEL


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """One thing to draw.

    Attributes:
        kind: what it is.
        size: (x, y, z) m of its bounding box; a line's is its width, three times; of a label x
            is the width of the text and z the height of its capitals.
        pose: (4, 4) in the world; of a line its first end.
        colour: RGBA in 0..1.
        end: (3,) the other end of a line.
        text: of a label.
    """

    kind: Kind
    size: tuple[float, float, float]
    pose: np.ndarray
    colour: tuple[float, float, float, float]
    end: np.ndarray | None = None
    text: str = ''


@dataclasses.dataclass(frozen=True)
class View:
    """Where to look from: as an orbit around ``focus``, distances in m, angles in rad."""

    focus: tuple[float, float, float]
    distance: float
    yaw: float
    pitch: float


def draw(shapes: list[Shape], view: View, width: int = 1280, height: int = 800) -> np.ndarray:
    """Return (height, width, 3) uint8 RGB; the farthest translucent shapes are drawn first."""
    model = _empty_model(width, height)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = mujoco.MjvCamera()
    camera.lookat, camera.distance = view.focus, view.distance
    camera.azimuth, camera.elevation = np.degrees(view.yaw) + 180.0, -np.degrees(view.pitch)
    with mujoco.Renderer(model, height, width, max_geom=MOST_SHAPES) as renderer:
        renderer.update_scene(data, camera)
        scene = renderer.scene
        scene.flags[mujoco.mjtRndFlag.mjRND_HAZE] = 0
        scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        for shape in shapes:
            if not shape.text:
                _add(scene, shape)
        image = renderer.render().copy()
    _write_labels(image, [shape for shape in shapes if shape.text], view)
    return image


def _write_labels(image: np.ndarray, labels: list[Shape], view: View) -> None:
    """Write each label centred on its place, as large as its size says; the nearest last."""
    height, width = image.shape[:2]
    backward = np.array(
        [
            np.cos(view.yaw) * np.cos(view.pitch),
            np.sin(view.yaw) * np.cos(view.pitch),
            np.sin(view.pitch),
        ]
    )
    eye = np.asarray(view.focus) + view.distance * backward
    right = np.array([-np.sin(view.yaw), np.cos(view.yaw), 0.0])
    up = np.cross(backward, right)
    focal = height / 2 / np.tan(np.radians(FIELD_OF_VIEW) / 2)
    for label in sorted(labels, key=lambda item: -np.linalg.norm(item.pose[:3, 3] - eye)):
        offset = label.pose[:3, 3] - eye
        depth = -offset @ backward
        if depth <= 0:
            continue
        middle = (
            width / 2 + focal * (offset @ right) / depth,
            height / 2 - focal * (offset @ up) / depth,
        )
        wide, _, high = (focal / depth * value for value in label.size)
        letters, around = (
            _written(label.text, middle, (wide, high), (width, height), stroke)
            for stroke in (LETTER, LETTER + OUTLINE)
        )
        image[:] = image * (1 - around) * (1 - letters)
        image += (255 * np.array(label.colour[:3]) * letters).astype(np.uint8)


def _written(
    text: str,
    middle: tuple[float, float],
    size: tuple[float, float],
    canvas: tuple[int, int],
    stroke: int,
) -> np.ndarray:
    """Return how much of each pixel, (height, width, 1) in 0..1, a stretched line of text covers.

    Args:
        text: one line.
        middle: (x, y) of it, pixels.
        size: width of the text and height of its capitals, pixels.
        canvas: width and height of the picture.
        stroke: width of the pen where capitals are 66 pixels high.
    """
    scale, border = 3.0, 40  # a Hershey capital is 22 pixels high at scale 1
    (wide, high), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, LETTER)
    large = np.zeros((high + base + 2 * border, wide + 2 * border), np.float32)
    corner = (border, border + high)
    cv2.putText(large, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 1.0, stroke, cv2.LINE_AA)
    across, down = size[0] / wide, size[1] / high
    # Smoothed before it shrinks, so that no stroke is lost between two pixels.
    large = cv2.GaussianBlur(large, (0, 0), max(0.35 / across, 0.1), sigmaY=max(0.35 / down, 0.1))
    place = np.array(
        [
            [across, 0.0, middle[0] - across * (border + wide / 2)],
            [0.0, down, middle[1] - down * (border + high / 2)],
        ]
    )
    return np.clip(cv2.warpAffine(large, place, canvas), 0.0, 1.0)[..., None]


def _empty_model(width: int, height: int) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    limits = getattr(spec.visual, 'global')
    limits.fovy = FIELD_OF_VIEW
    limits.offwidth, limits.offheight = width, height
    spec.visual.headlight.ambient = [0.45] * 3
    spec.visual.headlight.diffuse = [0.5] * 3
    spec.visual.map.znear = 0.01
    spec.add_texture(
        name='sky',
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=BACKGROUND,
        width=16,
        height=96,
    )
    return spec.compile()


def _add(scene: mujoco.MjvScene, shape: Shape) -> None:
    geom = scene.geoms[scene.ngeom]
    size = np.asarray(shape.size, dtype=float) / 2
    if shape.kind is Kind.CYLINDER:
        size = np.array([size[0], size[2], 0.0])
    mujoco.mjv_initGeom(
        geom,
        shape.kind.value,
        size,
        shape.pose[:3, 3],
        shape.pose[:3, :3].ravel(),
        np.asarray(shape.colour, dtype=np.float32),
    )
    if shape.kind is Kind.LINE:
        mujoco.mjv_connector(
            geom, shape.kind.value, shape.size[0] / 2, shape.pose[:3, 3], shape.end
        )
    scene.ngeom += 1
