"""Words of a sentence that depend on what they speak of."""

from histoniche.wording import count, join_words, listed


def test_a_count_has_the_noun_that_fits():
    told = [count(number, "patient") for number in (0, 1, 2, 1204)]
    assert told == ["0 patients", "1 patient", "2 patients", "1,204 patients"]
    assert [count(number, "died", "died") for number in (1, 2)] == ["1 died", "2 died"]


def test_words_are_joined_as_in_a_sentence():
    joined = [join_words(list(words)) for words in ("", "a", "ab", "abc")]
    assert joined == ["", "a", "a and b", "a, b and c"]


def test_a_long_list_ends_with_how_many_more_there_are():
    assert listed(list("abcde")) == "a, b, c, d and e"
    assert listed(list("abcdef")) == "a, b, c, d, e and 1 more"
    assert listed(list("abc"), between="; ") == "a; b; c"
    assert listed(list("abc"), most=2, between="; ") == "a; b and 1 more"
