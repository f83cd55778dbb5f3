"""Designs that do what their prompt asks, so that no rule finds anything about them: each a text, in its own style."""

REFERENCES = {
    "notifications, one pool": (
        "notifications",
        """
        client -> gateway ->[retry=3] notify x4 [backlog=20]
        notify -> kv                                   # device tokens, preferences
        notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns
        """,
    ),
    "notifications, two providers": (
        "notifications",
        """
        callers:client -> lb ->[retry=4] api:service x6 [slots=8, backlog=10, time=15ms]
        api -> tokens:sql x2 [time=2ms, failover=0s, standby]
        api ->[fanout=4] work:queue [limit=500k, tries=4, visibility=10s]
        work -> senders:workers x20
        senders ->[share=0.6, timeout=2s] apns
        senders ->[share=0.4, timeout=2s] fcm
        """,
    ),
    "url-shortener, one service": (
        "url-shortener",
        """
        client -> lb ->[retry=3] shorten x10 [backlog=20] -> links:kv x4
        """,
    ),
    "url-shortener, reads apart": (
        "url-shortener",
        """
        client -> lb
        lb ->[only=read, retry=3] redirect:service x8 [slots=12, backlog=12, time=15ms]
        lb ->[only=write, retry=4] create:service x4 [backlog=20]
        redirect ->[optional] cache x3 [size=15k, ttl=5m, coalesce]
        redirect ->[only=miss] links:kv x2 [slots=6]   # without the cache its hottest part would be full
        create -> links
        """,
    ),
    "checkout": (
        "checkout",
        """
        client -> lb
        lb ->[only=browse, retry=3] catalogue x6 [backlog=20] -> products:kv x4
        lb ->[only=cart, retry=4] cart x4 [backlog=20] -> carts:kv x4
        lb ->[only=order+orders, retry=4] order x3 [backlog=20] -> orders_db:sql x2 [standby]
        order ->[only=order] mails:queue [limit=1M, tries=5] -> workers x2 -> mail:push
        """,
    ),
    "checkout, one service": (
        "checkout",
        """
        web:client, phone:client -> gateway ->[retry=4] shop x9 [backlog=15]
        shop ->[only=browse] products:sql x5 [time=4ms, lag=50ms]
        shop ->[only=cart] carts:kv x4
        shop ->[only=order+orders] orders_db:sql x2 [standby]
        shop ->[only=order] mails:stream [limit=1M, tries=5, partitions=8] -> mailer:workers x2 -> mail:push
        """,
    ),
}
