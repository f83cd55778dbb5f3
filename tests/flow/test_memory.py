"""Free memory: the least of what machine, container and process allow, and the sentence when it is too little."""

import pytest

from fortyfive.flow import memory

LAYOUTS = {
    "version 2": ("0::/course/kernel", "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "version 1": (
        "7:memory:/course/kernel\n3:cpuset:/course\n0::/",
        "sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
}


def container(root, layout, **groups):
    """A machine's file tree with control groups; each group is given as (limit, used, idle)."""
    lines, mount, limit, used, idle_key = LAYOUTS[layout]
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(lines + "\n")
    for name, (most, in_use, idle) in groups.items():
        folder = root / mount / {"outer": "course", "own": "course/kernel", "top": ""}[name]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / limit).write_text(f"{most}\n")
        (folder / used).write_text(f"{in_use}\n")
        (folder / "memory.stat").write_text(f"anon 5\n{idle_key} {idle}\n")
    return memory._control_group_free(root)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_container_leaves_its_limit_less_what_is_in_use(tmp_path, layout):
    assert container(tmp_path, layout, own=(1_000, 300, 0)) == [700]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pages_of_files_that_nobody_touches_count_as_free(tmp_path, layout):
    assert container(tmp_path, layout, own=(1_000, 300, 100)) == [800]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_limits_of_the_outer_groups_hold_too(tmp_path, layout):
    assert sorted(container(tmp_path, layout, own=(1_000, 300, 0), outer=(500, 400, 0), top=(9_000, 0, 0))) == [
        100,
        700,
        9_000,
    ]


def test_a_group_without_a_limit_says_nothing(tmp_path):
    assert container(tmp_path, "version 2", own=("max", 300, 0), outer=(500, 400, 0)) == [100]


def test_a_machine_without_control_groups_says_nothing(tmp_path):
    assert memory._control_group_free(tmp_path) == []


def test_a_file_that_cannot_be_understood_is_no_limit(tmp_path):
    assert container(tmp_path, "version 2", own=("plenty", 300, 0)) == []


def test_free_memory_is_the_least_of_all_limits(monkeypatch):
    psutil = pytest.importorskip("psutil")
    assert 0 < memory.free_bytes() <= psutil.virtual_memory().total
    monkeypatch.setattr(memory, "_control_group_free", lambda: [12_345, 10**15])
    assert memory.free_bytes() == 12_345
    monkeypatch.setattr(memory, "_address_space_free", lambda: [-7])
    assert memory.free_bytes() == 0


def test_what_fits_is_allowed_and_what_does_not_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 300_000_000)
    memory.require(300_000_000, "A table", "Make it smaller.")
    with pytest.raises(memory.NotEnoughMemoryError) as caught:
        memory.require(460_000_000, "A table", "Make it smaller.")
    assert str(caught.value) == (
        "A table: this needs 0.46 GB of memory, and 0.30 GB are free here. Nothing has been allocated. Make it smaller."
    )
    assert isinstance(caught.value, MemoryError)
