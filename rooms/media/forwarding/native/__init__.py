"""The inner loops of forwarding: written in Python, translated into machine code once, loaded by every engine process.

What :mod:`image` names is plain Python over memory (:mod:`memory`, :mod:`layout`) and runs as it stands, which is how it is tested.
:mod:`translate` makes machine code of it with numba, in a process of its own, so that neither numba nor LLVM is in an engine
process (70 MB and a third of a second each). :mod:`image` keeps the result and loads it.
"""
