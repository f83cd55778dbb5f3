# %% [markdown]
# # Blocks to write


# %%
def deliver(post, followers):
    """Return one delivery for each follower."""
    if not followers:
        # BEGIN SOLUTION
        return []
        # END SOLUTION
    # BEGIN SOLUTION
    deliveries = set(followers)

    # Nobody hears of their own post.
    deliveries.discard(post.author)
    return [(post, follower) for follower in sorted(deliveries)]
    # END SOLUTION


# %%
class Inbox:
    def __init__(self):
        self.posts = []

    def put(self, post):
        # BEGIN SOLUTION
        self.posts.append(post)
        # END SOLUTION

    def all(self):
        return self.posts


# %%
# BEGIN SOLUTION
# %time deliver(1, [2, 3])
# END SOLUTION

# %%
len("before")
# BEGIN SOLUTION
len("“quoted” — and more")
# END SOLUTION
