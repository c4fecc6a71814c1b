"""Text in files that people write, in whichever encoding their editor chose.

The monitor has the same rules in a module of its own: neither program imports the other.
"""

import codecs
from pathlib import Path

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """Return the text without its byte-order mark.

    UTF-8, or UTF-16 with a mark, which is what Notepad calls "Unicode" and PowerShell writes.
    Raises `ValueError`, which says how to save the file, for any other encoding, and `OSError`.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-16" if data.startswith(UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not text in UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    if "\0" in text:
        raise ValueError("looks like UTF-16 without a byte-order mark. Save it as UTF-8.")
    return text
