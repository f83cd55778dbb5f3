"""`forty run` and `forty sweep` as they are typed: what is printed where, exit codes, the same bytes anywhere."""

import csv
import io
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fortyfive.cli import app as app_room
from fortyfive.cli import chart, designs, farm
from fortyfive.judgement import sweep
from fortyfive.scenario.prompts import PROMPTS

# It answers in time.
GOOD = "client -> lb x2 ->[retry=2] api x3 ->[retry=2] kv\n"
# One clerk who needs 2 s for each request, at any load.
BAD = "client -> clerk [time=2s, slots=1] -> kv\n"
# So little load that Python needs no compiler.
LITTLE = ["--prompt", "url-shortener", "--times", "0.005"]
ESCAPE = "\x1b"


def forty(*arguments, text=None):
    return CliRunner().invoke(app_room.app, [str(argument) for argument in arguments], input=text)


@pytest.fixture
def drawn(tmp_path):
    """Write a design and return its path."""

    def write(text, name="design.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# run


def test_run_of_a_design_that_does_what_was_asked_is_exit_code_0(drawn, monkeypatch):
    prompt = PROMPTS["url-shortener"]
    lenient = tuple(replace(each, available=None) for each in prompt.load.operations)
    monkeypatch.setitem(PROMPTS, prompt.name, replace(prompt, load=replace(prompt.load, operations=lenient)))
    result = forty("run", drawn(GOOD), *LITTLE)
    assert (result.stderr, result.exit_code) == ("", 0)
    assert result.stdout.startswith("A URL shortener: 20 requests/s for 20 s, 0.005× the load, seed 45\n")
    assert re.search(r"^follow +\d+ ms +\d+ ms +\d+ ms +100 ms +\d+\.\d% +100\.00%$", result.stdout, re.MULTILINE)
    assert re.search(r"^api +service +3 +\d+ +\d+% ·+ +0 +–$", result.stdout, re.MULTILINE)
    assert "A month costs USD " in result.stdout
    assert result.stdout.splitlines()[-1].startswith("✓ It does what was asked.")
    assert ESCAPE not in result.stdout


def test_run_of_a_design_that_does_not_is_exit_code_1_and_says_what_is_wrong_with_its_evidence(drawn):
    result = forty("run", drawn(BAD), *LITTLE)
    assert (result.stderr, result.exit_code) == ("", 1)
    assert re.search(r"^clerk +service +1 +\d+ +100% █+ +\d+ +\d+\.\d s$", result.stdout, re.MULTILINE)
    assert "Waiting at 'clerk', the longest queue" in result.stdout
    promise = r"^promise: 'follow' is promised within 100 ms .+\n  Evidence: p50 .+\n  Interviewer: Which of your boxes"
    assert re.search(promise, result.stdout, re.MULTILINE)
    last = result.stdout.splitlines()[-1]
    assert last.startswith("✗ It does not do what was asked: ")
    assert "promise" in last


def test_run_as_json_has_stable_keys_no_nan_and_the_same_bytes_again(drawn):
    path = drawn("client -> dead [errors=100%] -> kv\n")
    first, again = (forty("run", path, *LITTLE, "--json") for _ in range(2))
    assert (first.stdout, first.stderr, first.exit_code) == (again.stdout, "", 1)
    said = json.loads(first.stdout, parse_constant=pytest.fail)
    assert list(said) == [
        "times",
        "prompt",
        "seed",
        "meets",
        "goodput_per_s",
        "usd_a_month",
        "budget_usd_a_month",
        "saturated",
        "cut_short",
        "reached_s",
        "operations",
        "components",
        "bills",
        "findings",
        "over_time",
        "design",
    ]
    assert said["operations"]["follow"]["answer_s"] == {"p50": None, "p95": None, "p99": None}
    assert list(said["components"]) == ["client", "dead", "kv"]
    assert "promise" in {each["rule"] for each in said["findings"]}


def test_the_good_answers_over_time_are_those_of_the_operations(drawn):
    said = json.loads(forty("run", drawn(GOOD), *LITTLE, "--json").stdout)
    series = said["over_time"]
    counted = sum(each * series["bucket_s"] for each in series["goodput_per_s"])
    promised = sum(each["in_promise"] * each["arrived"] for each in said["operations"].values())
    assert counted == pytest.approx(promised)
    assert said["goodput_per_s"] == pytest.approx(promised / 20)


def test_another_seed_is_another_run(drawn):
    path = drawn(GOOD)
    one, two = (json.loads(forty("run", path, *LITTLE, "--json", "--seed", seed).stdout) for seed in (45, 46))
    assert (one["seed"], two["seed"]) == (45, 46)
    assert one["operations"] != two["operations"]


def test_run_reads_standard_input(drawn):
    assert forty("run", "-", *LITTLE, "--json", text=GOOD).stdout == forty("run", drawn(GOOD), *LITTLE, "--json").stdout


def test_run_says_every_problem_with_its_place_and_prints_nothing_else(drawn):
    path = drawn("client -> api [tme=20ms]\nclient -> db [hit=2]\n")
    result = forty("run", path, *LITTLE, "--json")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert result.stderr.startswith("Line 1, column 16: 'tme' is no parameter of a service. Did you mean 'time'?")
    assert "\nLine 2, column " in result.stderr


def test_a_note_does_not_keep_a_design_from_running(drawn):
    result = forty("run", drawn(f"{GOOD}client -> orders_db\n"), *LITTLE, "--json")
    assert result.stderr.startswith("Note. Line 2, column ")
    assert json.loads(result.stdout)["prompt"] == "url-shortener"


@pytest.mark.parametrize("command", ["run", "sweep"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"client -> caf\xe9", "is not UTF-8 text. Name a text file, saved as UTF-8.\n"),
        (b"\x7fELF\x00\x01", "holds binary data. Name a text file.\n"),
        (b"a" * 1_000_001, "is larger than 1,000,000 bytes. Name a text file with the design only.\n"),
    ],
)
def test_a_file_that_is_no_text_is_a_sentence_and_exit_code_2(drawn, command, content, sentence):
    path = drawn(content)
    result = forty(command, path, *LITTLE)
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"{path} {sentence}", 2)


