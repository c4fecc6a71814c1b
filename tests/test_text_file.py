"""Files as the editors of Windows save them, read alike by the monitor and by the agent."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent import text_file as agent_text
from mt5monitor.text_file import decoded

TEXT = "clave = contraseña\r\n"
Reader = Callable[[bytes], str]


@pytest.fixture(params=["monitor", "agent"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Reader:
    def by_agent(data: bytes) -> str:
        (tmp_path / "file").write_bytes(data)
        return agent_text.read_text(tmp_path / "file")

    return decoded if request.param == "monitor" else by_agent


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
    ],
    ids=["UTF-8", "UTF-8 with BOM", "UTF-16 LE", "UTF-16 BE"],
)
def test_a_file_is_read_whole_and_without_its_mark(read: Reader, data: bytes) -> None:
    assert read(data) == TEXT


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (TEXT.encode("cp1252"), r"not text in UTF-8 \(byte 16\)\. Save it as UTF-8"),
        (TEXT.encode("utf-16-le"), r"not text in UTF-8 \(byte 32\)\. Save it as UTF-8"),
        ("key".encode("utf-16-le"), "looks like UTF-16 without a byte-order mark"),
        (b"\xff\xfeabc", "not text in UTF-8"),
    ],
    ids=["ANSI", "UTF-16 without a mark", "the same, ASCII only", "half a character"],
)
def test_another_encoding_is_named_with_how_to_save_it(read: Reader, data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(data)
