"""The switch and the rollback under load: no request is lost, and the former version's answers end in time."""

from __future__ import annotations

import time
from collections import Counter

from traffic import Watched, late, load_on

REQUESTS = 20_000
# Of each kind; they rest a little, so that the engine has a part of the two cores, and send 20,000 within two switches.
CLIENTS, PAUSE = 4, 0.01
# The server closes a connection of this age at its next answer; examples/iris/server.py gives the reason.
CONNECTION_MAX_AGE_SECONDS = 10


def test_blue_to_green_to_blue_loses_no_request(platform, tmp_path):
    load = load_on(platform.url(), tmp_path / "results", at_least=REQUESTS, clients=CLIENTS, pause=PAUSE)
    with Watched(platform) as watched, load as answers:
        time.sleep(3)
        began = time.time()
        platform.set("models.iris.active", "green")
        platform.up()
        time.sleep(CONNECTION_MAX_AGE_SECONDS + 3)
        back = time.time()
        platform.set("models.iris.active", "blue")
        platform.up()
        time.sleep(CONNECTION_MAX_AGE_SECONDS + 3)
    to_green, to_blue = watched.switched_to("green", began), watched.switched_to("blue", back)
    print(Counter((answer.kind, answer.outcome) for answer in answers))
    assert len(answers) >= REQUESTS
    assert not [answer for answer in answers if answer.failed]
    for kind, bound in (("new", 1), ("kept", CONNECTION_MAX_AGE_SECONDS + 1)):
        last = max(
            late(answers, version="1", after=to_green, until=to_blue, kind=kind),
            late(answers, version="2", after=to_blue, kind=kind),
        )
        print(f"the last old answer on a {kind} connection: {last:.3f} s after the switch")
        assert last < bound
    assert {"1", "2"} <= {answer.outcome for answer in answers if answer.kind == "kept"}
