"""The numbers of a text are found with their units, in the words of the text; what is no number is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fortyfive.numbers.prose import quantities_in, sentences

FOUND = {
    "5,000 followers": ("5,000 followers", 5_000, ""),
    "within 10 s of it": ("10 s", 10, "second"),
    "about 10 seconds.": ("10 seconds", 10, "second"),
    "at 2.5 K/s": ("2.5 K/s", 2_500, "1/second"),
    "99 % of them": ("99 %", 0.99, ""),
    "some 1.5 M": ("1.5 M", 1_500_000, ""),
    "1.5 million followers": ("1.5 million followers", 1_500_000, ""),
    "a 5,000-follower line": ("5,000-follower", 5_000, ""),
    "5K followers": ("5K followers", 5_000, ""),
    "5 000 copies": ("5 000 copies", 5_000, ""),
    "500 deliveries/s here": ("500 deliveries/s", 500, "1/second"),
    "10 reads a day each": ("10 reads a day", 10 / 86_400, "1/second"),
    "8 lookups a read": ("8 lookups", 8, ""),
    "USD 3 a month": ("USD 3 a month", 3 / (30 * 86_400), "USD/second"),
    "$12 in all": ("$12", 12, "USD"),
    "1.2 Gbit/s": ("1.2 Gbit/s", 150e6, "byte/second"),
    "20 GB per user per year": ("20 GB per user per year", 20e9 / (365 * 86_400), "byte/second"),
    "2 x 10^6 posts": ("2 x 10^6 posts", 2_000_000, ""),
    "10x the posts": ("10x", 10, ""),
    "10 followers push it": ("10 followers", 10, ""),
    "it takes 10 m": ("10", 10, ""),
    "5 colleagues agree": ("5", 5, ""),
}


@pytest.mark.parametrize("text", FOUND)
def test_a_quantity_is_quoted_with_its_unit(text):
    (mention,) = quantities_in(text)
    assert (mention.quote, mention.value, mention.unit) == pytest.approx(FOUND[text])
    assert text[mention.start :].startswith(mention.quote)


@pytest.mark.parametrize(
    "text", ["", "p99", "the p99 of H2", "the 3rd", "4xx", "10m", "ten seconds", "one in a hundred"]
)
def test_what_is_no_number_is_not_found(text):
    assert quantities_in(text) == []


def test_each_number_comes_with_its_own_sentence():
    text = "It takes 9.6 s. The p99 read, e.g. at noon, needs approx. 7 lookups!\nAt 10,000 it is 18.9 s; so what?"
    found = [(mention.quote, mention.sentence) for mention in quantities_in(text)]
    assert found == [
        ("9.6 s", "It takes 9.6 s."),
        ("7 lookups", "The p99 read, e.g. at noon, needs approx. 7 lookups!"),
        ("10,000", "At 10,000 it is 18.9 s; so what?"),
        ("18.9 s", "At 10,000 it is 18.9 s; so what?"),
    ]
    assert [text[sentence.start :].startswith(sentence.text) for sentence in sentences(text)] == [True] * 3


def test_a_noun_is_what_is_counted():
    nouns = {mention.quote: mention.noun for mention in quantities_in("5 K followers, 99 percent, 7, 12 s, 8 Lookups")}
    assert nouns == {"5 K followers": "followers", "99 percent": "", "7": "", "12 s": "", "8 Lookups": "lookups"}


@given(st.text(max_size=200))
def test_any_text_is_read_and_quoted_word_for_word(text):
    for mention in quantities_in(text):
        assert text[mention.start : mention.start + len(mention.quote)] == mention.quote
        assert mention.quote in mention.sentence
        assert mention.sentence in text


@given(st.integers(0, 10**9), st.sampled_from(["s", "ms", "followers", "lookups", "GB", "K/s"]))
def test_every_number_in_a_sentence_is_found(number, unit):
    found = quantities_in(f"Of {number:,} {unit} we say that it is so, and of {number} {unit} too.")
    assert len(found) == 2
    assert found[0].value == found[1].value
    assert (found[0].value == 0) == (number == 0)