def test_a_missing_file_and_a_long_and_an_empty_text_are_sentences(drawn, tmp_path):
    result = forty("run", tmp_path / "none.txt", *LITTLE)
    assert result.stderr == f"{tmp_path / 'none.txt'} could not be read: No such file or directory. Name a text file.\n"
    assert "The text has 200,000 characters" in forty("run", drawn("a" * 200_000), *LITTLE).stderr
    assert "Nothing is drawn" in forty("run", drawn(""), *LITTLE).stderr
    assert "standard input holds binary data." in forty("run", "-", *LITTLE, text="\0").stderr


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_an_unknown_prompt_is_a_sentence_that_lists_them(drawn, command):
    result = forty(command, drawn(GOOD), "--prompt", "twitter")
    sentence = f"There is no prompt 'twitter'. Choose one of: {', '.join(PROMPTS)}.\n"
    assert (result.stdout, result.stderr, result.exit_code) == ("", sentence, 2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--times", "0"], "0 times the load cannot be run: choose 0.001 to 1,000 times."),
        (["--times", "nan"], "nan times the load cannot be run"),
        (
            ["--times", "900"],
            "requests are asked for: run 1 to 2,000,000 at once, by another span or rate. Or choose a ",
        ),
        (["--json", "--mermaid"], "--json and --mermaid both print to standard output: choose one."),
        (["--svg", "none/at/all.svg"], "could not be written: No such file or directory. Name another file."),
    ],
)
def test_what_cannot_be_carried_out_is_a_sentence_and_exit_code_2(drawn, arguments, sentence):
    result = forty("run", drawn(GOOD), *LITTLE, *arguments)
    assert (result.stdout, result.exit_code) == ("", 2)
    assert sentence in result.stderr


