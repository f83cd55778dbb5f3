# %% [markdown]
# # Start here
#
# *Forty-Five Minutes* prepares you for the system-design round by running what you design and measuring what you claim.
#
# 1. **Read a lesson.** Run its cells from top to bottom (`Shift+Enter`), and commit to your prediction before you look.
# 2. **Work its exercise.** Your code goes where the `...` stands. `check("05")` grades it as often as you like;
#    `check("05").hint()` nudges; `check("05").solution()` shows our answer after your first attempt.
# 3. **Say it aloud.** Each lesson ends in sentences to say and pushback to meet. Reading them silently is not practice.
#
# | minutes of the round | topic | read | work |
# |---|---|---|---|
# | 5–15 | High-level design | [lesson 04](04_high_level_design.ipynb) | [exercise 04](../exercises/04_high_level_design.ipynb) |
# | 15–35 | Fan-out | [lesson 05](05_fan_out.ipynb) | [exercise 05](../exercises/05_fan_out.ipynb) |
# | 15–35 | Delivery semantics | [lesson 06](06_delivery_semantics.ipynb) | [exercise 06](../exercises/06_delivery_semantics.ipynb) |
# | 15–35 | Failure modes | [lesson 09](09_failure_modes.ipynb) | [exercise 09](../exercises/09_failure_modes.ipynb) |
#
# The other topics are still being written. `make book` builds the book, and its part openers say what is to come.

# %% [markdown]
# ## Where you stand

# %%
from fortyfive import progress

progress()

# %% [markdown]
# Points, attempts and verdicts are kept in a file on this machine and sent nowhere. `reset("05")` sets them aside for one
# exercise. If something does not work, run `.venv/bin/forty doctor` (on Windows `.venv\Scripts\forty doctor`) in a terminal
# in the course's folder: it says what is wrong and how to mend it.
