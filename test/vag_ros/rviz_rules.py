"""What RViz asks of markers, as its sources have it (ros2/rviz and interactive_markers, jazzy)."""

import math

from visualization_msgs.msg import InteractiveMarkerControl, Marker, MenuEntry

SOLIDS = (Marker.CUBE, Marker.CYLINDER, Marker.SPHERE)
PER_POINT = (Marker.LINE_STRIP, Marker.SPHERE_LIST)


def complaints(marker, frame=True):
    """List what RViz would refuse, warn of or draw otherwise than meant.

    ``frame``: the marker needs one; a part of an interactive marker must have none.
    """
    found = []
    p, q, s, c = marker.pose.position, marker.pose.orientation, marker.scale, marker.color
    coordinates = [v for point in (p, s, *marker.points) for v in (point.x, point.y, point.z)]
    colours = [v for colour in (c, *marker.colors) for v in (colour.r, colour.g, colour.b)]
    rules = {
        'a float is not finite': all(map(math.isfinite, [*coordinates, *colours, c.a])),
        'orientation is not normalised': abs(math.hypot(q.x, q.y, q.z, q.w) - 1) < 1e-3,
        'colour is not in 0..1': all(0 <= v <= 1 for v in colours),
        'it can not be seen': 0 < c.a <= 1,
        'frame': bool(marker.header.frame_id) == frame,
        'it goes away by itself': marker.lifetime.sec == marker.lifetime.nanosec == 0,
    }
    if marker.type in SOLIDS:
        rules['Scale of 0 in one of x/y/z'] = min(s.x, s.y, s.z) > 0
    elif marker.type in PER_POINT:
        rules['no points'] = len(marker.points) > (marker.type == Marker.LINE_STRIP)
        rules['scale'] = s.x > 0 and (marker.type == Marker.LINE_STRIP or min(s.y, s.z) > 0)
        rules['colours for some points only'] = len(marker.colors) in (0, len(marker.points))
    elif marker.type == Marker.TEXT_VIEW_FACING:
        rules['no text'] = bool(marker.text.strip())
        rules['not written in ASCII'] = marker.text.isascii() and marker.text.isprintable()
        # 0 becomes a metre: by its default, and in interactive markers by completion.
        rules['width of a space'] = 0 < s.x < s.z
    else:
        found.append(f'type {marker.type}')
    return found + [rule for rule, kept in rules.items() if not kept]


def array_complaints(array):
    """The same of a MarkerArray."""
    names = [(marker.ns, marker.id) for marker in array.markers]
    found = ['ns and id twice'] * (len(set(names)) < len(names))
    for number, marker in enumerate(array.markers):
        if marker.action == Marker.DELETEALL:
            found += ['removes what came before'] * (number > 0)
        elif marker.action == Marker.ADD:
            found += complaints(marker)
    return found


def interactive_complaints(marker):
    """The same of an InteractiveMarker."""
    names = [control.name for control in marker.controls]
    known, found = {0}, []
    for entry in marker.menu_entries:
        if entry.id in known or entry.parent_id not in known:
            found.append(f'menu entry {entry.id}: its id is taken, or its parent comes later')
        found += ['an entry runs a command'] * (entry.command_type != MenuEntry.FEEDBACK)
        known.add(entry.id)
    rules = {
        'no name': bool(marker.name),
        'no frame': bool(marker.header.frame_id),
        # With a stamp it would stay where its frame was at that time.
        'stamp': marker.header.stamp.sec == marker.header.stamp.nanosec == 0,
        'no controls': bool(names),
        'a control has no name, or that of another': all(names) and len({*names}) == len(names),
        'scale': marker.scale > 0,
        'menu without a control that opens it': not marker.menu_entries
        or InteractiveMarkerControl.MENU in [c.interaction_mode for c in marker.controls],
    }
    for control in marker.controls:
        q = control.orientation
        rules['orientation of a control'] = abs(math.hypot(q.x, q.y, q.z, q.w) - 1) < 1e-3
        rules['drawn only while one may interact'] = control.always_visible
        for part in control.markers:
            found += complaints(part, frame=False)
    return found + [rule for rule, kept in rules.items() if not kept]