def test_run_writes_the_drawing(drawn, tmp_path):
    result = forty("run", drawn(BAD), *LITTLE, "--svg", tmp_path / "drawing.svg", "--mermaid")
    assert result.exit_code == 1
    assert result.stdout.startswith(("flowchart", "graph"))
    assert ElementTree.parse(tmp_path / "drawing.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("text", [GOOD, BAD])
def test_tables_and_chart_fit_the_terminal(drawn, monkeypatch, columns, text):
    monkeypatch.setenv("COLUMNS", str(columns))
    above, _, _ = forty("run", drawn(text), *LITTLE).stdout.partition("\nA month costs")
    lines = above.splitlines()[1:]
    assert max(map(len, lines)) <= columns
    assert "client" in above
    assert "follow" in above
    assert "component kind" in above  # the names of the columns stay whole


def test_the_help_names_the_prompts():
    words = " ".join(forty("run", "--help").stdout.split())
    assert "notifications, url-shortener, checkout" in words


def test_a_process_of_its_own_prints_signs_that_its_encoding_has(drawn):
    command = [sys.executable, "-m", "fortyfive.cli", "run", str(drawn(BAD)), *LITTLE]
    process = subprocess.run(command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=False)
    said = process.stdout.decode("ascii")
    assert (process.stderr, process.returncode) == (b"", 1)
    assert re.search(r"^clerk +service +1 +\d+ +100% #+ ", said, re.MULTILINE)
    assert said.splitlines()[-1].startswith("x It does not do what was asked: ")
    assert "?" not in said.partition("A month costs")[0]


# the chart


@given(st.lists(st.floats(0, 1e9), max_size=130), st.integers(1, 90))
def test_columns_are_at_most_so_many_and_keep_the_greatest(values, width):
    merged = chart.columns(values, width, max)
    assert len(merged) == min(width, len(values))
    assert max(merged, default=0) == max(values, default=0)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60), st.integers(1, 5))
def test_bars_are_as_high_as_their_values_and_what_is_not_nothing_shows(values, height):
    lines = chart.bars(values, height)
    assert [len(line) for line in lines] == [len(values)] * height
    heights = [sum(chart.EIGHTHS.index(line[place]) for line in lines) for place in range(len(values))]
    top = max(values)
    for value, drawn_height in zip(values, heights, strict=True):
        assert (drawn_height > 0) == (value > 0)
        assert not top or abs(drawn_height - 8 * height * value / top) <= 1
    assert max(heights) == (8 * height if top else 0)


@pytest.mark.parametrize(("share", "bar"), [(0, "····"), (0.5, "██··"), (1, "████"), (1.7, "████")])
def test_a_gauge_is_full_at_one(share, bar):
    assert chart.gauge(share, 4) == bar


# sweep


def swept(path, *arguments):
    return forty("sweep", path, "--prompt", "url-shortener", *arguments)


def test_sweep_as_json_has_a_row_for_each_combination_and_seed(drawn):
    arguments = ["--set", "api.x=1,3", "--set", "lb->api.retry=0,2", "--times", "0.005,0.01", "--seeds", "2", "--json"]
    result = swept(drawn(GOOD), *arguments)
    said = json.loads(result.stdout, parse_constant=pytest.fail)
    assert (result.stderr, result.exit_code) == ("", 0)
    assert (said["prompt"], said["missing"], len(said["rows"])) == ("url-shortener", 0, 16)
    first = said["rows"][0]
    assert [first[name] for name in ("api.x", "lb->api.retry", "times", "seed")] == ["1", "0", 0.005, 45]
    assert len({json.dumps(row) for row in said["rows"]}) == 16


