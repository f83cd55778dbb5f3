"""The arrays that the loop of the event engine runs on: filled from a system, made larger on demand, and run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fortyfive.flow import compiled, draws
from fortyfive.flow import events_loop as rows
from fortyfive.flow.events_model import (
    Backoff,
    Call,
    Client,
    Constant,
    Degraded,
    Fewer,
    Link,
    Queue,
    Retry,
    Service,
    Station,
    System,
    Trouble,
)

# So many events Python does before the compiler is asked; and after so many the compiled loop lets Ctrl-C in.
_FEW_EVENTS, _MANY_EVENTS = 20_000, 4_000_000
_STATIONS, _LINKS = 61, 62
_FEW_RECORDS, _FEW_STACK = 1_024, 256
_RECORD_BYTES = 8 * (rows.O_SIZE + rows.J_SIZE + 6)
# Which the dice of a job depend on, so it stays what it is.
_PATH_STEP = 31
_FEW_BYTES = 100_000_000


_BALANCES = {
    "random": rows.RANDOM,
    "round_robin": rows.ROUND_ROBIN,
    "least": rows.LEAST,
    "two": rows.TWO,
    "key": rows.BY_KEY,
    "spread": rows.SPREAD,
}


@dataclass
class Tables:
    """The arguments of the loop, in its order."""

    state: NDArray[np.int64]
    arrival: NDArray[np.int64]
    entry: NDArray[np.int64]
    marks: NDArray[np.int64]
    keys: NDArray[np.int64]
    edges: NDArray[np.int64]
    table: NDArray[np.int64]
    counts: NDArray[np.int64]
    station: NDArray[np.int64]
    link: NDArray[np.int64]
    window: NDArray[np.int64]
    setting: NDArray[np.int64]
    request: NDArray[np.int64]
    op: NDArray[np.int64]
    job: NDArray[np.int64]
    heap_at: NDArray[np.int64]
    heap_sequence: NDArray[np.int64]
    heap_what: NDArray[np.int64]
    stack: NDArray[np.int64]

    @classmethod
    def of(
        cls, system: System, at_ns: NDArray[np.int64], client: NDArray[np.int64], edges: NDArray[np.int64], seed: int
    ) -> Tables:
        """Return the tables at time 0, for requests at these times from these clients (their numbers)."""
        names, links = [each.name for each in system.stations], ordered_links(system)
        sources = [link.source for link in links]
        counts = [each.instances for each in system.stations]
        # Where the records of a station's instances begin.
        homes = dict(zip(names, (np.cumsum([0, *counts[:-1]]) * rows.S_SIZE).tolist(), strict=True))
        keys = draws.bits(seed, _STATIONS, np.arange(len(names))) >> np.uint64(32)
        records = np.zeros((len(names), rows.S_SIZE), dtype=np.int64)
        for number, each in enumerate(system.stations):
            own = [place for place, source in enumerate(sources) if source == each.name]
            _write(records[number], _station(each, number, own, int(keys[number])))
            records[number, rows.S_FIRST] = homes[each.name]
        station = np.repeat(records, counts, axis=0)
        station[:, rows.S_KNOWN_PLACE] = np.arange(len(station)) * rows.S_SIZE
        link = np.zeros((len(links), rows.L_SIZE), dtype=np.int64)
        keys = draws.bits(seed, _LINKS, np.arange(len(links))) >> np.uint64(32)
        for number, one in enumerate(links):
            following = links[number + 1] if sources[number + 1 : number + 2] == [one.source] else None
            _write(link[number], _link(one, system, following, int(keys[number])))
            link[number, rows.L_TARGET] = homes[one.target]
            link[number, rows.L_PATH] = ((number - sources.index(one.source)) * _PATH_STEP + 1) * 8_191
        link[:, rows.L_CELL] = len(names) * rows.STATION_COUNTS + np.arange(len(links)) * rows.LINK_COUNTS
        windows = link[:, rows.L_WINDOW]
        link[:, rows.L_SLOTS] = np.cumsum(windows) - windows
        settings, at = _settings(system, homes)
        width = len(names) * rows.STATION_COUNTS + len(links) * rows.LINK_COUNTS
        state = np.zeros(rows.STATE_SIZE, dtype=np.int64)
        state[[rows.STATE_HEAP, rows.STATE_WIDTH]] = at.size, width
        state[[rows.STATE_FREE_OP, rows.STATE_FREE_JOB]] = -1
        entry = np.array([sources.index(each.name) for each in system.clients]) * rows.L_SIZE
        empty = np.zeros(0, dtype=np.int64)
        tables = cls(
            state=state,
            arrival=at_ns,
            entry=entry[client],
            marks=_of_requests(system.clients, client, "marks", _marks_are_asked_for(system)),
            keys=_of_requests(system.clients, client, "keys", any(one.balance == "key" for one in links)),
            edges=edges,
            table=np.concatenate([service_table_ns(each.service) for each in system.stations]),
            counts=np.zeros(edges.size * width, dtype=np.int64),
            station=station.ravel(),
            link=link.ravel(),
            window=np.zeros(int(windows.sum()), dtype=np.int64),
            setting=settings.ravel(),
            request=np.zeros(at_ns.size * rows.R_SIZE, dtype=np.int64),
            op=empty,
            job=empty,
            # Times that are sorted are a heap.
            heap_at=at,
            heap_sequence=np.arange(at.size) - at.size,
            heap_what=rows.SETTING | (np.arange(at.size) * rows.SET_SIZE) << rows.CODE_BITS,
            stack=np.zeros(len(links) + rows.STACK_SPARE + _FEW_STACK, dtype=np.int64),
        )
        tables._grow(_FEW_RECORDS)
        return tables

    def run(self, most_events: int) -> None:
        """Run the loop until it is done or has had its events.

        Python begins, and hands a long run over to the compiler. Raises NotEnoughMemoryError where queues outgrow it.
        """
        status = rows.RUN_PAUSED
        while status != rows.RUN_DONE and (status == rows.RUN_FULL or self.state[rows.STATE_EVENTS] < most_events):
            if status == rows.RUN_FULL:
                self._make_room()
            done = int(self.state[rows.STATE_EVENTS])
            by_python = rows.loop.left_to_python() and (not compiled.enabled() or done < _FEW_EVENTS)
            turn = _FEW_EVENTS if by_python and compiled.enabled() else _MANY_EVENTS
            self.state[rows.STATE_LIMIT] = min(done + turn, most_events)
            status = self._in_lists() if by_python else rows.loop.compiled()(*self._arrays())

    def _arrays(self) -> list[NDArray[np.int64]]:
        return [getattr(self, each.name) for each in fields(self)]

    def _in_lists(self) -> int:
        """Let Python run the loop: on lists, which it reads five times as fast as arrays."""
        lists: list[Any] = [array.tolist() for array in self._arrays()]
        status = int(rows.loop.python(*lists))
        for array, values in zip(self._arrays(), lists, strict=True):
            array[:] = values
        return status

    def _make_room(self) -> None:
        """Double what the loop found full: the stack, or the records with their places in the heap."""
        most_on_stack = self.stack.size - self.link.size // rows.L_SIZE - rows.STACK_SPARE
        if self.state[rows.STATE_DEPTH] > most_on_stack:
            require_memory(2 * self.stack.nbytes, "a chain of calls that end at the same time")
            self.stack = np.concatenate([self.stack, np.zeros_like(self.stack)])
        else:
            self._grow(2 * (self.job.size // rows.J_SIZE))

    def _grow(self, records: int) -> None:
        """Make room for so many operations and jobs in all, and for their places in the heap."""
        require_memory(records * _RECORD_BYTES, f"{records:,} calls at the same time")
        self.op = self._more(self.op, rows.O_SIZE, rows.O_NEXT, rows.STATE_FREE_OP, records)
        self.job = self._more(self.job, rows.J_SIZE, rows.J_NEXT, rows.STATE_FREE_JOB, records)
        # An operation waits for its next try, a job for its end. Where servers restart too, the loop asks again.
        more = np.zeros(2 * records, dtype=np.int64)
        self.heap_at = np.concatenate([self.heap_at, more])
        self.heap_sequence = np.concatenate([self.heap_sequence, more])
        self.heap_what = np.concatenate([self.heap_what, more])

    def _more(self, old: NDArray[np.int64], size: int, following: int, first: int, records: int) -> NDArray[np.int64]:
        """Return the records and new ones behind them, which stand in front of the free ones."""
        new = np.zeros((records, size), dtype=np.int64)
        begin = old.size // size
        new.reshape(-1)[: old.size] = old
        new[begin:, following] = np.arange(begin + 1, records + 1) * size
        new[-1, following] = self.state[first]
        self.state[first] = begin * size
        return new.ravel()


def service_table_ns(service: Service) -> NDArray[np.int64]:
    """Return the distribution of a service time as the loop reads it, in ns, shape (events_loop.TABLE_SIZE,).

    The first half are the quantiles at 0, 1/4096, ..., 1, the second half those of the last step, in 4,096 steps again;
    in between, the loop draws a straight line. 0 and 1 themselves stand for a little more and a little less.
    """
    steps = np.arange(rows.TABLE_STEPS + 1) / rows.TABLE_STEPS
    levels = np.concatenate([steps, 1 - (1 - steps) / rows.TABLE_STEPS])
    return np.rint(1e9 * service.quantiles_s(np.clip(levels, 2.0**-25, 1 - 2.0**-25))).astype(np.int64)


def ordered_links(system: System) -> list[Link]:
    """Return the links in the order of the loop: those of a station stand together, in their own order."""
    names = [each.name for each in system.stations] + [each.name for each in system.clients]
    return sorted(system.links, key=lambda link: names.index(link.source))


def require_memory(needed_bytes: int, what: str) -> None:
    """Raise NotEnoughMemoryError unless so much is free; what is little is not asked for."""
    if needed_bytes > _FEW_BYTES:
        from fortyfive.flow.memory import require

        require(needed_bytes, what, "Choose a lower rate, a shorter span, or a buffer that has an end.")


def _write(record: NDArray[np.int64], values: Mapping[int, int]) -> None:
    for place, value in values.items():
        record[place] = value


def _marks_are_asked_for(system: System) -> bool:
    return any(link.asks_for_marks for link in system.links) or any(each.fails_marked for each in system.stations)


def _of_requests(clients: tuple[Client, ...], client: NDArray[np.int64], name: str, needed: bool) -> NDArray[np.int64]:
    """Return the clients' numbers of this name, one for each request, or none at all where nothing asks for them."""
    values = np.zeros(client.size if needed else 0, dtype=np.int64)
    for number, each in enumerate(clients if needed else ()):
        mine = np.flatnonzero(client == number)
        given = np.asarray(getattr(each, name), dtype=np.int64)
        values[mine] = given[: mine.size] if given.ndim else given
    return values


