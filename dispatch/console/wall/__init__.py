"""The wall: what is shown in which window of which screen, presets, patrols, and the screens that show it."""
