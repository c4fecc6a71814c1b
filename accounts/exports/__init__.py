"""Rows as files: CSV, XLSX and worksheets of Google, of whatever table is declared.

A `Table` says which rows and which columns; what is in `columns` of accounts is in accounts.py, of
trading in trading/exports.py. Nothing here knows what a row means.
"""

__all__ = ["accounts", "csvfile", "sheets", "table", "xlsxfile"]