def _station(station: Station, number: int, own: list[int], key: int) -> dict[int, int]:
    """Return the record of a station, whose own links have the numbers `own`; that of each instance begins with it."""
    limit, never = station.rate_limit, rows.NEVER_NS
    token_ns = 0 if limit is None else _gap_ns(limit.per_s)
    return {
        rows.S_BUFFER: never if station.buffer is None else int(station.buffer),
        rows.S_LIFO: int(station.lifo),
        rows.S_BATCH: int(station.batch),
        rows.S_ITEM_NS: _ns(station.batch_item_s),
        rows.S_SHED_NS: never if station.shed_after_s is None else _ns(station.shed_after_s),
        rows.S_DROPS: int(station.drops_abandoned),
        rows.S_CONSTANT_NS: _ns(station.service.time_s) if isinstance(station.service, Constant) else -1,
        rows.S_KEY: key,
        rows.S_ERRORS: _share(station.errors),
        rows.S_CRASHES: _share(station.crashes),
        rows.S_RESTART_NS: _ns(station.restart_s),
        rows.S_TOKEN_NS: token_ns,
        rows.S_BURST_NS: 0 if limit is None else min((int(limit.burst) - 1) * token_ns, never),
        rows.S_PACE_NS: 0 if station.starts_per_s is None else _gap_ns(station.starts_per_s),
        rows.S_FIRST_LINK: own[0] * rows.L_SIZE if own else 0,
        rows.S_END_LINK: (own[-1] + 1) * rows.L_SIZE if own else 0,
        rows.S_FREE: int(station.servers),
        rows.S_FACTOR: rows.FACTOR_ONE,
        rows.S_CELL: number * rows.STATION_COUNTS,
        rows.S_TABLE: number * rows.TABLE_SIZE,
        rows.S_HOLDS: int(station.holds),
        rows.S_FAILS_MARKED: int(station.fails_marked),
        rows.S_INSTANCES: int(station.instances),
        rows.S_KNOWN: int(station.instances),
        **{rows.S_HEAD + lane: -1 for lane in range(2 * rows.PRIORITIES)},
    }


