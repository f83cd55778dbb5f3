# %% [markdown]
# # Exercise 05: deliver to a celebrity's followers
#
# Three parts, seven checks: put numbers on a celebrity's post, write the delivery code of a hybrid, and choose the threshold that
# keeps two promises. Work from top to bottom, and check as often as you like: only your best result counts.
#
# - `check("05")` grades everything, `check("05", "threshold")` one task.
# - `check("05").hint()` shows a hint; each call says a little more. `check("05").solution()` shows our solution
#   after your first attempt.
# - A `...` is where your work goes. Until you replace it, a task counts as *not attempted*.

# %%
from fortyfive import check
from fortyfive.flow.fan_out import exercise_workload, follower_graph
from fortyfive.widgets.fan_out import explore_fan_out

# %% [markdown]
# ## 1. Put numbers on it
#
# An account with **50 million followers** posts, and product wants the post with the **last follower within
# 60 seconds**.
#
# How many deliveries a second is that, on average? Write a number with its unit, as a text: for example `"12 K/s"`. Within
# 5 % is near enough.

# %%
# BEGIN SOLUTION
deliveries_per_s = "833 K deliveries/s"
# END SOLUTION

# %% [markdown]
# A colleague suggests DynamoDB: "50 million small writes under one partition key, DynamoDB scales". One partition takes
# 1,000 write units a second, and each of these writes is one unit. Suppose that all of them stay in one partition. How
# long do the writes take? Write a time with its unit.

# %%
# BEGIN SOLUTION
time_on_one_key = "13.9 h"
# END SOLUTION

# %%
check("05", "deliveries_per_s", "time_on_one_key")

# %% [markdown] tags=["solution"]
# 50,000,000 deliveries / 60 s is about 833,000 deliveries/s. 50,000,000 writes / 1,000 writes/s is 50,000 s, and
# 50,000 s / 3,600 s/h is 13.9 h. Both are one division, said aloud with its units; the second ends the sentence
# "DynamoDB scales" politely.

# %% [markdown]
# ## 2. Deliver with a hybrid
#
# Write five functions. The store calls them **after** it has recorded what happened: when `publish` runs, the post is in
# its author's outbox already; when `unfollow` runs, the reader no longer follows; when `delete` runs, the post has left
# the outbox. What the store does *not* do is keep the stored timelines, the inboxes, right. That is your job.
#
# | you may call | what it gives | price |
# |---|---|---|
# | `store.followers(author)` | names of the readers who follow the author now | free |
# | `store.following(reader)` | names of the authors whom the reader follows now | free |
# | `store.is_celebrity(author)` | whether the author is above the threshold; this does not change in this exercise | free |
# | `store.outbox(author)` | the author's posts, newest first | 1 lookup |
# | `store.inbox(reader)` | what was added to the reader's stored timeline, newest first | 1 lookup |
# | `store.add(reader, post)` | puts the post into the reader's inbox; once is as good as twice | 1 write |
# | `store.remove(reader, post)` | takes it out again, if it is there | 1 write |
#
# A post has `post.id` and `post.author`; a larger id is newer. Each call may run on another machine: only the store
# remembers, and a variable outside your functions does not.
#
# **Right** means: at every `read`, the reader sees exactly the newest `limit` posts of everybody they follow at that
# moment, newest first. **In budget** means: nothing that concerns a celebrity (publish, delete, follow, unfollow) writes to
# an inbox, and a read looks up no ordinary author's outbox. The lesson says that a read may filter deleted posts instead;
# this store gives a read no cheap way to know them, so here the copies must go.


# %%
def publish(post, store):
    """The post was just added to its author's outbox."""
    # BEGIN SOLUTION
    if not store.is_celebrity(post.author):
        for reader in store.followers(post.author):
            store.add(reader, post)
    # END SOLUTION


def read(reader, limit, store):
    """Return the reader's timeline: a list of posts."""
    # BEGIN SOLUTION
    posts = store.inbox(reader)
    for author in store.following(reader):
        if store.is_celebrity(author):
            posts += store.outbox(author)
    return sorted(posts, key=lambda post: post.id, reverse=True)[:limit]
    # END SOLUTION


# %%
check("05", "publish", "read")


# %% [markdown]
# Now let people change their minds.


# %%
def follow(reader, author, store):
    """The reader has just followed the author."""
    # BEGIN SOLUTION
    if not store.is_celebrity(author):
        for post in store.outbox(author):
            store.add(reader, post)
    # END SOLUTION


def unfollow(reader, author, store):
    """The reader has just stopped following the author."""
    # BEGIN SOLUTION
    if not store.is_celebrity(author):
        for post in store.outbox(author):
            store.remove(reader, post)
    # END SOLUTION


def delete(post, store):
    """The post was just deleted from its author's outbox."""
    # BEGIN SOLUTION
    if not store.is_celebrity(post.author):
        for reader in store.followers(post.author):
            store.remove(reader, post)
    # END SOLUTION


# %%
check("05", "follow", "unfollow", "delete")

# %% [markdown] tags=["solution"]
# The hybrid is short because the hard part is not the code but the list of events that a copy must hear of: publish,
# follow, unfollow, delete. A celebrity's posts are never copied, so for celebrities there is nothing to keep right:
# that is what pull buys. `read` merges before it cuts; cutting each list first is fine too, as long as the merged list is
# cut last.

# %% [markdown]
# ## 3. Choose the threshold
#
# The same graph as in the lesson, with a quarter of the delivery workers: 500 deliveries/s. Product promises:
#
# - the last follower of any *pushed* account has a post within **10 s**, and
# - ninety-nine reads in a hundred need at most **8 lookups**.
#
# Move the slider. The dashed lines are the two promises; the table has the same numbers.

# %%
graph, workload = follower_graph(), exercise_workload()
explore_fan_out(graph, workload, slowest_delivery_s=10, p99_lookups=8)

# %% [markdown]
# Write down the threshold that you would defend, as a plain number: accounts with **more** followers than this are pulled.

# %%
# BEGIN SOLUTION
threshold = 5_000
# END SOLUTION

# %%
check("05", "threshold")

# %% [markdown] tags=["solution"]
# From above: 500 deliveries/s for 10 s is 5,000 deliveries, so no account with more followers may be pushed. From below:
# the fewer accounts you push, the more a read has to look up. The neighbours on the slider show that both promises bind.

# %% tags=["solution"]
from fortyfive.flow.fan_out import cost
from fortyfive.widgets.fan_out import fan_out_table
from fortyfive.widgets.table import Captioned

costs = [cost(graph, workload, value) for value in (2_000, threshold, 10_000)]
Captioned(fan_out_table(costs), "Only the middle row keeps both promises")

# %% [markdown]
# ## Where you stand

# %%
check("05")
