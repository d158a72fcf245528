"""The routes: what they answer, to whom, and what they refuse."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest
from starlette.testclient import TestClient

from autograder.capstone.demo import server, strokes
from autograder.capstone.demo.own import Own
from autograder.isolation.ladder import GraderFault

HOST = "127.0.0.1:8000"


@pytest.fixture
def demo(untrained):
    return server.Demo(untrained, "a title", "A network.")


@pytest.fixture
def client(demo):
    """A browser on the demo's own page."""
    with TestClient(server.application(demo, [HOST]), f"http://{HOST}") as client:
        yield client


def decoded(answer, demo, groups=1):
    """The head, and each group's maps layer by layer."""
    length = int.from_bytes(answer.content[:4], "little")
    head = json.loads(answer.content[4 : 4 + length])
    at = 4 + length
    found = []
    for ranges in head["ranges"]:
        group = []
        for layer, _ in zip(demo.facts()["layers"], ranges, strict=True):
            shape = layer["maps"], layer["rows"], layer["columns"]
            size = int(np.prod(shape))
            group.append(np.frombuffer(answer.content[at : at + size], np.uint8).reshape(shape))
            at += size
        found.append(group)
    assert at == len(answer.content)
    assert len(found) == groups
    return head, found


def test_the_page_is_whole_and_loads_nothing(client, demo):
    answer = client.get(f"/{demo.token}/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    for outside in ("http:", "https:", "//cdn", 'src="', "@import", "url("):
        assert outside not in answer.text
    assert "/* style */" not in answer.text
    assert "/* script */" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_facts_tell_the_layers(client, demo):
    facts = client.get(f"/{demo.token}/facts").json()
    assert facts["title"] == "a title"
    assert facts["told"] == "A network."
    assert facts["parameters"] == 103834
    assert len(facts["layers"]) == len(demo.model.graph.nodes)
    assert facts["mine"] is None
    assert facts["points"] == strokes.MAX_POINTS


def test_a_drawing_is_looked_at(client, demo, drawings):
    answer = client.post(f"/{demo.token}/look", json=drawings[4])
    assert answer.status_code == 200
    head, (maps,) = decoded(answer, demo)
    image = strokes.image(strokes.read(drawings[4]))
    assert np.array_equal(maps[0][0], image)
    expected = demo.model.probabilities(image[None])[0]
    np.testing.assert_allclose(head["probabilities"], expected, rtol=1e-6)
    assert 0 < head["seconds"] < 60
    assert len(answer.content) < 200_000


def test_an_empty_page_has_an_answer_too(client, demo):
    head, (maps,) = decoded(client.post(f"/{demo.token}/look", json=[]), demo)
    assert maps[0].max() == 0
    assert sum(head["probabilities"]) == pytest.approx(1, abs=1e-5)


def test_a_model_without_softmax_has_probabilities(kit, drawn_weights, drawings):
    config = kit.sequential(kit.layer("Flatten"), kit.layer("Dense", units=10))
    demo = server.Demo(drawn_weights(config), "", "")
    with TestClient(server.application(demo, [HOST]), f"http://{HOST}") as client:
        head, _ = decoded(client.post(f"/{demo.token}/look", json=drawings[4]), demo)
    assert sum(head["probabilities"]) == pytest.approx(1, abs=1e-5)


def test_a_model_that_gives_no_numbers_is_shown_all_the_same(kit, drawn_weights, drawings):
    config = kit.sequential(kit.layer("Flatten"), kit.layer("Dense", units=10))
    network = drawn_weights(config)
    for array in network.arrays.values():
        array[...] = np.nan
    demo = server.Demo(network, "", "")
    with TestClient(server.application(demo, [HOST]), f"http://{HOST}") as client:
        head, _ = decoded(client.post(f"/{demo.token}/look", json=drawings[4]), demo)
    assert head["probabilities"] == [0] * 10


def test_nothing_is_there_without_the_token(client, demo, drawings):
    for path in ("/", "/facts", "/look", "/mine", f"/{demo.token[:-1]}/", "/x/look"):
        assert client.get(path).status_code == 404
        assert client.post(path, json=drawings[1]).status_code == 404


def test_two_pages_have_two_tokens(untrained):
    tokens = {server.Demo(untrained, "", "").token for _ in range(3)}
    assert len(tokens) == 3
    assert min(map(len, tokens)) >= 20


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:8001", "", "localhost"])
def test_a_request_for_another_host_is_refused(client, demo, host):
    """A name of somebody else's that leads to this machine."""
    answer = client.get(f"/{demo.token}/", headers={"Host": host})
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8001"])
def test_a_request_of_another_site_is_refused(client, demo, drawings, origin):
    headers = {"Origin": origin}
    assert client.post(f"/{demo.token}/look", json=[], headers=headers).status_code == 403
    ours = {"Origin": f"http://{HOST}"}
    assert client.post(f"/{demo.token}/look", json=[], headers=ours).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"{}", 400),
        (b"[[[1, 2000]]]", 400),
        (b"[[[NaN, 0]]]", 400),
        (b"[" * 60_000, 400),
        (b" " * 70_000, 413),
        (json.dumps([[[1, 1]] * 4001]).encode(), 400),
    ],
)
def test_what_is_no_drawing_is_refused_with_a_sentence(client, demo, body, status):
    answer = client.post(f"/{demo.token}/look", content=body)
    assert answer.status_code == status
    assert 0 < len(answer.text) < 100
    assert "\n" not in answer.text