def _link(link: Link, system: System, following: Link | None, key: int) -> dict[int, int]:
    """Return the record of a link, which the link `following` of the same source comes after."""
    instances = next(each.instances for each in system.stations if each.name == link.target)
    priority = {each.name: int(each.priority) for each in system.clients}
    record = {
        rows.L_CLASS: priority.get(link.source, 0),
        rows.L_KEY: key,
        rows.L_OPTIONAL: int(link.optional),
        rows.L_BALANCE: _BALANCES[link.balance] if instances > 1 else rows.ALONE,
        rows.L_FANOUT: int(link.fanout),
        rows.L_TOGETHER: int(link.together),
        rows.L_GROUPED: int(link.fanout > 1 or link.together or (following is not None and following.together)),
        rows.L_CHOOSY: rows.CHOOSY_SHARE * (link.share != (0, 1)) + rows.CHOOSY_MARKS * link.asks_for_marks,
        rows.L_LOW: _share(link.share[0]),
        rows.L_HIGH: _share(link.share[1]),
        rows.L_WANTED: int(link.wanted),
        rows.L_ALSO_WANTED: int(link.also_wanted),
        rows.L_UNWANTED: int(link.unwanted),
        rows.L_HEAD: -1,
        rows.L_TAIL: -1,
    }
    if isinstance(link, Queue):
        return record | _retries(link.backoff, link.max_receives, link.visibility_s)
    return record | _call(link)


