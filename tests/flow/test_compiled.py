"""Kernels: the compiled code and Python are one, small work needs no compiler, and the compiler can be kept out."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from fortyfive.flow import compiled

SIGNATURE = "f8(f8[::1], i8[::1])"


def weighted(values, weights):
    """A sum whose last bits depend on the order of the additions."""
    total = 0.0
    for i in range(values.size):
        total += values[i] * weights[i] / 3.0
    return total


@pytest.fixture
def kernels(monkeypatch):
    """No kernel but the test's own."""
    mine = []
    monkeypatch.setattr(compiled, "_kernels", mine)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    return mine


def arrays(elements, seed=1):
    draws = np.random.default_rng(seed)
    return draws.random(elements), draws.integers(-(10**9), 10**9, elements)


def test_compiled_and_python_agree_to_the_last_bit(kernels):
    kernel = compiled.kernel(SIGNATURE)(weighted)
    for seed in range(20):
        given = arrays(5_000, seed)
        assert kernel.compiled()(*given) == kernel.python(*given)
        assert kernel(*given) == weighted(*given)


def test_work_of_few_elements_in_all_leaves_the_compiler_alone(kernels, monkeypatch):
    kernel = compiled.kernel(SIGNATURE)(weighted)
    monkeypatch.setattr(kernel, "compiled", lambda: pytest.fail("the compiler was asked"))
    half = compiled.SMALL_ELEMENTS // 2
    assert kernel(*arrays(half)) == weighted(*arrays(half))


def test_one_element_more_is_compiled(kernels, monkeypatch):
    kernel = compiled.kernel(SIGNATURE)(weighted)
    monkeypatch.setattr(kernel, "python", lambda *_: pytest.fail("Python ran it"))
    monkeypatch.setattr(kernel, "compiled", lambda: lambda *_: "compiled")
    assert kernel(*arrays(compiled.SMALL_ELEMENTS // 2 + 1)) == "compiled"


def test_once_compiled_small_work_is_compiled_work_too(kernels, monkeypatch):
    kernel = compiled.kernel(SIGNATURE)(weighted)
    kernel.compiled()
    monkeypatch.setattr(kernel, "python", lambda *_: pytest.fail("Python ran it"))
    assert kernel(*arrays(10)) == weighted(*arrays(10))


@pytest.mark.parametrize(("value", "enabled"), [("0", True), ("", True), ("1", False)])
def test_the_compilers_own_switch_is_obeyed(kernels, monkeypatch, value, enabled):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", value)
    assert compiled.enabled() is enabled
    kernel = compiled.kernel(SIGNATURE)(weighted)
    assert compiled.ready() is not enabled
    compiled.warm_up().join()
    assert compiled.ready()
    assert (kernel._compiled is not None) is enabled


def test_a_kernel_keeps_the_name_and_the_words_of_its_function(kernels):
    kernel = compiled.kernel(SIGNATURE)(weighted)
    assert (kernel.__name__, kernel.__doc__) == ("weighted", weighted.__doc__)


def test_many_threads_wait_for_one_compilation(kernels, monkeypatch):
    import numba

    calls = []

    def slow_njit(*_, **__):
        def compile_it(function):
            calls.append(function)
            time.sleep(0.05)
            return function

        return compile_it

    monkeypatch.setattr(numba, "njit", slow_njit)
    kernel = compiled.kernel(SIGNATURE)(weighted)
    threads = [threading.Thread(target=kernel.compiled) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [weighted]


def test_a_compiled_kernel_lets_other_threads_run(kernels):
    kernel = compiled.kernel(SIGNATURE)(weighted)
    kernel.compiled()
    given = arrays(4_000_000)
    started, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (started.set(), kernel(*given), done.set()))
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        thread.start()
        started.wait()
        steps = 0
        while not done.is_set():
            steps += 1
        thread.join()
    finally:
        sys.setswitchinterval(interval_s)
    # With the GIL held, this loop would get a word in only before and after.
    assert steps > 5_000


def test_the_engine_has_kernels_and_the_command_compiles_them():
    code = (
        "import runpy, sys\n"
        "from fortyfive.flow import compiled\n"
        "runpy.run_module('fortyfive.flow', run_name='__main__')\n"
        "print(len(compiled._kernels), compiled.ready(), 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, ready, imported = done.stdout.split()
    assert int(count) >= 2
    assert (ready, imported) == ("True", "True")