def test_other_methods_are_refused(client, demo):
    assert client.get(f"/{demo.token}/look").status_code == 405
    assert client.put(f"/{demo.token}/").status_code == 405


def test_without_functions_there_is_nothing_of_them(client, demo):
    assert client.post(f"/{demo.token}/mine", json=[]).status_code == 404


def test_a_students_functions_beside_the_reference(client, demo, golden, drawings, server_of):
    demo.own = server_of(golden / "wrong-conv-flipped-kernel")
    facts = client.get(f"/{demo.token}/facts").json()
    assert facts["mine"].endswith("wrong-conv-flipped-kernel")
    assert facts["isolation"] == demo.own.level
    answer = client.post(f"/{demo.token}/mine", json=drawings[4])
    head, (mine, apart) = decoded(answer, demo, groups=2)
    _, (theirs,) = decoded(client.post(f"/{demo.token}/look", json=drawings[4]), demo)
    assert np.array_equal(mine[0], theirs[0])
    assert not np.array_equal(mine[2], theirs[2])
    assert apart[0].max() == 0
    assert apart[2].max() == 255
    assert {used["status"] for used in head["used"]} == {"wrong", "unwritten"}
    (wrong,) = (used for used in head["used"] if used["status"] == "wrong")
    assert wrong["function"] == "conv2d"
    assert wrong["module"] == "convolution.py"
    layers = [layer["name"] for layer in facts["layers"]]
    assert head["largest"] > 0.1
    furthest = head["ranges"][1][layers.index(head["where"])][1]
    assert head["largest"] == pytest.approx(furthest, rel=1e-6)
    assert head["functionSeconds"] < head["seconds"]


def test_functions_without_numbers_have_an_answer(client, demo, tmp_path, drawings, server_of):
    (tmp_path / "activation.py").write_text("def relu(x): return x * float('nan')")
    demo.own = server_of(tmp_path)
    head, _ = decoded(client.post(f"/{demo.token}/mine", json=drawings[4]), demo, groups=2)
    assert head["largest"] is None
    assert head["where"] == "stage1_1_relu"
    assert head["probabilities"] == [0] * 10


def test_files_that_vanish_are_told(client, demo, tmp_path, server_of):
    file = tmp_path / "activation.py"
    file.write_text("")
    demo.own = server_of(tmp_path)
    file.unlink()
    answer = client.post(f"/{demo.token}/mine", json=[])
    assert answer.status_code == 409
    assert "holds no module" in answer.text
    file.write_text("")
    assert client.post(f"/{demo.token}/mine", json=[]).status_code == 200


def test_a_fault_of_ours_is_not_the_students(client, demo, golden, server_of, monkeypatch):
    demo.own = server_of(golden / "right-einsum")

    def fails(*arguments):
        raise GraderFault("the worker did not start")

    monkeypatch.setattr(Own, "look", fails)
    answer = client.post(f"/{demo.token}/mine", json=[])
    assert answer.status_code == 500
    assert answer.text == "the kit itself failed: the worker did not start"


@pytest.fixture
def server_of(request):
    """`server_of(path)`: functions in workers of the tests' server."""
    # By its name: `server` is the module here.
    workers = request.getfixturevalue("server")
    running = []

    def begun(path):
        running.append(Own(path, workers.limits, workers, 5.0))
        return running[-1]

    yield begun
    for one in running:
        one.close()


def test_only_this_machine_is_listened_to():
    with server.listening() as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(server.NoPort, match=f"^port {port} cannot be had .*--port"):
            server.listening(port)
