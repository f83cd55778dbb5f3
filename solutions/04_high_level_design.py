# %% [markdown]
# # Exercise 04: draw it, and run it
#
# Eight parts: draw a notification system, let it grow tenfold, keep a URL shortener alive while a machine is dead, make
# a rich design lean, predict what breaks first, choose who gets the next request, bring a shop through a sale, and
# write two small functions. What you draw is run, under its load and with an instance dead, and what you predict is
# compared with a run.
#
# - `check("04")` grades everything, `check("04", "skeleton")` one task.
# - `check("04").hint()` shows a hint; each call says a little more. `check("04").solution()` shows our solution after
#   your first attempt.
# - A `...` is where your work goes. Until you replace it, a task counts as *not attempted*.

# %%
import math
import textwrap

import pandas as pd

from fortyfive import check
from fortyfive.checks import high_level_design_given as given
from fortyfive.design.kinds import KINDS
from fortyfive.design.text import read
from fortyfive.flow.designs import run, summary
from fortyfive.judgement.judge import judge
from fortyfive.scenario.prompts import PROMPTS
from fortyfive.widgets.board import draw
from fortyfive.widgets.table import Captioned


# %%
def asked(prompt):
    """Show what is asked, how much of it comes, and what is promised."""
    print("\n".join(f"{each.name}: {each.what}" for each in prompt.load.operations))
    promised = pd.DataFrame(
        {
            each.name: {
                "requests (1/s)": f"{each.rate_per_s:,g}",
                "answer p99 (s)": f"{each.answer_p99_s:g}",
                "done p99 (s)": f"{each.done_p99_s:g}" if each.done_p99_s else "-",
                "answered while one is dead": f"{each.available:.1%}" if each.available else "-",
                "becomes": f"{each.copies} messages" if each.copies > 1 else "-",
            }
            for each in prompt.load.operations
        }
    ).T
    return Captioned(promised, f"{prompt.asked} A month may cost USD {prompt.usd_a_month:,.0f}.")


def look(text, prompt):
    """Run a design, judge it, and print what came of it."""
    judgement = judge(read(text).design, prompt)
    for label, value in summary(judgement.trace):
        print(f"{label}: {value}")
    for finding in judgement.findings:
        print(textwrap.fill(f"- {finding.sentence()}", 110, subsequent_indent="  "))


def measured(text, load):
    """Run a design under a load, and print what came of it."""
    for label, value in summary(run(read(text).design, load)):
        print(f"{label}: {value}")


# %% [markdown]
# A design is a text that you could type on a call: `client -> lb ->[retry=1] shop x3 -> db`. A name is a box; `x3` is
# how many machines stand behind it. `[...]` holds what is said about a box, or about an arrow where it stands behind
# one. `name:kind` says what a box is; a word such as `lb`, `queue` or `kv` says it alone, and any other word is a
# service of yours.
#
# What a machine does is given, for every kind. **You choose what there is, how many, how they are linked, and their
# limits**; you do not choose `time`, `slots`, `hit` or `usd`. All words are on the book's page *Type a design*.

# %%
kinds = {
    kind.word: [kind.title, kind.time_s, kind.slots or "all", "yes" if kind.holds else ""] for kind in KINDS.values()
}
columns = ["what it is", "time_s", "slots", "holds its slot while it waits"]
Captioned(pd.DataFrame.from_dict(kinds, orient="index", columns=columns), "One machine of each kind")

# %% [markdown]
# ## 1. The skeleton

# %%
asked(PROMPTS["notifications"])

# %% [markdown]
# Another team's service asks you to notify a user, and each user has four devices. The answer must not wait for the
# push provider. Any one machine may die. And an interviewer will push: what if the queue grows, what if a message
# always fails, what if twice as much comes, and what is this box for?
#
# Draw on the board, or type beside it; *Run* runs it. Breadth first: get every way there before you tune a box.

# %%
board = draw("client -> notify", prompt=PROMPTS["notifications"], save_as="04_skeleton.txt")
board

# %% [markdown]
# Then give the check your design: `skeleton = board` takes what you have drawn, and a text between three quotation
# marks is as good.

# %%
# BEGIN SOLUTION
skeleton = """
client -> gateway ->[retry=3] notify x4 [backlog=20] -> kv
notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns
"""
# END SOLUTION

# %%
check("04", "skeleton")

# %% [markdown] tags=["solution"]
# Two lines. The first is what the caller waits for: somebody checks who they are, our code looks up the tokens and puts
# the message into a queue. The second is what nobody waits for. The queue is not there for speed; it is there because
# the answer is a promise, and the provider is not ours.
#
# Everything in brackets answers a question. `retry=3`: what if a machine has just died? `backlog=20`: what if too much
# comes? `limit`, `tries`: what if the readers are slow, what if a message always fails? There is no cache: the store
# answers in 4 ms, and no promise asks for less.

# %% tags=["solution"]
look(skeleton, PROMPTS["notifications"])

