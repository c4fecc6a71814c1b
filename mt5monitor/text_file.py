"""Text in files that people write, in whichever encoding their editor chose."""

import codecs

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class NotText(ValueError):
    """The bytes cannot be read as text; the error says why, to follow the name of the file."""


def decoded(data: bytes) -> str:
    """Return the text without its byte-order mark. Raises NotText.

    UTF-8, or UTF-16 with a mark, which is what Notepad calls "Unicode" and PowerShell writes.
    """
    try:
        text = data.decode("utf-16" if data.startswith(UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotText(f"is not text in UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    if "\0" in text:
        raise NotText("looks like UTF-16 without a byte-order mark. Save it as UTF-8.")
    return text
