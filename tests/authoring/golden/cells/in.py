# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Somebody's own
#     language: python
#     name: somebody
# ---

# %% [markdown]
# # Cells to drop
#
# They are `code` or words.

# %% [markdown] tags=["solution"]
# Because a celebrity has too many followers.

# %% tags=["solution"]
len("an answer")

# %% tags=["nbval-ignore-output", "hide-input"] jupyter={"source_hidden": true}
len("kept")

# %%
# %matplotlib inline

# %%


# %%
len("twice")

# %%
len("twice")

# %% [markdown]
"""
Words in quotes.
"""

# %% tags=["solution", "raises-exception"]
# BEGIN SOLUTION
answer = 1 / 0
# END SOLUTION

# %% [raw]
# as it is