def _call(link: Call) -> dict[int, int]:
    retry, breaker = link.retry or Retry(attempts=1), link.breaker
    record = _retries(retry.backoff, retry.attempts, link.timeout_s)
    record |= {rows.L_SYNC: 1, rows.L_BULKHEAD: int(link.bulkhead or 0), rows.L_DELAY_NS: _ns(link.delay_s)}
    if retry.budget is not None:
        burst = round(retry.budget.burst * rows.TOKEN)
        record |= {
            rows.L_EARN_TRY: round(retry.budget.per_try * rows.TOKEN),
            rows.L_EARN_SUCCESS: round(retry.budget.per_success * rows.TOKEN),
            rows.L_BUDGET: burst,
            rows.L_TOKENS: burst,
        }
    if breaker is not None:
        record |= {
            rows.L_WINDOW: int(breaker.window or 0),
            # A hair less, because 0.07 * 100 is 7.000000000000001 in binary and would be 8.
            rows.L_TRIP: int(np.ceil(breaker.failures * (breaker.window or 1) - 1e-6)),
            rows.L_COOL_NS: _ns(breaker.cool_down_s),
            rows.L_PROBES: int(breaker.probes),
        }
    return record


def _retries(backoff: Backoff, attempts: int | None, timeout_s: float | None) -> dict[int, int]:
    jitter = {"none": rows.JITTER_NONE, "full": rows.JITTER_FULL, "equal": rows.JITTER_EQUAL}
    return {
        rows.L_TIMEOUT_NS: _ns(timeout_s or 0),
        rows.L_ATTEMPTS: int(attempts or 0),
        rows.L_BASE_NS: _ns(backoff.base_s),
        rows.L_CAP_NS: _ns(backoff.cap_s),
        rows.L_JITTER: jitter[backoff.jitter],
    }


def _settings(system: System, homes: Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what each trouble sets at an instance as it begins and as it ends, in the order of time, and these times.

    `homes` says where the records of a station's instances begin.
    """
    stations = {each.name: each for each in system.stations}
    changes: list[tuple[int, ...]] = []
    for trouble in system.troubles:
        changes += _changes(trouble, stations[trouble.station], homes[trouble.station])
    table = np.array(sorted(changes), dtype=np.int64).reshape(-1, 2 + rows.SET_SIZE)
    return np.ascontiguousarray(table[:, 2:]), np.ascontiguousarray(table[:, 0])


def _changes(trouble: Trouble, station: Station, home: int) -> Iterator[tuple[int, ...]]:
    """Yield each change with its time. A trouble that follows at once upon another begins after the end of that one."""
    start, end = (_ns(trouble.start_s), 1), (_ns(trouble.end_s), 0)
    if isinstance(trouble, Fewer):
        yield *start, *_setting(home, more=-int(trouble.servers))
        yield *end, *_setting(home, more=int(trouble.servers))
        return
    usual = (rows.NORMAL, rows.FACTOR_ONE, _share(station.errors))
    places = range(home, home + station.instances * rows.S_SIZE, rows.S_SIZE)
    if isinstance(trouble, Degraded):
        both = 1 - (1 - station.errors) * (1 - trouble.errors)
        for place in places:
            yield *start, *_setting(place, (rows.NORMAL, round(trouble.slower * rows.FACTOR_ONE), _share(both)))
            yield *end, *_setting(place, usual)
        return
    mode = (0 if trouble.hangs else rows.REFUSING) | (rows.HANGING if trouble.hangs or trouble.loses else 0)
    for place in places if trouble.instance is None else [places[trouble.instance]]:
        yield *start, *_setting(place, (mode, *usual[1:]), loses=int(trouble.loses))
        yield *end, *_setting(place, usual, skipped=0)
        # Where all are out, a balancer that knows it is no better off.
        noticed = _ns(trouble.start_s + (trouble.noticed_s or 0))
        if trouble.noticed_s is not None and trouble.instance is not None and noticed < end[0]:
            yield noticed, 1, *_setting(place, skipped=1)


def _setting(
    place: int, mode: tuple[int, ...] = (-1, -1, -1), skipped: int = -1, loses: int = 0, more: int = 0
) -> tuple[int, ...]:
    return (place, *mode, skipped, loses, more)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _gap_ns(per_s: float) -> int:
    return max(round(1e9 / per_s), 1)


def _share(share: float) -> int:
    """Return the bound below which a draw of 32 bits lies with this chance."""
    return round(share * 2**32)
