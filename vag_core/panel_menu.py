"""Options of the operator and the menu that chooses them: numbered entries, and what each does.

The presets come from config/operator/presets.yaml or a file of the user's own.
"""

import dataclasses
import zlib
from collections.abc import Mapping
from typing import Any

from vag_core.configuration import ConfigError, config
from vag_core.panel import Act

STEPS_LIMIT = 1000
MOST_ENTRIES = 200
ARMING = {True: Act.ARM, False: Act.DISARM}
# Numbers of a group's entries begin at multiples of GROUP, those of a menu at multiples of MENU:
# a click on a menu that was drawn before the presets changed then names no entry of the new one.
GROUP, MENU, MENUS = 1000, 10_000, 400_000


@config
class Presets:
    """What the menu offers.

    Attributes:
        instructions: what the robot may be asked to do.
        steps: denoising steps; 0: the checkpoint's own.
        guidance: guidance scales; negative: the checkpoint's own.
        speed_scaling: shares of the planned speed, in (0, 1].
    """

    instructions: tuple[str, ...] = ()
    steps: tuple[int, ...] = (0,)
    guidance: tuple[float, ...] = (-1.0,)
    speed_scaling: tuple[float, ...] = (1.0,)

    def validate(self) -> None:
        """Raise ConfigError for a choice that no generation or replay could use."""
        for field in dataclasses.fields(self):
            values = getattr(self, field.name)
            if len(set(values)) < len(values) or len(values) > MOST_ENTRIES:
                raise ConfigError(
                    f'{field.name}: {len(values)} values, must be distinct and at most '
                    f'{MOST_ENTRIES}'
                )
        for text in self.instructions:
            if not text.strip():
                raise ConfigError(f'instructions: {text!r} is empty')
        for steps in self.steps:
            if not 0 <= steps <= STEPS_LIMIT:
                raise ConfigError(f'steps = {steps}: must lie between 0 and {STEPS_LIMIT}')
        for guidance in self.guidance:
            if not abs(guidance) < float('inf'):
                raise ConfigError(f'guidance = {guidance}: must be finite')
        for speed in self.speed_scaling:
            if not 0 < speed <= 1:
                raise ConfigError(f'speed_scaling = {speed}: must lie in (0, 1]')


@dataclasses.dataclass(frozen=True)
class Options:
    """What the next generation and replay use.

    Attributes:
        instruction: '' until one was chosen or has come by topic.
        same_seed: generate with the displayed episode's seed again, else with a new one.
        steps, guidance: as in :class:`Presets`.
        speed_scaling, armed: as the replay server says, None while it is silent.
        record: whether episodes are recorded, as the recorder says, None without one.
    """

    instruction: str = ''
    same_seed: bool = False
    steps: int = 0
    guidance: float = -1.0
    speed_scaling: float | None = None
    armed: bool | None = None
    record: bool | None = None


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the menu.

    Attributes:
        number: its id, from 1 and below 2^32; stable as long as the presets are, and of no use
            with others.
        parent: number of the entry that it hangs under, 0 for the menu itself.
        title: text, with a mark on what is chosen.
        line: text for whoever does not see the menu.
        change: fields of :class:`Options` that choosing it sets; empty for a heading.
        act: of the panel, which choosing it asks for instead.
        reload: choosing it reads the presets anew.
    """

    number: int
    parent: int
    title: str
    line: str = ''
    change: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    act: Act | None = None
    reload: bool = False


def menu(presets: Presets, options: Options) -> tuple[Entry, ...]:
    """List the entries for these presets; what ``options`` holds is marked."""
    groups: list[tuple[str, str, list[tuple[str, Any]]]] = [
        ('Instruction', 'instruction', [(text, text) for text in presets.instructions]),
        ('Seed', 'same_seed', [('new', False), ("same as the displayed episode's", True)]),
        ('Steps', 'steps', [(str(n) if n else "the checkpoint's own", n) for n in presets.steps]),
        (
            'Guidance',
            'guidance',
            [(f'{g:g}' if g >= 0 else "the checkpoint's own", g) for g in presets.guidance],
        ),
        ('Speed', 'speed_scaling', [(f'{100 * s:.0f} %', s) for s in presets.speed_scaling]),
        ('Arms', 'armed', [('armed', True), ('disarmed', False)]),
        ('Recording', 'record', [('on', True), ('off', False)]),
    ]
    first = zlib.crc32(repr(presets).encode()) % MENUS * MENU + 1
    entries: list[Entry] = []
    for place, (heading, field, choices) in enumerate(groups):
        parent = first + place * GROUP
        entries.append(Entry(parent, 0, heading))
        for number, (text, value) in enumerate(choices, parent + 1):
            # What RViz turns into a box with a check mark, and an empty one.
            mark = '[x] ' if getattr(options, field) == value else '[ ] '
            line = f'{heading.lower()}: {text}'
            act = ARMING[value] if field == 'armed' else None
            entries.append(Entry(number, parent, mark + text, line, {field: value}, act))
    last = first + len(groups) * GROUP
    entries.append(Entry(last, 0, 'Reload presets', 'presets read anew', reload=True))
    return tuple(entries)


def chosen(presets: Presets, options: Options, number: int) -> Entry:
    """Return the entry with this number.

    Raises:
        ValueError: there is none in the menu of these presets, or it is a heading.
    """
    entry = {entry.number: entry for entry in menu(presets, options)}.get(number)
    if entry is None:
        raise ValueError(f'menu entry {number} is of no menu that is shown now; choose again')
    if not entry.change and not entry.reload:
        raise ValueError(f'menu entry {number} ({entry.title}) is a heading')
    return entry