# %% [markdown]
# ## 2. Ten times as much
#
# This design carries today's load. Soon **ten times as many** notifications come, and a month may then cost **USD
# 20,000**. The promises stay, and still any one machine may die.

# %%
print(given.TODAY)
look(given.TODAY, given.prompt_of_growth())

# %% [markdown]
# Write the new design, with the same names for the boxes that stay. The interviewer floats four things: `"batches"`
# (workers that take several messages at once), a `"cache"` in front of the store, a `"stream"` (Kafka) in place of the
# queue, and a `"second region"`. You may do any of them, or none.

# %%
# BEGIN SOLUTION
design_10x = """
client -> gateway ->[retry=3] notify x12 [backlog=20] -> kv x3
notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 [batch=10] -> apns
"""
# END SOLUTION

# %% [markdown]
# And say what you did, as one would on a call: what is kept, what changes, what is new, what is gone, what waits. Write
# a dictionary of lists of names, with the keys `"kept"`, `"changed"`, `"added"`, `"removed"` and `"deferred"`. A box is
# **kept** if all its parameters and the arrows that leave it are as before. What was floated and you do not do is
# **deferred**, in the words above. A list that would be empty may be left out.
#
# Make it small. Each of your changes is undone, one at a time, and the design is run again: what holds without a change
# did not need it.

# %%
# BEGIN SOLUTION
changes = {
    "kept": ["client", "gateway", "queue", "apns"],
    "changed": ["notify", "kv", "workers"],
    "deferred": ["cache", "stream", "second region"],
}
# END SOLUTION

# %%
check("04", "design_10x", "changes")

# %% [markdown] tags=["solution"]
# Three numbers change. The services and the store were full, and get more machines. The workers would have needed more
# than a hundred: they spend their time waiting for the provider, and ten messages in one go wait once. That is where
# the budget is met. Gateway, queue and provider are paid for by the request: they grow by themselves, and so does their
# bill. A cache before the store would have done too.

# %% tags=["solution"]
look(design_10x, given.prompt_of_growth())

# %% [markdown]
# ## 3. One is dead

# %%
asked(PROMPTS["url-shortener"])

# %% [markdown]
# Draw a URL shortener that keeps these promises within its budget, and answers **99.9 %** of the requests **while any
# one machine is dead**. A dead machine refuses at once whatever it is sent. A balancer, or whoever else spreads calls,
# takes three seconds to notice it. A key-value store keeps three copies of everything, and bears a death by itself.

# %%
# BEGIN SOLUTION
shortener = """
client -> lb ->[retry=2] shorten x8 [backlog=20]
shorten ->[optional] cache x2 [size=20k, coalesce]
shorten ->[only=miss] links:kv
"""
# END SOLUTION

# %%
check("04", "shortener")

# %% [markdown] tags=["solution"]
# Eight machines are redundant, and that is not enough: for three seconds one call in eight meets the dead one. A second
# try meets it with a chance of 1/8 again, and a third: with k retries (1/n) to the power of (k + 1) fail. The cache is
# `optional`, so its death makes misses, not errors. The same design without retries says it in numbers.

# %% tags=["solution"]
look(shortener.replace("[retry=2]", ""), PROMPTS["url-shortener"])

# %% [markdown]
# ## 4. Too much
#
# A colleague's URL shortener, for the same prompt. It does much, and keeps not even its promises.

# %%
print(given.RICH)
look(given.RICH, PROMPTS["url-shortener"])

# %% [markdown]
# Which boxes go? Write a list of their names. Whoever called a box that goes calls what it called. What is left must
# keep every promise, and no box may be left that no promise needs.

# %%
# BEGIN SOLUTION
removed = ["dns", "limiter", "ids", "scan", "scanner", "clicks", "counters", "stats", "search"]
# END SOLUTION

# %%
check("04", "removed")

# %% [markdown] tags=["solution"]
# Nine boxes go. None of them is silly: a shortener at work has some of them. But the prompt asks for two things, and
# what nobody has asked for is deferred aloud: "clicks come with the first customer who wants them". The cache stays:
# one part of the store is full at 4,000 reads a second, so it is the cache that keeps the promise. Without the cache
# and with more parts of the store it would be as lean.

# %% [markdown]
# ## 5. What breaks first?
#
# Posts come at **50 a second** today, and each becomes **three** messages. Times and slots of this design are its own.

# %%
print(given.GROWING)
draw(given.GROWING)

# %% [markdown]
# Services and workers keep a slot while they wait for what they call; putting a message into the queue takes 5 ms, and
# the provider takes all that come. Do not run it. With pen and paper: **which box is full first**, as the posts grow,
# and **at how many times** today's load? Within 10 % is near enough.

# %%
# BEGIN SOLUTION
bottleneck = "workers"
breaks_at = 2.67
# END SOLUTION

# %%
check("04", "bottleneck", "breaks_at")