def test_sweep_as_csv_says_the_same_and_prints_a_summary(drawn, tmp_path):
    arguments = ["--set", "api.x=3,5000", "--times", "0.005", "--seeds", "2"]
    out = tmp_path / "rows.csv"
    result = swept(drawn(GOOD), *arguments, "--csv", out)
    rows = list(csv.DictReader(io.StringIO(out.read_bytes().decode())))
    plain = json.loads(swept(drawn(GOOD), *arguments, "--json").stdout)["rows"]
    assert rows == [{name: "" if value is None else str(value) for name, value in row.items()} for row in plain]
    assert result.exit_code == 0
    usd = statistics.median(row["usd_a_month"] for row in plain[:2])
    assert f"{usd:,.0f}" in result.stdout
    assert "api.x=5000, 0.005× the load: 'api' has 5,000 instances: choose 1 to 1,000" in result.stdout


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_summary_fits_or_is_told_in_paragraphs(drawn, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    arguments = [
        "--set",
        "api.x=2,3",
        "--set",
        "api.time=5ms",
        "--set",
        "kv.slots=9",
        "--times",
        "0.005",
        "--seeds",
        "2",
    ]
    lines = swept(drawn(GOOD), *arguments).stdout.splitlines()
    if columns == 200:
        assert lines[0].split()[:4] == ["api.x", "api.time", "kv.slots", "load"]
        assert [line.split()[:4] for line in lines if line.startswith(("2 ", "3 "))] == [
            ["2", "5ms", "9", "0.005×"],
            ["3", "5ms", "9", "0.005×"],
        ]
    else:
        assert lines[0].startswith("api.x=2, api.time=5ms, kv.slots=9, 0.005× the load: ")
    assert "Each figure is the median over the seeds" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "api"], "'api' is no setting: write component.parameter=value,value"),
        (["--set", "apo.x=2"], "There is no 'apo' in the drawing. Did you mean 'api'?"),
        (["--set", "api.tme=2ms"], "There is no parameter 'tme'. Did you mean 'time'?"),
        (["--times", "1,two"], "'1,two' in --times is no list of numbers: write --times 1,2,5."),
        (["--seeds", "10001"], "These are 10,001 runs, and a sweep has 10,000 at most: leave out values or seeds."),
        (["--json", "--csv", "rows.csv"], "--json prints the rows and --csv writes them: choose one."),
        (["--csv", "none/at/all.csv"], "could not be written: No such file or directory."),
        (["--scheduler", "localhost:8786"], "'localhost:8786' is no address of a scheduler: write tcp://host:8786."),
        (["--scheduler", "tcp://host:99999"], "is no address of a scheduler"),
    ],
)
def test_a_sweep_that_cannot_be_carried_out_is_a_sentence_before_anything_runs(drawn, monkeypatch, arguments, sentence):
    monkeypatch.setattr(sweep, "measure", lambda *_: pytest.fail("it ran"))
    result = swept(drawn(GOOD), *arguments)
    assert (result.stdout, result.exit_code) == ("", 2)
    assert sentence in result.stderr


def test_ctrl_c_keeps_what_is_done_and_says_how_many_are_missing(drawn, monkeypatch, tmp_path):
    measure = sweep.measure

    def interrupted(point, task):
        if point.seed == 47:
            raise KeyboardInterrupt
        return measure(point, task)

    whole = json.loads(swept(drawn(GOOD), "--times", "0.005", "--seeds", "5", "--json").stdout)
    monkeypatch.setattr(sweep, "measure", interrupted)
    result = swept(drawn(GOOD), "--times", "0.005", "--seeds", "5", "--json")
    assert result.exit_code == designs.INTERRUPTED == 130
    assert result.stderr == "Stopped. 2 of 5 runs are finished and kept; 3 are missing.\n"
    assert json.loads(result.stdout) == {**whole, "missing": 3, "rows": whole["rows"][:2]}
    out = tmp_path / "rows.csv"
    assert swept(drawn(GOOD), "--times", "0.005", "--seeds", "5", "--csv", out).exit_code == 130
    assert len(out.read_text().splitlines()) == 3


def test_rows_that_come_in_any_order_are_in_the_order_of_the_points():
    points = sweep.points(sweep.Task(GOOD, "url-shortener"), seeds=3)
    rows = [sweep.Row(point) for point in points]
    outcome = farm.collect(points, lambda: iter([(2, rows[2]), (0, rows[0])]))
    assert (outcome.rows, outcome.missing) == ([rows[0], rows[2]], 1)


def test_lost_runs_are_exit_code_2_and_the_others_are_kept(drawn, monkeypatch):
    def lossy(points, task):
        yield 1, sweep.measure(points[1], task)
        raise farm.LostError("A process ended.")

    monkeypatch.setattr(farm, "_here", lossy)
    result = swept(drawn(GOOD), "--times", "0.005", "--seeds", "3", "--json")
    assert (result.exit_code, result.stderr) == (
        2,
        "A process ended. 1 of 3 runs are finished and kept; 2 are missing.\n",
    )
    assert [row["seed"] for row in json.loads(result.stdout)["rows"]] == [46]


