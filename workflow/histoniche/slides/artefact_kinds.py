"""Kinds of artefacts, apart from how they are found, which needs more libraries."""

KINDS = ("pen", "fold", "bubble", "overstained", "blurred")
"""In a map of artefacts 0 is none, then 1, 2, ... in this order."""

COLOURS = {
    "pen": (0, 114, 178),
    "fold": (213, 94, 0),
    "bubble": (86, 180, 233),
    "overstained": (0, 0, 0),
    "blurred": (230, 159, 0),
}
"""Colours that all readers tell apart (Okabe and Ito 2008)."""