# %% [markdown] tags=["solution"]
# A worker takes 5 ms, and waits 75 ms for the provider with its slot in its hand: 32 slots /
# 80 ms are 400 messages/s. Three messages a post and 50 posts/s are 150 messages/s today, so 400 / 150 = 2.67 times.
# The store looks worse, with 6 slots / 60 ms = 100 reads/s, but four reads of five never come to it: it would be full
# at ten times the load.

# %% tags=["solution"]
print(f"{2 * 16 / 0.080:.0f} messages/s, {2 * 16 / 0.080 / (50 * 3):.2f} times")
measured(given.GROWING, given.posts(2.5))
print()
measured(given.GROWING, given.posts(3))

# %% [markdown]
# ## 6. Who gets the next request?
#
# A balancer has four policies: at `random`, in turn (`round-robin`), where the `least` is under way, or the better of
# `two` random machines. Three situations:
#
# - `"alike"`: every page takes 20 ms, give or take a little, and the eight machines do one at a time;
# - `"uneven"`: a search takes 20 ms on average, but one in a hundred takes 200 ms or more;
# - `"one dies"`: eight machines with time to spare, and one of them is dead. It refuses at once what it is sent, and for
#   three seconds nobody notices.
#
# Choose for each, in a dictionary: `{"alike": "random", ...}`. In the first two the p99 counts, in the third how many
# requests get no answer. What is nearly as good as the best counts as right; all four are run.

# %%
print("\n".join(f"{name}: {text}" for name, text in given.SITUATIONS.items()))

# %%
# BEGIN SOLUTION
policies = {
    "alike": "round-robin",
    "uneven": "least",
    "one dies": "round-robin",
}
# END SOLUTION

# %%
check("04", "policies")

# %% [markdown] tags=["solution"]
# Turns are blind, which is fine where there is nothing to see. Looking pays where one request takes ten times as long
# as another. And it costs where looking deceives: a machine that refuses at once has nothing under way, so `least`
# sends it nearly everything. That is why a balancer wants health checks that notice soon, and callers that retry.

# %% [markdown]
# ## 7. The sale

# %%
asked(PROMPTS["checkout"])

# %% [markdown]
# Draw the shop: it must keep its promises on an ordinary day, with any one machine dead where a share is promised, and
# within the budget. And on the day of the sale, with **three times the reads and ten times the writes**, the same
# design must keep them again; that day no bill is looked at. `cart` and `order` write. An arrow with `[only=browse]`
# is for these requests alone, `[only=order+orders]` for two kinds. A mail is sent by a push provider: `mail:push`.

# %%
# BEGIN SOLUTION
shop = """
client -> lb
lb ->[only=browse, retry=2] catalogue x14 [backlog=20]
catalogue ->[optional] cache x2 [size=20k, ttl=60s, coalesce]
catalogue ->[only=miss] products:kv
lb ->[only=cart, retry=4] cart x4 [backlog=20] -> carts:kv x2
lb ->[only=order+orders, retry=4] order x3 [backlog=20] -> orders_db:sql x2 [standby]
order ->[only=order] mails:queue [limit=1M, tries=5] -> workers x2 -> mail:push
"""
# END SOLUTION

# %%
check("04", "shop")

# %% [markdown] tags=["solution"]
# Three ways, because three promises: an article may be a minute old, a cart must outlive a browser, and an order and
# its stock change together. On the day of the sale the cache takes most of the reads that are new, and none of the
# writes: services, stores and the queue behind `cart` and `order` see ten times as much. They were given the room
# before, because nobody adds a machine in the first minute of a sale.

# %% tags=["solution"]
measured(shop, given.prompt_of_sale().load)

# %% [markdown]
# ## 8. Two numbers
#
# The two sums that stand behind most boxes. First: how many machines? Requests come at `rate_per_s`, each takes a slot
# for `service_s`, a machine has `slots`, and it may be busy for a share of `most_busy` of its time.


# %%
def instances_for(rate_per_s, service_s, slots, most_busy):
    """Return the smallest number of machines that are not too busy."""
    # BEGIN SOLUTION
    return math.ceil(rate_per_s * service_s / (slots * most_busy))
    # END SOLUTION


# %% [markdown]
# Second: short links of `length` random characters, each a letter of either case or a digit. With so many `links`, how
# likely is it that two of them are the same? Within 2 % is near enough.


# %%
def collision_chance(length, links):
    """Return the chance that at least two of the links are the same, from 0 to 1."""
    # BEGIN SOLUTION
    pairs = links * (links - 1) / 2
    return 1 - math.exp(-pairs / 62**length)
    # END SOLUTION


# %%
check("04", "instances_for", "collision_chance")

# %% [markdown] tags=["solution"]
# Rate x time is how many are at work at once (Little's law); over the slots that may be busy it is the machines, rounded
# up. Collisions come with the pairs, so with the square of the links: a code that has room for 3.5 million million
# links collides long before it is full. Whoever stores a link under "if it is not there yet" need not care.

# %% tags=["solution"]
print(f"{62**7:,} codes; with 2,000,000 links {collision_chance(7, 2_000_000):.0%}")

# %% [markdown]
# ## Where you stand

# %%
check("04")
