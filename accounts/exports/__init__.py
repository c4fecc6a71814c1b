"""Rows as files: CSV, XLSX and worksheets of Google, of whatever table is declared.

A `Table` says which rows and which columns. The columns of accounts are in fleet/columns.py, those
of trading beside its lists. Nothing here knows what a row means.

table.py     what is exported: rows, and columns with their kinds
cells.py     text that no spreadsheet takes for a formula, exact numbers
csvfile.py   CSV, sent while it is read
xlsxfile.py  XLSX, written row by row
sheets.py    tables into worksheets of Google
google.py    one spreadsheet of Google
"""

__all__ = ["cells", "csvfile", "sheets", "table", "xlsxfile"]