def test_a_missing_distributed_says_how_to_install_it(drawn, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = swept(drawn(GOOD), "--scheduler", "tcp://127.0.0.1:8786")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert re.search(
        r'which is not installed\. In the course\'s folder: .+ install -e "\.\[cluster\]"\n$', result.stderr
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler on this machine with two workers, each a thread: what they are sent goes over TCP all the same."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=str(tmp_path_factory.mktemp("workers")),
    ) as started:
        yield started


def test_a_cluster_and_a_process_for_each_core_give_the_same_bytes_as_this_process(drawn, monkeypatch, cluster):
    arguments = ["--set", "api.x=1,3,5000", "--times", "0.005,0.01", "--seeds", "3", "--json"]
    monkeypatch.setattr(farm, "FEW_RUNS", 18)
    here = swept(drawn(GOOD), *arguments)
    monkeypatch.setattr(farm, "FEW_RUNS", 0)
    monkeypatch.setattr(farm, "_cores", lambda: 2)
    cores = swept(drawn(GOOD), *arguments)
    there = swept(drawn(GOOD), *arguments, "--scheduler", cluster.scheduler_address)
    assert len(json.loads(here.stdout)["rows"]) == 18
    assert here.stdout == cores.stdout == there.stdout
    assert (here.exit_code, cores.exit_code, there.exit_code) == (0, 0, 0)


def test_an_interrupted_cluster_is_left_without_work(cluster, monkeypatch):
    points = sweep.points(sweep.Task(GOOD, "url-shortener"), [0.005], 40)
    finished = farm._on_cluster(cluster.scheduler_address, points, sweep.Task(GOOD, "url-shortener"))

    def interrupted():
        yield next(finished)
        finished.close()
        raise KeyboardInterrupt

    outcome = farm.collect(points, interrupted)
    assert (len(outcome.rows), outcome.missing, outcome.interrupted) == (1, 39, True)
    assert not [task for task in cluster.scheduler.tasks.values() if task.state == "waiting"]


def test_workers_without_the_course_or_with_another_version_are_named(drawn, monkeypatch, cluster):
    arguments = ["--scheduler", cluster.scheduler_address]
    monkeypatch.setattr(sweep, "fingerprint", lambda: threading.current_thread().name)
    other = swept(drawn(GOOD), *arguments)
    assert "Another version of the course is installed on the worker tcp://127.0.0.1:" in other.stderr
    monkeypatch.setattr(farm.importlib.util, "find_spec", lambda _: None)
    lacking = swept(drawn(GOOD), *arguments)
    assert re.match(
        r"The course is not installed on the worker tcp://\S+ and 1 more\. Install it there", lacking.stderr
    )
    assert (other.exit_code, lacking.exit_code) == (2, 2)


def test_a_scheduler_that_does_not_answer_is_a_sentence(drawn, monkeypatch):
    monkeypatch.setattr(farm, "CONNECT_S", 1)
    result = swept(drawn(GOOD), "--scheduler", "tcp://127.0.0.1:1")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert result.stderr.startswith("No scheduler answers at tcp://127.0.0.1:1 within 1 s")


@pytest.mark.soak
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that only one process gets")
def test_processes_end_with_the_one_that_started_them(drawn):
    psutil = pytest.importorskip("psutil")
    code = (
        "from fortyfive.cli import farm, app\n"
        "farm.FEW_RUNS, farm._cores = 0, lambda: 2\n"
        "if __name__ == '__main__': app.app()\n"
    )
    script = drawn(code, "start.py")
    command = [sys.executable, str(script), "sweep", str(drawn(GOOD)), *LITTLE, "--seeds", "2000", "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        parent = psutil.Process(process.pid)
        while len(children := parent.children()) < 3:  # two, and the one that counts what they share
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(children, timeout=20)[1] == []
