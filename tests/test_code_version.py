import shutil

import pytest

from histoniche import code_version as subject


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules: a uses b, c stands alone."""
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "__init__.py").write_text('"""Rooms."""\n')
    (tmp_path / "rooms" / "a.py").write_text(
        "from histoniche.rooms.b import two\n\n\ndef four():\n    return two() * 2\n"
    )
    (tmp_path / "rooms" / "b.py").write_text('def two():\n    """Two."""\n    return 2\n')
    (tmp_path / "rooms" / "c.py").write_text("THREE = 3\n")
    monkeypatch.setattr(subject, "_FOLDER", tmp_path)
    subject._digest.cache_clear()
    yield tmp_path / "rooms"
    subject._digest.cache_clear()


def version(module):
    subject._digest.cache_clear()
    return subject.code_version(module)


def test_comments_docstrings_and_layout_change_nothing(package):
    before = version("histoniche.rooms.a")
    (package / "b.py").write_text('# New.\ndef two():\n    """A pair."""\n\n    return (2)\n')
    assert version("histoniche.rooms.a") == before


def test_an_edit_changes_the_module_and_its_users_alone(package):
    names = ["histoniche.rooms.a", "histoniche.rooms.b", "histoniche.rooms.c"]
    before = [version(name) for name in names]
    (package / "b.py").write_text("def two():\n    return 2.0\n")
    after = [version(name) for name in names]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]


def test_an_unknown_module_is_an_error(package):
    shutil.rmtree(package)
    with pytest.raises(ValueError, match="no module"):
        version("histoniche.rooms.a")
