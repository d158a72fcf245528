"""The capstone's page to draw on: digits by hand, and every layer of the network at work.

`strokes` makes an image of them, `head` the model where none is named, `pictures` what the page
shows of a layer, `own` has a student's functions compute it too, `server` brings it to a browser.
"""
