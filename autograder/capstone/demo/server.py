"""The page on this machine: Starlette's routes, behind a token, and uvicorn on 127.0.0.1.

Other sites in the same browser can send requests here too. They do not know the token in the path,
and a request that says it is for another host or from another site is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autograder.capstone.demo import pictures, strokes
from autograder.capstone.demo.own import Own, distance
from autograder.capstone.demo.strokes import BadStrokes
from autograder.capstone.model import Model
from autograder.isolation.ladder import GraderFault, NotIsolated
from autograder.submissions import BadSubmission

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
# A drawing of as many points as there may be is half of this.
MAX_BODY = 64 * 1024
BINARY = "application/octet-stream"


class NoPort(OSError):
    """The page cannot be served there; the text is one sentence."""


@dataclass
class Demo:
    """What the page shows.

    title, told  the model: its name, and a sentence on where it comes from
    own          the student's functions, where some are looked at
    """

    model: Model
    title: str
    told: str
    own: Own | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def facts(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "told": self.told,
            "parameters": self.model.parameters,
            "layers": pictures.outline(self.model),
            "mine": None if self.own is None else str(self.own.path),
            "isolation": None if self.own is None else self.own.level,
            "area": strokes.AREA,
            "points": strokes.MAX_POINTS,
        }

    def reference(self, image: np.ndarray) -> tuple[list[np.ndarray], float]:
        """Every layer's answer, and the seconds that they took."""
        started = time.perf_counter()
        values = [value for _, value in self.model.values(image[None])]
        return values, time.perf_counter() - started

    def probabilities(self, values: Sequence[np.ndarray]) -> list[float]:
        answer = values[self.model.graph.output]
        if not self.model.ends_in_softmax:
            from autograder.capstone.activations import softmax

            with np.errstate(all="ignore"):
                answer = softmax(answer)
        return [float(p) for p in np.nan_to_num(answer[0], nan=0, posinf=0, neginf=0)]

    def look(self, drawn: list[np.ndarray]) -> bytes:
        """The reference's answer to a drawing."""
        values, seconds = self.reference(strokes.image(drawn))
        head = {"probabilities": self.probabilities(values), "seconds": seconds}
        return pictures.packed(head, values)

    def look_mine(self, drawn: list[np.ndarray]) -> bytes:
        """The student's, and how far it lies from the reference's."""
        assert self.own is not None
        image = strokes.image(drawn)
        with self._one_at_a_time:
            look = self.own.look(self.model, image)
        values, _ = self.reference(image)
        apart = [
            np.nan_to_num(np.abs(mine.astype(np.float64) - theirs))
            for mine, theirs in zip(look.values, values, strict=True)
        ]
        distances = [distance(*pair) for pair in zip(look.values, values, strict=True)]
        furthest = int(np.argmax(distances))
        largest = distances[furthest] if np.isfinite(distances[furthest]) else None
        head = {
            "probabilities": self.probabilities(look.values),
            "seconds": look.seconds,
            "functionSeconds": look.function_seconds,
            "used": [used.to_json() for used in look.used],
            "largest": largest,
            "where": self.model.graph.nodes[furthest].name,
        }
        return pictures.packed(head, look.values, apart)


def application(demo: Demo, hosts: Sequence[str]) -> ASGIApp:
    """The routes below the token, for requests to one of these hosts."""

    async def page(request: Request) -> Response:
        document, policy = _page()
        return Response(
            document, media_type="text/html", headers={"Content-Security-Policy": policy}
        )

    async def facts(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(demo.facts))

    async def look(request: Request) -> Response:
        return await _answer(request, demo.look)

    async def mine(request: Request) -> Response:
        if demo.own is None:
            raise HTTPException(404)
        return await _answer(request, demo.look_mine)

    routes = [
        Route("/", page),
        Route("/facts", facts),
        Route("/look", look, methods=["POST"]),
        Route("/mine", mine, methods=["POST"]),
    ]
    return Guard(Starlette(routes=[Mount(f"/{demo.token}", routes=routes)]), hosts)


async def _answer(request: Request, look: Callable[[list[np.ndarray]], bytes]) -> Response:
    """What `look` makes of the drawing in a request; one sentence where it makes nothing of it."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise HTTPException(413, f"a drawing has at most {MAX_BODY} bytes")
    try:
        drawn = strokes.read(json.loads(body.decode("utf-8")))
    except BadStrokes as error:
        raise HTTPException(400, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the drawing is not JSON") from error
    try:
        answer = await run_in_threadpool(look, drawn)
    except BadSubmission as error:
        raise HTTPException(409, str(error)) from error
    except (GraderFault, NotIsolated) as fault:
        raise HTTPException(500, f"the kit itself failed: {fault}") from fault
    return Response(answer, media_type=BINARY)


class Guard:
    """Lets requests of the page itself pass, and tells browsers to keep everything to it."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)  # which serves nothing else
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        ours = headers.get("host", "") in self.hosts and (
            origin is None or urlsplit(origin).netloc == headers["host"]
        )

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered["Cache-Control"] = "no-store"
                answered["X-Content-Type-Options"] = "nosniff"
                answered["Referrer-Policy"] = "no-referrer"
                answered["Cross-Origin-Resource-Policy"] = "same-origin"
                answered["X-Frame-Options"] = "DENY"
            await send(message)

        if not ours:
            refusal = Response("not from this page\n", 403, media_type="text/plain")
            await refusal(scope, receive, guarded)
            return
        await self.app(scope, receive, guarded)


@cache
def _page() -> tuple[str, str]:
    """The document with its style and script inside, and the policy that allows only these."""
    style = (PAGE / "demo.css").read_text("utf-8")
    script = (PAGE / "demo.js").read_text("utf-8")
    document = (PAGE / "demo.html").read_text("utf-8")
    document = document.replace("/* style */", style).replace("/* script */", script)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return document, policy


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


# --- on a port


def listening(port: int = 0) -> socket.socket:
    """A socket on this machine alone; with port 0 on any that is free. NoPort, where none is."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise NoPort(
            f"port {port} cannot be had ({error.strerror}); name another with --port, or none "
            "and a free one is taken"
        ) from error
    return listener


def address(demo: Demo, listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}/{demo.token}/"


def serving(demo: Demo, listener: socket.socket) -> uvicorn.Server:
    """A server for the page; `run(sockets=[listener])` serves until it is interrupted."""
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        application(demo, [f"{HOST}:{port}", f"localhost:{port}"]),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
        limit_concurrency=64,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def serve(demo: Demo, listener: socket.socket) -> None:
    """Until Ctrl-C."""
    try:
        serving(demo, listener).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn has ended cleanly, and raises it once more
        pass
    finally:
        listener.close()
        if demo.own is not None:
            demo.own.close()
