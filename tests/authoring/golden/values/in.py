# %% [markdown]
# # Values to give

# %%
# BEGIN SOLUTION
rate_per_s = 50_000_000 / 60
# END SOLUTION

# %%
# How long may it take?
# BEGIN SOLUTION
limit_s: float = 2.0  # as the lesson says
names: "list[str]" = [
    "push",
    "pull",
]
limit_s = limit_s * 1.5
# END SOLUTION
round(limit_s)


# %%
def choose():
    # BEGIN SOLUTION
    chosen = "push"
    # END SOLUTION
    return chosen, limit_s


# %%
# Only plain assignments keep their names.
# BEGIN SOLUTION
first, second = 1, 2
# END SOLUTION

# %%
# BEGIN SOLUTION
third = 3
abs(third)
# END SOLUTION

# %%
# BEGIN SOLUTION
fourth = fifth = 4
# END SOLUTION

# %%
# BEGIN SOLUTION
# A block that holds nothing but a remark.
# END SOLUTION
