"""The page for a browser, over the real nodes."""

import contextlib
import json
import socket
import struct
import urllib.error
import urllib.request

import browser
import pytest
from node_processes import Client, node_launcher, reserved_domain
from sensor_msgs.msg import CompressedImage, Image
from simulated_arms import PROFILE, SimulatedArms
from test_operator import GREY, an_episode

from vag_core.images import encode_png
from vag_core.panel import Act
from vag_ros import convert, msg, names
from vag_ros.web_page import Frames

TOKEN = 'a-token-of-the-test'
TAB, UP, DOWN, SPACE = '\ue004', '\ue013', '\ue015', '\ue00d'
CONTROLS = "[...document.querySelectorAll('button:enabled, select:enabled')]"
# WCAG 2.1: relative luminance and contrast of every text on the page against its background.
CONTRASTS = """
const channels = colour => colour.match(/[\\d.]+/g).map(Number);
const seen = node => { for (; node; node = node.parentElement) {
  const found = channels(getComputedStyle(node).backgroundColor);
  if (found.length < 4 || found[3] === 1) return found; } return [0, 0, 0]; };
const light = colour => colour.slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
return [...document.querySelectorAll('button, select, label, legend, h1, li, figcaption, #answer')]
  .map(node => { const pair = [light(channels(getComputedStyle(node).color)), light(seen(node))];
    return [node.innerText, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)]; });
"""
CHOICES = "return document.querySelectorAll('#menu select:enabled').length"


@pytest.fixture(scope='module')
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp('page')
    port = browser.free_port()
    with reserved_domain() as domain, node_launcher(domain, folder) as launch:
        launch('replay_server', robot='sim', dry_run=False)
        client = Client(domain)
        arms = SimulatedArms(client)
        episodes = client.node.create_publisher(msg.Episode, names.EPISODE, names.LATCHED_QOS)
        camera = client.node.create_publisher(
            CompressedImage, PROFILE.camera.topic, names.CAMERA_QOS
        )
        image = convert.to_compressed(encode_png(GREY))
        client.node.create_timer(0.1, lambda: camera.publish(image))
        launch('operator', web_port=port, web_token=TOKEN)
        client.wait(lambda: arms.states, what='the replay server')
        client.meet('replay_server')
        client.wait(episodes.get_subscription_count, what='the operator')
        client.wait(lambda: listening(port), what='the page')
        yield client, arms, episodes, f'http://127.0.0.1:{port}'
        arms.close()
        client.close()


def listening(port):
    """Say whether somebody answers on a local port."""
    with socket.socket() as line:
        return line.connect_ex(('127.0.0.1', port)) == 0


@contextlib.contextmanager
def page_with_menu(client, root):
    """Open the page in a browser and wait until its menu can be used."""
    with browser.browser() as window:
        window.open(f'{root}/?token={TOKEN}')
        client.wait(lambda: window.run(CHOICES) > 0, what='the menu')
        yield window


