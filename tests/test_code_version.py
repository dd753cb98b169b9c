import pytest

from histoniche import code_version as subject


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Scripts x and y; x leads to module a and on to b, y to c alone."""
    rooms = tmp_path / "histoniche" / "rooms"
    rooms.mkdir(parents=True)
    (rooms / "__init__.py").write_text('"""Rooms."""\n')
    (rooms.parent / "jobs.py").write_text("FIRST = 1\n")
    (rooms / "a.py").write_text(
        "from histoniche.rooms.b import two\n\n\ndef four():\n    return two() * 2\n"
    )
    (rooms / "b.py").write_text('def two():\n    """Two."""\n    return 2\n')
    (rooms / "c.py").write_text("THREE = 3\n")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "x.py").write_text(
        "from histoniche.jobs import FIRST\n\nwith open(FIRST):\n"
        "    from histoniche.rooms.a import four\n\n    four()\n"
    )
    (tmp_path / "scripts" / "y.py").write_text("from histoniche.rooms.c import THREE\n")
    monkeypatch.setattr(subject, "_FOLDER", rooms.parent)
    forget()
    yield tmp_path
    forget()


def forget():
    """As in a new process: nothing of what was read is known any more."""
    subject.code_version.cache_clear()
    subject._digest.cache_clear()


def versions():
    forget()
    return [subject.code_version(script) for script in ("x", "y")]


def changed(before):
    return [old != new for old, new in zip(before, versions(), strict=True)]


def test_comments_docstrings_and_layout_change_nothing(package):
    before = versions()
    module = package / "histoniche" / "rooms" / "b.py"
    module.write_text('# New.\ndef two():\n    """A pair."""\n\n    return (2)\n')
    assert changed(before) == [False, False]


def test_an_edit_of_a_module_changes_the_scripts_that_lead_to_it_alone(package):
    before = versions()
    (package / "histoniche" / "rooms" / "b.py").write_text("def two():\n    return 2.0\n")
    assert changed(before) == [True, False]


def test_an_edit_of_a_script_changes_that_script_alone(package):
    before = versions()
    script = package / "scripts" / "y.py"
    script.write_text(script.read_text() + "print(THREE)\n")
    assert changed(before) == [False, True]


def test_how_jobs_are_logged_changes_nothing(package):
    before = versions()
    (package / "histoniche" / "jobs.py").write_text("FIRST = 2\n")
    assert changed(before) == [False, False]


def test_an_unknown_script_is_an_error(package):
    with pytest.raises(ValueError, match="no script"):
        subject.code_version("z")
