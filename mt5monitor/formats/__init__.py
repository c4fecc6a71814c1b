"""How dates and times are shown, by language: see settings.FORMAT_MODULE_PATH."""
