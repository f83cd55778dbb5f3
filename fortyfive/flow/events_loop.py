"""The loop of the event engine: one plain function over rows of whole numbers, which stops and goes on where it stood.

There are two kinds of records. An *operation* belongs to the caller: it goes over one link, and has attempts, a
time-out and a back-off. A *job* belongs to a station: one attempt, in its queue or on its servers. A caller that gives
up cuts the tie between the two, and the job goes on for nobody. A job that sends out several operations at the same
time counts the answers that it awaits. A *station* here is one instance: each has a record of its own.

Each event sets `code` and `who`; the blocks stand in the order in which one usually leads to the next, so that most
events run through the loop's body once or twice. What has to happen later, at the same time, waits on a small stack.
"""

from __future__ import annotations

from typing import Any

from fortyfive.flow.compiled import kernel

PRIORITIES = 4
NEVER_NS = 2**62
TOKEN = 1_000_000
FACTOR_ONE = 1_000

# A table of service times: 4,096 steps of the distribution function, and the last of them in 4,096 steps again.
TABLE_STEPS = 4_096
TABLE_SIZE = 2 * (TABLE_STEPS + 1)

IN_FLIGHT, SERVED, REJECTED, TIMED_OUT, FAILED = range(5)
# Bits: a station that has lost what it did refuses calls and starts nothing.
NORMAL, REFUSING, HANGING = 0, 1, 2
JITTER_NONE, JITTER_FULL, JITTER_EQUAL = range(3)
ALONE, RANDOM, ROUND_ROBIN, LEAST, TWO, BY_KEY, SPREAD = range(7)
CLOSED, OPEN, HALF_OPEN = range(3)
RUN_DONE, RUN_PAUSED, RUN_FULL = range(3)
# Who waits for an operation, if not a job: the client, or nobody, because the message is in a queue.
CLIENT, QUEUE = -1, -2

(
    STATE_NOW,
    STATE_NEXT,
    STATE_SEQUENCE,
    STATE_HEAP,
    STATE_DEPTH,
    STATE_CODE,
    STATE_WHO,
    STATE_VALUE,
    STATE_EVENTS,
    STATE_LIMIT,
    STATE_BUCKET,
    STATE_FREE_OP,
    STATE_FREE_JOB,
    STATE_WIDTH,
    STATE_VACANT,
    STATE_SIZE,
) = range(16)
(
    S_BUFFER,
    S_LIFO,
    S_BATCH,
    S_ITEM_NS,
    S_SHED_NS,
    S_DROPS,
    S_CONSTANT_NS,
    S_KEY,
    S_ERRORS,
    S_CRASHES,
    S_RESTART_NS,
    S_TOKEN_NS,
    S_BURST_NS,
    S_PACE_NS,
    S_FIRST_LINK,
    S_END_LINK,
    S_FREE,
    S_QUEUED,
    S_CALLED,
    S_MODE,
    S_FACTOR,
    S_TOKENS_AT,
    S_NEXT_START,
    S_WAKING,
    S_BUSY,
    S_BUSY_SINCE,
    S_BUSY_NS,
    S_CELL,
    S_TABLE,
    S_HOLDS,
    S_FAILS_MARKED,
    S_LOSSES,
    S_COMING,
    S_SKIPPED,
    S_FIRST,
    S_INSTANCES,
    S_KNOWN,
    S_KNOWN_PLACE,
    S_HEAD,
) = range(39)
S_TAIL = S_HEAD + PRIORITIES
S_SIZE = S_TAIL + PRIORITIES
(
    L_TARGET,
    L_SYNC,
    L_CLASS,
    L_TIMEOUT_NS,
    L_ATTEMPTS,
    L_BASE_NS,
    L_CAP_NS,
    L_JITTER,
    L_KEY,
    L_EARN_TRY,
    L_EARN_SUCCESS,
    L_BUDGET,
    L_BULKHEAD,
    L_WINDOW,
    L_TRIP,
    L_COOL_NS,
    L_PROBES,
    L_OPTIONAL,
    L_HEAD,
    L_TAIL,
    L_ARMED,
    L_TOKENS,
    L_FLYING,
    L_BREAKER,
    L_EPOCH,
    L_UNTIL,
    L_SEEN,
    L_BAD,
    L_PROBING,
    L_CELL,
    L_SLOTS,
    L_PATH,
    L_BALANCE,
    L_TURN,
    L_FANOUT,
    L_GROUPED,
    L_TOGETHER,
    L_CHOOSY,
    L_LOW,
    L_HIGH,
    L_WANTED,
    L_ALSO_WANTED,
    L_UNWANTED,
    L_DELAY_NS,
    L_SIZE,
) = range(45)
(
    O_LINK,
    O_PARENT,
    O_REQUEST,
    O_CLASS,
    O_ATTEMPT,
    O_PATH,
    O_JOB,
    O_DEADLINE,
    O_SEQUENCE,
    O_BEFORE,
    O_NEXT,
    O_EPOCH,
    O_COPY,
    O_SIZE,
) = range(14)
(
    J_OP,
    J_STATION,
    J_REQUEST,
    J_CLASS,
    J_PATH,
    J_SINCE,
    J_BEFORE,
    J_NEXT,
    J_LINK,
    J_LEADER,
    J_LEFT,
    J_LOSSES,
    J_COPY,
    J_WAITS,
    J_SIZE,
) = range(15)
# Where a setting is below 0, it leaves what is.
SET_STATION, SET_MODE, SET_FACTOR, SET_ERRORS, SET_SKIPPED, SET_LOSES, SET_MORE, SET_SIZE = range(8)
R_STATUS, R_ANSWERED, R_SETTLED, R_SIZE = range(4)
# The status of a request: how the client's call ended, and how many of its messages are pending and how many are dead.
STATUS_OUTCOME, STATUS_PENDING, STATUS_DEAD = 7, 8, 2**32

