"""The slow twin: every operation as loops or plain NumPy that mirror its formula.

One module per topic, named and shaped like the stubs in `exercises/`, so the same files are also
the answer key. They use NumPy and the standard library only and import one another relatively.
`general.py` holds the operations that no exercise names.
"""