def ask(url, body=None, **headers):
    """Return (status, body)."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize('path', ['/state', '/frame/live', '/nothing'])
def test_without_the_token_nothing_but_the_empty_page_is_served(stage, path):
    *_, root = stage
    assert ask(root + path)[0] == 403
    assert ask(root + path, **{'X-Token': 'wrong'})[0] == 403
    assert ask(f'{root}{path}?token={TOKEN}')[0] == 403
    assert ask(root + '/')[0] == 200


def test_a_click_needs_the_token_in_the_header(stage):
    *_, root = stage
    click = {'act': 'stop', 'subject': ''}
    assert ask(f'{root}/click?token={TOKEN}', click)[0] == 403
    assert ask(f'{root}/click', click, **{'X-Token': 'wrong'})[0] == 403


@pytest.mark.parametrize(
    'body',
    [{}, {'act': 'jump', 'subject': ''}, {'act': 'replay'}, {'act': 'replay', 'subject': 1}, []],
)
def test_a_malformed_click_is_refused(stage, body):
    *_, root = stage
    assert ask(f'{root}/click', body, **{'X-Token': TOKEN})[0] == 400


def test_a_stale_click_is_refused_with_its_reason(stage):
    *_, root = stage
    body = {'act': 'replay', 'subject': 'an-old-plan'}
    status, answer = ask(f'{root}/click', body, **{'X-Token': TOKEN})
    assert status == 200
    assert json.loads(answer)['begun'] is False
    assert 'no longer on show' in json.loads(answer)['line']


def test_a_frame_is_sent_once(stage):
    client, *_, root = stage
    preview = client.node.create_publisher(CompressedImage, names.PREVIEW_VIDEO, names.STATE_QOS)
    client.wait(preview.get_subscription_count, what='the page')
    preview.publish(CompressedImage(format='jpeg', data=b'only one'))
    address, key = f'{root}/frame/generated', {'X-Token': TOKEN}
    client.wait(lambda: ask(address, **key)[1] == b'only one', what='the frame')
    with urllib.request.urlopen(urllib.request.Request(address, headers=key)) as answer:
        number = answer.headers['X-Number']
    assert ask(f'{address}?after={number}', **key) == (204, b'')


def test_a_raw_picture_that_cannot_be_read_is_left_out():
    frames = Frames()
    frames.put('live', Image(encoding='yuv422', width=2, height=1, data=[1, 2]))
    assert frames.newest('live') == (0, b'')


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_a_picture_that_does_not_move_any_more_says_so_beside_one_that_does(stage):
    client, *_, root = stage
    preview = client.node.create_publisher(CompressedImage, names.PREVIEW_VIDEO, names.STATE_QOS)
    client.wait(preview.get_subscription_count, what='the page')
    preview.publish(convert.to_compressed(encode_png(GREY)))
    caption = "return document.getElementById('{}').parentElement.innerText"
    with browser.browser() as window:
        window.open(f'{root}/?token={TOKEN}')
        client.wait(
            lambda: 'NO NEW PICTURE' in window.run(caption.format('generated')),
            what='a picture that stands still',
        )
        client.wait(
            lambda: window.run(caption.format('live')) == 'live camera', what='one that moves'
        )
        assert 'no picture yet' in window.run(caption.format('comparison'))


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_stop_gets_through_beside_many_open_pages(stage):
    client, arms, _, root = stage
    arms.be_ready()
    with browser.browser() as window:
        window.open(f'{root}/?token={TOKEN}')
        for _ in range(6):
            window.run(f"window.open('{root}/?token={TOKEN}')")
        client.wait(lambda: 'IDLE' in window.text('#headline'), what='the state')
        window.run("document.getElementById('stop').click()")
        client.wait(lambda: 'LATCHED' in window.text('#headline'), what='the stop')


def test_a_browser_may_leave_before_its_answer(stage):
    *_, root = stage
    host, port = root.removeprefix('http://').split(':')
    for path in ['/', '/state', '/frame/live'] * 10:
        with socket.create_connection((host, int(port)), timeout=10) as line:
            reset_on_close = struct.pack('ii', 1, 0)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_on_close)
            head = f'GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Token: {TOKEN}\r\n\r\n'
            line.sendall(head.encode())
    assert ask(root + '/')[0] == 200  # and the node must have printed no traceback


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_the_keyboard_alone_plans_approves_replays_and_stops(stage):
    client, arms, episodes, root = stage
    arms.be_ready()
    with browser.browser() as window:
        window.open(f'{root}/?token={TOKEN}')
        episodes.publish(an_episode('by_keyboard', seconds=5.0))

        def wait_for(text, css='#headline'):
            client.wait(lambda: text in window.text(css), what=text)

        wait_for('episode: by_keyboard', '#lines')
        wait_for('IDLE')
        window.press('p')
        wait_for('PLAN ON SHOW')
        assert window.run("return document.getElementById('replay').disabled")
        client.wait(
            lambda: not window.run("return document.getElementById('approve').disabled"),
            what='the approve button',
        )
        window.press('ar')
        wait_for('APPROVED')
        assert arms.count == 0
        client.wait(
            lambda: not window.run("return document.getElementById('replay').disabled"),
            what='the replay button',
        )
        client.wait(
            lambda: window.run("return document.getElementById('live').naturalWidth") > 0,
            what='the live picture',
        )
        window.press('r')
        arms.wait_for_commands(20)
        window.run("document.querySelector('select').focus()")
        window.press('s')
        wait_for('LATCHED')
        wait_for('LATCHED: vag/stop was called', '#lines')
        window.press('e')
        wait_for('IDLE')


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_every_button_says_in_words_what_it_does_and_every_view_what_it_shows(stage):
    *_, root = stage
    with browser.browser() as window:
        window.open(f'{root}/?token=wrong')
        words = window.run("return [...document.querySelectorAll('button')].map(b => b.innerText)")
        assert len(words) == len(Act)
        assert all(len(text) > len('key S') for text in words)
        alternatives = window.run('return [...document.images].map(i => i.alt)')
        assert len(alternatives) == 3 and all(alternatives)
        shown = window.run('return [...document.images].map(i => getComputedStyle(i).visibility)')
        assert set(shown) == {'hidden'}  # no picture has come


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_the_tab_key_reaches_every_control_which_has_a_name_and_shows_that_it_has_the_focus(stage):
    client, arms, _, root = stage
    arms.be_ready()
    with page_with_menu(client, root) as window:
        controls = window.run(f'return {CONTROLS}.length')
        reached, names_of = [], []
        for _ in range(controls):
            window.press(TAB)
            reached.append(window.run(f'return {CONTROLS}.indexOf(document.activeElement)'))
            names_of.append(window.focused())
            outline = window.run(
                'const s = getComputedStyle(document.activeElement);'
                'return [s.outlineStyle, parseFloat(s.outlineWidth)]'
            )
            assert outline[0] == 'solid' and outline[1] >= 3, names_of[-1]
        assert reached == list(range(controls))
        assert 'STOP' in names_of[0]
        assert all(name.strip() for name in names_of)
        assert {'Instruction', 'Seed', 'Steps', 'Guidance', 'Speed', 'Recording'} <= set(names_of)


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_the_arrow_keys_choose_from_the_menu_and_the_focus_stays(stage):
    client, *_, root = stage
    with page_with_menu(client, root) as window:
        window.run("document.querySelectorAll('#menu select')[1].focus()")
        before = window.run('return document.activeElement.value')
        window.press(DOWN)
        client.wait(lambda: 'seed: same' in window.text('#answer'), what='the answer')
        client.wait(lambda: 'chosen: seed: same' in window.text('#lines'), what='the line')
        assert window.focused() == 'Seed'
        assert window.run('return document.activeElement.value') != before
        window.press(UP)
        client.wait(lambda: 'seed: new' in window.text('#answer'), what='the answer')
        assert window.focused() == 'Seed'


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_an_arrow_key_that_passes_over_the_speeds_changes_nothing(stage):
    client, arms, _, root = stage
    arms.be_ready()
    with page_with_menu(client, root) as window:
        window.run(
            'window.sent = []; const real = fetch;'
            'fetch = (path, ...rest) => { sent.push(path); return real(path, ...rest); }'
        )
        window.run(
            "[...document.querySelectorAll('#menu label')]"
            ".find(l => l.innerText.startsWith('Speed')).querySelector('select').focus()"
        )
        window.press(UP + DOWN)
        assert window.focused() == 'Speed'
        assert '/choose' not in window.run('return sent')
        window.press(TAB)
        assert window.focused() == 'Set Speed'
        window.press(SPACE)
        client.wait(lambda: '/choose' in window.run('return sent'), what='the choice')


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_nothing_is_told_by_colour_alone(stage):
    client, arms, _, root = stage
    arms.be_ready()
    with browser.browser() as window:
        window.open(f'{root}/?token={TOKEN}')
        client.wait(lambda: 'IDLE' in window.text('#headline'), what='the state')
        borders = window.run(
            "return [...document.querySelectorAll('#acts button')].map("
            'b => [b.disabled, getComputedStyle(b).borderTopStyle])'
        )
        assert {style for disabled, style in borders if disabled} == {'dashed'}
        assert 'dashed' not in {style for disabled, style in borders if not disabled}
        assert ('armed' in window.text('#headline')) != ('disarmed' in window.text('#headline'))
        # Letters can be told from what is behind them by whoever sees no colours.
        contrasts = window.run(CONTRASTS)
        assert len(contrasts) > 12
        assert min(contrast for _, contrast in contrasts) >= 4.5, contrasts


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
def test_without_a_connection_stop_alone_can_be_pressed_and_says_what_came_of_it(stage):
    client, *_, root = stage
    with browser.browser() as window:
        window.open(f'{root}/?token=wrong')
        client.wait(lambda: 'NO CONNECTION' in window.text('#headline'), what='the headline')
        enabled = window.run(
            "return [...document.querySelectorAll('button:enabled')].map(b => b.id)"
        )
        assert enabled == ['stop']
        window.press('s')
        client.wait(lambda: 'REFUSED: ' in window.text('#answer'), what='the answer')
        window.open(f'{root}/?token={TOKEN}')
        client.wait(lambda: window.run(CHOICES) > 0, what='the menu')
        window.run("fetch = () => Promise.reject(new Error('the line is cut'))")
        client.wait(lambda: 'NO CONNECTION' in window.text('#headline'), what='the headline')
        assert window.run(CHOICES) == 0
        window.press('s')
        client.wait(lambda: 'NO ANSWER, it may' in window.text('#answer'), what='the answer')