# What is counted in each bucket, a station and a link; the last four and the last one are read at the bucket's end.
(
    COUNT_CALLS,
    COUNT_FINISHED,
    COUNT_FAILED,
    COUNT_REJECTED,
    COUNT_SHED,
    COUNT_WASTED,
    COUNT_CRASHES,
    COUNT_BUSY_NS,
    COUNT_QUEUED,
    COUNT_AGE_NS,
    COUNT_BUSIEST_NS,
    STATION_COUNTS,
) = range(12)
(
    COUNT_ATTEMPTS,
    COUNT_RETRIES,
    COUNT_TIMEOUTS,
    COUNT_REFUSED,
    COUNT_NO_BUDGET,
    COUNT_SUCCEEDED,
    COUNT_GIVEN_UP,
    COUNT_BREAKER,
    LINK_COUNTS,
) = range(9)

# What happens next. From START on, a draw is needed.
(
    IDLE,
    ARRIVE,
    TIMER,
    ARM,
    WAKE,
    RESTART,
    SETTING,
    LAND,
    CRASH,
    LOST,
    SERVICE_OVER,
    CONTINUE,
    ISSUE,
    ENTER,
    FOLLOW,
    COMPLETE,
    RESOLVE,
    DONE,
    DISPATCH,
    START,
    BACK_OFF,
) = range(21)
CHOOSY_SHARE, CHOOSY_MARKS = 1, 2
CODE_BITS = 5
STACK_SPARE = 8
_CODE_MASK = 2**CODE_BITS - 1
_MASK = 0xFFFFFFFF
# What a name is mixed with for a second draw. It has the highest bit, which no number of a request has.
_OTHER = 0x9E3779B9
_FAILED = -1
# A place that is masked cannot be negative, so the compiler does not provide for indices that count from the end: the
# loop takes two thirds of the time.
_PLACE = 2**62 - 1


