"""Rows as files: CSV, XLSX and worksheets of Google, of whatever table is declared.

A `Table` says which rows and which columns. The columns of accounts are in fleet/columns.py, those
of trading in trading/exports. Nothing here knows what a row means.
"""

__all__ = ["cells", "csvfile", "sheets", "table", "xlsxfile"]
