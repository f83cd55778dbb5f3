"""The server's extension and what starts beside it: prompt messages, no saved views, the engine compiled early."""

import asyncio
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from tornado import httpserver, web, websocket

from fortyfive.cli import app, lab_extension
from fortyfive.cli.lab_extension import PLOTLY_MIME, WIDGET_MIME, prompt, without_live_views


def notebook_with(*outputs):
    return {"type": "notebook", "content": {"cells": [{"cell_type": "markdown"}, {"outputs": list(outputs)}]}}


def test_the_view_goes_where_a_figure_stands_beside_it():
    model = notebook_with({"data": {WIDGET_MIME: {"model_id": "1"}, PLOTLY_MIME: {}, "text/plain": "x"}})
    without_live_views(model=model, path="a.ipynb", contents_manager=None)
    assert model == notebook_with({"data": {PLOTLY_MIME: {}, "text/plain": "x"}})


def test_everything_else_is_left_alone():
    model = notebook_with({"data": {WIDGET_MIME: {"model_id": "1"}}}, {"output_type": "stream", "text": "x"})
    without_live_views(model=model)
    assert model == notebook_with({"data": {WIDGET_MIME: {"model_id": "1"}}}, {"output_type": "stream", "text": "x"})
    for other in ({"type": "file", "content": "text"}, {"type": "notebook", "content": None}):
        without_live_views(model=other)


class Connection:
    """A connection of a kernel that notes that it was asked to connect."""

    def __init__(self, handler):
        self.websocket_handler = handler

    def connect(self):
        return "connected"


def nodelay_of_a_real_socket(connection_class):
    """Open a websocket to a server whose handler connects as Jupyter's does; return its socket's option."""
    seen = []

    class Handler(websocket.WebSocketHandler):
        async def open(self):
            assert connection_class(self).connect() == "connected"
            seen.append(self.ws_connection.stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def talk():
        server = httpserver.HTTPServer(web.Application([("/", Handler)]))
        server.listen(0, "127.0.0.1")
        (listening,) = (s for s in server._sockets.values())
        client = await websocket.websocket_connect(f"ws://127.0.0.1:{listening.getsockname()[1]}/")
        client.close()
        await client.read_message()
        server.stop()

    # In a thread of its own: while the session's browser is open, this one's event loop belongs to it.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, asyncio.wait_for(talk(), timeout=20)).result()
    (option,) = seen
    return bool(option)


def test_the_socket_of_a_kernel_sends_small_messages_at_once():
    assert not nodelay_of_a_real_socket(Connection), "tornado sets it already: the extension need not"
    assert nodelay_of_a_real_socket(prompt(Connection))


def test_the_server_gets_the_connection_it_is_configured_with_made_prompt():
    hooks = []
    server = SimpleNamespace(
        contents_manager=SimpleNamespace(register_pre_save_hook=hooks.append),
        kernel_websocket_connection_class=Connection,
        web_app=SimpleNamespace(settings={"kernel_websocket_connection_class": Connection}),
    )
    lab_extension._load_jupyter_server_extension(server)
    made = server.web_app.settings["kernel_websocket_connection_class"]
    assert issubclass(made, Connection)
    assert made is not Connection
    assert server.kernel_websocket_connection_class is made
    assert hooks == [without_live_views]


def test_the_engine_compiles_beside_the_server_with_less_priority_and_unheard(monkeypatch):
    started = []

    class Noted(subprocess.Popen):
        def __init__(self, command, **options):
            super().__init__([sys.executable, "-c", "input()"], **options | {"stdin": subprocess.PIPE})
            started.append((command, options, self))

    monkeypatch.setattr(subprocess, "Popen", Noted)
    app._compile_beside()
    ((command, options, process),) = started
    nice = os.getpriority(os.PRIO_PROCESS, process.pid) if hasattr(os, "getpriority") else None
    process.communicate(b"\n", timeout=20)
    assert command == [sys.executable, "-m", "fortyfive.flow"]
    assert {options[name] for name in ("stdin", "stdout", "stderr")} == {subprocess.DEVNULL}
    assert options["start_new_session"], "a Ctrl-C is meant for JupyterLab alone"
    assert nice is None or nice >= 10


def test_a_machine_that_can_start_no_more_processes_still_opens_the_course(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    app._compile_beside()