@kernel("i8(" + ", ".join(["i8[::1]"] * 19) + ")")
def loop(  # noqa: PLR0912, PLR0915 - a kernel calls no other function
    state: Any,
    arrival: Any,
    entry: Any,
    marks: Any,
    keys: Any,
    edges: Any,
    table: Any,
    counts: Any,
    station: Any,
    link: Any,
    window: Any,
    setting: Any,
    request: Any,
    op: Any,
    job: Any,
    heap_at: Any,
    heap_sequence: Any,
    heap_what: Any,
    stack: Any,
) -> Any:
    """Run events until the last edge (RUN_DONE), the limit of events (RUN_PAUSED), or a full table (RUN_FULL).

    `arrival` has the time of each request, `entry` the link over which it comes, `marks` and `keys` what some links and
    stations ask for (empty where none does), `edges` the end of each bucket. In `counts` there is a row for each
    bucket. The other arrays hold records, one behind the other, whose fields are named above; a record goes by the
    place where it begins. In `station` there is one for each instance.
    """
    now = state[STATE_NOW]
    coming = state[STATE_NEXT]
    sequence = state[STATE_SEQUENCE]
    size = state[STATE_HEAP]
    depth = state[STATE_DEPTH]
    code = state[STATE_CODE]
    who = state[STATE_WHO]
    value = state[STATE_VALUE]
    events = state[STATE_EVENTS]
    limit = state[STATE_LIMIT]
    bucket = state[STATE_BUCKET]
    free_op = state[STATE_FREE_OP]
    free_job = state[STATE_FREE_JOB]
    width = state[STATE_WIDTH]
    # Whether the first place of the heap is that of an event which has begun.
    vacant = state[STATE_VACANT]

    row = bucket * width
    # One round puts at most one entry for each link on the stack, and a few more.
    deep = len(stack) - len(link) // L_SIZE - STACK_SPARE
    at_once = 0
    push_at = -1
    push_sequence = 0
    push_what = 0
    draw = 0
    status = RUN_DONE

    while True:
        # One round takes one record of each kind and one place in the heap at most.
        if free_op < 0 or free_job < 0 or size + 1 >= len(heap_at) or depth > deep:
            status = RUN_FULL
            break
        if code == IDLE:
            if depth > 0:
                depth -= 1
                code = stack[depth] & _CODE_MASK
                who = stack[depth] >> CODE_BITS
            else:
                if events >= limit:
                    status = RUN_PAUSED
                    break
                at = heap_at[0] if size > 0 else NEVER_NS
                # At the same time a trouble begins before anything arrives, and all else happens after.
                arrives = coming < len(arrival) and (
                    arrival[coming] < at or (arrival[coming] == at and (size == 0 or heap_sequence[0] >= 0))
                )
                if arrives:
                    at = arrival[coming]
                while bucket < len(edges) and edges[bucket] <= at:
                    edge = edges[bucket]
                    for s in range(0, len(station), S_SIZE):
                        cell = row + station[s + S_CELL]
                        busy_ns = station[s + S_BUSY_NS] + station[s + S_BUSY] * (edge - station[s + S_BUSY_SINCE])
                        station[s + S_BUSY_SINCE] = edge
                        station[s + S_BUSY_NS] = 0
                        counts[cell + COUNT_BUSY_NS] += busy_ns
                        counts[cell + COUNT_BUSIEST_NS] = max(counts[cell + COUNT_BUSIEST_NS], busy_ns)
                        if station[s + S_QUEUED] > 0:
                            counts[cell + COUNT_QUEUED] += station[s + S_QUEUED]
                            oldest = edge
                            for lane in range(s + S_HEAD, s + S_TAIL):
                                if station[lane] >= 0 and job[station[lane] + J_SINCE] < oldest:
                                    oldest = job[station[lane] + J_SINCE]
                            counts[cell + COUNT_AGE_NS] = max(counts[cell + COUNT_AGE_NS], edge - oldest)
                    for each in range(0, len(link), L_SIZE):
                        counts[row + link[each + L_CELL] + COUNT_BREAKER] = link[each + L_BREAKER]
                    bucket += 1
                    row += width
                if bucket == len(edges):
                    break
                now = at
                events += 1
                if arrives:
                    code = ARRIVE
                else:
                    code = heap_what[0] & _CODE_MASK
                    who = heap_what[0] >> CODE_BITS
                    value = heap_sequence[0]
                    vacant = 1

        if code < SERVICE_OVER and code != ARRIVE:
            if code == TIMER:
                # The heap knows one time-out of each link, and it may be that of an operation which has long ended.
                o = link[who + L_HEAD]
                if o < 0:
                    link[who + L_ARMED] = 0
                    code = IDLE
                elif op[o + O_SEQUENCE] != value:
                    code = ARM
                else:
                    counts[row + link[who + L_CELL] + COUNT_TIMEOUTS] += 1
                    after = op[o + O_NEXT]
                    link[who + L_HEAD] = after
                    if after < 0:
                        link[who + L_TAIL] = -1
                        link[who + L_ARMED] = 0
                    else:
                        op[after + O_BEFORE] = -1
                        stack[depth] = ARM | who << CODE_BITS
                        depth += 1
                    op[o + O_DEADLINE] = -1
                    if op[o + O_JOB] >= 0:
                        job[op[o + O_JOB] + J_OP] = -1
                        op[o + O_JOB] = -1
                    who = o
                    value = TIMED_OUT
                    code = RESOLVE
            if code == ARM:
                o = link[who + L_HEAD]
                if o < 0:
                    link[who + L_ARMED] = 0
                else:
                    push_at = op[o + O_DEADLINE]
                    push_sequence = op[o + O_SEQUENCE]
                    push_what = TIMER | who << CODE_BITS
                code = IDLE
            elif code == WAKE:
                station[who + S_WAKING] = 0
                code = DISPATCH
            elif code == RESTART:
                station[who + S_FREE] += 1
                code = DISPATCH
            elif code == SETTING:
                s = setting[who + SET_STATION]
                station[s + S_FREE] += setting[who + SET_MORE]
                if setting[who + SET_MODE] >= 0:
                    station[s + S_MODE] = setting[who + SET_MODE]
                    station[s + S_FACTOR] = setting[who + SET_FACTOR]
                    station[s + S_ERRORS] = setting[who + SET_ERRORS]
                if setting[who + SET_SKIPPED] >= 0 and setting[who + SET_SKIPPED] != station[s + S_SKIPPED]:
                    # The first instance's record and those behind it list the instances that balancers know of.
                    station[s + S_SKIPPED] = setting[who + SET_SKIPPED]
                    home = station[s + S_FIRST]
                    end = home + station[s + S_INSTANCES] * S_SIZE
                    place = home
                    for each in range(home, end, S_SIZE):
                        if station[each + S_SKIPPED] == 0:
                            station[place + S_KNOWN_PLACE] = each
                            place += S_SIZE
                    if place == home:
                        for each in range(home, end, S_SIZE):
                            station[each + S_KNOWN_PLACE] = each
                        place = end
                    station[home + S_KNOWN] = (place - home) // S_SIZE
                if setting[who + SET_LOSES] == 1:
                    station[s + S_LOSSES] += 1
                    # The calls that wait leave their lanes for one chain, whose members then fail one by one.
                    first_lost = -1
                    last = -1
                    for lane in range(s + S_HEAD, s + S_TAIL):
                        j = station[lane]
                        while j >= 0:
                            after = job[j + J_NEXT]
                            o = job[j + J_OP]
                            if o < 0 or link[op[o + O_LINK] + L_SYNC] == 1:
                                before = job[j + J_BEFORE]
                                if before >= 0:
                                    job[before + J_NEXT] = after
                                else:
                                    station[lane] = after
                                if after >= 0:
                                    job[after + J_BEFORE] = before
                                else:
                                    station[lane + PRIORITIES] = before
                                station[s + S_QUEUED] -= 1
                                counts[row + station[s + S_CELL] + COUNT_FAILED] += 1
                                if o < 0:
                                    counts[row + station[s + S_CELL] + COUNT_WASTED] += 1
                                job[j + J_NEXT] = -1
                                if last >= 0:
                                    job[last + J_NEXT] = j
                                else:
                                    first_lost = j
                                last = j
                            elif job[j + J_LOSSES] != _FAILED:
                                job[j + J_LOSSES] = station[s + S_LOSSES]
                            j = after
                    if first_lost >= 0:
                        stack[depth] = LOST | first_lost << CODE_BITS
                        depth += 1
                who = s
                code = DISPATCH
            elif code == LAND:
                station[(job[who + J_STATION] & _PLACE) + S_COMING] -= 1
                code = ENTER
            elif code == CRASH:
                s = job[who + J_STATION] & _PLACE
                counts[row + station[s + S_CELL] + COUNT_CRASHES] += 1
                station[s + S_BUSY_NS] += station[s + S_BUSY] * (now - station[s + S_BUSY_SINCE])
                station[s + S_BUSY_SINCE] = now
                station[s + S_BUSY] -= 1
                push_at = now + station[s + S_RESTART_NS]
                push_sequence = sequence
                sequence += 1
                push_what = RESTART | s << CODE_BITS
                stack[depth] = LOST | who << CODE_BITS
                depth += 1
                code = IDLE
            elif code == LOST:
                if job[who + J_NEXT] >= 0:
                    stack[depth] = LOST | job[who + J_NEXT] << CODE_BITS
                    depth += 1
                o = job[who + J_OP]
                job[who + J_NEXT] = free_job
                free_job = who
                code = IDLE
                if o >= 0:
                    op[o + O_JOB] = -1
                    who = o
                    value = FAILED
                    # Nobody tells a queue that its worker died: the message comes back when it is visible again.
                    if op[o + O_DEADLINE] < 0 or link[op[o + O_LINK] + L_SYNC] == 1:
                        code = RESOLVE

        if code == SERVICE_OVER:
            who &= _PLACE
            if job[who + J_NEXT] >= 0:
                stack[depth] = SERVICE_OVER | job[who + J_NEXT] << CODE_BITS
                depth += 1
            s = job[who + J_STATION] & _PLACE
            if station[s + S_HOLDS] == 0:
                if job[who + J_LEADER] == who:
                    station[s + S_BUSY_NS] += station[s + S_BUSY] * (now - station[s + S_BUSY_SINCE])
                    station[s + S_BUSY_SINCE] = now
                    station[s + S_BUSY] -= 1
                    station[s + S_FREE] += 1
                    if station[s + S_QUEUED] > 0 and station[s + S_CALLED] == 0:
                        station[s + S_CALLED] = 1
                        stack[depth] = DISPATCH | s << CODE_BITS
                        depth += 1
                # From here on, each job of a batch is one for itself.
                job[who + J_LEADER] = who
                job[who + J_LEFT] = 1
            code = CONTINUE

        if code in (ARRIVE, CONTINUE):
            if code == ARRIVE:
                here = entry[coming] & _PLACE
            else:
                who &= _PLACE
                s = job[who + J_STATION] & _PLACE
                end = station[s + S_END_LINK]
                here = job[who + J_LINK] & _PLACE
                while True:
                    if (
                        job[who + J_WAITS] > 0
                        and job[who + J_COPY] == 0
                        and (here == end or link[here + L_TOGETHER] == 0)
                    ):
                        # All that goes out together is out. The job awaits one answer less than it counts.
                        job[who + J_LINK] = here
                        job[who + J_WAITS] -= 1
                        if job[who + J_WAITS] > 0:
                            code = IDLE
                            break
                    if job[who + J_WAITS] == 0:
                        if job[who + J_LOSSES] != station[s + S_LOSSES]:
                            value = FAILED
                            code = COMPLETE
                            break
                        if here == end:
                            value = SERVED
                            code = COMPLETE
                            break
                    if link[here + L_CHOOSY] == 0 or job[who + J_COPY] > 0:
                        break
                    has = marks[job[who + J_REQUEST] & _PLACE] if link[here + L_CHOOSY] & CHOOSY_MARKS != 0 else 0
                    uses = (
                        (link[here + L_WANTED] == 0 or has & link[here + L_WANTED] != 0)
                        and (link[here + L_ALSO_WANTED] == 0 or has & link[here + L_ALSO_WANTED] != 0)
                        and has & link[here + L_UNWANTED] == 0
                    )
                    if uses and link[here + L_CHOOSY] & CHOOSY_SHARE != 0:
                        draw = job[who + J_REQUEST] ^ station[s + S_KEY] ^ _OTHER
                        draw = ((draw ^ draw >> 16) * 0x7FEB352D) & _MASK
                        draw = (draw ^ draw >> 15) ^ ((job[who + J_PATH] * 0x9E3779B1) & _MASK)
                        draw = ((draw ^ draw >> 16) * 0x7FEB352D) & _MASK
                        draw = ((draw ^ draw >> 15) * 0x846CA68B) & _MASK
                        draw ^= draw >> 16
                        uses = link[here + L_LOW] <= draw < link[here + L_HIGH]
                    if uses:
                        break
                    here += L_SIZE
            if code in (ARRIVE, CONTINUE):
                o = free_op & _PLACE
                free_op = op[o + O_NEXT]
                op[o + O_LINK] = here
                if code == ARRIVE:
                    op[o + O_PARENT] = CLIENT
                    op[o + O_REQUEST] = coming
                    op[o + O_CLASS] = link[here + L_CLASS]
                    op[o + O_PATH] = 0
                    op[o + O_COPY] = 0
                    coming += 1
                else:
                    copy = job[who + J_COPY]
                    op[o + O_PARENT] = who
                    op[o + O_REQUEST] = job[who + J_REQUEST]
                    op[o + O_CLASS] = job[who + J_CLASS]
                    op[o + O_PATH] = (job[who + J_PATH] * 1_000_003 + link[here + L_PATH] + copy * 0x85EBCA6B) & _MASK
                    op[o + O_COPY] = copy
                    if link[here + L_GROUPED] == 0:
                        job[who + J_LINK] = here + L_SIZE
                    else:
                        # One more than the answers that are awaited, as long as not all is out.
                        job[who + J_WAITS] += 2 if job[who + J_WAITS] == 0 else 1
                        last_copy = copy + 1 == link[here + L_FANOUT]
                        job[who + J_COPY] = 0 if last_copy else copy + 1
                        job[who + J_LINK] = here + L_SIZE if last_copy else here
                        stack[depth] = CONTINUE | who << CODE_BITS
                        depth += 1
                op[o + O_ATTEMPT] = 1
                op[o + O_JOB] = -1
                op[o + O_DEADLINE] = -1
                who = o
                code = ISSUE

        if code == ISSUE:
            who &= _PLACE
            here = op[who + O_LINK] & _PLACE
            cell = row + link[here + L_CELL]
            counts[cell + COUNT_ATTEMPTS] += 1
            first = op[who + O_ATTEMPT] == 1
            if first:
                link[here + L_TOKENS] = min(link[here + L_TOKENS] + link[here + L_EARN_TRY], link[here + L_BUDGET])
            else:
                counts[cell + COUNT_RETRIES] += 1
            refused = link[here + L_BULKHEAD] > 0 and link[here + L_FLYING] >= link[here + L_BULKHEAD]
            if link[here + L_TRIP] > 0 and not refused:
                if link[here + L_BREAKER] == OPEN and now >= link[here + L_UNTIL]:
                    link[here + L_BREAKER] = HALF_OPEN
                    link[here + L_EPOCH] += 1
                    link[here + L_PROBING] = 0
                    link[here + L_SEEN] = 0
                if link[here + L_BREAKER] == OPEN:
                    refused = True
                elif link[here + L_BREAKER] == HALF_OPEN:
                    refused = link[here + L_PROBING] >= link[here + L_PROBES]
                    link[here + L_PROBING] += 1
            if refused:
                counts[cell + COUNT_REFUSED] += 1
                value = REJECTED
                code = DONE
            else:
                link[here + L_FLYING] += link[here + L_SYNC]
                op[who + O_EPOCH] = link[here + L_EPOCH]
                s = link[here + L_TARGET] & _PLACE
                balance = link[here + L_BALANCE]
                if balance == BY_KEY:
                    s += keys[op[who + O_REQUEST] & _PLACE] % station[s + S_INSTANCES] * S_SIZE & _PLACE
                elif balance == SPREAD:
                    s += op[who + O_COPY] % station[s + S_INSTANCES] * S_SIZE & _PLACE
                elif balance != ALONE:
                    known = station[s + S_KNOWN]
                    rivals = 0
                    step = 1
                    if balance in (ROUND_ROBIN, LEAST):
                        place = link[here + L_TURN] if link[here + L_TURN] < known else 0
                        link[here + L_TURN] = place + 1
                        if balance == LEAST:
                            rivals = known - 1
                    else:
                        draw = op[who + O_REQUEST] ^ link[here + L_KEY] ^ _OTHER
                        path = op[who + O_PATH] + op[who + O_ATTEMPT]
                        draw = ((draw ^ draw >> 16) * 0x7FEB352D) & _MASK
                        draw = (draw ^ draw >> 15) ^ ((path * 0x9E3779B1) & _MASK)
                        draw = ((draw ^ draw >> 16) * 0x7FEB352D) & _MASK
                        draw = ((draw ^ draw >> 15) * 0x846CA68B) & _MASK
                        draw ^= draw >> 16
                        place = draw * known >> 32
                        if balance == TWO and known > 1:
                            rivals = 1
                            draw = ((draw ^ draw >> 11) * 0xAC4C1B51) & _MASK
                            draw ^= draw >> 15
                            step = 1 + (draw * (known - 1) >> 32)
                    home = s + S_KNOWN_PLACE
                    s = station[home + (place * S_SIZE & _PLACE)] & _PLACE
                    load = station[s + S_COMING] + station[s + S_QUEUED] + station[s + S_BUSY]
                    for _ in range(rivals):
                        if load == 0:
                            break
                        place += step if place + step < known else step - known
                        rival = station[home + (place * S_SIZE & _PLACE)] & _PLACE
                        its_load = station[rival + S_COMING] + station[rival + S_QUEUED] + station[rival + S_BUSY]
                        if its_load < load:
                            s = rival
                            load = its_load
                j = free_job & _PLACE
                free_job = job[j + J_NEXT]
                op[who + O_JOB] = j
                job[j + J_OP] = who
                job[j + J_STATION] = s
                job[j + J_REQUEST] = op[who + O_REQUEST]
                job[j + J_CLASS] = op[who + O_CLASS]
                job[j + J_PATH] = op[who + O_PATH] + op[who + O_ATTEMPT]
                job[j + J_LINK] = station[s + S_FIRST_LINK]
                who = j
                code = ENTER
                if link[here + L_DELAY_NS] > 0:
                    station[s + S_COMING] += 1
                    code = FOLLOW

        if code == ENTER:
            who &= _PLACE
            s = job[who + J_STATION] & _PLACE
            o = job[who + J_OP]
            here = op[o + O_LINK] & _PLACE if o >= 0 else 0
            counts[row + station[s + S_CELL] + COUNT_CALLS] += 1
            value = SERVED
            # A message that comes back has never left its queue, so nobody asks whether there is room for it.
            if o < 0 or op[o + O_ATTEMPT] == 1 or link[here + L_SYNC] == 1:
                if station[s + S_MODE] & REFUSING != 0:
                    value = FAILED
                elif station[s + S_QUEUED] >= station[s + S_BUFFER] and (
                    station[s + S_FREE] <= 0 or station[s + S_QUEUED] > 0
                ):
                    value = REJECTED
                elif station[s + S_TOKEN_NS] > 0:
                    # A token bucket as the time at which it would be full again.
                    full_at = station[s + S_TOKENS_AT] if station[s + S_TOKENS_AT] > now else now
                    if full_at - now > station[s + S_BURST_NS]:
                        value = REJECTED
                    else:
                        station[s + S_TOKENS_AT] = full_at + station[s + S_TOKEN_NS]
            if value != SERVED:
                counts[row + station[s + S_CELL] + COUNT_REJECTED] += 1
                job[who + J_NEXT] = free_job
                free_job = who
                code = IDLE
                if o >= 0:
                    op[o + O_JOB] = -1
                    who = o
                    code = RESOLVE if link[here + L_SYNC] == 1 else DONE
            else:
                job[who + J_SINCE] = now
                job[who + J_NEXT] = -1
                job[who + J_LOSSES] = station[s + S_LOSSES]
                mask = station[s + S_FAILS_MARKED]
                if mask != 0 and marks[job[who + J_REQUEST] & _PLACE] & mask != 0:
                    job[who + J_LOSSES] = _FAILED
                code = FOLLOW
                if (
                    o >= 0
                    and station[s + S_QUEUED] == 0
                    and station[s + S_FREE] > 0
                    and link[here + L_SYNC] == 1
                    and station[s + S_MODE] & HANGING == 0
                    and now >= station[s + S_NEXT_START]
                ):
                    # A server is free and nobody waits, so there is no need to queue for a moment.
                    station[s + S_CALLED] = 0
                    job[who + J_LEADER] = who
                    job[who + J_LEFT] = 1
                    station[s + S_FREE] -= 1
                    station[s + S_BUSY_NS] += station[s + S_BUSY] * (now - station[s + S_BUSY_SINCE])
                    station[s + S_BUSY_SINCE] = now
                    station[s + S_BUSY] += 1
                    station[s + S_NEXT_START] = now + station[s + S_PACE_NS]
                    at_once = 1
                else:
                    at_once = 0
                    lane = s + S_TAIL + job[who + J_CLASS]
                    last = station[lane]
                    job[who + J_BEFORE] = last
                    station[lane] = who
                    if last >= 0:
                        job[last + J_NEXT] = who
                    else:
                        station[lane - PRIORITIES] = who
                    station[s + S_QUEUED] += 1
                if o < 0 or link[here + L_DELAY_NS] > 0:
                    code = START if at_once == 1 else DISPATCH
                    if at_once == 0:
                        who = s

        if code == FOLLOW:
            # The attempt is on its way: a call is timed from here on, and who sent a message goes on.
            who &= _PLACE
            o = job[who + J_OP] & _PLACE
            here = op[o + O_LINK] & _PLACE
            if link[here + L_SYNC] == 1:
                if link[here + L_TIMEOUT_NS] > 0:
                    op[o + O_DEADLINE] = now + link[here + L_TIMEOUT_NS]
                    op[o + O_SEQUENCE] = sequence
                    sequence += 1
                    last = link[here + L_TAIL]
                    op[o + O_BEFORE] = last
                    op[o + O_NEXT] = -1
                    link[here + L_TAIL] = o
                    if last >= 0:
                        op[last + O_NEXT] = o
                    else:
                        link[here + L_HEAD] = o
                    if link[here + L_ARMED] == 0:
                        link[here + L_ARMED] = 1
                        stack[depth] = ARM | here << CODE_BITS
                        depth += 1
            elif op[o + O_ATTEMPT] == 1:
                request[op[o + O_REQUEST] * R_SIZE + R_STATUS] += STATUS_PENDING
                parent = op[o + O_PARENT]
                if parent < 0:
                    request[op[o + O_REQUEST] * R_SIZE + R_STATUS] += SERVED
                    request[op[o + O_REQUEST] * R_SIZE + R_ANSWERED] = now
                elif job[parent + J_WAITS] > 0:
                    job[parent + J_WAITS] -= 1
                else:
                    stack[depth] = CONTINUE | parent << CODE_BITS
                    depth += 1
                op[o + O_PARENT] = QUEUE
            if link[here + L_DELAY_NS] > 0:
                push_at = now + link[here + L_DELAY_NS]
                push_sequence = sequence
                sequence += 1
                push_what = LAND | who << CODE_BITS
                code = IDLE
            elif at_once == 1:
                code = START
            else:
                who = job[who + J_STATION]
                code = DISPATCH

        if code == COMPLETE:
            who &= _PLACE
            s = job[who + J_STATION] & _PLACE
            counts[row + station[s + S_CELL] + (COUNT_FINISHED if value == SERVED else COUNT_FAILED)] += 1
            leader = job[who + J_LEADER] & _PLACE
            job[leader + J_LEFT] -= 1
            o = job[who + J_OP]
            if who != leader:
                job[who + J_NEXT] = free_job
                free_job = who
            if job[leader + J_LEFT] == 0:
                job[leader + J_NEXT] = free_job
                free_job = leader
                if station[s + S_HOLDS] == 1:
                    station[s + S_BUSY_NS] += station[s + S_BUSY] * (now - station[s + S_BUSY_SINCE])
                    station[s + S_BUSY_SINCE] = now
                    station[s + S_BUSY] -= 1
                    station[s + S_FREE] += 1
                    if station[s + S_QUEUED] > 0 and station[s + S_CALLED] == 0:
                        station[s + S_CALLED] = 1
                        stack[depth] = DISPATCH | s << CODE_BITS
                        depth += 1
            if o < 0:
                counts[row + station[s + S_CELL] + COUNT_WASTED] += 1
                code = IDLE
            else:
                op[o + O_JOB] = -1
                who = o
                code = RESOLVE

        if code == RESOLVE:
            who &= _PLACE
            here = op[who + O_LINK] & _PLACE
            if (
                value == FAILED
                and link[here + L_SYNC] == 0
                and link[here + L_BASE_NS] == 0
                and op[who + O_DEADLINE] >= 0
            ):
                # A message that was not acknowledged stays hidden until its visibility time-out.
                code = IDLE
            else:
                if op[who + O_DEADLINE] >= 0:
                    op[who + O_DEADLINE] = -1
                    before = op[who + O_BEFORE]
                    after = op[who + O_NEXT]
                    if before >= 0:
                        op[before + O_NEXT] = after
                    else:
                        link[here + L_HEAD] = after
                    if after >= 0:
                        op[after + O_BEFORE] = before
                    else:
                        link[here + L_TAIL] = before
                link[here + L_FLYING] -= link[here + L_SYNC]
                if link[here + L_TRIP] > 0 and op[who + O_EPOCH] == link[here + L_EPOCH]:
                    failing = value != SERVED
                    tripped = False
                    if link[here + L_BREAKER] == HALF_OPEN:
                        link[here + L_SEEN] += 1
                        tripped = failing
                        if not failing and link[here + L_SEEN] >= link[here + L_PROBES]:
                            link[here + L_BREAKER] = CLOSED
                            link[here + L_EPOCH] += 1
                            link[here + L_SEEN] = 0
                            link[here + L_BAD] = 0
                    elif link[here + L_WINDOW] == 0:
                        link[here + L_BAD] = link[here + L_BAD] + 1 if failing else 0
                        tripped = link[here + L_BAD] >= link[here + L_TRIP]
                    else:
                        place = link[here + L_SLOTS] + link[here + L_SEEN] % link[here + L_WINDOW]
                        if link[here + L_SEEN] >= link[here + L_WINDOW]:
                            link[here + L_BAD] -= window[place]
                        window[place] = 1 if failing else 0
                        link[here + L_BAD] += window[place]
                        link[here + L_SEEN] += 1
                        tripped = (
                            link[here + L_SEEN] >= link[here + L_WINDOW] and link[here + L_BAD] >= link[here + L_TRIP]
                        )
                    if tripped:
                        link[here + L_BREAKER] = OPEN
                        link[here + L_EPOCH] += 1
                        link[here + L_UNTIL] = now + link[here + L_COOL_NS]
                        link[here + L_SEEN] = 0
                        link[here + L_BAD] = 0
                if value == SERVED:
                    link[here + L_TOKENS] = min(
                        link[here + L_TOKENS] + link[here + L_EARN_SUCCESS], link[here + L_BUDGET]
                    )
                    code = DONE
                elif 0 < link[here + L_ATTEMPTS] <= op[who + O_ATTEMPT]:
                    code = DONE
                elif link[here + L_BUDGET] > 0 and link[here + L_TOKENS] < TOKEN:
                    counts[row + link[here + L_CELL] + COUNT_NO_BUDGET] += 1
                    code = DONE
                else:
                    link[here + L_TOKENS] -= TOKEN if link[here + L_BUDGET] > 0 else 0
                    wait = link[here + L_BASE_NS]
                    for _ in range(op[who + O_ATTEMPT] - 1):
                        if wait >= link[here + L_CAP_NS]:
                            break
                        wait *= 2
                    wait = min(wait, link[here + L_CAP_NS])
                    op[who + O_ATTEMPT] += 1
                    if value == TIMED_OUT and link[here + L_SYNC] == 0:
                        wait = 0
                    # A retry at once is an event too, so that a run which only retries comes to its limit.
                    if wait == 0 or link[here + L_JITTER] == JITTER_NONE:
                        push_at = now + wait
                        push_sequence = sequence
                        sequence += 1
                        push_what = ISSUE | who << CODE_BITS
                        code = IDLE
                    else:
                        value = wait
                        code = BACK_OFF

        if code == DONE:
            who &= _PLACE
            here = op[who + O_LINK] & _PLACE
            cell = row + link[here + L_CELL]
            counts[cell + (COUNT_SUCCEEDED if value == SERVED else COUNT_GIVEN_UP)] += 1
            parent = op[who + O_PARENT]
            r = op[who + O_REQUEST] * R_SIZE & _PLACE
            op[who + O_NEXT] = free_op
            free_op = who
            if parent >= 0:
                who = parent
                code = CONTINUE
                fails = value != SERVED and link[here + L_OPTIONAL] == 0
                if job[who + J_WAITS] > 0:
                    if fails:
                        job[who + J_LOSSES] = _FAILED
                    job[who + J_WAITS] -= 1
                    if job[who + J_WAITS] > 0:
                        code = IDLE
                elif fails:
                    value = FAILED
                    code = COMPLETE
            else:
                if parent == CLIENT:
                    request[r + R_STATUS] += value
                    request[r + R_ANSWERED] = now
                else:
                    request[r + R_STATUS] -= STATUS_PENDING
                    if value != SERVED:
                        request[r + R_STATUS] += STATUS_DEAD
                if request[r + R_STATUS] == SERVED:
                    request[r + R_SETTLED] = now
                code = IDLE

        if code == DISPATCH:
            who &= _PLACE
            s = who
            station[s + S_CALLED] = 0
            code = IDLE
            if station[s + S_FREE] > 0 and station[s + S_QUEUED] > 0 and station[s + S_MODE] & HANGING == 0:
                if now < station[s + S_NEXT_START]:
                    if station[s + S_WAKING] == 0:
                        station[s + S_WAKING] = 1
                        push_at = station[s + S_NEXT_START]
                        push_sequence = sequence
                        sequence += 1
                        push_what = WAKE | s << CODE_BITS
                else:
                    leader = -1
                    last = -1
                    taken = 0
                    while taken < station[s + S_BATCH] and station[s + S_QUEUED] > 0:
                        lane = s + S_HEAD
                        while station[lane] < 0:
                            lane += 1
                        j = (station[lane + PRIORITIES] if station[s + S_LIFO] == 1 else station[lane]) & _PLACE
                        o = job[j + J_OP]
                        shed = (station[s + S_DROPS] == 1 and o < 0) or now - job[j + J_SINCE] > station[s + S_SHED_NS]
                        if shed and leader >= 0:
                            break
                        before = job[j + J_BEFORE]
                        after = job[j + J_NEXT]
                        if before >= 0:
                            job[before + J_NEXT] = after
                        else:
                            station[lane] = after
                        if after >= 0:
                            job[after + J_BEFORE] = before
                        else:
                            station[lane + PRIORITIES] = before
                        station[s + S_QUEUED] -= 1
                        if shed:
                            counts[row + station[s + S_CELL] + COUNT_SHED] += 1
                            job[j + J_NEXT] = free_job
                            free_job = j
                            code = DISPATCH
                            if o >= 0:
                                station[s + S_CALLED] = 1
                                stack[depth] = DISPATCH | s << CODE_BITS
                                depth += 1
                                op[o + O_JOB] = -1
                                who = o
                                value = REJECTED
                                code = RESOLVE if link[op[o + O_LINK] + L_SYNC] == 1 else DONE
                            break
                        if leader < 0:
                            leader = j
                        else:
                            job[last + J_NEXT] = j
                        job[j + J_NEXT] = -1
                        job[j + J_LEADER] = leader
                        last = j
                        taken += 1
                        if o >= 0:
                            here = op[o + O_LINK] & _PLACE
                            if link[here + L_SYNC] == 0 and link[here + L_TIMEOUT_NS] > 0:
                                op[o + O_DEADLINE] = now + link[here + L_TIMEOUT_NS]
                                op[o + O_SEQUENCE] = sequence
                                sequence += 1
                                before = link[here + L_TAIL]
                                op[o + O_BEFORE] = before
                                op[o + O_NEXT] = -1
                                link[here + L_TAIL] = o
                                if before >= 0:
                                    op[before + O_NEXT] = o
                                else:
                                    link[here + L_HEAD] = o
                                if link[here + L_ARMED] == 0:
                                    link[here + L_ARMED] = 1
                                    stack[depth] = ARM | here << CODE_BITS
                                    depth += 1
                    if leader >= 0:
                        job[leader + J_LEFT] = taken
                        station[s + S_FREE] -= 1
                        station[s + S_BUSY_NS] += station[s + S_BUSY] * (now - station[s + S_BUSY_SINCE])
                        station[s + S_BUSY_SINCE] = now
                        station[s + S_BUSY] += 1
                        station[s + S_NEXT_START] = now + station[s + S_PACE_NS] * taken
                        who = leader
                        code = START

        if code >= START:
            who &= _PLACE
            if code == BACK_OFF:
                draw = op[who + O_REQUEST] ^ link[op[who + O_LINK] + L_KEY]
                path = op[who + O_PATH] + op[who + O_ATTEMPT]
            else:
                draw = job[who + J_REQUEST] ^ station[job[who + J_STATION] + S_KEY]
                path = job[who + J_PATH]
            # The mixing steps of lowbias32 (C. Wellons, 2018), once for the name and twice for the try.
            draw = ((draw ^ draw >> 16) * 0x7FEB352D) & _MASK
            draw = (draw ^ draw >> 15) ^ ((path * 0x9E3779B1) & _MASK)
            draw = ((draw ^ draw >> 16) * 0x7FEB352D) & _MASK
            draw = ((draw ^ draw >> 15) * 0x846CA68B) & _MASK
            draw ^= draw >> 16
            if code == START:
                s = job[who + J_STATION] & _PLACE
                took = station[s + S_CONSTANT_NS]
                if took < 0:
                    place = draw >> 20
                    part = draw & 0xFFFFF
                    step = station[s + S_TABLE] + place
                    if place == TABLE_STEPS - 1:
                        step += 2 + (part >> 8)
                        part = (part & 0xFF) << 12
                    took = table[step] + ((table[step + 1] - table[step]) * part >> 20)
                took += (job[who + J_LEFT] - 1) * station[s + S_ITEM_NS]
                if station[s + S_FACTOR] != FACTOR_ONE:
                    took = took * station[s + S_FACTOR] // FACTOR_ONE
                push_what = SERVICE_OVER | who << CODE_BITS
                if station[s + S_CRASHES] > 0:
                    draw = ((draw ^ draw >> 11) * 0xAC4C1B51) & _MASK
                    draw ^= draw >> 15
                    if draw < station[s + S_CRASHES]:
                        # Given that it dies, the draw is uniform below the bound: so is the moment within the service.
                        part = (draw << 20) // station[s + S_CRASHES]
                        took = (took >> 20) * part + ((took & 0xFFFFF) * part >> 20)
                        push_what = CRASH | who << CODE_BITS
                push_at = now + took
                push_sequence = sequence
                sequence += 1
                # Each job of a batch fails or succeeds for itself.
                each = who if station[s + S_ERRORS] > 0 else -1
                while each >= 0:
                    draw = ((draw ^ draw >> 17) * 0xED5AD4BB) & _MASK
                    draw ^= draw >> 14
                    if draw < station[s + S_ERRORS]:
                        job[each + J_LOSSES] = _FAILED
                    each = job[each + J_NEXT]
                who = s
                code = DISPATCH if station[s + S_QUEUED] > 0 and station[s + S_FREE] > 0 else IDLE
            else:
                here = op[who + O_LINK] & _PLACE
                fixed = 0 if link[here + L_JITTER] == JITTER_FULL else value // 2
                push_at = now + fixed + ((value - fixed) * (draw >> 12) >> 20)
                push_sequence = sequence
                sequence += 1
                push_what = ISSUE | who << CODE_BITS
                code = IDLE

        if vacant == 0:
            if push_at >= 0:
                hole = size
                size += 1
                while hole > 0:
                    above = (hole - 1) >> 1
                    if heap_at[above] < push_at or (heap_at[above] == push_at and heap_sequence[above] < push_sequence):
                        break
                    heap_at[hole] = heap_at[above]
                    heap_sequence[hole] = heap_sequence[above]
                    heap_what[hole] = heap_what[above]
                    hole = above
                heap_at[hole] = push_at
                heap_sequence[hole] = push_sequence
                heap_what[hole] = push_what
                push_at = -1
        elif push_at >= 0 or (code == IDLE and depth == 0):
            # What an event causes first takes its place in the heap, and what stands last does if it causes nothing.
            if push_at < 0:
                size -= 1
                push_at = heap_at[size]
                push_sequence = heap_sequence[size]
                push_what = heap_what[size]
            # The place behind the last is never first, so that a branch less is needed which nobody can foresee.
            heap_at[size] = NEVER_NS
            hole = 0
            child = 1
            while child < size:
                right = child + 1
                child += (heap_at[right] < heap_at[child]) | (
                    (heap_at[right] == heap_at[child]) & (heap_sequence[right] < heap_sequence[child])
                )
                if heap_at[child] > push_at or (heap_at[child] == push_at and heap_sequence[child] > push_sequence):
                    break
                heap_at[hole] = heap_at[child]
                heap_sequence[hole] = heap_sequence[child]
                heap_what[hole] = heap_what[child]
                hole = child
                child = 2 * hole + 1
            heap_at[hole] = push_at
            heap_sequence[hole] = push_sequence
            heap_what[hole] = push_what
            push_at = -1
            vacant = 0

    state[STATE_NOW] = now
    state[STATE_NEXT] = coming
    state[STATE_SEQUENCE] = sequence
    state[STATE_HEAP] = size
    state[STATE_DEPTH] = depth
    state[STATE_CODE] = code
    state[STATE_WHO] = who
    state[STATE_VALUE] = value
    state[STATE_EVENTS] = events
    state[STATE_BUCKET] = bucket
    state[STATE_FREE_OP] = free_op
    state[STATE_FREE_JOB] = free_job
    state[STATE_VACANT] = vacant
    return status
